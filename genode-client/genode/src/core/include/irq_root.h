/* SPDX-License-Identifier: MIT */
/*
 * Root of IRQ, whose sessions have an entrypoint of their own, so that
 * acknowledging does not wait behind the rest of core.
 */
#ifndef _CORE__INCLUDE__IRQ_ROOT_H_
#define _CORE__INCLUDE__IRQ_ROOT_H_

#include <root/component.h>

#include <hwb/broker.h>
#include <irq_session_component.h>

namespace Core {

	struct Irq_entrypoint;
	struct Irq_root;
}


struct Core::Irq_entrypoint : Rpc_entrypoint
{
	Irq_entrypoint(Runtime &runtime)
	:
		Rpc_entrypoint(runtime, "irq", Genode::Thread::Stack_size { 8*1024 }, { })
	{ }
};


struct Core::Irq_root : private Irq_entrypoint, Root_component<Irq_session_component>
{
	Create_result _create_session(char const *args) override
	{
		Hwb::Interrupt_source * const source = Irq_session_component::source_from_args(args);
		if (!source) {
			Hwb::broker().nobody_has("interrupts", args);
			return Create_error::DENIED;
		}

		return _alloc_obj(*source, args);
	}

	Irq_root(Runtime &runtime, Range_allocator &, Allocator &md_alloc)
	:
		Irq_entrypoint(runtime),
		Root_component<Irq_session_component>(static_cast<Irq_entrypoint *>(this), &md_alloc)
	{ }
};

#endif
