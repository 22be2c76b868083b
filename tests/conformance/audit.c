/* SPDX-License-Identifier: MIT */
/*
 * The rules that hold of each packet from the broker, checked with whatever comes.
 */
#include "kit.h"

#include <string.h>

enum { IN_FLIGHT = 4096 };

static struct {
	int fd;
	uint16_t opcode;
	uint32_t serial, session, length;
} flights[IN_FLIGHT];
static size_t flight_count;
static unsigned char greeted_fd[1024];
static unsigned char forgot_fd[1024]; /* requests of it that there was no room for */

void audit_sent(int fd, const struct packet *packet)
{
	bool whole = packet->length >= HEADER;

	if (flight_count == IN_FLIGHT) {
		if ((size_t)fd < sizeof(forgot_fd))
			forgot_fd[fd] = 1;
		return;
	}
	flights[flight_count].fd = fd;
	flights[flight_count].opcode = whole ? (uint16_t)get(packet, OPCODE, 2) : 0;
	flights[flight_count].serial = whole ? get32(packet, SERIAL) : 0;
	flights[flight_count].session = whole ? get32(packet, SESSION) : 0;
	flights[flight_count++].length = (uint32_t)packet->length;
}

void audit_closed(int fd)
{
	size_t kept = 0;

	for (size_t i = 0; i < flight_count; i++)
		if (flights[i].fd != fd)
			flights[kept++] = flights[i];
	flight_count = kept;
	if ((size_t)fd < sizeof(greeted_fd))
		greeted_fd[fd] = forgot_fd[fd] = 0;
}

static bool is_utf8(const unsigned char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		size_t more = text[i] < 0x80             ? 0
		              : (text[i] & 0xe0) == 0xc0 ? 1
		              : (text[i] & 0xf0) == 0xe0 ? 2
		              : (text[i] & 0xf8) == 0xf0 ? 3
		                                         : length;
		if (text[i] == 0 || more >= length - i)
			return false;
		for (; more > 0; more--)
			if ((text[++i] & 0xc0) != 0x80)
				return false;
	}
	return true;
}

static void audit_refusal(const struct packet *packet, uint32_t request_length)
{
	size_t length = packet->length - HEADER;

	if (length < 16 || body32(packet, 12) != 0 || packet->fd_count != 0) {
		violated("refusal-form",
		         "expected a body of 16 bytes or more with 0 at 12, and no descriptor; "
		         "got %zu bytes and %zu descriptors",
		         length, packet->fd_count);
		return;
	}
	uint32_t reason = body32(packet, 8);
	if (reason > REASON_MAX || length != 16 + reason ||
	    !is_utf8(packet->bytes + HEADER + 16, reason))
		violated(
		        "refusal-reason",
		        "expected up to 1024 bytes of UTF-8 that fill the packet; reason_length %u "
		        "in a body of %zu bytes",
		        reason, length);
	if (get32(packet, STATUS) != HOST_ERROR && body32(packet, 0) != 0)
		violated("refusal-errno", "expected host_errno 0 with %s, got %u",
		         status_name(get32(packet, STATUS)), body32(packet, 0));
	if (body32(packet, 4) != 0 && body32(packet, 4) >= request_length)
		violated("refusal-field",
		         "expected an offset in the %u bytes of the request, got %u",
		         request_length, body32(packet, 4));
}

static void audit_list(const struct packet *packet, uint32_t record)
{
	uint32_t count = body32(packet, 8);
	uint32_t size = body32(packet, 12);

	if (size % 8 != 0)
		violated("list-record-multiple", "expected a multiple of 8, got %u", size);
	if (size < record)
		violated("list-record-size", "expected %u or more, got %u", record, size);
	if (packet->length != HEADER + 16 + (uint64_t)count * size)
		violated("body-length", "expected %u records of %u bytes, got %zu bytes in all",
		         count, size, packet->length - HEADER - 16);
}

/* Descriptors that the body of a reply announces. */
static size_t announced(const struct packet *packet, uint32_t opcode)
{
	size_t count = 0;

	switch (opcode) {
	case DEVICE_ACQUIRE:
	case DEVICE_ACQUIRE_ANY:
		for (size_t i = 0; i < 6; i++)
			count += body32(packet, ACQUIRE_REGIONS + i * REGION_SIZE_OF) != 0 &&
			         (body32(packet, ACQUIRE_REGIONS + i * REGION_SIZE_OF + 4) &
			          REGION_MEDIATED) == 0;
		if (body32(packet, ACQUIRE_INTERRUPT) == 0)
			return count;
		return count + body32(packet, ACQUIRE_INTERRUPT + 12) +
		       (body32(packet, ACQUIRE_INTERRUPT + 4) == IRQ_INTX);
	case IRQ_OPEN:
		return body32(packet, 12) + (body32(packet, 4) == IRQ_INTX);
	case IRQ_FDS:
		return body32(packet, 4);
	case IRQ_OPEN_NUMBER: /* a clock, or an eventfd and another for unmasking */
		return body32(packet, 8) == 2 ? 2 : 1;
	case IO_MEM_OPEN:
	case IO_MEM_OPEN_BAR:
	case IO_PORT_OPEN_BAR:
		return (body32(packet, 4) & REGION_MEDIATED) == 0;
	case DMA_ALLOC:
	case DEVICE_FD:
		return 1;
	default:
		return 0;
	}
}

