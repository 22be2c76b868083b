/* SPDX-License-Identifier: MIT */
/*
 * A request being served, and its one answer. A handler either answers before
 * it returns, or holds the request in the job that will, and drops it there.
 */
#ifndef HWBROKERD_SERVER_REQUEST_H
#define HWBROKERD_SERVER_REQUEST_H

#include "server/peer.h"

/* So many bytes of a request are kept with it: enough to say what it asks for. */
enum { REQUEST_HEAD = HWB_NAME_SIZE };

struct request {
	struct peer *peer;
	struct hwb_header header;
	const void *body; /* checked by the codec; only until the handler returns */
	int fd;           /* that came along, or -1; the handler may take it */
	uint8_t head_length;
	unsigned char head[REQUEST_HEAD]; /* how the body begins */
	/* What a refusal says besides, to operators alone: it may name other clients. NULL:
	 * nothing. Lasts until the request is refused. */
	const char *candidates;
};

/* Keeps the request in flight beyond the handler: counts it, keeps the peer. */
void request_hold(struct request *kept, const struct request *request);
/* After its answer. */
void request_drop(struct request *kept);

/* header.session of the answer is `session`. `fds` stay the caller's. */
void request_reply(const struct request *request, uint32_t session, const void *body, size_t length,
                   const int *fds, uint32_t fd_count);
/* `field`: offset in the request of what was wrong, or 0. */
void request_refuse(const struct request *request, uint32_t field, const struct fault *fault);
void request_refuse_text(const struct request *request, enum hwb_status status, uint32_t field,
                         const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The session of the header's handle, of that kind; otherwise NULL, and the
 * request has been refused, as session_table_need() says. */
struct session *request_session(const struct request *request, enum hwb_session_kind kind);

/* Offset of a body's field in the whole message, for `field` above. */
#define REQUEST_FIELD(type, member) \
	((uint32_t)(sizeof(struct hwb_header) + offsetof(struct type, member)))

#endif
