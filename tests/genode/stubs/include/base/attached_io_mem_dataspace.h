/* SPDX-License-Identifier: MIT */
/* Stands for Genode's base/attached_io_mem_dataspace.h: registers to be looked at. */
#ifndef GENODE_STUB_BASE_ATTACHED_IO_MEM_DATASPACE_H
#define GENODE_STUB_BASE_ATTACHED_IO_MEM_DATASPACE_H

#include <base/attached_dataspace.h>
#include <base/env.h>

namespace Genode
{
class Attached_io_mem_dataspace;
}

class Genode::Attached_io_mem_dataspace
{
	addr_t const _at;

      public:
	Attached_io_mem_dataspace(Env &, addr_t base, size_t, bool write_combined = false);
	~Attached_io_mem_dataspace();

	template <typename T> T *local_addr()
	{
		return reinterpret_cast<T *>(_at);
	}
};

#endif
