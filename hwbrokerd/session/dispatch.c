/* SPDX-License-Identifier: MIT */
#include "session/dispatch.h"

#include "server/closer.h"
#include "server/hello.h"
#include "server/peer_io.h"
#include "session/admin/happening.h"
#include "session/bus/hotplug.h"
#include "session/bus/virtual.h"
#include "session/release/revoke.h"
#include "session/serve.h"
#include "session/session.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <hwbroker/codec.h>
#include <string.h>

/* What the peer must be to have its request looked at. */
enum audience {
	ANYBODY,   /* admitted at all */
	HOLDERS,   /* was admitted as a client: uses or closes what it has */
	CLIENTS,   /* falls under a client section, now */
	OPERATORS, /* may query */
	CHANGERS   /* may change what others have */
};

static const struct service {
	void (*serve)(struct request *request);
	enum audience audience;
} services[] = {
	[HWB_HELLO] = { hello_serve, ANYBODY },
	[HWB_PING] = { serve_ping, ANYBODY },
	[HWB_CLOSE] = { serve_close, HOLDERS },
	[HWB_DEVICE_LIST] = { serve_device_list, CLIENTS },
	[HWB_DEVICE_INFO] = { serve_device_info, CLIENTS },
	[HWB_DEVICE_ACQUIRE] = { serve_device_acquire, CLIENTS },
	[HWB_DEVICE_ACQUIRE_ANY] = { serve_device_acquire_any, CLIENTS },
	[HWB_CONFIG_READ] = { serve_config_read, HOLDERS },
	[HWB_CONFIG_WRITE] = { serve_config_write, CLIENTS },
	[HWB_DEVICE_FD] = { serve_device_fd, CLIENTS },
	[HWB_IO_MEM_OPEN] = { serve_io_mem_open, CLIENTS },
	[HWB_IO_MEM_OPEN_BAR] = { serve_io_mem_open_bar, CLIENTS },
	[HWB_IO_MEM_BATCH] = { serve_io_mem_batch, HOLDERS },
	[HWB_IO_MEM_LIST] = { serve_io_mem_list, CLIENTS },
	[HWB_IO_PORT_OPEN] = { serve_io_port_open, CLIENTS },
	[HWB_IO_PORT_OPEN_BAR] = { serve_io_port_open_bar, CLIENTS },
	[HWB_IO_PORT_BATCH] = { serve_io_port_batch, HOLDERS },
	[HWB_IO_PORT_LIST] = { serve_io_port_list, CLIENTS },
	[HWB_IRQ_OPEN] = { serve_irq_open, CLIENTS },
	[HWB_IRQ_ENABLE] = { serve_irq_enable, HOLDERS },
	[HWB_IRQ_ACK] = { serve_irq_ack, HOLDERS },
	[HWB_IRQ_FDS] = { serve_irq_fds, HOLDERS },
	[HWB_IRQ_OPEN_NUMBER] = { serve_irq_open_number, CLIENTS },
	[HWB_IRQ_LIST] = { serve_irq_list, CLIENTS },
	[HWB_DOMAIN_OPEN] = { serve_domain_open, CLIENTS },
	[HWB_DOMAIN_INFO] = { serve_domain_info, HOLDERS },
	[HWB_DOMAIN_ASSIGN] = { serve_domain_assign, CLIENTS },
	[HWB_DOMAIN_DEASSIGN] = { serve_domain_deassign, HOLDERS },
	[HWB_DMA_ALLOC] = { serve_dma_alloc, CLIENTS },
	[HWB_DMA_MAP] = { serve_dma_map, CLIENTS },
	[HWB_DMA_UNMAP] = { serve_dma_unmap, HOLDERS },
	[HWB_ADMIN_STATUS] = { serve_admin_status, OPERATORS },
	[HWB_ADMIN_DEVICES] = { serve_admin_devices, OPERATORS },
	[HWB_ADMIN_CLIENTS] = { serve_admin_clients, OPERATORS },
	[HWB_ADMIN_SESSIONS] = { serve_admin_sessions, OPERATORS },
	[HWB_ADMIN_GIVEN] = { serve_admin_given, OPERATORS },
	[HWB_ADMIN_REVOKE] = { serve_admin_revoke, CHANGERS },
	[HWB_ADMIN_CLEAR] = { serve_admin_clear, CHANGERS },
	[HWB_ADMIN_GROUPS] = { serve_admin_groups, OPERATORS },
	[HWB_ADMIN_EXPLAIN] = { serve_admin_explain, OPERATORS },
	[HWB_ADMIN_AUDIT] = { serve_admin_audit, OPERATORS },
	[HWB_ADMIN_RELEASE] = { serve_admin_release, CHANGERS },
	[HWB_ADMIN_RELOAD] = { serve_admin_reload, CHANGERS },
	[HWB_ADMIN_RULES] = { serve_admin_rules, OPERATORS },
	[HWB_ADMIN_MONITOR] = { serve_admin_monitor, OPERATORS },
	[HWB_ADMIN_METRICS] = { serve_admin_metrics, OPERATORS },
};

