/* SPDX-License-Identifier: MIT */
/* What an operator may ask: the daemon's state, in pages. */
#include "kernel/bind.h"
#include "kernel/host_now.h"
#include "resume/note.h"
#include "resume/store.h"
#include "session/bus/hotplug.h"
#include "session/bus/platform.h"
#include "session/name.h"
#include "session/restart/keep.h"
#include "session/serve.h"
#include "session/session.h"
#include "version.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ROOM = HWB_MESSAGE_MAX - sizeof(struct hwb_header) - sizeof(struct hwb_list_reply) };

static void copy_name(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from);
}

static uint32_t status_flags(const struct host *host, const struct host_now *now)
{
	return (host->iommu ? HWB_STATUS_IOMMU : 0) |
	       (host->interrupt_remapping ? HWB_STATUS_INTERRUPT_REMAPPING : 0) |
	       (now->lockdown ? HWB_STATUS_LOCKDOWN : 0) | (now->vfio ? HWB_STATUS_VFIO : 0) |
	       (host->strict_devmem ? HWB_STATUS_STRICT_DEVMEM : 0) |
	       (note_works() ? HWB_STATUS_RESUMES : 0);
}

/* What would not outlive a restart, and why; nothing if all does. */
static int describe_restart(const struct broker *broker, char *text, size_t size)
{
	uint32_t count, max, lost = keep_lost(broker);

	if (!note_works())
		return snprintf(text, size,
		                "sessions end when hwbrokerd does, as nobody keeps their "
		                "descriptors meanwhile: start it as a service of systemd, with "
		                "FileDescriptorStoreMax= as its unit has it\n");
	if (broker->host.backend != NULL && broker->host.backend->fleeting)
		return snprintf(
		        text, size,
		        "without an IOMMU connections that have devices or domains end when "
		        "hwbrokerd does, and these are brought to rest\n");
	if (lost == 0)
		return 0;
	store_use(&count, &max);
	return snprintf(text, size,
	                "%u connections end when hwbrokerd does: they have more descriptors "
	                "than there is room for (%u of %u are kept, a client's share is %u)\n",
	                lost, count, max, max / 4);
}

void serve_admin_status(struct request *request)
{
	const struct broker *broker = request->peer->broker;
	const struct host *host = &broker->host;
	struct host_now now;
	struct {
		struct hwb_status_reply head;
		char text[(PROBLEMS_MAX + 1) * (PROBLEM_SIZE + 1)];
	} reply = {
		.head = {
			.uptime_ms = (uint64_t)((ev_now(broker->loop) - broker->started) * 1000.0),
			.pid = (uint32_t)getpid(),
						.connections = broker->peer_count,
			.sessions = broker->session_count,
			.requests = broker->requests,
			.workers = workers_threads(broker->workers),
			.workers_busy = workers_busy(broker->workers),
			.rules = policy_rule_count(broker->policy),
		},
	};

	host_now(host, "", &now);
	reply.head.flags = status_flags(host, &now);
	for (uint32_t i = 0; i < broker->inventory.count; i++) {
		reply.head.devices += broker->inventory.devices[i]->state != LIFE_GONE;
		reply.head.devices_granted += broker->inventory.devices[i]->owner != NULL;
	}
	for (const struct account *account = broker->accounts; account != NULL;
	     account = account->next)
		reply.head.dma_bytes += account->bytes;
	copy_name(reply.head.version, sizeof(reply.head.version), HWBROKER_VERSION);
	copy_name(reply.head.backend, sizeof(reply.head.backend),
	          host->backend != NULL ? host->backend->name : "none");
	copy_name(reply.head.policy, sizeof(reply.head.policy), policy_path(broker->policy));
	for (uint32_t i = 0; i < now.problems.count; i++)
		reply.head.text_length +=
		        (uint32_t)snprintf(reply.text + reply.head.text_length,
		                           sizeof(reply.text) - reply.head.text_length, "%.*s\n",
		                           PROBLEM_SIZE - 1, now.problems.lines[i]);
	reply.head.text_length +=
	        (uint32_t)describe_restart(broker, reply.text + reply.head.text_length,
	                                   sizeof(reply.text) - reply.head.text_length);
	request_reply(request, 0, &reply, sizeof(reply.head) + reply.head.text_length, NULL, 0);
}

static const char *note_of(const struct device *device)
{
	static const char *const ways[] = {
		[WAY_SPLIT] = "",
		[WAY_MEDIATED] = "its client reaches it by request (grant = mediated)",
		[WAY_DEVICE] = ("its client has VFIO's descriptor of it (grant = device): only "
		                "the end of that process takes it back"),
	};

	if (device->note[0] != '\0')
		return device->note;
	return device->state == LIFE_GRANTED ? ways[device->way] : device->functions.note;
}

/* `known`: its driver is, and need not be asked for, which for each of many devices takes longer
 * than the rest of a list of them. */
static void fill_device(const struct peer *peer, const struct device *device, bool known,
                        struct hwb_admin_device *record)
{
	struct policy_device about = device_for_policy(device);
	const struct peer *owner = device->owner;

	memset(record, 0, sizeof(*record));
	platform_describe(peer, device, &record->device);
	if (known)
		copy_name(record->host_driver, sizeof(record->host_driver), device->driver);
	else
		bind_driver(&device->facts.address, record->host_driver);
	if (owner != NULL)
		copy_name(record->client, sizeof(record->client), owner->name);
	if (host_is_unsafe(&peer->broker->host) && policy_unsafe_for(peer->broker->policy, &about))
		record->device.flags |= HWB_DEVICE_DMA_UNSAFE;
	copy_name(record->rule, sizeof(record->rule),
	          policy_rule_for(peer->broker->policy, &about));
	copy_name(record->note, sizeof(record->note), note_of(device));
}

