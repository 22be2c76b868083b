/* SPDX-License-Identifier: MIT */
/* Stands for Genode's parent/parent.h: whoever started the program. */
#ifndef GENODE_STUB_PARENT_PARENT_H
#define GENODE_STUB_PARENT_PARENT_H

#include <base/capability.h>
#include <util/id_space.h>
#include <util/interface.h>

namespace Genode
{
struct Parent;
}

struct Genode::Parent : Interface {
	struct Client : Interface {
		using Id = Id_space<Client>::Id;
	};

	virtual void stub_announce(char const *service, Untyped_capability const &root) = 0;

	template <typename ROOT> void announce(Capability<ROOT> const &root)
	{
		stub_announce(ROOT::Session_type::service_name(), root);
	}
};

#endif
