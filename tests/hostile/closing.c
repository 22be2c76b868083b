/* SPDX-License-Identifier: MIT */
/* Descriptors that cannot be closed. */
#define _GNU_SOURCE /* seteuid */
#include "fuse.h"
#include "hostile.h"

#include <pwd.h>
#include <unistd.h>

static void send_many(int fd, int what)
{
	struct packet packet;
	int fds[WIRE_FDS_MAX];

	for (unsigned i = 0; i < WIRE_FDS_MAX; i++)
		fds[i] = what;
	fill(&packet, HWB_PING, 0, NULL, 0);
	header_of(&packet)->fds = WIRE_FDS_MAX;
	wire_send(fd, packet.bytes, packet.length, fds, WIRE_FDS_MAX);
}

/* Ten thousand of them, by who is nobody's client. What the daemon does not read is in the
 * sender's name. No program may be started here meanwhile: it would wait as the daemon does. */
static void never_closed(void)
{
	enum { TIMES = 40, ALLOWED = 1000 };
	uid_t nobody = getpwnam("nobody")->pw_uid;
	pid_t daemon = daemon_pid();
	unsigned before = daemon_fds(daemon);
	struct silent silent;
	int fds[TIMES];

	/* Where users cannot have file systems of their own there is nothing to show. */
	if (!silent_start(&silent, nobody))
		return;
	expect(seteuid(nobody) == 0, "not root");
	for (unsigned i = 0; i < TIMES; i++) {
		fds[i] = wire_open();
		send_many(fds[i], silent.fd);
		if (i % 2 == 0) {
			close(fds[i]);
			fds[i] = -1;
		}
	}
	expect(seteuid(0) == 0, "no way back");
	pause_ms(1000);
	expect_service();
	unsigned now = daemon_fds(daemon);
	silent_end(&silent);
	close_fds(fds, TIMES);
	expect(now < before + ALLOWED, "the daemon has %u descriptors, and had %u", now, before);
	expect_service();
}

const struct hostile_case closing_cases[] = {
	{ 67, "descriptors that cannot be closed, and do not become more", never_closed, AS_ROOT,
	  0 },
	{ 0 },
};
