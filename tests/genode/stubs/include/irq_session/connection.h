/* SPDX-License-Identifier: MIT */
/* Stands for Genode's irq_session/connection.h: a session of the service IRQ. */
#ifndef GENODE_STUB_IRQ_SESSION_CONNECTION_H
#define GENODE_STUB_IRQ_SESSION_CONNECTION_H

#include <base/env.h>
#include <irq_session/irq_session.h>

namespace Genode
{
struct Irq_connection;
}

/* by a message of the function that is configured there */
struct Genode::Irq_connection : Irq_session {
	Irq_connection(Env &, Label const &, addr_t config, Type, unsigned rid = 0x10000);

	void ack_irq() override;
	void sigh(Signal_context_capability) override;
	Info info() override;
};

#endif
