/* SPDX-License-Identifier: MIT */
#include "server/hello.h"

#include "server/happening.h"
#include "server/peer_io.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static uint64_t features(const struct peer *peer)
{
	const struct host *host = &peer->broker->host;

	return (host->ports ? HWB_FEATURE_IO_PORT : 0) |
	       (host->backend != NULL ? HWB_FEATURE_DMA : 0) |
	       (peer->broker->follows_bus ? HWB_FEATURE_HOTPLUG : 0) | HWB_FEATURE_REVOKE |
	       (peer->may_query ? HWB_FEATURE_ADMIN : 0) |
	       (policy_may_change(peer->broker->policy, &peer->subject) ? HWB_FEATURE_CONTROL : 0);
}

/* "no [client] section of FILE matches uid 1000 or a group of it in unit foo.service" */
static void refuse_stranger(struct request *request)
{
	const struct peer *peer = request->peer;
	const struct policy *policy = peer->broker->policy;
	const struct unit_place *place = peer->subject.place;
	char unit[FAULT_REASON] = "";

	if (policy_asks_for_units(policy) && place == NULL)
		snprintf(unit, sizeof(unit), "; its unit is not known: %s", peer->place_unknown);
	else if (policy_asks_for_units(policy) && place->unit[0] != '\0')
		snprintf(unit, sizeof(unit), " in unit %s", place->unit);
	else if (policy_asks_for_units(policy))
		snprintf(unit, sizeof(unit), " outside of units");
	request_refuse_text(request, HWB_NOT_ADMITTED, 0,
	                    "no [client] section of %s matches uid %u or a group of it%s: an "
	                    "administrator can add one, see hwbroker-policy(5)",
	                    policy_path(policy), peer->subject.uid, unit);
}

static void refuse_crowd(struct request *request)
{
	const struct peer *peer = request->peer;
	uint32_t max = peer_connections_max(peer);

	if (peer->client != NULL)
		request_refuse_text(request, HWB_NOT_ADMITTED, 0,
		                    "client `%s' has %u connections, its limit (connections)",
		                    peer->name, max);
	else
		request_refuse_text(request, HWB_NOT_ADMITTED, 0,
		                    "%s %u has %u connections beside those of clients, and may "
		                    "have no more: close some",
		                    peer->subject.uid == 0 ? "root's process" : "uid",
		                    peer->subject.uid == 0 ? peer->pid : peer->subject.uid, max);
}

void hello_serve(struct request *request)
{
	const struct hwb_hello_request *hello = request->body;
	struct peer *peer = request->peer;

	if (hello->version_min > HWB_PROTOCOL_VERSION ||
	    hello->version_max < HWB_PROTOCOL_VERSION) {
		request_refuse_text(request, HWB_BAD_VERSION,
		                    REQUEST_FIELD(hwb_hello_request, version_min),
		                    "this broker speaks version 1; the client offers %u to %u",
		                    hello->version_min, hello->version_max);
		peer_io_finish(peer);
		return;
	}
	if (peer->client == NULL && !peer->may_query) {
		refuse_stranger(request);
		peer_io_finish(peer);
		return;
	}
	if (peer->crowded) {
		refuse_crowd(request);
		peer_io_finish(peer);
		return;
	}
	struct hwb_hello_reply reply = {
		.version = HWB_PROTOCOL_VERSION,
		.message_max = HWB_MESSAGE_MAX,
		.features = features(peer),
		.requests_max = peer->limits.requests,
		.sessions_max = peer->limits.sessions,
		.dma_bytes_max = peer->limits.dma_bytes,
		.dma_mappings_max = peer->limits.dma_mappings,
		.page_size = (uint32_t)sysconf(_SC_PAGESIZE),
	};
	if (peer->client != NULL)
		memcpy(reply.client, peer->name, sizeof(reply.client));
	peer->greeted = true;
	broker_keep_soon(peer->broker);
	ev_timer_stop(peer->broker->loop, &peer->deadline);
	request_reply(request, 0, &reply, sizeof(reply), NULL, 0);
	happened(peer->broker, &(struct happening){ .kind = HAPPENED_CONNECTED, .peer = peer });
}
