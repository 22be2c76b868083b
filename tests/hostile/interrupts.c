/* SPDX-License-Identifier: MIT */
/* Interrupts that are not taken, or that never end. */
#include "hostile.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* edu with INTx enabled: descriptors are BAR 0's, the trigger, the unmask. */
enum { TRIGGER = 1, UNMASK = 2 };

static void take_intx(int fd, struct taken *edu)
{
	const struct hwb_acquire_request wanted = {
		.bars = 1, .flags = HWB_ACQUIRE_IRQ_ENABLE, .irq_type = HWB_IRQ_INTX, .irq_count = 1
	};
	char why[256];

	expect(try_take(fd, EDU, &wanted, edu, why, sizeof(why)) == HWB_OK, "%s", why);
	expect(edu->fd_count == 3 && edu->registers != NULL, "%u descriptors", edu->fd_count);
	/* It has no reset: what another case raised would still stand. */
	edu->registers[EDU_IRQ_ACK / 4] = edu->registers[EDU_IRQ_STATUS / 4];
}

static uint64_t count_of(int eventfd, int milliseconds)
{
	struct pollfd wait = { .fd = eventfd, .events = POLLIN };
	uint64_t count = 0;

	if (poll(&wait, 1, milliseconds) == 1 && read(eventfd, &count, sizeof(count)) < 0)
		expect(errno == EAGAIN, "eventfd: %s", strerror(errno));
	return count;
}

/* The descriptors are the broker's own; nothing that a client does to them holds it up. */
static void spoilt_eventfds(void)
{
	const uint64_t full = UINT64_MAX - 1;

	for (unsigned round = 0; round < 2; round++) {
		int fd = client();
		struct taken edu;
		take_intx(fd, &edu);
		for (unsigned i = TRIGGER; i <= UNMASK; i++) {
			(void)!write(edu.fds[i], &full, sizeof(full));
			(void)!write(edu.fds[i], &full, sizeof(full));
		}
		edu.registers[EDU_IRQ_RAISE / 4] = 1;
		for (unsigned i = 0; i < 20; i++)
			expect(request(fd, HWB_IRQ_ACK, edu.reply.interrupt.session, NULL, 0) ==
			               HWB_OK,
			       "ACK");
		edu.registers[EDU_IRQ_ACK / 4] = 1;
		/* Closed by the client, and by its end. */
		if (round == 0)
			expect(request(fd, HWB_CLOSE, edu.reply.interrupt.session, NULL, 0) ==
			               HWB_OK,
			       "CLOSE");
		let_go(&edu);
		close(fd);
	}
}

/* A line that stays up: masked until the client unmasks it, and no work of the daemon's
 * however often it does. */
static void storm(void)
{
	enum { UNMASKS = 500 };
	const uint64_t one = 1;
	pid_t daemon = daemon_pid();
	int fd = client_of(driver_uid());
	struct taken edu;
	uint64_t seen = 0;

	take_intx(fd, &edu);
	unsigned before = daemon_ticks(daemon);
	edu.registers[EDU_IRQ_RAISE / 4] = 1;
	expect(count_of(edu.fds[TRIGGER], PROMPT_MS) == 1, "no interrupt");
	expect(count_of(edu.fds[TRIGGER], 1000) == 0, "it comes again unasked");
	for (unsigned i = 0; i < UNMASKS; i++) {
		expect(write(edu.fds[UNMASK], &one, sizeof(one)) == sizeof(one), "unmask");
		seen += count_of(edu.fds[TRIGGER], PROMPT_MS);
	}
	expect(seen == UNMASKS, "%u unmaskings, %u interrupts", UNMASKS, (unsigned)seen);
	unsigned ticks = daemon_ticks(daemon) - before;
	/* The bystander's PINGs cost something. */
	expect(ticks < 50, "%u ticks of the daemon", ticks);
	edu.registers[EDU_IRQ_ACK / 4] = 1;
	/* And it goes with the line up. */
	edu.registers[EDU_IRQ_RAISE / 4] = 1;
	let_go(&edu);
	close(fd);
	wait_state(EDU, HWB_DEVICE_FREE);
	fd = client_of(driver_uid());
	take(fd, EDU, 0, &edu);
	edu.registers[EDU_IRQ_ACK / 4] = edu.registers[EDU_IRQ_STATUS / 4];
	give_back(fd, &edu);
}

const struct hostile_case interrupt_cases[] = {
	{ 23, "eventfds that a client has filled up hold up nobody", spoilt_eventfds, 0, 0 },
	{ 24, "an interrupt that is never acknowledged comes once, and costs the daemon nothing",
	  storm, AS_ROOT, 0 },
	{ 0 },
};
