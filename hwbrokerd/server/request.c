/* SPDX-License-Identifier: MIT */
#include "server/request.h"

#include <hwbroker/codec.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void request_hold(struct request *kept, const struct request *request)
{
	*kept = *request;
	kept->body = NULL;
	kept->fd = -1;
	kept->peer->pending++;
	peer_note_live(kept->peer);
	peer_reference(kept->peer);
	peer_update(kept->peer);
}

void request_drop(struct request *kept)
{
	struct peer *peer = kept->peer;

	kept->peer = NULL;
	peer->pending--;
	peer_note_live(peer);
	peer_update(peer);
	peer_release(peer);
}

void request_reply(const struct request *request, uint32_t session, const void *body, size_t length,
                   const int *fds, uint32_t fd_count)
{
	struct hwb_header header = {
		.version = HWB_PROTOCOL_VERSION,
		.opcode = request->header.opcode,
		.length = (uint32_t)(sizeof(header) + length),
		.serial = request->header.serial,
		.session = session,
		.status = HWB_OK,
		.kind = HWB_REPLY,
		.fds = (uint16_t)fd_count,
	};
	peer_send(request->peer, &header, body, length, fds, fd_count);
}

void request_refuse(const struct request *request, uint32_t field, const struct fault *fault)
{
	uint64_t packet[HWB_MESSAGE_MAX / 8];
	uint32_t length = hwb_make_refusal(packet, &request->header, fault->status, field,
	                                   (uint32_t)fault->host_errno, fault->reason,
	                                   strnlen(fault->reason, sizeof(fault->reason)));
	peer_send(request->peer, (const struct hwb_header *)packet, hwb_body(packet),
	          length - sizeof(struct hwb_header), NULL, 0);
	request->peer->broker->handler->refused(request, fault);
}

void request_refuse_text(const struct request *request, enum hwb_status status, uint32_t field,
                         const char *format, ...)
{
	struct fault fault = { .status = status };
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(fault.reason, sizeof(fault.reason), format, arguments);
	va_end(arguments);
	request_refuse(request, field, &fault);
}

struct session *request_session(const struct request *request, enum hwb_session_kind kind)
{
	struct fault fault;
	struct session *session =
	        session_table_need(&request->peer->sessions, request->header.session, kind, &fault);

	if (session == NULL)
		request_refuse(request, offsetof(struct hwb_header, session), &fault);
	return session;
}
