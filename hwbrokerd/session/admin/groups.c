/* SPDX-License-Identifier: MIT */
/* ADMIN_GROUPS: all PCI functions as members of their IOMMU groups. */
#include "kernel/member.h"
#include "session/admin/query.h"
#include "session/bus/virtual.h"
#include "session/serve.h"
#include "session/session.h"
#include "util/pci_key.h"

#include <stdio.h>
#include <string.h>

enum {
	ROOM = HWB_MESSAGE_MAX - sizeof(struct hwb_header) - sizeof(struct hwb_list_reply),
	MAX = ROOM / sizeof(struct hwb_admin_member)
};

struct groups {
	struct query query;
	uint64_t from;
	struct {
		struct hwb_list_reply head;
		struct hwb_admin_member members[MAX];
	} reply;
};

static void run(struct job *job)
{
	struct groups *self = (struct groups *)job;
	struct hwb_pci_address addresses[MAX + 1];
	size_t found = member_list(self->from, addresses, MAX + 1);

	self->reply.head.record_size = sizeof(self->reply.members[0]);
	for (size_t i = 0; i < found && i < MAX; i++)
		member_read(&addresses[i], &self->reply.members[self->reply.head.count++]);
	if (found > MAX)
		self->reply.head.next = pci_key(&addresses[MAX]);
}

/* What only the loop knows. */
static void fill(const struct broker *broker, struct hwb_admin_member *member)
{
	const struct device *device = inventory_find(&broker->inventory, &member->address);

	if (device == NULL || device->state == LIFE_GONE)
		return;
	member->flags |= HWB_MEMBER_ON_BUS;
	member->state = lifecycle_public(device->state);
	memcpy(member->home, device->whereabouts.driver, sizeof(member->home));
	memcpy(member->slot, device->whereabouts.slot, sizeof(member->slot));
	member->functions_max = device->functions_max;
	if (device->functions.ours)
		member->flags |= HWB_MEMBER_OWN;
	if (device->functions.ours && device->functions.restore)
		member->flags |= HWB_MEMBER_OWN_END;
	if (virtual_is_used(device))
		member->flags |= HWB_MEMBER_USED;
	const struct peer *owner = device->owner;
	if (owner == NULL)
		return;
	member->connection = owner->id;
	member->pid = owner->pid;
	member->uid = owner->subject.uid;
	memcpy(member->client, owner->name, sizeof(member->client));
	if (device->session != NULL)
		member->owned_ms =
		        (uint64_t)((ev_now(broker->loop) - device->session->since) * 1000.0);
}

static void done(struct job *job)
{
	struct groups *self = (struct groups *)job;
	uint32_t count = self->reply.head.count;

	for (uint32_t i = 0; i < count; i++)
		fill(self->query.request.peer->broker, &self->reply.members[i]);
	request_reply(&self->query.request, 0, &self->reply,
	              sizeof(self->reply.head) + count * sizeof(self->reply.members[0]), NULL, 0);
	query_end(&self->query);
}

void serve_admin_groups(struct request *request)
{
	const struct hwb_list_request *list = request->body;
	struct groups *self = query_new(request, sizeof(*self));

	if (self == NULL)
		return;
	self->from = list->cursor;
	query_start(&self->query, request, run, done);
}
