/* SPDX-License-Identifier: MIT */
/* Descriptors that cannot be closed. */
#define _GNU_SOURCE /* seteuid */
#include "fuse.h"
#include "hostile.h"
#include "linger.h"

#include <fcntl.h>
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

/* Ten thousand of them, by who is nobody's client. The daemon takes none. No program may be started
 * here meanwhile: it would wait as the daemon does. */
static void never_closed(void)
{
	enum { TIMES = 40, ALLOWED = 50 };
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

/* A client of the policy may bring descriptors. Of those that the daemon has there are so many. */
static void never_closed_of_client(void)
{
	enum { TIMES = 12, ALLOWED = 1000 };
	pid_t daemon = daemon_pid();
	unsigned before = daemon_fds(daemon);
	struct silent silent;
	int fds[TIMES];

	if (!silent_start(&silent, driver_uid()))
		return;
	int other = client_of(other_uid());
	expect(seteuid(driver_uid()) == 0, "not root");
	for (unsigned i = 0; i < TIMES; i++) {
		fds[i] = wire_open();
		send_many(fds[i], silent.fd);
	}
	expect(seteuid(0) == 0, "no way back");
	pause_ms(1000);
	expect(ping(other) == HWB_OK, "another client is not served");
	unsigned now = daemon_fds(daemon);
	silent_end(&silent);
	close_fds(fds, TIMES);
	close(other);
	expect(now > before + WIRE_FDS_MAX, "it is not shown: %u descriptors after %u", now,
	       before);
	expect(now < before + ALLOWED, "the daemon has %u descriptors, and had %u", now, before);
	expect_service();
}

/* Another client has it when nobody else has it any more. */
static bool becomes_free(int fd)
{
	const struct hwb_acquire_request request = { .bars = 1 };
	struct taken edu;
	int status = HWB_BUSY;

	for (int waited = 0; waited < PROMPT_MS && status == HWB_BUSY; waited += 100) {
		pause_ms(100);
		status = try_take(fd, EDU, &request, &edu, NULL, 0);
	}
	if (status == HWB_OK)
		give_back(fd, &edu);
	return status == HWB_OK;
}

/* Both connections have a device, and end while what keeps them from being read is still being
 * closed: what was sent beside a request of the one, and by others in the case of the other. */
static void hang_up_meanwhile(void)
{
	enum { TIMES = 12 };
	const struct hwb_dma_map_request no_memory = { .size = PAGE,
		                                       .flags = HWB_DMA_DEVICE_READS };
	struct silent silent;
	struct taken edu;
	int fds[TIMES];

	if (!silent_start(&silent, driver_uid()))
		return;
	int other = client_of(other_uid());
	int sender = client_of(driver_uid());
	take(sender, EDU, 0, &edu);
	let_go(&edu);
	expect(dma_map(sender, open_domain(sender), &no_memory, silent.fd, NULL) == HWB_BAD_FD,
	       "no memory is mapped");
	close(sender);
	bool is_free = becomes_free(other);
	/* What fails while it is silent keeps all others from ending. */
	if (!is_free)
		silent_end(&silent);
	expect(is_free, "the device of the connection that sent it is not free");

	int bystander = client_of(driver_uid());
	take(bystander, EDU, 0, &edu);
	let_go(&edu);
	expect(seteuid(driver_uid()) == 0, "not root");
	for (unsigned i = 0; i < TIMES; i++) {
		fds[i] = wire_open();
		send_many(fds[i], silent.fd);
	}
	expect(seteuid(0) == 0, "no way back");
	pause_ms(1000);
	close(bystander);
	is_free = becomes_free(other);
	silent_end(&silent);
	close_fds(fds, TIMES);
	close(other);
	expect(is_free, "the device of a connection that sent nothing is not free");
	expect_service();
}

/* Connections with sockets that linger, whose senders have ended: each waits for a thread that
 * closes it. */
static void lingering_connections(void)
{
	enum { TIMES = 200, ALLOWED = 40 };
	uid_t nobody = getpwnam("nobody")->pw_uid;
	pid_t daemon = daemon_pid();
	unsigned before = daemon_fds(daemon);
	int far[TIMES], listener = linger_listen();

	expect(seteuid(nobody) == 0, "not root");
	for (unsigned i = 0; i < TIMES; i++)
		far[i] = linger_send(listener, -1);
	expect(seteuid(0) == 0, "no way back");
	pause_ms(1000);
	unsigned now = daemon_fds(daemon);
	expect_service();
	close_fds(far, TIMES);
	close(listener);
	expect(now < before + ALLOWED, "the daemon has %u descriptors, and had %u", now, before);
}

/* Who has as many on the way as it may goes on with connections: a descriptor beside the first
 * packet, whatever it is, and the end. They are turned away, and wait for none of what cannot be
 * closed. */
static void hanging_up_behind(void)
{
	enum { STUCK = 3, TIMES = 600, CONNECTIONS = 40, ALLOWED = STUCK * WIRE_FDS_MAX + 150 };
	pid_t daemon = daemon_pid();
	unsigned before = daemon_fds(daemon);
	struct silent silent;
	struct packet packet;
	int fds[STUCK], plain = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (!silent_start(&silent, driver_uid()))
		return;
	expect(seteuid(driver_uid()) == 0, "not root");
	for (unsigned i = 0; i < STUCK; i++) {
		fds[i] = wire_open();
		send_many(fds[i], silent.fd);
	}
	fill(&packet, HWB_PING, 0, NULL, 0);
	header_of(&packet)->fds = 1;
	for (unsigned i = 0; i < TIMES; i++) {
		int fd = wire_open();
		wire_send(fd, packet.bytes, packet.length, &plain, 1);
		close(fd);
	}
	expect(seteuid(0) == 0, "no way back");
	pause_ms(1000);
	unsigned now = daemon_fds(daemon);
	int64_t start = now_ms();
	int other = client_of(other_uid());
	expect(ping(other) == HWB_OK && now_ms() - start < PROMPT_MS, "others are not served");
	silent_end(&silent);
	close_fds(fds, STUCK);
	close(other);
	close(plain);
	expect(now > before + WIRE_FDS_MAX, "it is not shown: %u descriptors after %u", now,
	       before);
	expect(now < before + ALLOWED + CONNECTIONS, "the daemon has %u descriptors, and had %u",
	       now, before);
}

const struct hostile_case closing_cases[] = {
	{ 67, "descriptors that cannot be closed, and do not become more", never_closed, AS_ROOT,
	  0 },
	{ 69, "the same by a client, who may have some", never_closed_of_client, AS_ROOT, 0 },
	{ 74, "connections that end while what was sent is still being closed", hang_up_meanwhile,
	  AS_ROOT, 0 },
	{ 70, "connections that hang up with what lingers", lingering_connections, AS_ROOT, 0 },
	{ 71, "connections that hang up behind what cannot be closed", hanging_up_behind, AS_ROOT,
	  0 },
	{ 0 },
};
