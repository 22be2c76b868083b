/* SPDX-License-Identifier: MIT */
/* Section "Administration". */
#include "kit.h"

#include <string.h>
#include <unistd.h>

static void need_admin(void)
{
	if ((facts.features & FEATURE_ADMIN) == 0)
		skip("needs a user who may use the ADMIN requests");
}

static void admin_denied(void)
{
	struct packet packet;
	int fd = greeted();

	if ((facts.features & FEATURE_ADMIN) != 0)
		skip("this user may use the ADMIN requests");
	/* ADMIN_STATUS is feature-missing's. */
	for (uint32_t opcode = ADMIN_DEVICES; opcode <= ADMIN_GIVEN; opcode++) {
		start(&packet, opcode, 0);
		want(fd, &packet, DENIED);
	}
	want_alive(fd);
}

static void control_denied(void)
{
	struct packet packet;
	int fd = greeted();

	if ((facts.features & FEATURE_CONTROL) != 0)
		skip("this user may take devices from others");
	static const uint32_t opcodes[] = { ADMIN_REVOKE, ADMIN_CLEAR, ADMIN_RELEASE,
		                            ADMIN_RELOAD };
	for (size_t i = 0; i < sizeof(opcodes) / sizeof(opcodes[0]); i++) {
		start(&packet, opcodes[i], 0);
		want(fd, &packet, DENIED);
	}
	want_alive(fd);
}

static void admin_status(void)
{
	struct packet packet;
	int fd = greeted();

	need_admin();
	start(&packet, ADMIN_STATUS, 0);
	want(fd, &packet, OK);
	uint32_t length = body32(&packet, 60);
	if (memchr(packet.bytes + HEADER + 256, 0, length) != NULL)
		wrong("expected text, got a zero byte in it");
	if (body32(&packet, 24) == 0)
		wrong("expected this connection to be counted, got 0 connections");
}

static void find_device(const struct packet *packet, size_t record, void *context)
{
	if (get(packet, record, 8) == facts.device.address)
		*(bool *)context = true;
}

static void admin_devices(void)
{
	bool found = false;

	need_admin();
	need_device();
	list(greeted(), ADMIN_DEVICES, 0, find_device, &found);
	if (!found)
		wrong("expected the device in the list of all, got it not there");
}

static void groups(void)
{
	bool found = false;

	need_admin();
	need_device();
	list(greeted(), ADMIN_GROUPS, 0, find_device, &found);
	if (!found)
		wrong("expected the device among the members of groups, got it not there");
}

static void audit(void)
{
	bool found = false;

	need_admin();
	need_device();
	list(greeted(), ADMIN_AUDIT, 0, find_device, &found);
	if (!found)
		wrong("expected a finding about the device, got none");
}

static void explain_request(struct packet *packet, uint64_t address)
{
	start(packet, ADMIN_EXPLAIN, 0);
	put(packet, HEADER + 8, 8, address);
	memcpy(packet->bytes + HEADER + 168, facts.client, 32);
}

static void explain(void)
{
	struct packet packet;
	int fd = greeted();

	need_admin();
	need_device();
	explain_request(&packet, facts.device.address);
	want(fd, &packet, OK);
	if (body32(&packet, 8) == 0)
		wrong("expected findings, got none");
}

static void explain_not_found(void)
{
	struct packet packet;
	int fd = greeted();

	need_admin();
	need_device();
	explain_request(&packet, facts.device.address);
	memcpy(packet.bytes + HEADER + 168, "no-such-section", 16);
	want(fd, &packet, NOT_FOUND);
	/* An address that is none is none here as well. */
	explain_request(&packet, UINT64_C(32) << 40); /* device */
	want(fd, &packet, INVALID);
	explain_request(&packet, UINT64_C(8) << 48); /* function */
	want(fd, &packet, INVALID);
}

static void explain_unused(void)
{
	static const unsigned offsets[] = { 20, 24, 28, 36, 200, 208 };
	struct packet packet;
	int fd = greeted();

	need_admin();
	need_device();
	for (unsigned i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		explain_request(&packet, facts.device.address);
		put32(&packet, HEADER + offsets[i], 1);
		want(fd, &packet, RESERVED_NOT_ZERO);
	}
}

static void find_given(const struct packet *packet, size_t record, void *context)
{
	if (get(packet, record, 8) == facts.device.address && get32(packet, record + 8) == 0 &&
	    memcmp(packet->bytes + record + 24, facts.client, 32) == 0)
		*(bool *)context = true;
}

static void rules(void)
{
	bool found = false;

	need_admin();
	need_device();
	list(greeted(), ADMIN_RULES, 0, find_given, &found);
	if (!found)
		wrong("expected a rule that gives us the device, got none");
}

static void find_process(const struct packet *packet, size_t record, void *context)
{
	if (get32(packet, record + 4) == (uint32_t)getpid() &&
	    get32(packet, record + 8) == (uint32_t)getuid())
		*(bool *)context = true;
}

