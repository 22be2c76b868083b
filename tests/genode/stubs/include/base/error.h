/* SPDX-License-Identifier: MIT */
/* Stands for Genode's base/error.h: what can go wrong anywhere. */
#ifndef GENODE_STUB_BASE_ERROR_H
#define GENODE_STUB_BASE_ERROR_H

namespace Genode
{

enum class Alloc_error { OUT_OF_RAM, OUT_OF_CAPS, DENIED };

struct Out_of_ram {
};

struct Out_of_caps {
};

enum class Buffer_error { EXCEEDED };

enum class Session_error { DENIED, OUT_OF_RAM, OUT_OF_CAPS, INSUFFICIENT_RAM, INSUFFICIENT_CAPS };

} // namespace Genode

#endif
