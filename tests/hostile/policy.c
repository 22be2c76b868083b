/* SPDX-License-Identifier: MIT */
/* Policies that are wrong, and policies that change under their clients. */
#include "hostile.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define POLICY "/etc/hwbroker/hwbroker.conf"
#define BODY "[client alpha]\nuser = driver\n\n[client omega]\nuser = other\n\n"
#define RULE "[device edu]\nclient = alpha\naddress = 00:03.0\n"

/* ---- names ---- */

static void names(void)
{
	static const char *const clients[] = { "",         "../alpha", "alpha/",   "alpha\n",
		                               "%s%n%x",   "/",        "alpha ",   "\xff\xfe",
		                               "alpha'\"", "-",        "[client]", "alpha;" };
	static const char *const addresses[] = {
		"",
		"..",
		"../../etc",
		"0000:00:03.0/../0000:00:03.0",
		"00:03.0\n",
		"/",
		"0000:00:03.0 ",
		" 00:03.0",
		"00:03",
		"00:03.8",
		"00:20.0",
		"0000:100:03.0",
		"00000:00:0",
		"-1:03.0",
		"0x0000:0x00:0x03.0x0",
		"%s",
	};
	static const struct hwb_pci_address devices[] = {
		{ .device = 32 },         { .device = 255, .function = 255 }, { .function = 8 },
		{ .domain = UINT32_MAX }, { .domain = 1u << 16, 0, 3, 0, 0 },
	};
	int root = client_of(0), alpha = client_of(driver_uid());

	for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++) {
		struct hwb_given_request given = { 0 };
		strncpy(given.client, clients[i], sizeof(given.client) - 1);
		int status = request(root, HWB_ADMIN_GIVEN, 0, &given, sizeof(given));
		expect(status == HWB_NOT_FOUND || status == HWB_INVALID, "name %zu: status %d", i,
		       status);
	}
	/* Without an end, and with something behind it. */
	struct hwb_given_request endless = { 0 }, behind = { .client = "alpha" };
	memset(endless.client, 'a', sizeof(endless.client));
	behind.client[10] = 'x';
	expect(request(root, HWB_ADMIN_GIVEN, 0, &endless, sizeof(endless)) != HWB_OK, "no end");
	expect(request(root, HWB_ADMIN_GIVEN, 0, &behind, sizeof(behind)) != HWB_OK, "behind it");
	/* Nobody is told bytes that are a client's, in a refusal, the log or what happens. */
	for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++) {
		struct hwb_acquire_any_request any = { .rule = "\x1b" };
		struct packet packet;
		strncpy(any.rule + 1, clients[i], sizeof(any.rule) - 2);
		fill(&packet, HWB_DEVICE_ACQUIRE_ANY, 0, &any, sizeof(any));
		int status = wire_exchange(alpha, &packet);
		expect(status == HWB_NOT_FOUND, "rule %zu: status %d", i, status);
		expect(strchr(reason_of(&packet), '\x1b') == NULL, "it is repeated");
	}
	expect(shell("journalctl -u hwbrokerd --no-pager -o export | grep -qaP '\\x1b'") != 0,
	       "a client's bytes are in the journal");
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		const struct hwb_device_info_request info = { .address = devices[i] };
		int status = request(alpha, HWB_DEVICE_INFO, 0, &info, sizeof(info));
		expect(status == HWB_INVALID || status == HWB_NOT_FOUND, "device %zu: status %d", i,
		       status);
	}
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		setenv("ADDRESS", addresses[i], 1);
		expect(shell("hwbroker-ctl revoke \"$ADDRESS\" 2> /dev/null") == 2, "`%s'",
		       addresses[i]);
		/* Blanks around a value are none of it. */
		if (strpbrk(addresses[i], " \n") != NULL)
			continue;
		expect(shell("printf '" BODY "[device x]\nclient = alpha\naddress = %%s\n' "
		             "\"$ADDRESS\" > /tmp/hostile.conf; "
		             "hwbrokerd --check --policy /tmp/hostile.conf > /dev/null 2>&1") == 78,
		       "`%s' in a policy", addresses[i]);
	}
	expect(ping(root) == HWB_OK && ping(alpha) == HWB_OK, "a connection is not served on");
}

/* ---- mistakes ---- */

struct mistake {
	const char *name;
	const char *text;
	unsigned line; /* that is blamed; 0: the file */
};

