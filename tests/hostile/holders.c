/* SPDX-License-Identifier: MIT */
/* Clients that keep registers of a device which they have no more. */
#define _GNU_SOURCE /* MAP_ANONYMOUS */
#include "hostile.h"

#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct hwb_acquire_request registers_wanted = { .bars = 1 };

/* Although a child has the connection as well. */
static void hang_up(int fd)
{
	shutdown(fd, SHUT_RDWR);
	close(fd);
}

/* The kernel lets go of it and finds it again: that alone takes nothing from anybody. */
static void remove_and_rescan(void)
{
	shell("echo 1 > /sys/bus/pci/devices/0000:" EDU "/remove");
	shell("echo 1 > /sys/bus/pci/rescan");
}

/* Whether the device is behind a mapping: it may be dead, or show what is no device's. */
static bool sees(const volatile uint32_t *registers)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		signal(SIGBUS, SIG_DFL);
		_exit(*registers == EDU_IDENTITY);
	}
	expect(child > 0 && waitpid(child, &status, 0) == child, "cannot look at registers");
	return !WIFSIGNALED(status) && WEXITSTATUS(status) != 0;
}

static void take_when_there(int fd, struct taken *edu)
{
	int64_t end = now_ms() + 2 * PROMPT_MS;
	char why[256];

	while (try_take(fd, EDU, &registers_wanted, edu, why, sizeof(why)) != HWB_OK) {
		expect(now_ms() < end, "it cannot be had any more: %s", why);
		pause_ms(50);
	}
}

/* What is noted of a device that left goes when the next one is taken. */
static void forget_what_left(int fd)
{
	struct taken edu;

	take_when_there(fd, &edu);
	give_back(fd, &edu);
}

static void keeps(void)
{
	int omega = client_of(other_uid());
	struct taken edu, others;
	char why[256];

	/* A child has it, and nobody else. */
	int alpha = client_of(driver_uid());
	take(alpha, EDU, 0, &edu);
	pid_t child = fork();
	if (child == 0)
		for (;;)
			pause();
	let_go(&edu);
	hang_up(alpha);
	wait_state(EDU, HWB_DEVICE_REVOKING);
	int status = try_take(omega, EDU, &registers_wanted, &others, why, sizeof(why));
	expect(status == HWB_BUSY, "status %d: %s", status, why);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	take_when_there(omega, &others);
	give_back(omega, &others);

	/* The client itself, across the device's way off the bus and back. */
	alpha = client_of(driver_uid());
	take(alpha, EDU, 0, &edu);
	hang_up(alpha);
	wait_state(EDU, HWB_DEVICE_REVOKING);
	status = try_take(omega, EDU, &registers_wanted, &others, why, sizeof(why));
	expect(status == HWB_BUSY, "status %d: %s", status, why);
	expect(is_dead(edu.registers), "it still reaches the device");
	remove_and_rescan();
	take_when_there(omega, &others);
	expect(edu_alive(others.registers), "the device is not what it was");
	expect(!sees(edu.registers), "it reaches the device of another");
	expect(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, edu.fds[0], 0) == MAP_FAILED,
	       "its descriptor is alive");
	give_back(omega, &others);
	let_go(&edu);
	forget_what_left(omega);
}

static sigjmp_buf no_way;

static void on_bus_error(int number)
{
	(void)number;
	siglongjmp(no_way, 1);
}

/* Maps again and again, and counts the times that it gets to see registers. */
static _Noreturn void spin(int registers, volatile uint32_t *seen)
{
	volatile uint32_t *volatile at = MAP_FAILED;

	signal(SIGBUS, on_bus_error);
	for (;;) {
		if (sigsetjmp(no_way, 1) != 0) {
			munmap((void *)at, PAGE);
			at = MAP_FAILED;
		}
		if (at == MAP_FAILED)
			at = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, registers, 0);
		if (at == MAP_FAILED)
			continue;
		if (*at == EDU_IDENTITY)
			++*seen;
	}
}

static void maps_again_and_again(void)
{
	volatile uint32_t *seen =
	        mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int omega = client_of(other_uid());
	struct taken edu, others;

	for (unsigned round = 0; round < 3; round++) {
		int alpha = client_of(driver_uid());
		take_when_there(alpha, &edu);
		pid_t child = fork();
		if (child == 0)
			spin(edu.fds[0], seen);
		let_go(&edu);
		pause_ms(100);
		expect(*seen > 0, "it does not see registers that are its own");
		if (round == 0)
			hang_up(alpha);
		remove_and_rescan();
		take_when_there(omega, &others);
		uint32_t before = *seen;
		for (unsigned i = 0; i < 20; i++) {
			expect(edu_alive(others.registers), "the device is not what it was");
			pause_ms(20);
		}
		expect(*seen == before, "round %u: %u times it saw another's registers", round,
		       *seen - before);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		give_back(omega, &others);
		if (round != 0)
			hang_up(alpha);
		*seen = 0;
	}
	forget_what_left(omega);
}

/* Sends a descriptor through a pair of sockets, which go into each other's queues. */
static void leave_in_garbage(int fd)
{
	int pair[2];

	expect(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0, "socketpair");
	expect(wire_send(pair[0], "r", 1, &fd, 1) && wire_send(pair[0], "1", 1, &pair[1], 1) &&
	               wire_send(pair[1], "0", 1, &pair[0], 1),
	       "not sent");
	close(fd);
	close(pair[0]);
	close(pair[1]);
}

/* And nobody closes another socket, at which the kernel would look for it. */
static void garbage(void)
{
	int omega = client_of(other_uid()), alpha = client_of(driver_uid());
	struct taken edu, others;

	take(alpha, EDU, 0, &edu);
	/* let_go() closes its own. */
	leave_in_garbage(dup(edu.fds[0]));
	give_back(alpha, &edu);
	take_when_there(omega, &others);
	give_back(omega, &others);
	close(omega);
	close(alpha);
}

const struct hostile_case holder_cases[] = {
	{ 15, "who keeps registers keeps the device from others, and reaches nothing", keeps,
	  AS_ROOT, 0 },
	{ 16, "who maps without end sees nothing of the next owner's", maps_again_and_again,
	  AS_ROOT, 0 },
	{ 68, "registers that wait in sockets which nobody has any more", garbage, AS_ROOT, 0 },
	{ 0 },
};