void serve_admin_devices(struct request *request)
{
	enum { MAX = ROOM / sizeof(struct hwb_admin_device) };
	const struct hwb_list_request *list = request->body;
	const struct inventory *inventory = &request->peer->broker->inventory;
	struct {
		struct hwb_list_reply head;
		struct hwb_admin_device records[MAX];
	} reply;
	uint32_t at = inventory_from(inventory, list->cursor);
	bool known = hotplug_knows_drivers(request->peer->broker);

	reply.head = (struct hwb_list_reply){ .record_size = sizeof(reply.records[0]) };
	for (; at < inventory->count && reply.head.count < MAX; at++)
		if (inventory->devices[at]->state != LIFE_GONE)
			fill_device(request->peer, inventory->devices[at], known,
			            &reply.records[reply.head.count++]);
	if (at < inventory->count)
		reply.head.next = inventory_key(&inventory->devices[at]->facts.address);
	request_reply(request, 0, &reply,
	              sizeof(reply.head) + reply.head.count * sizeof(reply.records[0]), NULL, 0);
}

void serve_admin_clients(struct request *request)
{
	enum { MAX = ROOM / sizeof(struct hwb_admin_client) };
	const struct hwb_list_request *list = request->body;
	struct broker *broker = request->peer->broker;
	struct {
		struct hwb_list_reply head;
		struct hwb_admin_client records[MAX];
	} reply;

	reply.head = (struct hwb_list_reply){ .record_size = sizeof(reply.records[0]) };
	for (const struct peer *peer = peer_from(broker, list->cursor); peer != NULL;
	     peer = peer->next) {
		if (reply.head.count == MAX) {
			reply.head.next = peer->id;
			break;
		}
		struct hwb_admin_client *record = &reply.records[reply.head.count++];
		*record = (struct hwb_admin_client){
			.id = peer->id,
			.pid = peer->pid,
			.uid = peer->subject.uid,
			.gid = peer->subject.gid,
			.sessions = peer->sessions.count,
			.mappings = peer->account != NULL ? peer->account->mappings : 0,
			.dma_bytes = peer->account != NULL ? peer->account->bytes : 0,
			.connected_ms = (uint64_t)((ev_now(broker->loop) - peer->since) * 1000.0),
			.requests = peer->requests,
		};
		if (peer->account != NULL)
			copy_name(record->client, sizeof(record->client), peer->name);
	}
	request_reply(request, 0, &reply,
	              sizeof(reply.head) + reply.head.count * sizeof(reply.records[0]), NULL, 0);
}

static void fill_session(const struct session *session, struct hwb_admin_session *record)
{
	*record = (struct hwb_admin_session){
		.connection = session->peer->id,
		.handle = session->handle,
		.kind = session->kind,
	};
	/* The descriptor of an I/O BAR is granted like memory, and is ports. */
	if (session->kind == HWB_SESSION_IO_MEM &&
	    (((const struct region_session *)session)->region.flags & HWB_REGION_IO) != 0)
		record->kind = HWB_SESSION_IO_PORT;
	copy_name(record->client, sizeof(record->client), session->peer->name);
	session_describe(session, record->resource, sizeof(record->resource));
}

void serve_admin_sessions(struct request *request)
{
	enum { MAX = ROOM / sizeof(struct hwb_admin_session) };
	const struct hwb_list_request *list = request->body;
	struct {
		struct hwb_list_reply head;
		struct hwb_admin_session records[MAX];
	} reply;

	/* The cursor is the connection's id and the handle. */
	reply.head = (struct hwb_list_reply){ .record_size = sizeof(reply.records[0]) };
	for (const struct peer *peer = peer_from(request->peer->broker, list->cursor >> 32);
	     peer != NULL && reply.head.next == 0; peer = peer->next) {
		bool same = peer->id == list->cursor >> 32;
		uint32_t from =
		        same ? session_table_from(&peer->sessions, (uint32_t)list->cursor) : 0;
		for (uint32_t i = from; i < peer->sessions.count; i++) {
			const struct session *session = peer->sessions.items[i];
			uint64_t key = (uint64_t)peer->id << 32 | session->handle;
			if (session->kind == SESSION_TAKEN)
				continue;
			if (reply.head.count == MAX) {
				reply.head.next = key;
				break;
			}
			fill_session(session, &reply.records[reply.head.count++]);
		}
	}
	request_reply(request, 0, &reply,
	              sizeof(reply.head) + reply.head.count * sizeof(reply.records[0]), NULL, 0);
}

void serve_admin_given(struct request *request)
{
	const struct hwb_given_request *given = request->body;
	const struct policy *policy = request->peer->broker->policy;
	const struct policy_client *client;

	if (!is_wire_name(given->client)) {
		request_refuse_text(request, HWB_INVALID, REQUEST_FIELD(hwb_given_request, client),
		                    "a client's name has at most %u bytes and zeros behind it",
		                    HWB_NAME_SIZE - 1);
		return;
	}
	client = policy_client_named(policy, given->client);
	if (client == NULL) {
		request_refuse_text(request, HWB_NOT_FOUND,
		                    REQUEST_FIELD(hwb_given_request, client),
		                    "no [client] section of %s has this name", policy_path(policy));
		return;
	}
	platform_list(request, client, given->cursor);
}
