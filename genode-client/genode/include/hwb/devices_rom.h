/* SPDX-License-Identifier: MIT */
/*
 * How core tells a component of the broker's devices, since its own ROM modules
 * cannot change. Two sessions that core has anyway, under an address that no
 * hardware has (genode.h of the client library says why; configuration spaces end
 * below this one):
 *
 * - IO_MEM at `ADDRESS`: each session has the list as it was when it was opened, as
 *   the text of Genode's `devices' ROM. What does not fit into the session's size is
 *   left out: the text does not end with `END` then.
 * - IRQ, as a message of the function that is configured at `ADDRESS`: a signal at
 *   each change. One session has it at a time.
 */
#ifndef _INCLUDE__HWB__DEVICES_ROM_H_
#define _INCLUDE__HWB__DEVICES_ROM_H_

#include <base/stdint.h>

namespace Hwb_devices_rom {

	static constexpr Genode::addr_t ADDRESS  = 3UL << 61;
	static constexpr Genode::size_t MAX_SIZE = 256*1024;
	static constexpr char const    *END      = "</devices>\n";
}

#endif