static void audit_body(const struct packet *packet, const struct operation *operation)
{
	size_t length = packet->length - HEADER;
	uint64_t wanted = operation->reply;

	if (length < wanted) {
		violated("reply-body", "%s: expected a body of %u bytes, got %zu", operation->name,
		         operation->reply, length);
		return;
	}
	if (operation->record != 0) {
		audit_list(packet, operation->record);
		return;
	}
	if (operation->opcode == IO_PORT_BATCH)
		wanted += 8 * (uint64_t)body32(packet, 0);
	if (operation->opcode == IO_MEM_BATCH)
		wanted += 16 * (uint64_t)body32(packet, 0);
	if (operation->opcode == ADMIN_STATUS)
		wanted += body32(packet, 60);
	if (length != wanted)
		violated("body-length", "%s: expected a body of %llu bytes, got %zu",
		         operation->name, (unsigned long long)wanted, length);
	if (announced(packet, operation->opcode) != packet->fd_count && packet->fd_count <= FDS_MAX)
		violated("reply-body", "%s: expected %zu descriptors, got %zu", operation->name,
		         announced(packet, operation->opcode), packet->fd_count);
}

static void audit_reply(int fd, const struct packet *packet)
{
	uint32_t opcode = (uint32_t)get(packet, OPCODE, 2);
	uint32_t status = get32(packet, STATUS);
	uint32_t serial = get32(packet, SERIAL);
	size_t at = 0, last = flight_count;

	/* Of several with one serial, the one that fits best. */
	for (; at < flight_count; at++) {
		if (flights[at].fd != fd || flights[at].serial != serial)
			continue;
		last = at;
		if (flights[at].opcode == opcode)
			break;
	}
	if (last == flight_count && (size_t)fd < sizeof(forgot_fd) && forgot_fd[fd] != 0)
		return;
	if (last == flight_count) {
		violated("reply-serial", "no request with serial %u waits for a reply to %s",
		         serial, opcode_name(opcode));
		return;
	}
	if (flights[last].opcode != opcode)
		violated("reply-opcode", "expected %s, got %s", opcode_name(flights[last].opcode),
		         opcode_name(opcode));
	bool opens = opcode == DEVICE_ACQUIRE || opcode == DEVICE_ACQUIRE_ANY ||
	             opcode == IO_MEM_OPEN || opcode == IO_MEM_OPEN_BAR || opcode == IO_PORT_OPEN ||
	             opcode == IO_PORT_OPEN_BAR || opcode == IRQ_OPEN ||
	             opcode == IRQ_OPEN_NUMBER || opcode == DOMAIN_OPEN;
	if ((status != OK || !opens) && get32(packet, SESSION) != flights[last].session)
		violated("reply-session", "%s, %s: expected session %u as in the request, got %u",
		         opcode_name(opcode), status_name(status), flights[last].session,
		         get32(packet, SESSION));
	if (status != OK)
		audit_refusal(packet, flights[last].length);
	else if (operation_of(opcode) != NULL)
		audit_body(packet, operation_of(opcode));
	if (opcode == HELLO && status == OK && (size_t)fd < sizeof(greeted_fd))
		greeted_fd[fd] = 1;
	memmove(&flights[last], &flights[last + 1], (--flight_count - last) * sizeof(flights[0]));
}

static void audit_event(int fd, const struct packet *packet)
{
	uint32_t opcode = (uint32_t)get(packet, OPCODE, 2);
	size_t body = opcode == EVENT_DEVICE ? 16 : opcode == EVENT_HAPPENING ? 504 : 0;

	if (get32(packet, SERIAL) != 0 || get32(packet, STATUS) != 0 || packet->fd_count != 0)
		violated("event-header",
		         "expected serial 0, status 0, no descriptor; got %u, %u, %zu",
		         get32(packet, SERIAL), get32(packet, STATUS), packet->fd_count);
	if ((size_t)fd < sizeof(greeted_fd) && !greeted_fd[fd])
		violated("event-after-hello", "an event before HELLO was answered");
	if (opcode != EVENT_DEVICE && opcode != EVENT_POLICY && opcode != EVENT_HAPPENING)
		return;
	if (packet->length != HEADER + body)
		violated("body-length", "an event: expected a body of %zu bytes, got %zu", body,
		         packet->length - HEADER);
	else if (opcode == EVENT_DEVICE && body32(packet, 8) != CHANGE_ASKED_BACK &&
	         body32(packet, 12) != 0)
		violated("event-grace", "change %u: expected grace_ms 0, got %u", body32(packet, 8),
		         body32(packet, 12));
}

void audit_received(int fd, const struct packet *packet)
{
	uint32_t kind = (uint32_t)get(packet, KIND, 2);

	if (packet->length > MESSAGE_MAX)
		violated("packet-max", "expected 4096 bytes or fewer, got %zu", packet->length);
	if (packet->fd_count > FDS_MAX || packet->controls > 1)
		violated("fds-max",
		         "expected up to 64 descriptors in one control message, got %zu in %u",
		         packet->fd_count, packet->controls);
	if (packet->length < HEADER) {
		violated("header-length", "expected 24 bytes or more, got %zu", packet->length);
		return;
	}
	if (get(packet, VERSION, 2) != 1)
		violated("header-version", "expected 1, got %u", (unsigned)get(packet, VERSION, 2));
	if (get32(packet, LENGTH) != packet->length)
		violated("header-length", "expected %zu, got %u", packet->length,
		         get32(packet, LENGTH));
	if (get(packet, FDS, 2) != packet->fd_count)
		violated("header-fds", "expected %zu, got %u", packet->fd_count,
		         (unsigned)get(packet, FDS, 2));
	if (kind == REPLY)
		audit_reply(fd, packet);
	else if (kind == EVENT)
		audit_event(fd, packet);
	else
		violated("header-kind", "expected a reply (1) or an event (2), got %u", kind);
}
