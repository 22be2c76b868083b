/* SPDX-License-Identifier: MIT */
#include "cut.h"

#include <hwbroker/protocol.h>
#include <stddef.h>
#include <sys/socket.h>

static struct {
	struct cut_messages messages;
	uint32_t number;
	enum cut_moment moment;
	void (*act)(void);
} cut;

void cut_at(uint32_t number, enum cut_moment moment, void (*act)(void))
{
	cut.messages.count = 0;
	cut.number = number;
	cut.moment = moment;
	cut.act = act;
}

const struct cut_messages *cut_messages(void)
{
	return &cut.messages;
}

static void reached(enum cut_moment moment)
{
	void (*act)(void) = cut.act;

	if (act == NULL || moment != cut.moment || cut.messages.count != cut.number)
		return;
	cut.act = NULL;
	act();
}

static void sent(const struct hwb_header *header)
{
	if (cut.messages.count < CUT_MESSAGES_MAX)
		cut.messages.opcodes[cut.messages.count++] = header->opcode;
	reached(CUT_SENT);
}

static void received(const struct hwb_header *header)
{
	if (header->kind == HWB_REPLY)
		reached(CUT_ANSWERED);
}

/* The names are the linker's. */
ssize_t __real_send(int socket, const void *bytes, size_t length, int flags);
ssize_t __real_sendmsg(int socket, const struct msghdr *message, int flags);
ssize_t __real_recv(int socket, void *bytes, size_t length, int flags);
ssize_t __real_recvmsg(int socket, struct msghdr *message, int flags);
ssize_t __wrap_send(int socket, const void *bytes, size_t length, int flags);
ssize_t __wrap_sendmsg(int socket, const struct msghdr *message, int flags);
ssize_t __wrap_recv(int socket, void *bytes, size_t length, int flags);
ssize_t __wrap_recvmsg(int socket, struct msghdr *message, int flags);

ssize_t __wrap_send(int socket, const void *bytes, size_t length, int flags)
{
	ssize_t result = __real_send(socket, bytes, length, flags);

	if (result > 0)
		sent(bytes);
	return result;
}

ssize_t __wrap_sendmsg(int socket, const struct msghdr *message, int flags)
{
	ssize_t result = __real_sendmsg(socket, message, flags);

	if (result > 0)
		sent(message->msg_iov[0].iov_base);
	return result;
}

ssize_t __wrap_recv(int socket, void *bytes, size_t length, int flags)
{
	ssize_t result = __real_recv(socket, bytes, length, flags);

	if (result > 0)
		received(bytes);
	return result;
}

ssize_t __wrap_recvmsg(int socket, struct msghdr *message, int flags)
{
	ssize_t result = __real_recvmsg(socket, message, flags);

	if (result > 0)
		received(message->msg_iov[0].iov_base);
	return result;
}
