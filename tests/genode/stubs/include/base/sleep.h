/* SPDX-License-Identifier: MIT */
/* Stands for Genode's base/sleep.h. */
#ifndef GENODE_STUB_BASE_SLEEP_H
#define GENODE_STUB_BASE_SLEEP_H

namespace Genode
{
[[noreturn]] void sleep_forever();
}

#endif
