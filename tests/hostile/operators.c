/* SPDX-License-Identifier: MIT */
/* Operators, and who is none, that ask without end. */
#include "hostile.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ASKERS = 12, SECONDS = 6, MORE_KIB = 16 * 1024 };

/* What `hwbroker-ctl explain', `reload' and `diff' ask for. */
static void ask(int fd)
{
	static const uint16_t lists[] = { HWB_ADMIN_RULES, HWB_ADMIN_GROUPS, HWB_ADMIN_CLIENTS,
		                          HWB_ADMIN_SESSIONS };
	const struct hwb_list_request from_the_first = { .cursor = 0 };
	const struct hwb_explain_request device = { .address = address_of(EDU),
		                                    .kind = HWB_RULE_DEVICE,
		                                    .client = "alpha" };
	const struct hwb_explain_request ports = {
		.kind = HWB_RULE_PORTS, .base = 0x40, .count = 4, .client = "omega"
	};
	struct packet packet;

	fill(&packet, HWB_ADMIN_EXPLAIN, 0, &device, sizeof(device));
	send(fd, packet.bytes, packet.length, MSG_DONTWAIT | MSG_NOSIGNAL);
	fill(&packet, HWB_ADMIN_EXPLAIN, 0, &ports, sizeof(ports));
	send(fd, packet.bytes, packet.length, MSG_DONTWAIT | MSG_NOSIGNAL);
	fill(&packet, HWB_ADMIN_RELOAD, 0, NULL, 0);
	send(fd, packet.bytes, packet.length, MSG_DONTWAIT | MSG_NOSIGNAL);
	for (unsigned i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		fill(&packet, lists[i], 0, &from_the_first, sizeof(from_the_first));
		send(fd, packet.bytes, packet.length, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
}

/* How many were answered with that. */
static unsigned count(int fd, uint32_t status)
{
	struct packet packet;
	unsigned answers = 0;
	ssize_t length;

	while ((length = recv(fd, packet.bytes, sizeof(packet.bytes), MSG_DONTWAIT)) > 0)
		answers += header_of(&packet)->status == status;
	return answers;
}

/* KiB of the daemon. */
static unsigned long resident(void)
{
	char text[32];

	shell_text(text, sizeof(text), "awk '/^VmRSS/ { print $2 }' /proc/%d/status",
	           (int)daemon_pid());
	return strtoul(text, NULL, 10);
}

/* The daemon may still be busy with those of before. */
static int asker(uid_t user)
{
	int64_t end = now_ms() + 2 * PROMPT_MS;

	for (;;) {
		expect(seteuid(user) == 0, "not root");
		int fd = wire_open(), status = greet(fd);
		expect(seteuid(0) == 0, "no way back");
		if (status == HWB_OK)
			return fd;
		close(fd);
		expect(now_ms() < end, "HELLO: status %d", status);
		pause_ms(100);
	}
}

/* Beside a client that works. Those that do not read are dropped, and come again. */
static void flood(uid_t user, uint32_t status, bool reads)
{
	int fds[ASKERS], client = client_of(other_uid());
	unsigned long before = resident();
	int64_t longest = 0, end = now_ms() + SECONDS * 1000;
	unsigned answers = 0, rounds = 0;
	struct taken edu;

	for (unsigned i = 0; i < ASKERS; i++)
		fds[i] = asker(user);
	for (; now_ms() < end; rounds++) {
		for (unsigned i = 0; i < ASKERS; i++) {
			ask(fds[i]);
			answers += reads ? count(fds[i], status) : 0;
		}
		int64_t start = now_ms();
		expect(ping(client) == HWB_OK, "the client is not served");
		if (rounds % 16 == 0) {
			take(client, EDU, 0, &edu);
			give_back(client, &edu);
		}
		if (now_ms() - start > longest)
			longest = now_ms() - start;
	}
	unsigned long after = resident();
	expect(longest < PROMPT_MS, "a client waited %d ms", (int)longest);
	expect(!reads || answers >= 100, "only %u answers in %u rounds", answers, rounds);
	expect(after < before + MORE_KIB, "%lu KiB before, %lu after", before, after);
	close_fds(fds, ASKERS);
	close(client);
	expect_service();
}

static void operators(void)
{
	flood(0, HWB_OK, true);
	flood(0, HWB_OK, false);
}

static void no_operators(void)
{
	flood(driver_uid(), HWB_DENIED, true);
	flood(driver_uid(), HWB_DENIED, false);
}

const struct hostile_case operator_cases[] = {
	{ 61, "explain, reload and what diff asks for, without end, delay no client", operators,
	  AS_ROOT, 120 },
	{ 62, "the same by who may not: refused each time, and delays no client", no_operators,
	  AS_ROOT, 120 },
	{ 0 },
};
