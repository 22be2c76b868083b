/* SPDX-License-Identifier: MIT */
/* Core's threads ask at the same time, on stacks that are small and guarded. */
#include "checks.h"

#include "broker.h"
#include "check.h"
#include "lock.h"
#include "port.h"
#include "print.h"
#include "session.h"
#include "system.h"

#include <signal.h>

enum { ROUNDS = 200, PIT = 0x40 };

static void many_domains(void *good)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint32_t domain = 0;
		*(unsigned *)good += hwb_domain_open(broker(), &domain, NULL) == 0 &&
		                     hwb_close(broker(), domain, NULL) == 0;
	}
}

static void many_pings(void *good)
{
	for (unsigned i = 0; i < ROUNDS; i++)
		*(unsigned *)good += hwb_ping(broker(), NULL) == 0;
}

static void many_accesses(void *good)
{
	static struct ports ports = { PIT, 4, 0, 0, { 0 } };

	port_open(&ports);
	for (unsigned i = 0; i < ROUNDS; i++) {
		port_in(&ports, PIT, 1);
		*(unsigned *)good += ports.result == 0;
	}
	hwb_close(broker(), ports.session, NULL);
}

static void stack_of(const struct entrypoint *entrypoint)
{
	size_t left = entrypoint_stack_left(entrypoint);
	char name[64];

	format(name, sizeof(name), "the stack of %s is large enough", entrypoint->name);
	check(left > 0, name, "all %lu bytes were used", entrypoint->stack_size);
	print("# %s: %lu of %lu bytes of stack used", entrypoint->name,
	      entrypoint->stack_size - left, entrypoint->stack_size);
}

/* Each call is a frame; together they are twice the stack. */
static void overflow(void *depth)
{
	volatile char frame[256];

	frame[0] = (char)(uintptr_t)depth;
	if (depth != NULL)
		overflow((void *)((uintptr_t)depth - 1));
	frame[1] = frame[0];
}

static void guard(void)
{
	enum { STACK = 4096, FRAMES = 32 };
	int status = -1;
	long process = system3(SYS_fork, 0, 0, 0);

	if (process == 0) {
		static uint32_t never;
		thread_start("overflow", thread_stack("overflow", STACK), STACK, overflow,
		             (void *)(uintptr_t)FRAMES);
		for (;;)
			futex_wait(&never, 0);
	}
	while (system4(SYS_wait4, process, at(&status), 0, 0) == -EINTR)
		;
	check((status & 0x7f) == SIGSEGV, "too much on a stack ends the program",
	      "wait status 0x%x", (unsigned)status);
}

void check_threads(void)
{
	unsigned domains = 0, pings = 0, accesses = 0;

	on_begin(&main_ep, many_domains, &domains);
	on_begin(&irq_ep, many_pings, &pings);
	on_begin(&ioport_ep, many_accesses, &accesses);
	on_end(&main_ep);
	on_end(&irq_ep);
	on_end(&ioport_ep);
	check(domains == ROUNDS, "main has its answers while others ask", "%u of %d", domains,
	      ROUNDS);
	check(pings == ROUNDS, "irq has its answers", "%u of %d", pings, ROUNDS);
	check(accesses == ROUNDS, "ioport has its answers", "%u of %d", accesses, ROUNDS);
	stack_of(&main_ep);
	stack_of(&irq_ep);
	stack_of(&ioport_ep);
	guard();
}
