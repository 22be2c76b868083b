/* SPDX-License-Identifier: MIT */
/* Stands for Genode's base/node.h: a tree of configuration. */
#ifndef GENODE_STUB_BASE_NODE_H
#define GENODE_STUB_BASE_NODE_H

#include <util/string.h>

namespace Genode
{

struct Node {
	Num_bytes attribute_value(char const *name, Num_bytes otherwise) const;
	addr_t attribute_value(char const *name, addr_t otherwise) const;
	bool attribute_value(char const *name, bool otherwise) const;
	unsigned attribute_value(char const *name, unsigned otherwise) const;
	String<64> attribute_value(char const *name, String<64> const &otherwise) const;
};

} // namespace Genode

#endif
