/* SPDX-License-Identifier: MIT */
/*
 * Requests and their answers, without a libc.
 *
 * One thread at a time receives, for all: it delivers each answer to the call
 * that waits for it. The monitor guards the list of calls and who receives, and is
 * where the others wait. It is never held while sending or receiving.
 */
#include <hwbroker/client.h>
#include <hwbroker/codec.h>

#include "bytes.h"

/* Linux errno values that the library itself answers (asm-generic/errno.h). */
enum { E_AGAIN = 11, E_INVAL = 22, E_PIPE = 32, E_PROTO = 71, E_OVERFLOW = 75 };

/* The highest status that has a place among the return values. */
enum { STATUS_MAX = INT32_MAX - 4096 };

static void enter(const struct hwb_client *client)
{
	client->monitor.acquire(client->monitor.context);
}

static void leave(const struct hwb_client *client)
{
	client->monitor.release(client->monitor.context);
}

/* The next two in the monitor. */
static void wait(struct hwb_client *client)
{
	client->waiting++;
	client->monitor.wait(client->monitor.context);
	client->waiting--;
}

static void wake_all(const struct hwb_client *client)
{
	if (client->waiting != 0)
		client->monitor.wake_all(client->monitor.context);
}

/* What came with the packet at hand and finds no owner. */
static void close_fds(const struct hwb_client *client, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		client->transport.close_fd(client->transport.context, client->received_fds[i]);
}

/* The caller may do with the call what it likes as soon as it is done. In the
 * monitor, which is let go of meanwhile; only by the thread that receives. */
static void complete(const struct hwb_client *client, struct hwb_call *call, int result)
{
	hwb_done_handler on_done = call->on_done;

	call->result = result;
	call->done = 1;
	if (on_done == NULL)
		return;
	leave(client);
	on_done(call->done_context, call);
	enter(client);
}

/* The connection is of no more use: everybody who waits is told. In the monitor;
 * only by the thread that receives. */
static void fail_all(struct hwb_client *client, int error)
{
	client->fd_calls = 0;
	if (client->dead == 0)
		client->dead = error;
	while (client->calls != NULL) {
		struct hwb_call *call = client->calls;
		client->calls = call->next;
		complete(client, call, client->dead);
	}
}

/* Takes the call with this serial off the list; NULL: there is none. In the
 * monitor. */
static struct hwb_call *take_call(struct hwb_client *client, uint32_t serial)
{
	struct hwb_call **link = &client->calls;

	while (*link != NULL && (*link)->serial != serial)
		link = &(*link)->next;
	struct hwb_call *call = *link;
	if (call != NULL) {
		*link = call->next;
		client->fd_calls -= call->fds_max != 0;
	}
	return call;
}

static int deliver_refusal(const struct hwb_call *call, const struct hwb_header *header,
                           const void *body)
{
	const struct hwb_refusal *refusal = (const struct hwb_refusal *)body;
	const char *text = (const char *)(refusal + 1);
	struct hwb_error *error = call->error;

	if (error != NULL) {
		uint32_t length = refusal->reason_length;
		if (length > sizeof(error->reason) - 1)
			length = (uint32_t)sizeof(error->reason) - 1;
		error->status = header->status;
		error->host_errno = refusal->host_errno;
		error->field = refusal->field;
		bytes_copy(error->reason, text, length);
		error->reason[length] = '\0';
	}
	/* What is unknown stays a refusal, whatever its number. */
	return HWB_REFUSED(header->status < STATUS_MAX ? header->status : STATUS_MAX);
}

/* Whether a checked reply is what its call asked for, and has a place there. */
static int check_fit(const struct hwb_call *call, const struct hwb_header *header,
                     uint32_t fd_count)
{
	uint64_t room = (uint64_t)call->reply_size + call->tail_size;
	uint32_t length = hwb_body_length(header);

	if (header->opcode != call->opcode)
		return -E_PROTO;
	if (header->status != HWB_OK)
		return 0;
	if (length > room || fd_count > call->fds_max)
		return -E_OVERFLOW;
	if (fd_count < call->fds_min)
		return -E_PROTO;
	return call->tail_size != 0 && length < room ? -E_PROTO : 0;
}

