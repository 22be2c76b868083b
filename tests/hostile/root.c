/* SPDX-License-Identifier: MIT */
/* Programs of root's that went astray: root can still ask what is the matter, and mend it. */
#include "hostile.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

enum { ASTRAY = 100, ALLOWED = 2 };

static const char policy[] = "[client alpha]\n"
                             "user = driver\n"
                             "[client omega]\n"
                             "user = other\n"
                             "[client zeta]\n"
                             "user = root\n"
                             "connections = 2\n";

static void expect_administration(const char *when)
{
	expect(shell("timeout 10 hwbroker-ctl status > /dev/null") == 0, "no status %s", when);
	expect(shell("timeout 10 hwbroker-ctl list clients > /dev/null") == 0, "no list %s", when);
}

/* One process of root's has all connections that its section allows, and those that anybody has
 * beside these. */
static void root_goes_astray(void)
{
	int fds[ASTRAY];
	unsigned served = 0;

	policy_install(policy);
	for (unsigned i = 0; i < ASTRAY; i++) {
		fds[i] = wire_open();
		served += fds[i] >= 0 && i % 2 == 0 && greet(fds[i]) == HWB_OK;
	}
	expect(served >= ALLOWED && served < ASTRAY / 2, "%u are served", served);
	expect_administration("beside a process that went astray");
	expect(shell("timeout 10 hwbroker-ctl reload > /dev/null") == 0, "no reload");
	close_fds(fds, ASTRAY);
	policy_restore();
	expect_administration("afterwards");
}

/* The daemon has no descriptor for clients, many of whom want one, and some want two. */
static void no_descriptor_for_root(void)
{
	pid_t daemon = daemon_pid();
	int fds[ASTRAY];
	unsigned ended = 0;
	/* For the connection that was asked with to be closed. */
	pause_ms(300);
	limit_daemon(RLIMIT_NOFILE, daemon_free_fd(daemon));
	expect(seteuid(driver_uid()) == 0, "not root");
	for (unsigned i = 0; i < ASTRAY; i++)
		fds[i] = wire_open();
	expect(seteuid(0) == 0, "no way back");
	expect_administration("without descriptors for clients");
	for (unsigned i = 0; i < ASTRAY; i++)
		ended += wire_ended(fds[i], 0);
	expect_administration("once more");
	lift_limit();
	expect(ended == ASTRAY, "%u of %u clients are told", ended, ASTRAY);
	close_fds(fds, ASTRAY);
	expect_service();
}

const struct hostile_case root_cases[] = {
	{ 63, "root's own programs have all connections", root_goes_astray, AS_ROOT, 0 },
	{ 64, "no descriptor for clients, and root asks why", no_descriptor_for_root, AS_ROOT, 0 },
	{ 0 },
};
