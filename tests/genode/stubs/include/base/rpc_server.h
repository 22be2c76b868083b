/* SPDX-License-Identifier: MIT */
/* Stands for Genode's base/rpc_server.h: objects that are called from elsewhere. */
#ifndef GENODE_STUB_BASE_RPC_SERVER_H
#define GENODE_STUB_BASE_RPC_SERVER_H

#include <base/capability.h>
#include <base/log.h>
#include <base/thread.h>
#include <pd_session/pd_session.h>

namespace Genode
{

class Rpc_object_base;
class Rpc_entrypoint;
template <typename INTERFACE> struct Rpc_object;

} // namespace Genode

class Genode::Rpc_object_base
{
	Untyped_capability _cap{};

      public:
	virtual ~Rpc_object_base()
	{
	}

	void cap(Untyped_capability const &cap)
	{
		_cap = cap;
	}
	Untyped_capability const &cap() const
	{
		return _cap;
	}
};

template <typename INTERFACE> struct Genode::Rpc_object : Rpc_object_base, INTERFACE {
	Capability<INTERFACE> cap() const
	{
		return reinterpret_cap_cast<INTERFACE>(Rpc_object_base::cap());
	}
};

class Genode::Rpc_entrypoint : Thread
{
	void _manage(Rpc_object_base &);
	void _dissolve(Rpc_object_base &);

	/* nullptr: not one of ours */
	Rpc_object_base *_lookup(Untyped_capability const &);

	void entry() override;

	template <typename FN, typename RET, typename OBJECT>
	RET _apply(Untyped_capability const &cap, FN const &fn, RET (FN::*)(OBJECT *) const)
	{
		return fn(dynamic_cast<OBJECT *>(_lookup(cap)));
	}

      public:
	Rpc_entrypoint(Runtime &, Name const &, Stack_size, Location);
	~Rpc_entrypoint();

	template <typename INTERFACE> Capability<INTERFACE> manage(Rpc_object<INTERFACE> *object)
	{
		_manage(*object);
		return object->cap();
	}

	template <typename INTERFACE> void dissolve(Rpc_object<INTERFACE> *object)
	{
		_dissolve(*object);
	}

	/* calls it with the object, or with nullptr if that is of another kind */
	template <typename FN> auto apply(Untyped_capability const &cap, FN const &fn)
	{
		return _apply(cap, fn, &FN::operator());
	}
};

#endif