/* Hands a checked reply to its call. The descriptors find an owner or an end. */
static int deliver(const struct hwb_client *client, struct hwb_call *call,
                   const struct hwb_header *header, const void *body, uint32_t fd_count)
{
	uint32_t length = hwb_body_length(header);
	uint32_t front = length - call->tail_size;
	int result = check_fit(call, header, fd_count);

	call->session = header->session;
	if (result != 0) {
		close_fds(client, fd_count);
		return result;
	}
	if (header->status != HWB_OK)
		return deliver_refusal(call, header, body);
	bytes_copy(call->reply, body, front);
	bytes_copy(call->tail, (const unsigned char *)body + front, call->tail_size);
	bytes_copy(call->fds, client->received_fds, fd_count * sizeof(int));
	call->reply_length = length;
	call->fd_count = fd_count;
	return 0;
}

/* Finds the call of a checked reply and completes it. In the monitor; only by the
 * thread that receives. */
static int deliver_reply(struct hwb_client *client, const struct hwb_header *header,
                         uint32_t fd_count)
{
	struct hwb_call *call = take_call(client, header->serial);

	if (call == NULL) {
		close_fds(client, fd_count);
		return -E_PROTO;
	}
	int result = deliver(client, call, header, hwb_body(client->packet), fd_count);
	complete(client, call, result);
	return result == -E_PROTO ? -E_PROTO : 0;
}

/* Takes one packet off the transport and checks it; an event goes to its handler
 * at once. Only by the thread that receives, outside of the monitor. */
static int receive(struct hwb_client *client, struct hwb_header *header, uint32_t *fd_count,
                   int wait_for_it)
{
	const struct hwb_transport *transport = &client->transport;
	long length = transport->receive(transport->context, client->packet, client->received_fds,
	                                 fd_count, wait_for_it);

	if (length < 0)
		return (int)length;
	if (length == 0) {
		/* An empty packet looks like the end, but can bring something. */
		close_fds(client, *fd_count);
		return -E_PIPE;
	}
	struct hwb_check check =
	        hwb_check_answer(client->packet, (size_t)length, *fd_count, header);
	if (check.status != HWB_OK) {
		close_fds(client, *fd_count);
		return -E_PROTO;
	}
	if (header->kind == HWB_EVENT && client->on_event != NULL)
		client->on_event(client->event_context, header, hwb_body(client->packet));
	return 0;
}

/* Receives one packet as the only one to, and sees to it that everybody hears of
 * it. 0 or an error; -EAGAIN, without `wait_for_it`, is none of the connection's.
 * In the monitor, which is let go of meanwhile. */
static int receive_alone(struct hwb_client *client, int wait_for_it)
{
	struct hwb_header header;
	uint32_t fd_count = 0;

	client->receiving = 1;
	if (wait_for_it && client->fd_calls == 0)
		wait_for_it = HWB_WAIT_PLAIN;
	leave(client);
	int result = receive(client, &header, &fd_count, wait_for_it);
	enter(client);
	if (result == 0 && header.kind == HWB_REPLY)
		result = deliver_reply(client, &header, fd_count);
	if (result < 0 && (wait_for_it || result != -E_AGAIN))
		fail_all(client, result);
	client->receiving = 0;
	/* Whose answer came goes home; one of the others receives on. */
	wake_all(client);
	return result;
}

/* In the monitor: receives if nobody does, otherwise waits for who does. */
static int receive_or_wait(struct hwb_client *client)
{
	if (client->dead != 0)
		return client->dead;
	if (!client->receiving)
		return receive_alone(client, 1);
	wait(client);
	return 0;
}

