/* SPDX-License-Identifier: MIT */
/*
 * Runs the hostile cases by number, as root, against the installed daemon: each in a
 * process of its own, while a bystander is served; and looks at the daemon afterwards.
 * Arguments: numbers; default all. --list prints them.
 */
#define _GNU_SOURCE /* pipe2 */
#include "hostile.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	LISTED = 40, /* cases of the list that everybody has agreed on; more are ours */
	LAST = 99,
	USUAL_SECONDS = 60,
	BYSTANDER_MS = 5000 /* an emulated machine whose processors others use as well */
};

static const struct hostile_case *const lists[] = {
	packet_cases,  flood_cases,     descriptor_cases, dma_cases,        configuration_cases,
	port_cases,    interrupt_cases, device_cases,     holder_cases,     policy_cases,
	state_cases,   host_cases,      order_cases,      credential_cases, operator_cases,
	program_cases, root_cases,      closing_cases,    stall_cases,
};

static struct watch {
	int bystander;
	pid_t daemon;
	unsigned fds;
	int64_t slowest;
} watch;

static const struct hostile_case *find(unsigned number)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (const struct hostile_case *at = lists[i]; at->number != 0; at++)
			if (at->number == number)
				return at;
	return NULL;
}

/* ---- the daemon between cases ---- */

static unsigned left_connections;

static bool nothing_is_left(void)
{
	struct hwb_status_reply status = broker_status();

	left_connections = status.connections;
	/* The bystander, and the one that asks. */
	return status.sessions == 0 && status.dma_bytes == 0 && status.connections == 2;
}

static bool moves(const struct hwb_admin_device *device)
{
	return device->device.state == HWB_DEVICE_GRANTED ||
	       device->device.state == HWB_DEVICE_REVOKING;
}

static bool all_at_rest(void)
{
	return !any_device(moves);
}

static bool fds_as_before(void)
{
	return daemon_fds(watch.daemon) == watch.fds;
}

static bool reaches_memory(const struct hwb_admin_device *device)
{
	char address[16];

	snprintf(address, sizeof(address), "%02x:%02x.%x", device->device.address.bus,
	         device->device.address.device, device->device.address.function);
	return strcmp(device->host_driver, "vfio-pci") == 0 && bus_master(address);
}

static bool quarantined(const struct hwb_admin_device *device)
{
	return device->device.state == HWB_DEVICE_QUARANTINED;
}

/* Once the daemon has seen the last hang-up. */
static unsigned fds_at_rest(void)
{
	unsigned before, now = daemon_fds(watch.daemon);

	do {
		before = now;
		pause_ms(200);
		now = daemon_fds(watch.daemon);
	} while (now != before);
	return now;
}

static void watch_anew(void)
{
	/* It may have outlived a daemon, and other processes of ours have it, too. */
	shutdown(watch.bystander, SHUT_RDWR);
	close(watch.bystander);
	watch.bystander = client_of(other_uid());
	expect(within(nothing_is_left), "the daemon is not idle");
	expect(within(all_at_rest), "devices are not at rest");
	watch.daemon = daemon_pid();
	watch.fds = fds_at_rest();
}

static void look_after(const struct hostile_case *self)
{
	if ((self->flags & RESTARTS) != 0) {
		watch_anew();
	} else {
		expect(ping(watch.bystander) == HWB_OK, "the bystander is not served any more");
		expect(daemon_pid() == watch.daemon, "the daemon is another process");
	}
	expect(watch.slowest < BYSTANDER_MS, "%d ms for a bystander's PING", (int)watch.slowest);
	expect(within(nothing_is_left), "%u connections are left, and sessions or DMA memory",
	       left_connections);
	expect(within(all_at_rest), "a device is not at rest");
	expect(!any_device(quarantined), "a device is quarantined");
	expect(within(fds_as_before), "the daemon has %u descriptors and had %u",
	       daemon_fds(watch.daemon), watch.fds);
	expect(!any_device(reaches_memory), "bus mastering of a device that nobody has is on");
}

/* ---- a case ---- */

