/* SPDX-License-Identifier: MIT */
/* Stands for Genode's base/rpc_client.h: an interface whose functions are called elsewhere. */
#ifndef GENODE_STUB_BASE_RPC_CLIENT_H
#define GENODE_STUB_BASE_RPC_CLIENT_H

#include <base/capability.h>

namespace Genode
{
template <typename> class Rpc_client;
}

template <typename INTERFACE> class Genode::Rpc_client : public INTERFACE
{
	Capability<INTERFACE> _cap;

      public:
	Rpc_client(Capability<INTERFACE> const &cap) : _cap(cap)
	{
	}

	template <typename F, typename... ARGS> typename F::Ret_type call(ARGS &&...args)
	{
		static_assert(INTERFACE::Rpc_functions::template has<F>, "not of this interface");
		return F::call(_cap, args...);
	}

	Capability<INTERFACE> rpc_cap() const
	{
		return _cap;
	}
};

#endif
