/* SPDX-License-Identifier: MIT */
/*
 * The broker's side of a device PD: an I/O address space, opened when first
 * needed. All of it runs on core's main entrypoint.
 */
#ifndef _CORE__INCLUDE__HWB__DOMAIN_H_
#define _CORE__INCLUDE__HWB__DOMAIN_H_

#include <base/stdint.h>
#include <dataspace_component.h>
#include <util/noncopyable.h>

namespace Core::Hwb { class Domain; }


class Core::Hwb::Domain : Genode::Noncopyable
{
	private:

		Genode::uint32_t _handle = 0;

		bool _open();

	public:

		~Domain();

		/* the memory stays the caller's, and mapped until detach() has returned */
		bool attach(Dataspace_component &, Genode::addr_t at);
		void detach(Genode::addr_t at);

		/*
		 * The device with configuration space at `config`; plus 1: gives it back,
		 * as Genode's interface has no word for that. Does not wait for the device:
		 * whoever opens a piece of it later does.
		 */
		bool assign(Genode::addr_t config);
};

#endif
