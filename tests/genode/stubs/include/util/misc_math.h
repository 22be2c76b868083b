/* SPDX-License-Identifier: MIT */
/* Stands for Genode's util/misc_math.h: small arithmetic. */
#ifndef GENODE_STUB_UTIL_MISC_MATH_H
#define GENODE_STUB_UTIL_MISC_MATH_H

namespace Genode
{

template <typename T> constexpr T min(T a, T b)
{
	return a < b ? a : b;
}

template <typename T> constexpr T max(T a, T b)
{
	return a > b ? a : b;
}

} // namespace Genode

#endif
