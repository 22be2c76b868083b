/* SPDX-License-Identifier: MIT */
/*
 * Requests whose answer nobody waits for: core's main entrypoint must not stand
 * still while a device is reset. A refusal is logged. Not for use in the middle of
 * receiving.
 */
#ifndef _CORE__INCLUDE__HWB__ERRANDS_H_
#define _CORE__INCLUDE__HWB__ERRANDS_H_

#include <base/mutex.h>
#include <base/stdint.h>
#include <hwb/client.h>

namespace Core::Hwb { class Errands; }


class Core::Hwb::Errands : Genode::Noncopyable
{
	private:

		enum { MAX = 64 };

		struct Errand
		{
			hwb_call    call;
			hwb_error   error;
			char const *what;
			bool        busy;
			void      (*then)(void *);
			void       *then_context;
		};

		Genode::Mutex _mutex { };
		Errand        _errands[MAX] { };

		static void _answered(void *errand, hwb_call *call);

		Errand *_take();
		void    _put_back(Errand &);

	public:

		/*
		 * `what`: for the log, static. `then`, which must not wait, is called with
		 * `context` when it is over, whatever came.
		 */
		void send(char const *what, Genode::uint16_t opcode, Genode::uint32_t session,
		          void const *body, Genode::size_t length,
		          void (*then)(void *) = nullptr, void *context = nullptr);
};

#endif
