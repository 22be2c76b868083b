/* SPDX-License-Identifier: MIT */
/* Stands for Genode's util/interface.h: base of abstract classes. */
#ifndef GENODE_STUB_UTIL_INTERFACE_H
#define GENODE_STUB_UTIL_INTERFACE_H

namespace Genode
{

struct Interface {
	virtual ~Interface()
	{
	}
};

} // namespace Genode

#endif
