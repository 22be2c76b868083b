/* SPDX-License-Identifier: MIT */
#include "session/bus/platform.h"

#include "session/serve.h"

#include <string.h>

/* Without an IOMMU, DMA is another thing to allow. */
static int may(const struct broker *broker, const struct policy_client *client,
               const struct device *device, enum policy_kind kind, struct fault *fault)
{
	struct policy_device about = device_for_policy(device);
	struct policy_resource resource = { .kind = kind, .device = &about };

	if (kind == POLICY_DMA && host_is_unsafe(&broker->host))
		resource.kind = POLICY_DMA_UNSAFE;
	return policy_may(broker->policy, client, &resource, fault);
}

int platform_may(const struct peer *peer, const struct device *device, enum policy_kind kind,
                 struct fault *fault)
{
	return may(peer->broker, peer->client, device, kind, fault);
}

static bool can_be(const struct hwb_pci_address *address, struct fault *fault)
{
	if (address->device <= 31 && address->function <= 7)
		return true;
	fault_set(fault, HWB_INVALID, "PCI device %u, function %u: there are 32 and 8",
	          address->device, address->function);
	return false;
}

static struct device *on_the_bus(const struct broker *broker, const struct hwb_pci_address *address)
{
	struct device *device = inventory_find(&broker->inventory, address);

	return device != NULL && device->state != LIFE_GONE && !device->left ? device : NULL;
}

struct device *platform_find_any(const struct broker *broker, const struct hwb_pci_address *address,
                                 struct fault *fault)
{
	struct device *device;

	if (!can_be(address, fault))
		return NULL;
	device = on_the_bus(broker, address);
	if (device == NULL)
		fault_set(fault, HWB_NOT_FOUND,
		          "no device %04x:%02x:%02x.%x is on the bus, or it is a bridge",
		          address->domain, address->bus, address->device, address->function);
	return device;
}

struct device *platform_find(const struct peer *peer, const struct hwb_pci_address *address,
                             struct policy_verdict *verdict, struct fault *fault)
{
	struct policy_verdict local;

	if (verdict == NULL)
		verdict = &local;
	if (!can_be(address, fault))
		return NULL;
	struct device *device = on_the_bus(peer->broker, address);
	if (device != NULL) {
		struct policy_device about = device_for_policy(device);
		struct policy_resource resource = { .kind = POLICY_DEVICE, .device = &about };
		policy_decide(peer->broker->policy, peer->client, &resource, verdict);
		if (verdict->granted)
			return device;
	}
	fault_set(fault, HWB_NOT_FOUND,
	          "no device %04x:%02x:%02x.%x for client `%s': it is not there or no [device] "
	          "section of the policy gives it to this client",
	          address->domain, address->bus, address->device, address->function, peer->name);
	return NULL;
}

static bool is_revocable(const struct peer *peer, const struct policy_client *client,
                         const struct device *device)
{
	enum policy_way way = device->way;
	struct policy_device about = device_for_policy(device);
	struct policy_resource resource = { .kind = POLICY_DEVICE, .device = &about };
	struct policy_verdict verdict;

	if (device->state != LIFE_GRANTED) {
		policy_decide(peer->broker->policy, client, &resource, &verdict);
		way = verdict.grant.way;
	}
	if (way == WAY_MEDIATED)
		return peer->broker->host.backend != NULL;
	return way == WAY_SPLIT && host_can_revoke(&peer->broker->host);
}

bool platform_gives_unsafe_dma(const struct peer *peer)
{
	const struct inventory *inventory = &peer->broker->inventory;

	for (uint32_t i = 0; i < inventory->count; i++)
		if (inventory->devices[i]->state != LIFE_GONE &&
		    platform_may(peer, inventory->devices[i], POLICY_DMA_UNSAFE, NULL) == 0)
			return true;
	return false;
}

