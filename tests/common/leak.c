/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* pipe2 */
#include "leak.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

void leak_prepare(struct leak *leak, size_t count)
{
	int ends[2];

	expect(pipe2(ends, O_CLOEXEC) == 0, "pipe: %s", strerror(errno));
	leak->read_end = ends[0];
	leak->count = count;
	leak->fds[0] = ends[1];
	for (size_t i = 1; i < count; i++) {
		leak->fds[i] = fcntl(ends[1], F_DUPFD_CLOEXEC, 3);
		expect(leak->fds[i] >= 0, "no descriptor: %s", strerror(errno));
	}
}

void leak_check(struct leak *leak)
{
	struct pollfd wait = { .fd = leak->read_end };

	close_fds(leak->fds, leak->count);
	expect(poll(&wait, 1, leak_patience_ms) == 1 && (wait.revents & POLLHUP) != 0,
	       "the daemon keeps a descriptor that it was sent");
	close(leak->read_end);
}

void leak_expect_refused(int fd, struct packet *packet, size_t count, uint16_t told)
{
	struct leak leak;

	header_of(packet)->fds = told;
	leak_prepare(&leak, count);
	expect(wire_send(fd, packet->bytes, packet->length, leak.fds, count), "hung up before");
	if (wire_reply(fd, packet)) {
		expect(header_of(packet)->status == HWB_MALFORMED, "status %u",
		       header_of(packet)->status);
		expect_end(fd);
	}
	leak_check(&leak);
	close(fd);
}