static _Noreturn void run_case(const struct hostile_case *self)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgid(0, 0);
	signal(SIGPIPE, SIG_IGN);
	alarm(self->seconds != 0 ? self->seconds : USUAL_SECONDS);
	if ((self->flags & AS_ROOT) == 0)
		become(driver_uid());
	self->run();
	exit(EXIT_SUCCESS);
}

/* Waits for the case's process, and has the bystander served meanwhile. */
static int attend(const struct hostile_case *self, pid_t child)
{
	int process = (int)syscall(SYS_pidfd_open, child, 0);
	struct pollfd ended = { .fd = process, .events = POLLIN };
	int status;

	while (poll(&ended, 1, 100) == 0) {
		int64_t start = now_ms();
		if ((self->flags & RESTARTS) != 0)
			continue;
		expect(ping(watch.bystander) == HWB_OK, "the bystander is not served any more");
		int64_t took = now_ms() - start;
		watch.slowest = took > watch.slowest ? took : watch.slowest;
	}
	close(process);
	expect(waitpid(child, &status, 0) == child, "waitpid: %s", strerror(errno));
	kill(-child, SIGKILL); /* what it has left */
	return status;
}

/* In a process of its own, so that expect() ends it: the verdict of one case. */
static _Noreturn void judge(const struct hostile_case *self)
{
	pid_t child = fork();

	if (child == 0)
		run_case(self);
	int status = attend(self, child);
	if (WIFSIGNALED(status))
		printf("ended by signal %d%s\n", WTERMSIG(status),
		       WTERMSIG(status) == SIGALRM ? ": it lasted too long" : "");
	look_after(self);
	exit(WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE);
}

static bool run(const struct hostile_case *self)
{
	int ends[2];
	int64_t start = now_ms();
	char said[4096], rest[256];
	size_t used = 0;
	ssize_t got;
	int status;

	watch.slowest = 0;
	expect(pipe2(ends, 0) == 0, "pipe: %s", strerror(errno));
	pid_t child = fork();
	if (child == 0) {
		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		judge(self);
	}
	close(ends[1]);
	while (used < sizeof(said) - 1 &&
	       (got = read(ends[0], said + used, sizeof(said) - 1 - used)) > 0)
		used += (size_t)got;
	said[used] = '\0';
	/* Who says more still must not wait, nor be ended for it. */
	while (read(ends[0], rest, sizeof(rest)) > 0)
		continue;
	close(ends[0]);
	expect(waitpid(child, &status, 0) == child, "waitpid: %s", strerror(errno));
	bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	printf("%s hostile %02u: %s\n", good ? "ok" : "not ok", self->number, self->name);
	printf("  (%d ms)\n", (int)(now_ms() - start));
	if (!good)
		printf("%s", said);
	fflush(stdout);
	if (!good)
		shell("journalctl -u hwbrokerd --no-pager -o short-precise -n 15");
	/* The judge had its own watch on the next daemon. */
	if (!good || (self->flags & RESTARTS) != 0)
		watch_anew();
	return good;
}

static void list(void)
{
	for (unsigned number = 1; number <= LAST; number++)
		if (find(number) != NULL)
			printf("%u %s\n", number, find(number)->name);
}

int main(int argc, char **argv)
{
	unsigned passed = 0, failed = 0;
	struct rlimit limit;

	if (argc == 2 && strcmp(argv[1], "--list") == 0) {
		list();
		return EXIT_SUCCESS;
	}
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	watch.bystander = -1;
	watch_anew();
	for (unsigned number = 1; number <= LAST; number++) {
		bool wanted = argc == 1;
		for (int i = 1; i < argc; i++)
			wanted = wanted || (unsigned)atoi(argv[i]) == number;
		if (!wanted)
			continue;
		const struct hostile_case *self = find(number);
		if (self == NULL && number > LISTED)
			continue;
		if (self == NULL)
			printf("not ok hostile %02u: has no test\n", number);
		if (self != NULL && run(self))
			passed++;
		else
			failed++;
	}
	printf("\n%u passed, %u failed\n", passed, failed);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
