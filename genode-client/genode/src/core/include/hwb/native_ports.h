/* SPDX-License-Identifier: MIT */
/*
 * Ports that core may touch by itself: a launcher has put them into the process's
 * I/O bitmap and says so in the environment,
 *
 *     HWB_NATIVE_PORTS=0x40-0x43,0x61
 *
 * hexadecimal, ascending or not. What is no range does not count, nor does what
 * comes behind it. Who sets it without the ports ends core by the first access, and
 * only that.
 */
#ifndef _CORE__INCLUDE__HWB__NATIVE_PORTS_H_
#define _CORE__INCLUDE__HWB__NATIVE_PORTS_H_

#include <base/stdint.h>

namespace Core::Hwb {

	/* whether `text`, a list as above, has all of these; count is at least 1 */
	bool ports_in_list(char const *text, unsigned base, unsigned count);

	/* whether core was started with all of these */
	bool native_ports(unsigned base, unsigned count);

	/* one instruction; widths are 1, 2 and 4 bytes */
	Genode::uint32_t native_in (unsigned short port, unsigned width);
	void             native_out(unsigned short port, unsigned width, Genode::uint32_t value);
}

#endif
