/* SPDX-License-Identifier: MIT */
/*
 * The PC of old below 1 MiB: interrupt vectors and what the BIOS keeps behind them,
 * option ROMs, firmware. What runs a BIOS expects it at its addresses and writes to it. It
 * gets a copy of its own, which the broker lets core make by [memory] sections of the policy.
 */
#ifndef _CORE__INCLUDE__HWB__LEGACY_MEMORY_H_
#define _CORE__INCLUDE__HWB__LEGACY_MEMORY_H_

#include <base/stdint.h>

namespace Core::Hwb::Legacy_memory {

	using namespace Genode;

	enum : addr_t { END = 0x100000 };

	/*
	 * Descriptor of the copy, whole pages; -1: refused, and said why. Blocks, and
	 * is called by one thread only, that of IO_MEM sessions.
	 */
	int copy(addr_t page, size_t size);
}

#endif
