/* SPDX-License-Identifier: MIT */
#include "interrupt.h"

#include "broker.h"
#include "system.h"
#include "thread.h"

static void open_it(void *context)
{
	struct interrupt *i = context;

	i->fd_count = 0;
	i->result = hwb_irq_open(broker(), i->device, &i->request, &i->reply, i->fds, &i->fd_count,
	                         &i->error);
}

static void enable_it(void *context)
{
	struct interrupt *i = context;

	i->result = hwb_irq_enable(broker(), i->reply.session, &i->error);
}

static void ack_it(void *context)
{
	struct interrupt *i = context;

	i->result = hwb_irq_ack(broker(), i->reply.session, &i->error);
}

static void close_it(void *context)
{
	struct interrupt *i = context;

	i->result = hwb_close(broker(), i->reply.session, &i->error);
}

static int done(struct interrupt *interrupt, void (*what)(void *))
{
	on(&irq_ep, what, interrupt);
	return interrupt->result;
}

int interrupt_open(struct interrupt *interrupt)
{
	return done(interrupt, open_it);
}

int interrupt_enable(struct interrupt *interrupt)
{
	return done(interrupt, enable_it);
}

int interrupt_ack(struct interrupt *interrupt)
{
	return done(interrupt, ack_it);
}

int interrupt_close(struct interrupt *interrupt)
{
	return done(interrupt, close_it);
}

void interrupt_drop(struct interrupt *interrupt)
{
	while (interrupt->fd_count > 0)
		system_close(interrupt->fds[--interrupt->fd_count]);
}