int hwb_receive_one(struct hwb_client *client)
{
	enter(client);
	int result = receive_or_wait(client);
	leave(client);
	return result;
}

int hwb_receive_ready(struct hwb_client *client)
{
	int result = -E_AGAIN;

	enter(client);
	if (client->dead != 0)
		result = client->dead;
	else if (!client->receiving)
		result = receive_alone(client, 0);
	leave(client);
	return result == 0 ? 1 : result == -E_AGAIN ? 0 : result;
}

int hwb_done(struct hwb_client *client, const struct hwb_call *call)
{
	enter(client);
	int done = call->done;
	leave(client);
	return done;
}

/* Puts the call among those in flight, with a serial of its own. */
static int enlist(struct hwb_client *client, struct hwb_call *call, struct hwb_header *header)
{
	enter(client);
	int result = client->dead;
	if (result == 0) {
		if (++client->next_serial == 0)
			client->next_serial = 1;
		header->serial = client->next_serial;
		call->serial = header->serial;
		call->opcode = header->opcode;
		call->session = 0;
		call->reply_length = 0;
		call->fd_count = 0;
		call->result = 0;
		call->done = 0;
		call->next = client->calls;
		client->calls = call;
		client->fd_calls += call->fds_max != 0;
	}
	leave(client);
	return result;
}

int hwb_begin(struct hwb_client *client, struct hwb_call *call, uint16_t opcode, uint32_t session,
              const void *body, size_t body_length, int fd)
{
	const size_t body_max = HWB_MESSAGE_MAX - sizeof(struct hwb_header);

	if (body_length > body_max || call->tail_size > body_max - body_length)
		return -E_INVAL;
	struct hwb_header header = {
		.version = HWB_PROTOCOL_VERSION,
		.opcode = opcode,
		.length = (uint32_t)(sizeof(header) + body_length + call->tail_size),
		.session = session,
		.kind = HWB_REQUEST,
		.fds = fd >= 0,
	};
	struct hwb_part parts[HWB_PARTS_MAX] = { { &header, sizeof(header) } };
	uint32_t count = 1;
	if (body_length != 0)
		parts[count++] = (struct hwb_part){ body, body_length };
	if (call->tail_size != 0)
		parts[count++] = (struct hwb_part){ call->tail, call->tail_size };
	int result = enlist(client, call, &header);
	if (result != 0)
		return result;
	/* From here on the call may be done, and its owner's again. */
	result = client->transport.send(client->transport.context, parts, count, fd);
	if (result == 0)
		return 0;
	enter(client);
	/* Gone from the list already: whoever receives met the end of the connection, and
	 * the call is told as all others are. */
	if (take_call(client, header.serial) == NULL)
		result = 0;
	leave(client);
	return result;
}

int hwb_finish(struct hwb_client *client, struct hwb_call *call)
{
	enter(client);
	while (!call->done)
		receive_or_wait(client);
	leave(client);
	return call->result;
}

int hwb_connect(struct hwb_client *client, const struct hwb_transport *transport,
                const struct hwb_monitor *monitor, hwb_event_handler on_event, void *event_context,
                struct hwb_error *error)
{
	struct hwb_hello_request hello = { HWB_PROTOCOL_VERSION, HWB_PROTOCOL_VERSION, 0, ~0ull };
	struct hwb_call call = {
		.reply = &client->hello,
		.reply_size = sizeof(client->hello),
		.error = error,
	};

	client->transport = *transport;
	client->monitor = *monitor;
	client->on_event = on_event;
	client->event_context = event_context;
	client->calls = NULL;
	client->next_serial = 0;
	client->receiving = 0;
	client->waiting = 0;
	client->fd_calls = 0;
	client->dead = 0;
	int result = hwb_begin(client, &call, HWB_HELLO, 0, &hello, sizeof(hello), -1);
	return result != 0 ? result : hwb_finish(client, &call);
}
