/* SPDX-License-Identifier: MIT */
/* Stands for Genode's root/component.h: who makes a service's sessions. */
#ifndef GENODE_STUB_ROOT_COMPONENT_H
#define GENODE_STUB_ROOT_COMPONENT_H

#include <base/allocator.h>
#include <base/entrypoint.h>
#include <base/log.h>
#include <base/rpc_server.h>
#include <base/service.h>
#include <util/arg_string.h>
#include <util/reconstructible.h>

namespace Genode
{

template <typename SESSION> struct Typed_root : Interface {
	using Session_type = SESSION;
};

template <typename SESSION> class Root_component;

} // namespace Genode

template <typename SESSION>
class Genode::Root_component : public Rpc_object<Typed_root<SESSION>>,
                               public Local_service<SESSION>::Factory
{
	using Factory = typename Local_service<SESSION>::Factory;

	Rpc_entrypoint &_ep;
	Allocator &_memory;

	Root_component(Root_component const &);
	Root_component &operator=(Root_component const &);

      public:
	using Create_error = Session_error;
	using Create_result = typename Factory::Result;

      protected:
	Create_result _alloc_obj(auto &&...args)
	{
		void *const at = _memory.stub_alloc(sizeof(SESSION));
		if (!at)
			return Create_error::INSUFFICIENT_RAM;
		return *new (Stub_place{ at }) SESSION(args...);
	}

	virtual Create_result _create_session(char const *)
	{
		return Create_error::DENIED;
	}

	virtual void _destroy_session(SESSION &session)
	{
		Genode::destroy(_memory, &session);
	}

	Allocator *md_alloc()
	{
		return &_memory;
	}
	Rpc_entrypoint *ep()
	{
		return &_ep;
	}

      public:
	Root_component(Entrypoint &ep, Allocator &memory) : _ep(ep.rpc_ep()), _memory(memory)
	{
	}

	Root_component(Rpc_entrypoint *ep, Allocator *memory) : _ep(*ep), _memory(*memory)
	{
	}

	Create_result create(typename Factory::Args const &args, Affinity) override
	{
		return _create_session(args.string())
		        .template convert<Create_result>(
		                [&](SESSION &session) -> SESSION & {
			                if (!session.cap().valid())
				                _ep.manage(&session);
			                return session;
		                },
		                [&](Create_error error) { return error; });
	}

	void destroy(SESSION &session) override
	{
		_ep.dissolve(&session);
		_destroy_session(session);
	}
};

#endif
