/* SPDX-License-Identifier: MIT */
/* One interrupt line, the keyboard's, polled 100 times a second. */
#include "kit.h"
#include "model.h"

#include <sys/timerfd.h>
#include <unistd.h>

enum { LINE = 1, LINES = 16, RATE = 100, POLLED = 1 };

static bool has_line(const struct connection *connection)
{
	for (size_t i = 0; i < HANDLES_MAX; i++)
		if (connection->handles[i] != NULL && connection->handles[i]->kind == K_LINE)
			return true;
	return false;
}

static enum status open_line(struct connection *connection, const struct packet *request,
                             struct packet *reply)
{
	struct itimerspec clock = { { 0, 1000000000 / RATE }, { 0, 1000000000 / RATE } };
	uint32_t number = body32(request, 0);

	if (number >= LINES)
		return fault("line-number", INVALID);
	if (number != LINE)
		return fault("line-denied", DENIED);
	if (has_line(connection))
		return fault("line-twice", BUSY);
	struct handle *handle = new_handle(connection, K_LINE);
	if (handle == NULL)
		return QUOTA;
	handle->trigger = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (keeps("line-clock"))
		timerfd_settime(handle->trigger, 0, &clock, NULL);
	put32(reply, SESSION, handle->id);
	put32(reply, HEADER, handle->id);
	put32(reply, HEADER + 4, keeps("line-fds") ? number : number + 1);
	put32(reply, HEADER + 8, POLLED);
	put32(reply, HEADER + 12, RATE);
	reply->length = HEADER + 16;
	reply->fds[reply->fd_count++] = dup(handle->trigger);
	return OK;
}

static enum status list_lines(const struct packet *request, struct packet *reply)
{
	uint32_t count = keeps("line-list") ? 1 : 2;

	if (body64(request, 0) != 0)
		return INVALID;
	put32(reply, HEADER + 8, count);
	put32(reply, HEADER + 12, 8);
	for (uint32_t i = 0; i < count; i++) {
		put32(reply, HEADER + LIST_RECORDS + 8 * i, LINE);
		put32(reply, HEADER + LIST_RECORDS + 8 * i + 4, RATE);
	}
	reply->length = HEADER + LIST_RECORDS + 8 * (size_t)count;
	return OK;
}

enum status serve_lines(struct connection *connection, const struct packet *request,
                        struct packet *reply)
{
	return get(request, OPCODE, 2) == IRQ_LIST ? list_lines(request, reply)
	                                           : open_line(connection, request, reply);
}
