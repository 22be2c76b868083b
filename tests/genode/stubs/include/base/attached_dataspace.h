/* SPDX-License-Identifier: MIT */
/* Stands for Genode's base/attached_dataspace.h: memory to be looked at. */
#ifndef GENODE_STUB_BASE_ATTACHED_DATASPACE_H
#define GENODE_STUB_BASE_ATTACHED_DATASPACE_H

#include <base/local.h>
#include <dataspace/capability.h>
#include <util/noncopyable.h>

namespace Genode
{
class Attached_dataspace;
}

class Genode::Attached_dataspace : Noncopyable
{
	void *_at;

	Attached_dataspace(Attached_dataspace const &);
	Attached_dataspace &operator=(Attached_dataspace const &);

      public:
	Attached_dataspace(Local::Constrained_region_map &, Dataspace_capability);
	~Attached_dataspace();

	size_t size() const;

	template <typename T> T *local_addr()
	{
		return static_cast<T *>(_at);
	}
};

#endif