static const struct mistake mistakes[] = {
	{ "byte order mark", "\xef\xbb\xbf" BODY, 1 },
	{ "carriage returns", "[client alpha]\r\nuser = driver\r\n", 1 },
	{ "open section", "[client alpha\nuser = driver\n", 1 },
	{ "unknown key", BODY "[device x]\nclinet = alpha\naddress = 00:03.0\n", 8 },
	{ "section twice", BODY RULE RULE, 10 },
	{ "too large", "[client x]\nuser = driver\ndma_bytes = 99999999999999999999\n", 3 },
	{ "beyond the kernel", "[client x]\nuser = driver\ndma_mappings = 60001\n", 3 },
	{ "continued line", "[client x]\nuser = driver\n  other\n", 3 },
	{ "NUL", NULL, 2 },
	{ "long line", NULL, 2 },
	{ "dangerous port", BODY "[ports x]\nclient = alpha\nrange = 0xcf8-0xcff\n", 9 },
	{ "endless", NULL, 0 },
};

static void write_mistake(const struct mistake *mistake)
{
	FILE *file = fopen(POLICY, "we");

	expect(file != NULL, "cannot write");
	if (mistake->text != NULL) {
		fputs(mistake->text, file);
	} else if (strcmp(mistake->name, "NUL") == 0) {
		fwrite("[client x]\nus\0er = driver\n", 1, 26, file);
	} else {
		fputs("[client x]\nuser = driver", file);
		for (unsigned i = 0; i < (mistake->line != 0 ? 1u << 19 : 1u << 21); i++)
			fputc(mistake->line != 0 ? 'x' : i % 80 == 0 ? '\n' : '#', file);
	}
	fclose(file);
}

static void expect_mistake(const char *name, unsigned line)
{
	char said[1024], place[64];

	shell_text(said, sizeof(said), "hwbrokerd --check 2>&1; echo status $?");
	expect(strstr(said, "status 78") != NULL, "%s: %s", name, said);
	snprintf(place, sizeof(place), line != 0 ? POLICY ":%u: " : POLICY, line);
	expect(strstr(said, place) != NULL, "%s, %s: %s", name, place, said);
}

/* The daemon's word on it, by its log; and the policy that was there is the one in force. */
static void expect_refused(const char *name, unsigned line, int alpha)
{
	static const char stays[] = "the policy in force stays";
	unsigned before = logged(stays);

	expect_mistake(name, line);
	kill(daemon_pid(), SIGHUP);
	for (unsigned i = 0; logged(stays) == before; i++) {
		expect(i < 50, "%s: the daemon says nothing", name);
		pause_ms(100);
	}
	expect(ping(alpha) == HWB_OK, "%s: a client is not served", name);
	close(client_of(other_uid()));
}

static void wrong_policies(void)
{
	int alpha = client_of(driver_uid());

	atexit(policy_restore);
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		write_mistake(&mistakes[i]);
		/* The daemon reads it by the same function: one will do. */
		if (i != 0)
			expect_mistake(mistakes[i].name, mistakes[i].line);
		else
			expect_refused(mistakes[i].name, mistakes[i].line, alpha);
	}
	policy_restore();
	chmod(POLICY, 0664);
	expect_refused("a mode", 0, alpha);
	chmod(POLICY, 0646);
	expect_refused("another mode", 0, alpha);
	chmod(POLICY, 0644);
	expect(chown(POLICY, driver_uid(), 0) == 0, "chown");
	expect_refused("a user's file", 0, alpha);
	expect(shell("chown 0:0 " POLICY "; mv " POLICY
	             " /etc/hwbroker/real; ln -s real " POLICY) == 0,
	       "link");
	expect_refused("a link", 0, alpha);
	expect(shell("rm " POLICY "; mkfifo -m 600 " POLICY) == 0, "FIFO");
	expect_refused("a FIFO", 0, alpha);
	expect(shell("rm " POLICY "; mkdir " POLICY) == 0, "folder");
	expect_refused("a folder", 0, alpha);
	expect(shell("rmdir " POLICY) == 0, "nothing");
	expect_refused("nothing", 0, alpha);
	expect(shell("mv /etc/hwbroker/real " POLICY) == 0, "back");
	/* Without a line end at the end is no mistake. */
	expect(shell("printf '[client alpha]\\nuser = driver' > /tmp/hostile.conf; "
	             "hwbrokerd --check --policy /tmp/hostile.conf > /dev/null") == 0,
	       "no line end at the end");
}

