/* SPDX-License-Identifier: MIT */
/* IO_MEM: physical memory that is of no device. */
#include "server/peer.h"
#include "session/serve.h"

/* ---- what the policy gives ---- */

void serve_io_mem_list(struct request *request)
{
	enum {
		ROOM = (HWB_MESSAGE_MAX - sizeof(struct hwb_header) -
		        sizeof(struct hwb_list_reply)) /
		       sizeof(struct hwb_memory_range)
	};
	const struct hwb_list_request *list = request->body;
	const struct peer *peer = request->peer;
	struct {
		struct hwb_list_reply head;
		struct hwb_memory_range ranges[ROOM];
	} reply = { .head.record_size = sizeof(struct hwb_memory_range) };
	uint64_t address = list->cursor;
	struct policy_memory memory;

	while (policy_memory_from(peer->broker->policy, peer->client, address, &memory)) {
		if (reply.head.count == ROOM) {
			reply.head.next = memory.first;
			break;
		}
		reply.ranges[reply.head.count++] = (struct hwb_memory_range){
			.base = memory.first,
			.size = memory.last - memory.first + 1,
			.flags = (memory.access.write ? HWB_MEMORY_WRITE : 0) |
			         (memory.access.fd ? HWB_MEMORY_FD : 0),
		};
		if (memory.last == UINT64_MAX)
			break;
		address = memory.last + 1;
	}
	request_reply(request, 0, &reply,
	              sizeof(reply.head) + reply.head.count * sizeof(struct hwb_memory_range), NULL,
	              0);
}
