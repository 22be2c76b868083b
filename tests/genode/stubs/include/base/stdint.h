/* SPDX-License-Identifier: MIT */
/* Stands for Genode's base/stdint.h: integer types. */
#ifndef GENODE_STUB_BASE_STDINT_H
#define GENODE_STUB_BASE_STDINT_H

namespace Genode
{

using int8_t = signed char;
using int16_t = short;
using int32_t = int;
using int64_t = long;
using uint8_t = unsigned char;
using uint16_t = unsigned short;
using uint32_t = unsigned int;
using uint64_t = unsigned long;
using size_t = unsigned long;
using addr_t = unsigned long;
using off_t = long;

} // namespace Genode

#endif
