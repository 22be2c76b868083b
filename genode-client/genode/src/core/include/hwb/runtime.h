/* SPDX-License-Identifier: MIT */
/*
 * Genode's access to threads, for whom core's main does not hand it: IO_MEM
 * sessions. Set by init_system_control(), which runs before the roots are made.
 */
#ifndef _CORE__INCLUDE__HWB__RUNTIME_H_
#define _CORE__INCLUDE__HWB__RUNTIME_H_

#include <base/thread.h>

namespace Core::Hwb {

	inline Genode::Runtime *&runtime_ptr()
	{
		static Genode::Runtime *ptr;
		return ptr;
	}

	inline Genode::Runtime &runtime() { return *runtime_ptr(); }
}

#endif