/* Refuses what is out of order; false: do not serve it. */
static bool in_order(struct request *request)
{
	struct peer *peer = request->peer;
	bool hello = request->header.opcode == HWB_HELLO;

	if (hello == peer->greeted) {
		request_refuse_text(request, HWB_MALFORMED, offsetof(struct hwb_header, opcode),
		                    hello ? "HELLO was said already"
		                          : "the first message must be HELLO");
		peer_io_finish(peer);
		return false;
	}
	switch (services[request->header.opcode].audience) {
	case HOLDERS:
		/* What a reload leaves open can be used and closed. */
		if (peer->account != NULL)
			return true;
		/* fall through */
	case CLIENTS:
		if (peer->client != NULL)
			return true;
		request_refuse_text(request, HWB_DENIED, 0,
		                    "no [client] section of %s matches uid %u",
		                    policy_path(peer->broker->policy), peer->subject.uid);
		return false;
	case OPERATORS:
		if (peer->may_query)
			return true;
		request_refuse_text(request, HWB_DENIED, 0,
		                    "only root and the query_group of %s may ask this",
		                    policy_path(peer->broker->policy));
		return false;
	case CHANGERS:
		if (policy_may_change(peer->broker->policy, &peer->subject))
			return true;
		request_refuse_text(
		        request, HWB_DENIED, 0,
		        "only root and the change_group of %s may change what others have",
		        policy_path(peer->broker->policy));
		return false;
	case ANYBODY:
		break;
	}
	return true;
}

static void refuse_check(const struct request *request, const struct hwb_check *check)
{
	struct peer *peer = request->peer;
	enum hwb_status status = check->status;

	/* Before HELLO there is no protocol to be lenient in. */
	if (!peer->greeted && status != HWB_BAD_VERSION)
		status = HWB_MALFORMED;
	request_refuse_text(request, status, check->field, "%s", check->reason);
	if (!hwb_status_is_final(status))
		return;
	log_limited(peer_log_limit(peer), LOG_LEVEL_NOTICE,
	            "client `%s' (pid %u) broke the protocol: %s; disconnected", peer->name,
	            peer->pid, check->reason);
	peer_io_finish(peer);
}

static void keep_head(struct request *request, size_t length)
{
	request->head_length = (uint8_t)(length < REQUEST_HEAD ? length : REQUEST_HEAD);
	if (length != 0)
		memcpy(request->head, request->body, request->head_length);
}

/* Serving may drop the peer, which the caller keeps until the end of this. */
static void dispatch(struct peer *peer, const void *packet, size_t length, const int *fds,
                     uint32_t count)
{
	struct request request = {
		.peer = peer,
		.body = hwb_body(packet),
		.fd = count == 1 ? fds[0] : -1,
	};
	struct hwb_check check = hwb_check_request(packet, length, count, &request.header);

	if (check.status != HWB_OK) {
		refuse_check(&request, &check);
	} else if (in_order(&request)) {
		keep_head(&request, length - sizeof(struct hwb_header));
		peer->requests++;
		peer->broker->requests++;
		if (peer->account != NULL)
			peer->account->requests++;
		services[request.header.opcode].serve(&request);
	}
	if (count > 1)
		closer_close(peer, fds, count);
	else if (request.fd >= 0)
		closer_close(peer, &request.fd, 1);
}

static void policy_changed(struct broker *broker)
{
	revoke_by_policy(broker);
	virtual_by_policy(broker);
	/* What the kernel says nothing about: vectors that a virtual function was given. */
	hotplug_look(broker);
}

const struct peer_handler dispatch_handler = {
	.packet = dispatch,
	.closed = session_close_all,
	.policy_changed = policy_changed,
	.happened = happening_pass,
	.refused = happening_refused,
};
