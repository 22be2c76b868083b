/* SPDX-License-Identifier: MIT */
/* Stands for Genode's irq_session/irq_session.h: an interrupt. */
#ifndef GENODE_STUB_IRQ_SESSION_IRQ_SESSION_H
#define GENODE_STUB_IRQ_SESSION_IRQ_SESSION_H

#include <base/capability.h>
#include <base/signal.h>
#include <session/session.h>

namespace Genode
{

struct Irq_session;

using Irq_session_capability = Capability<Irq_session>;

} // namespace Genode

struct Genode::Irq_session : Session {
	struct Info {
		enum Type { INVALID, MSI } type;
		unsigned long address;
		unsigned long value;
	};

	enum Trigger { TRIGGER_UNCHANGED = 0, TRIGGER_LEVEL, TRIGGER_EDGE };
	enum Polarity { POLARITY_UNCHANGED = 0, POLARITY_HIGH, POLARITY_LOW };
	enum Type { TYPE_LEGACY = 0, TYPE_MSI, TYPE_MSIX };

	virtual ~Irq_session()
	{
	}

	virtual void ack_irq() = 0;
	virtual void sigh(Signal_context_capability) = 0;
	virtual Info info() = 0;

	struct Rpc_ack_irq : Rpc_function<Rpc_ack_irq, void> {
	};
	struct Rpc_sigh : Rpc_function<Rpc_sigh, void, Signal_context_capability> {
	};
	struct Rpc_info : Rpc_function<Rpc_info, Info> {
	};

	using Rpc_functions = Rpc_list<Rpc_ack_irq, Rpc_sigh, Rpc_info>;
};

#endif