/* ---- changes ---- */

/* The next event about a device. */
static const struct hwb_device_event *next_event(int fd)
{
	static struct packet packet;

	do
		expect(wire_receive(fd, &packet), "the connection ended");
	while (header_of(&packet)->kind != HWB_EVENT ||
	       header_of(&packet)->opcode != HWB_EVENT_DEVICE);
	return body_of(&packet);
}

static void rule_goes(void)
{
	const struct hwb_config_access access = { .offset = 0, .width = 4 };
	int fd = client_of(driver_uid());
	uint32_t domain = open_domain(fd);
	struct taken edu;
	uint64_t iova;

	atexit(policy_restore);
	take(fd, EDU, domain, &edu);
	dma_alloc(fd, domain, PAGE, &iova);
	policy_install(BODY);
	const struct hwb_device_event *event = next_event(fd);
	expect(event->change == HWB_CHANGE_ASKED_BACK && event->grace_ms == 3000, "change %u",
	       event->change);
	expect(edu_alive(edu.registers), "it is taken at once");
	/* It does not hear. */
	expect(next_event(fd)->change == HWB_CHANGE_REVOKED, "it is not taken");
	expect(is_dead(edu.registers), "it still reaches the device");
	expect(request(fd, HWB_CONFIG_READ, edu.handle, &access, sizeof(access)) == HWB_GONE,
	       "its handle is alive");
	expect(!bus_master(EDU), "the device still reaches memory");
	expect(request(fd, HWB_CLOSE, domain, NULL, 0) == HWB_OK, "CLOSE");
	let_go(&edu);
	policy_restore();
	wait_state(EDU, HWB_DEVICE_FREE);
}

/* Between the request and its answer: granted and asked back, or refused; and the host's in
 * the end. */
static void rule_goes_meanwhile(void)
{
	const struct hwb_acquire_request wanted = { .address = address_of(NETWORK), .bars = 1 };
	unsigned granted = 0;

	atexit(policy_restore);
	for (int pause = 0; pause < 150; pause += 30) {
		struct packet packet;
		int fd = client_of(driver_uid());
		fill(&packet, HWB_DEVICE_ACQUIRE, 0, &wanted, sizeof(wanted));
		wire_send(fd, packet.bytes, packet.length, NULL, 0);
		pause_ms(pause);
		policy_install(BODY);
		expect(wire_reply(fd, &packet), "the connection ended");
		close_fds(packet.fds, packet.fd_count);
		uint32_t status = header_of(&packet)->status;
		granted += status == HWB_OK;
		expect(status == HWB_OK || status == HWB_NOT_FOUND, "status %u: %s", status,
		       reason_of(&packet));
		if (status == HWB_OK)
			while (next_event(fd)->change != HWB_CHANGE_REVOKED)
				;
		wait_driver(NETWORK, "e1000e");
		policy_restore();
		close(fd);
	}
	printf("%u of 5 were granted before\n", granted);
}

static void reload_without_end(void)
{
	enum { RELOADS = 60 };
	const struct hwb_acquire_request wanted = { .bars = 1 };
	pid_t daemon = daemon_pid();
	int fd = client_of(driver_uid());
	struct taken edu;
	char why[256];

	for (unsigned i = 0; i < RELOADS; i++) {
		kill(daemon, SIGHUP);
		int status = try_take(fd, EDU, &wanted, &edu, why, sizeof(why));
		expect(status == HWB_OK, "status %d: %s", status, why);
		kill(daemon, SIGHUP);
		give_back(fd, &edu);
	}
	expect(ping(fd) == HWB_OK, "the connection is not served on");
}

const struct hostile_case policy_cases[] = {
	{ 32, "names and addresses that lead elsewhere are none", names, AS_ROOT, 0 },
	{ 33, "a wrong policy is refused by file and line, and the former one stays",
	  wrong_policies, AS_ROOT, 120 },
	{ 34, "a rule goes while its device is in use: asked for, then taken", rule_goes, AS_ROOT,
	  0 },
	{ 46, "the policy is read again and again", reload_without_end, AS_ROOT, 0 },
	{ 47, "a rule goes while its device is being taken from the host", rule_goes_meanwhile,
	  AS_ROOT, 0 },
	{ 0 },
};
