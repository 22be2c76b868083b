/* SPDX-License-Identifier: MIT */
/* Stands for Genode's irq_session/client.h: an interrupt, for who has a session's capability. */
#ifndef GENODE_STUB_IRQ_SESSION_CLIENT_H
#define GENODE_STUB_IRQ_SESSION_CLIENT_H

#include <base/rpc_client.h>
#include <irq_session/irq_session.h>

namespace Genode
{

struct Irq_session_client : Rpc_client<Irq_session> {
	explicit Irq_session_client(Irq_session_capability const &cap)
	    : Rpc_client<Irq_session>(cap)
	{
	}

	void ack_irq() override
	{
		call<Rpc_ack_irq>();
	}
	void sigh(Signal_context_capability cap) override
	{
		call<Rpc_sigh>(cap);
	}
	Info info() override
	{
		return call<Rpc_info>();
	}
};

} // namespace Genode

#endif
