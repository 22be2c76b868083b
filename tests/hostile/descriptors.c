/* SPDX-License-Identifier: MIT */
/* Descriptors that nobody asked for, and those that cannot be received or sent. */
#define _GNU_SOURCE /* pipe2, F_DUPFD_CLOEXEC */
#include "hostile.h"
#include "linger.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static void refused(uint32_t opcode, size_t body, size_t count, uint16_t told)
{
	struct packet packet;

	fill(&packet, opcode, 0, NULL, body);
	leak_expect_refused(client(), &packet, count, told);
}

static void unasked(void)
{
	for (uint16_t told = 0; told < 2; told++) {
		refused(HWB_PING, 0, 1, told);
		refused(HWB_DOMAIN_OPEN, 0, 1, told);
		refused(HWB_DEVICE_ACQUIRE, sizeof(struct hwb_acquire_request), 1, told);
		refused(HWB_IRQ_OPEN, sizeof(struct hwb_irq_request), 1, told);
		refused(HWB_DMA_ALLOC, sizeof(struct hwb_dma_alloc_request), 1, told);
		refused(HWB_DMA_UNMAP, sizeof(struct hwb_dma_unmap_request), 1, told);
		refused(0x7777, 0, 1, told);
	}
	/* Where one is asked for: none, and two. */
	refused(HWB_DMA_MAP, sizeof(struct hwb_dma_map_request), 2, 1);
}

static void many(void)
{
	enum { EACH = CMSG_SPACE(sizeof(int)) };
	_Alignas(8) unsigned char control[2 * EACH] = { 0 };
	struct packet packet;
	struct leak leak;
	int fd = client();

	refused(HWB_PING, 0, WIRE_FDS_MAX, WIRE_FDS_MAX);
	refused(HWB_DMA_MAP, sizeof(struct hwb_dma_map_request), WIRE_FDS_MAX, 1);
	refused(HWB_PING, 0, HWB_FDS_MAX + 1, HWB_FDS_MAX + 1);

	leak_prepare(&leak, 2);
	for (size_t i = 0; i < 2; i++) {
		struct cmsghdr *rights = (struct cmsghdr *)(control + i * EACH);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(rights), &leak.fds[i], sizeof(int));
	}
	fill(&packet, HWB_DMA_MAP, 1, NULL, sizeof(struct hwb_dma_map_request));
	header_of(&packet)->fds = 1;
	struct iovec part = { .iov_base = packet.bytes, .iov_len = packet.length };
	struct msghdr message = { .msg_iov = &part,
		                  .msg_iovlen = 1,
		                  .msg_control = control,
		                  .msg_controllen = sizeof(control) };
	expect(sendmsg(fd, &message, MSG_NOSIGNAL) == (ssize_t)packet.length, "sendmsg: %s",
	       strerror(errno));
	expect(wire_reply(fd, &packet) && header_of(&packet)->status == HWB_MALFORMED,
	       "two control messages");
	expect_end(fd);
	leak_check(&leak);
}

/* The daemon has no room for them in its table. */
static void cut(void)
{
	static const char text[] = "sent descriptors that could not be received";
	struct packet packet;
	struct leak leak;
	/* Of the client of whom the log has heard nothing yet: there is a limit to that. */
	int fd = client_of(other_uid()), other = client_of(driver_uid());
	unsigned before = logged(text);

	leak_prepare(&leak, 32);
	limit_daemon(RLIMIT_NOFILE, daemon_fds(daemon_pid()) + 4);
	fill(&packet, HWB_PING, 0, NULL, 0);
	header_of(&packet)->fds = 32;
	expect(wire_send(fd, packet.bytes, packet.length, leak.fds, 32), "hung up before");
	expect_end(fd);
	expect(ping(other) == HWB_OK, "another connection is not served");
	lift_limit();
	leak_check(&leak);
	expect(logged(text) == before + 1, "%u lines in the log", logged(text) - before);
	expect_service();
}

/* The connection itself, in its own queue: only the kernel's garbage collection would find
 * it there. */
