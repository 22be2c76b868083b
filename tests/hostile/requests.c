/* SPDX-License-Identifier: MIT */
/* Requests, and connections of users. */
#include "hostile.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const int wire_patience_ms = 4 * PROMPT_MS;
const int leak_patience_ms = PROMPT_MS;

_Noreturn void expect_failed(const char *file, int line, const char *condition, const char *format,
                             ...)
{
	const char *name = strrchr(file, '/');
	va_list arguments;

	printf("%s:%d: not %s: ", name != NULL ? name + 1 : file, line, condition);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	exit(EXIT_FAILURE);
}

void pause_ms(int milliseconds)
{
	poll(NULL, 0, milliseconds);
}

bool wire_ended(int fd, int milliseconds)
{
	struct pollfd wait = { .fd = fd };

	return poll(&wait, 1, milliseconds) == 1 && (wait.revents & POLLHUP) != 0;
}

/* ---- requests ---- */

void fill(struct packet *packet, uint32_t opcode, uint32_t session, const void *body, size_t size)
{
	static uint32_t serial;

	wire_fill(packet, opcode, ++serial, session, size);
	if (body != NULL)
		memcpy(body_of(packet), body, size);
}

int request(int fd, uint32_t opcode, uint32_t session, const void *body, size_t size)
{
	struct packet packet;

	fill(&packet, opcode, session, body, size);
	int status = wire_exchange(fd, &packet);
	close_fds(packet.fds, packet.fd_count);
	return status;
}

int ping(int fd)
{
	return request(fd, HWB_PING, 0, NULL, 0);
}

int greet(int fd)
{
	const struct hwb_hello_request hello = { .version_min = 1, .version_max = 1 };

	return request(fd, HWB_HELLO, 0, &hello, sizeof(hello));
}

int client(void)
{
	int fd = wire_open();
	int status = greet(fd);

	expect(status == HWB_OK, "HELLO of uid %u: status %d", geteuid(), status);
	return fd;
}

int client_of(uid_t user)
{
	expect(seteuid(user) == 0, "not root");
	int fd = client();
	expect(seteuid(0) == 0, "no way back");
	return fd;
}

void expect_service(void)
{
	int64_t start = now_ms();
	int fd = client();

	expect(ping(fd) == HWB_OK, "a fresh client is not served");
	expect(now_ms() - start < PROMPT_MS, "%d ms for a fresh client", (int)(now_ms() - start));
	close(fd);
}
