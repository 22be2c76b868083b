/* SPDX-License-Identifier: MIT */
/* More of everything than there is room for. */
#include "hostile.h"

#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* Sends until the daemon reads no more of it. */
static void flood(int fd)
{
	enum { ENDLESS = 100000 };
	struct packet packet;

	for (unsigned i = 0; i < ENDLESS; i++) {
		struct pollfd room = { .fd = fd, .events = POLLOUT };
		fill(&packet, HWB_PING, 0, NULL, 0);
		if (send(fd, packet.bytes, packet.length, MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
			continue;
		expect(errno == EAGAIN, "send: %s", strerror(errno));
		/* The daemon may only be busy with what is there. */
		if (poll(&room, 1, 500) == 0)
			return;
	}
	expect(false, "the daemon reads on although nobody reads its replies");
}

/* It need not be able to hear that its device is taken. */
static void never_reads(void)
{
	const struct hwb_acquire_request wanted = { .bars = 0 };
	struct taken edu;
	int deaf = client_of(driver_uid()), other = client_of(other_uid());
	char why[256];

	expect(try_take(deaf, EDU, &wanted, &edu, why, sizeof(why)) == HWB_OK, "%s", why);
	flood(deaf);
	expect(shell("hwbroker-ctl revoke --now " EDU) == 0, "the device cannot be taken");
	expect(try_take(other, EDU, &wanted, &edu, why, sizeof(why)) == HWB_OK, "%s", why);
	expect(wire_ended(deaf, 3 * PROMPT_MS), "it is not dropped");
}

/* As many descriptors as the daemon has at rest, and no more. */
static void no_descriptors(void)
{
	enum { CONNECTIONS = 15 };
	int fds[CONNECTIONS];
	pid_t daemon = daemon_pid();
	int other = client_of(other_uid());
	unsigned ended = 0;

	limit_daemon(RLIMIT_NOFILE, daemon_fds(daemon_pid()) + 2);
	unsigned before = daemon_ticks(daemon);
	expect(seteuid(driver_uid()) == 0, "not root");
	for (unsigned i = 0; i < CONNECTIONS; i++)
		fds[i] = wire_open();
	expect(seteuid(0) == 0, "no way back");
	for (unsigned i = 0; i < 30; i++) {
		expect(ping(other) == HWB_OK, "who is connected is not served");
		pause_ms(100);
	}
	unsigned ticks = daemon_ticks(daemon) - before;
	/* A loop that spins takes most of three hundred. */
	expect(ticks < 100, "%u ticks of processor time", ticks);
	for (unsigned i = 0; i < CONNECTIONS; i++)
		ended += wire_ended(fds[i], 0);
	expect(ended > 0, "who cannot be served is not told");
	lift_limit();
	close_fds(fds, CONNECTIONS);
	pause_ms(300);
	expect_service();
}

/* Three kinds: a client, one that is none, and one that only connects. */
static void connections(void)
{
	enum { MANY = 400 };
	static int fds[3][MANY];
	const struct passwd *nobody = getpwnam("nobody");
	const uid_t users[] = { driver_uid(), nobody->pw_uid, driver_uid() };
	unsigned ended = 0;

	for (unsigned kind = 0; kind < 3; kind++) {
		expect(seteuid(users[kind]) == 0, "not root");
		for (unsigned i = 0; i < MANY; i++) {
			fds[kind][i] = wire_open();
			if (kind == 0)
				greet(fds[kind][i]);
		}
		expect(seteuid(0) == 0, "no way back");
		int64_t start = now_ms();
		int other = client_of(other_uid());
		expect(ping(other) == HWB_OK, "another user is not served");
		expect(now_ms() - start < PROMPT_MS, "%d ms for another user",
		       (int)(now_ms() - start));
		close(other);
	}
	for (unsigned i = 0; i < MANY; i++)
		ended += wire_ended(fds[0][i], 0);
	/* By the policy: 20 connections. */
	expect(ended == MANY - 20, "%u of %u connections were ended", ended, MANY);
	for (unsigned kind = 0; kind < 3; kind++)
		close_fds(fds[kind], MANY);
}

/* What the daemon has of address space, and a little more. */
static void no_memory(void)
{
	const struct hwb_dma_alloc_request large = { .size = 16 << 20,
		                                     .flags = HWB_DMA_DEVICE_READS };
	char text[32];
	uint64_t iova;
	int other = client_of(other_uid()), fd = client_of(driver_uid());
	uint32_t domain = open_domain(fd);
	struct taken edu;

	/* Without a device in the domain nothing is mapped yet. */
	take(fd, EDU, domain, &edu);
	shell_text(text, sizeof(text), "awk '/^VmSize/ { print $2 }' /proc/%d/status",
	           (int)daemon_pid());
	limit_daemon(RLIMIT_AS, (strtoull(text, NULL, 10) + 256) * 1024);
	for (unsigned i = 0; i < 10; i++) {
		int status = request(fd, HWB_DMA_ALLOC, domain, &large, sizeof(large));
		expect(status == HWB_HOST_ERROR || status == HWB_NO_MEMORY, "status %d", status);
	}
	/* Whether they are served or refused: nobody else notices. */
	for (unsigned round = 0; round < 10; round++) {
		int more = client_of(driver_uid());
		for (unsigned i = 0; i < 60; i++)
			if (request(more, HWB_DOMAIN_OPEN, 0, NULL, 0) == ENDED)
				break;
		close(more);
		expect(ping(other) == HWB_OK, "another connection is not served");
	}
	lift_limit();
	dma_alloc(fd, domain, large.size, &iova);
}

/* Of a device that is taken and given back without end. */
static void lines(void)
{
	enum { MANY = 600, AT_ONCE = 200, A_SECOND = 10 }; /* docs/security.md, "Attack surface" */
	struct taken edu;
	int fd = client_of(driver_uid());
	unsigned before = logged(EDU ": granted to") + logged(EDU ": at rest");
	int64_t start = now_ms();

	for (unsigned i = 0; i < MANY; i++) {
		take(fd, EDU, 0, &edu);
		give_back(fd, &edu);
	}
	unsigned allowed = AT_ONCE + A_SECOND * (unsigned)((now_ms() - start) / 1000 + 1);
	unsigned written = logged(EDU ": granted to") + logged(EDU ": at rest") - before;
	expect(written >= AT_ONCE / 2 && written <= allowed, "%u lines of %u, and %u are allowed",
	       written, 2 * MANY, allowed);
	expect(allowed < 2 * MANY, "too slow to tell");
	pause_ms(2000 / A_SECOND);
	take(fd, EDU, 0, &edu);
	give_back(fd, &edu);
	expect(logged("such lines before were left out") > 0, "nobody is told of the others");
}

#define TOLD "lines about what `alpha'\\'' is refused were left out"

/* One that asks for what it is not given, without end; and another, who is heard beside it. */
static void refusals(void)
{
	enum { MANY = 5000, AT_ONCE = 50, SECONDS_EACH = 5 };
	const struct hwb_acquire_request nothing = { .address = address_of("00:1f.7") };
	int fd = client_of(driver_uid()), other = client_of(other_uid());
	unsigned before = logged("is refused DEVICE_ACQUIRE of 0000:00:1f.7");
	unsigned told = logged(TOLD);
	int64_t start = now_ms();

	for (unsigned i = 0; i < MANY; i++)
		expect(request(fd, HWB_DEVICE_ACQUIRE, 0, &nothing, sizeof(nothing)) ==
		               HWB_NOT_FOUND,
		       "it is given");
	expect(request(other, HWB_DEVICE_ACQUIRE, 0, &nothing, sizeof(nothing)) == HWB_NOT_FOUND,
	       "it is given");
	unsigned allowed = AT_ONCE + 1 + (unsigned)((now_ms() - start) / (SECONDS_EACH * 1000) + 1);
	unsigned written = logged("is refused DEVICE_ACQUIRE of 0000:00:1f.7") - before;
	/* Cases before this one have used some of them. */
	expect(written <= allowed, "%u lines, and %u are allowed", written, allowed);
	expect(logged("`omega'\\'' (pid ") > 0, "another's refusal is not in the log");
	for (unsigned i = 0; i < 30 && logged(TOLD) == told; i++)
		pause_ms(1000);
	expect(logged(TOLD) > told, "nobody is told of the others");
}

/* Asks for all there is to know, and takes what has come of it, without ever waiting. */
static void look_at_all(int fd)
{
	static const uint16_t lists[] = { HWB_ADMIN_DEVICES, HWB_ADMIN_CLIENTS, HWB_ADMIN_SESSIONS,
		                          HWB_ADMIN_GROUPS,  HWB_ADMIN_RULES,   HWB_ADMIN_METRICS,
		                          HWB_ADMIN_AUDIT };
	const struct hwb_list_request from_the_first = { .cursor = 0 };
	struct packet packet;

	for (unsigned i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		fill(&packet, lists[i], 0, &from_the_first, sizeof(from_the_first));
		send(fd, packet.bytes, packet.length, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	fill(&packet, HWB_ADMIN_MONITOR, 0, NULL, 0);
	send(fd, packet.bytes, packet.length, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (recv(fd, packet.bytes, sizeof(packet.bytes), MSG_DONTWAIT) > 0)
		;
}

/* Who may look does so on all connections that there may be, and is told what happens on each;
 * a client beside them is served, and gets its device. */
static void lookers(void)
{
	enum { LOOKERS = 14, SECONDS = 5 };
	int fds[LOOKERS], client = client_of(other_uid());
	int64_t end = now_ms() + SECONDS * 1000, longest = 0;
	struct taken edu;
	unsigned rounds = 0;

	for (unsigned i = 0; i < LOOKERS; i++)
		fds[i] = client_of(0);
	while (now_ms() < end) {
		for (unsigned i = 0; i < LOOKERS; i++)
			look_at_all(fds[i]);
		int64_t start = now_ms();
		expect(ping(client) == HWB_OK, "the client is not served");
		if (rounds++ % 16 == 0) {
			take(client, EDU, 0, &edu);
			give_back(client, &edu);
		}
		if (now_ms() - start > longest)
			longest = now_ms() - start;
	}
	expect(longest < PROMPT_MS, "it waited %d ms", (int)longest);
	for (unsigned i = 0; i < LOOKERS; i++)
		close(fds[i]);
}

const struct hostile_case flood_cases[] = {
	{ 8, "a client that never reads is dropped, and loses its device before", never_reads,
	  AS_ROOT, 0 },
	{ 9, "without a descriptor left the daemon neither spins nor ends", no_descriptors, AS_ROOT,
	  0 },
	{ 10, "a flood of connections is one user's, and no other's", connections, AS_ROOT, 0 },
	{ 55, "a flood of grants does not flood the log", lines, AS_ROOT, 120 },
	{ 57, "a flood of refusals does not flood the log", refusals, AS_ROOT, 120 },
	{ 58, "who looks at the broker without end delays no client", lookers, AS_ROOT, 0 },
	{ 44, "without address space left requests are refused, and served afterwards", no_memory,
	  AS_ROOT, 0 },
	{ 0 },
};