static void itself(void)
{
	for (unsigned way = 0; way < 4; way++) {
		struct packet packet;
		int fd = way < 2 ? client() : wire_open();
		int fds[2] = { fd, fd };
		fill(&packet, HWB_DMA_MAP, 1, NULL, sizeof(struct hwb_dma_map_request));
		header_of(&packet)->fds = way % 2 == 0 ? 1 : 2;
		wire_send(fd, packet.bytes, packet.length, fds, way % 2 == 0 ? 1 : 2);
		if (way == 0)
			expect(wire_reply(fd, &packet) &&
			               header_of(&packet)->status == HWB_NO_SESSION,
			       "its own socket is taken for memory");
		close(fd);
	}
}

/* False: the daemon takes no more of them, for a second. */
static bool sent(int fd, const struct packet *packet)
{
	struct pollfd room = { .fd = fd, .events = POLLOUT };

	while (send(fd, packet->bytes, packet->length, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		if (errno != EAGAIN || poll(&room, 1, 1000) != 1)
			return false;
	return true;
}

/* Replies with 48 descriptors each, which wait in the socket and in the daemon. */
static void unread(void)
{
	const struct hwb_acquire_request wanted = { .irq_type = HWB_IRQ_MSIX, .irq_count = 64 };
	const struct hwb_irq_fds all = { .first = 0, .count = 64 };
	struct packet packet;
	struct taken disk;
	char why[256];

	for (unsigned round = 0; round < 2; round++) {
		int fd = client();
		struct hwb_acquire_request with_domain = wanted;
		with_domain.domain = open_domain(fd);
		int status = try_take(fd, DISK, &with_domain, &disk, why, sizeof(why));
		expect(status == HWB_OK, "status %d: %s", status, why);
		for (unsigned i = 0; i < 2000; i++) {
			fill(&packet, HWB_IRQ_FDS, disk.reply.interrupt.session, &all, sizeof(all));
			if (!sent(fd, &packet))
				break;
		}
		/* Dropped for it, or gone before. */
		if (round == 0)
			expect(wire_ended(fd, 3 * PROMPT_MS), "who reads nothing is kept");
		close_fds(disk.fds, disk.fd_count);
		close(fd);
	}
}

/* More of them than there are threads to close them. */
static void lingering(void)
{
	enum { CLIENTS = 12 };
	int far[CLIENTS], fds[CLIENTS], listener = linger_listen();

	for (unsigned i = 0; i < CLIENTS; i++) {
		fds[i] = i % 2 == 0 ? client() : wire_open();
		far[i] = linger_send(listener, fds[i]);
		if (i % 3 == 0) {
			close(fds[i]);
			fds[i] = -1;
		}
		expect_service();
	}
	close(listener);
	close_fds(far, CLIENTS);
}

/* The daemon closes them no more when it ends, and does so in time. */
static void lingering_at_the_end(void)
{
	enum { CLIENTS = 12 };
	int far[CLIENTS], fds[CLIENTS], listener = linger_listen();
	char result[32];

	for (unsigned i = 0; i < CLIENTS; i++) {
		fds[i] = client_of(driver_uid());
		far[i] = linger_send(listener, fds[i]);
		expect(wire_ended(fds[i], PROMPT_MS), "the sender is not dropped");
	}
	int64_t start = now_ms();
	expect(shell("systemctl stop hwbrokerd") == 0, "the daemon does not end");
	int64_t took = now_ms() - start;
	shell_text(result, sizeof(result), "systemctl show --property=Result --value hwbrokerd");
	expect(shell("systemctl start hwbrokerd") == 0, "no daemon after it");
	expect(took < PROMPT_MS, "the daemon took %d ms to end", (int)took);
	expect(strcmp(result, "success\n") == 0, "the daemon ended with %s", result);
	close(listener);
	close_fds(far, CLIENTS);
	close_fds(fds, CLIENTS);
}

const struct hostile_case descriptor_cases[] = {
	{ 1, "descriptors that nobody asked for are closed, and their sender dropped", unasked, 0,
	  0 },
	{ 2, "253 descriptors, and a second control message", many, 0, 0 },
	{ 3, "descriptors that cannot be received end the connection, with a line in the log", cut,
	  AS_ROOT, 0 },
	{ 41, "a connection that sends itself its own socket", itself, 0, 0 },
	{ 42, "a client that does not read replies with descriptors", unread, 0, 0 },
	{ 43, "descriptors whose last close waits delay nobody", lingering, 0, 0 },
	{ 56, "descriptors whose last close waits do not keep the daemon from ending",
	  lingering_at_the_end, AS_ROOT | RESTARTS, 0 },
	{ 0 },
};
