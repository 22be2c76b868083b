/* SPDX-License-Identifier: MIT */
/*
 * Requests and their answers, without a libc.
 *
 * send_lock guards the list of calls in flight and the act of sending;
 * receive_lock makes one thread at a time the receiver, which delivers
 * everybody's answers. Order: receive_lock before send_lock.
 */
#include <hwbroker/client.h>
#include <hwbroker/codec.h>

#include "bytes.h"

/* Linux errno values that the library itself answers (asm-generic/errno.h). */
enum { E_INVAL = 22, E_PIPE = 32, E_PROTO = 71, E_OVERFLOW = 75 };

static void lock(const struct hwb_lock *lock)
{
	lock->acquire(lock->context);
}

static void unlock(const struct hwb_lock *lock)
{
	lock->release(lock->context);
}

static void close_fds(const struct hwb_client *client, const int *fds, uint32_t first,
                      uint32_t count)
{
	for (uint32_t i = first; i < count; i++)
		client->transport.close_fd(client->transport.context, fds[i]);
}

/* The waiting thread looks at `done` without a lock: all else comes before. */
static void complete(struct hwb_call *call, int result)
{
	call->result = result;
	__atomic_store_n(&call->done, 1, __ATOMIC_RELEASE);
}

static int is_done(const struct hwb_call *call)
{
	return __atomic_load_n(&call->done, __ATOMIC_ACQUIRE);
}

/* The connection is of no more use: everybody who waits is told. */
static void fail_all(struct hwb_client *client, int error)
{
	lock(&client->send_lock);
	if (client->dead == 0)
		client->dead = error;
	while (client->calls != NULL) {
		struct hwb_call *call = client->calls;
		client->calls = call->next;
		complete(call, client->dead);
	}
	unlock(&client->send_lock);
}

static struct hwb_call *take_call(struct hwb_client *client, uint32_t serial)
{
	struct hwb_call **link = &client->calls;
	struct hwb_call *call;

	lock(&client->send_lock);
	while (*link != NULL && (*link)->serial != serial)
		link = &(*link)->next;
	call = *link;
	if (call != NULL)
		*link = call->next;
	unlock(&client->send_lock);
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
	return HWB_REFUSED(header->status);
}

/* Hands a checked reply to its call. The descriptors find an owner or an end. */
static int deliver(struct hwb_client *client, struct hwb_call *call,
                   const struct hwb_header *header, const void *body, uint32_t fd_count)
{
	uint32_t length = hwb_body_length(header);

	if (header->opcode != call->opcode) {
		close_fds(client, client->received_fds, 0, fd_count);
		return -E_PROTO;
	}
	if (header->status != HWB_OK)
		return deliver_refusal(call, header, body);
	if (length > call->reply_size || fd_count > call->fds_max) {
		close_fds(client, client->received_fds, 0, fd_count);
		return -E_OVERFLOW;
	}
	bytes_copy(call->reply, body, length);
	bytes_copy(call->fds, client->received_fds, fd_count * sizeof(int));
	call->reply_length = length;
	call->fd_count = fd_count;
	call->session = header->session;
	return 0;
}

/* Receives one packet and sees it delivered. Called with receive_lock held. */
static int receive(struct hwb_client *client)
{
	const struct hwb_transport *transport = &client->transport;
	uint32_t fd_count = 0;
	struct hwb_header header;
	long length = transport->receive(transport->context, client->packet, sizeof(client->packet),
	                                 client->received_fds, HWB_FDS_MAX, &fd_count);

	if (length <= 0)
		return length == 0 ? -E_PIPE : (int)length;
	struct hwb_check check =
	        hwb_check_answer(client->packet, (size_t)length, fd_count, &header);
	if (check.status != HWB_OK) {
		close_fds(client, client->received_fds, 0, fd_count);
		return -E_PROTO;
	}
	if (header.kind == HWB_EVENT) {
		if (client->on_event != NULL)
			client->on_event(client->event_context, &header, hwb_body(client->packet));
		return 0;
	}
	struct hwb_call *call = take_call(client, header.serial);
	if (call == NULL) {
		close_fds(client, client->received_fds, 0, fd_count);
		return -E_PROTO;
	}
	int result = deliver(client, call, &header, hwb_body(client->packet), fd_count);
	complete(call, result);
	return result == -E_PROTO ? result : 0;
}

int hwb_receive_one(struct hwb_client *client)
{
	int result;

	lock(&client->receive_lock);
	result = client->dead != 0 ? client->dead : receive(client);
	if (result < 0)
		fail_all(client, result);
	unlock(&client->receive_lock);
	return result;
}

int hwb_begin(struct hwb_client *client, struct hwb_call *call, uint16_t opcode, uint32_t session,
              const void *body, size_t body_length, int fd)
{
	struct hwb_header *header = (struct hwb_header *)client->request;
	uint32_t length = (uint32_t)(sizeof(*header) + body_length);
	long sent;

	if (body_length > HWB_MESSAGE_MAX - sizeof(*header))
		return -E_INVAL;
	lock(&client->send_lock);
	if (client->dead != 0) {
		unlock(&client->send_lock);
		return client->dead;
	}
	if (++client->next_serial == 0)
		client->next_serial = 1;
	call->serial = client->next_serial;
	call->opcode = opcode;
	call->session = 0;
	call->reply_length = 0;
	call->fd_count = 0;
	call->result = 0;
	call->done = 0;
	call->next = client->calls;
	client->calls = call;
	header->version = HWB_PROTOCOL_VERSION;
	header->opcode = opcode;
	header->length = length;
	header->serial = call->serial;
	header->session = session;
	header->status = 0;
	header->kind = HWB_REQUEST;
	header->fds = fd >= 0;
	bytes_copy(header + 1, body, body_length);
	sent = client->transport.send(client->transport.context, client->request, length, &fd,
	                              fd >= 0);
	if (sent != (long)length) {
		/* Nobody else can have taken it: the list is locked. */
		client->calls = call->next;
		client->dead = sent < 0 ? (int)sent : -E_PROTO;
	}
	unlock(&client->send_lock);
	return sent == (long)length ? 0 : client->dead;
}

int hwb_finish(struct hwb_client *client, struct hwb_call *call)
{
	while (!is_done(call)) {
		lock(&client->receive_lock);
		/* Whoever received while we waited may have had ours. */
		int result = is_done(call) ? 0 : receive(client);
		if (result < 0)
			fail_all(client, result);
		unlock(&client->receive_lock);
	}
	return call->result;
}

int hwb_connect(struct hwb_client *client, const struct hwb_transport *transport,
                const struct hwb_lock *send_lock, const struct hwb_lock *receive_lock,
                hwb_event_handler on_event, void *event_context, struct hwb_error *error)
{
	struct hwb_hello_request hello = { HWB_PROTOCOL_VERSION, HWB_PROTOCOL_VERSION, 0, ~0ull };
	struct hwb_call call;

	bytes_zero(&call, sizeof(call));
	client->transport = *transport;
	client->send_lock = *send_lock;
	client->receive_lock = *receive_lock;
	client->on_event = on_event;
	client->event_context = event_context;
	client->calls = NULL;
	client->next_serial = 0;
	client->dead = 0;
	call.reply = &client->hello;
	call.reply_size = sizeof(client->hello);
	call.error = error;
	int result = hwb_begin(client, &call, HWB_HELLO, 0, &hello, sizeof(hello), -1);
	return result != 0 ? result : hwb_finish(client, &call);
}
