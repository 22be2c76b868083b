/* SPDX-License-Identifier: MIT */
/* Stands for Genode's region_map/region_map.h: an address space. */
#ifndef GENODE_STUB_REGION_MAP_REGION_MAP_H
#define GENODE_STUB_REGION_MAP_REGION_MAP_H

#include <base/signal.h>
#include <base/stdint.h>
#include <dataspace/capability.h>
#include <util/attempt.h>

namespace Genode
{
struct Region_map;
}

struct Genode::Region_map : Interface {
	struct Fault {
		enum class Type { NONE, READ, WRITE, EXEC };

		Type type;
		addr_t addr;
	};

	struct Range {
		addr_t start;
		size_t num_bytes;
	};

	struct Attr {
		size_t size;
		addr_t offset;
		bool use_at;
		addr_t at;
		bool executable;
		bool writeable;
	};

	enum class Attach_error { OUT_OF_RAM, OUT_OF_CAPS, REGION_CONFLICT, INVALID_DATASPACE };

	using Attach_result = Attempt<Range, Attach_error>;

	virtual Attach_result attach(Dataspace_capability, Attr const &) = 0;
	virtual void detach(addr_t) = 0;
	virtual void fault_handler(Signal_context_capability) = 0;
	virtual Fault fault() = 0;
	virtual Dataspace_capability dataspace() = 0;

	struct Rpc_attach
	    : Rpc_function<Rpc_attach, Attach_result, Dataspace_capability, Attr const &> {
	};
	struct Rpc_detach : Rpc_function<Rpc_detach, void, addr_t> {
	};
	struct Rpc_fault_handler
	    : Rpc_function<Rpc_fault_handler, void, Signal_context_capability> {
	};
	struct Rpc_fault : Rpc_function<Rpc_fault, Fault> {
	};
	struct Rpc_dataspace : Rpc_function<Rpc_dataspace, Dataspace_capability> {
	};

	using Rpc_functions =
	        Rpc_list<Rpc_attach, Rpc_detach, Rpc_fault_handler, Rpc_fault, Rpc_dataspace>;
};

#endif