static void admin_clients(void)
{
	bool found = false;

	need_admin();
	list(greeted(), ADMIN_CLIENTS, 0, find_process, &found);
	if (!found)
		wrong("expected this process in the list of connections, got it not there");
}

static void find_handle(const struct packet *packet, size_t record, void *context)
{
	uint32_t *handle = context;

	if (get32(packet, record + 4) == *handle && get32(packet, record + 8) == 5)
		*handle = 0;
}

static void admin_sessions(void)
{
	uint32_t handle;
	int fd = greeted();

	need_admin();
	if ((facts.features & FEATURE_DMA) == 0 || facts.client[0] == '\0')
		skip("needs a client that may open a domain");
	handle = domain(fd);
	list(greeted(), ADMIN_SESSIONS, 0, find_handle, &handle);
	if (handle != 0)
		wrong("expected our domain in the list of handles, got it not there");
}

static void monitor(void)
{
	struct packet packet;
	int fd = greeted();

	need_admin();
	start(&packet, ADMIN_MONITOR, 0);
	want(fd, &packet, OK);
	/* Whoever comes next is told of, this process for one. */
	int other = greeted();
	do
		if (hear(fd, &packet, PROMPT_MS) != A_PACKET)
			wrong("expected to be told of a new connection, got nothing");
	while (get(&packet, OPCODE, 2) != EVENT_HAPPENING || packet.length < HEADER + 504 ||
	       body32(&packet, 8) != HAPPENED_CONNECTED ||
	       body32(&packet, 24) != (uint32_t)getpid());
	want_alive(other);
}

static void find_connected(const struct packet *packet, size_t record, void *context)
{
	if (get32(packet, record + 8) == METRIC_HAPPENED &&
	    get32(packet, record + 12) == HAPPENED_CONNECTED)
		*(uint64_t *)context = get(packet, record, 8);
}

static void metrics(void)
{
	uint64_t before = 0, after = 0;

	need_admin();
	list(greeted(), ADMIN_METRICS, 0, find_connected, &before);
	list(greeted(), ADMIN_METRICS, 0, find_connected, &after);
	if (before == 0 || after <= before)
		wrong("expected each connection to be counted, got %llu and then %llu",
		      (unsigned long long)before, (unsigned long long)after);
}

static void given_request(struct packet *packet, const char *name)
{
	start(packet, ADMIN_GIVEN, 0);
	memcpy(packet->bytes + HEADER + 8, name, strlen(name));
}

static void given(void)
{
	struct packet packet;
	int fd = greeted();

	need_admin();
	if (facts.client[0] == '\0')
		skip("needs a user who is a client");
	given_request(&packet, facts.client);
	want(fd, &packet, OK);
	uint32_t count = body32(&packet, 8);
	start(&packet, DEVICE_LIST, 0);
	want(fd, &packet, OK);
	if (body32(&packet, 8) != count)
		wrong("expected as many devices on the first page as DEVICE_LIST has, %u, got %u",
		      body32(&packet, 8), count);
}

static void given_name(void)
{
	struct packet packet;
	int fd = greeted();

	need_admin();
	given_request(&packet, "abcdefghijklmnopqrstuvwxyz012345");
	want(fd, &packet, INVALID);
	given_request(&packet, facts.client);
	packet.bytes[HEADER + 39] = 'x';
	want(fd, &packet, INVALID);
}

static void given_not_found(void)
{
	struct packet packet;
	int fd = greeted();

	need_admin();
	given_request(&packet, "no-such-section");
	want(fd, &packet, NOT_FOUND);
}

const struct check admin_checks[] = {
	{ "admin-denied", "who is no operator is DENIED", admin_denied, false },
	{ "control-denied", "who is not root is DENIED", control_denied, false },
	{ "admin-status", "ADMIN_STATUS tells of the host", admin_status, false },
	{ "admin-devices", "ADMIN_DEVICES has the device", admin_devices, false },
	{ "admin-clients", "ADMIN_CLIENTS has this process", admin_clients, false },
	{ "admin-sessions", "ADMIN_SESSIONS has a handle of ours", admin_sessions, false },
	{ "monitor", "who asked is told what happens", monitor, false },
	{ "metrics", "ADMIN_METRICS counts what happened", metrics, false },
	{ "given", "ADMIN_GIVEN tells what DEVICE_LIST does", given, false },
	{ "given-name", "a name that is not padded is INVALID", given_name, false },
	{ "given-not-found", "a section that is not there is NOT_FOUND", given_not_found, false },
	{ "groups", "ADMIN_GROUPS has the device", groups, false },
	{ "rules", "ADMIN_RULES tells that the device is ours", rules, false },
	{ "audit", "ADMIN_AUDIT has something about the device", audit, false },
	{ "explain", "ADMIN_EXPLAIN tells of the device", explain, false },
	{ "explain-unused", "what a device has no use for is RESERVED_NOT_ZERO", explain_unused,
	  false },
	{ "explain-not-found", "for a section that is not there: NOT_FOUND", explain_not_found,
	  false },
	{ .rule = NULL },
};