/* To `peer`, with the rights of `client`, which may be NULL. */
static void describe(const struct peer *peer, const struct policy_client *client,
                     const struct device *device, struct hwb_device *facts)
{
	*facts = device->facts;
	facts->state = lifecycle_public(device->state);
	if (device->resets)
		facts->flags |= HWB_DEVICE_RESETS;
	if (is_revocable(peer, client, device))
		facts->flags |= HWB_DEVICE_REVOCABLE;
	if (device->owner == peer && device->state == LIFE_GRANTED)
		facts->flags |= HWB_DEVICE_MINE;
	if (client != NULL && may(peer->broker, client, device, POLICY_DMA, NULL) == 0)
		facts->flags |= HWB_DEVICE_MAY_DMA |
		                (host_is_unsafe(&peer->broker->host) ? HWB_DEVICE_DMA_UNSAFE : 0);
	if (host_is_intx_only(&peer->broker->host)) {
		facts->msi_vectors = 0;
		facts->msix_vectors = 0;
	}
}

void platform_describe(const struct peer *peer, const struct device *device,
                       struct hwb_device *facts)
{
	describe(peer, peer->client, device, facts);
}

void platform_tell(const struct broker *broker, const struct device *device,
                   enum hwb_device_change change)
{
	for (struct peer *peer = broker->peers; peer != NULL; peer = peer->next)
		if (peer->client != NULL && (peer != device->owner || device->held != NULL) &&
		    platform_may(peer, device, POLICY_DEVICE, NULL) == 0)
			peer_event(peer, &device->facts.address, 0, change, 0);
}

void platform_list(const struct request *request, const struct policy_client *client,
                   uint64_t cursor)
{
	enum {
		ROOM = (HWB_MESSAGE_MAX - sizeof(struct hwb_header) -
		        sizeof(struct hwb_list_reply)) /
		       sizeof(struct hwb_device)
	};
	const struct peer *peer = request->peer;
	const struct inventory *inventory = &peer->broker->inventory;
	struct {
		struct hwb_list_reply head;
		struct hwb_device devices[ROOM];
	} reply = { .head.record_size = sizeof(struct hwb_device) };

	for (uint32_t i = inventory_from(inventory, cursor); i < inventory->count; i++) {
		const struct device *device = inventory->devices[i];
		if (device->state == LIFE_GONE || device->left ||
		    may(peer->broker, client, device, POLICY_DEVICE, NULL) != 0)
			continue;
		if (reply.head.count == ROOM) {
			reply.head.next = inventory_key(&device->facts.address);
			break;
		}
		describe(peer, client, device, &reply.devices[reply.head.count++]);
	}
	request_reply(request, 0, &reply,
	              sizeof(reply.head) + reply.head.count * sizeof(struct hwb_device), NULL, 0);
}

void serve_device_list(struct request *request)
{
	const struct hwb_list_request *list = request->body;

	platform_list(request, request->peer->client, list->cursor);
}

void serve_device_info(struct request *request)
{
	const struct hwb_device_info_request *info = request->body;
	const struct device *device;
	struct hwb_device reply;
	struct fault fault;

	if (request->header.session != 0) {
		static const struct hwb_pci_address none;
		struct session *session = request_session(request, HWB_SESSION_DEVICE);
		if (session == NULL)
			return;
		if (memcmp(&info->address, &none, sizeof(none)) != 0) {
			request_refuse_text(request, HWB_INVALID,
			                    REQUEST_FIELD(hwb_device_info_request, address),
			                    "a handle and an address: one of them, please");
			return;
		}
		device = ((struct device_session *)session)->device;
	} else {
		device = platform_find(request->peer, &info->address, NULL, &fault);
		if (device == NULL) {
			request_refuse(request, REQUEST_FIELD(hwb_device_info_request, address),
			               &fault);
			return;
		}
	}
	platform_describe(request->peer, device, &reply);
	request_reply(request, request->header.session, &reply, sizeof(reply), NULL, 0);
}

void serve_ping(struct request *request)
{
	request_reply(request, 0, NULL, 0, NULL, 0);
}

void serve_close(struct request *request)
{
	struct session *session =
	        session_table_find(&request->peer->sessions, request->header.session, 0);

	if (session == NULL) {
		request_refuse_text(request, HWB_NO_SESSION, offsetof(struct hwb_header, session),
		                    "handle %u is not open on this connection",
		                    request->header.session);
		return;
	}
	session_close(session, request);
}
