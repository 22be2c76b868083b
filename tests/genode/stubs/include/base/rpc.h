/* SPDX-License-Identifier: MIT */
/* Stands for Genode's base/rpc.h: the functions of an interface that can be called from elsewhere.
 */
#ifndef GENODE_STUB_BASE_RPC_H
#define GENODE_STUB_BASE_RPC_H

namespace Genode
{

class Native_capability;

/* A function by its own type, result and arguments; call() is the way there. */
template <typename SELF, typename RESULT, typename... ARGS> struct Rpc_function {
	using Ret_type = RESULT;

	static RESULT call(Native_capability const &, ARGS...);
};

template <typename A, typename B> constexpr bool rpc_same = false;
template <typename A> constexpr bool rpc_same<A, A> = true;

/* All functions of an interface. */
template <typename... FUNCTIONS> struct Rpc_list {
	template <typename F> static constexpr bool has = (rpc_same<F, FUNCTIONS> || ...);
};

} // namespace Genode

#endif
