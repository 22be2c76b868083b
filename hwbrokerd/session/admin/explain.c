/* SPDX-License-Identifier: MIT */
/* ADMIN_EXPLAIN: what acquiring would look at, all of it, and what it would find. */
#include "kernel/host_now.h"
#include "kernel/iomem.h"
#include "kernel/line.h"
#include "kernel/physical.h"
#include "kernel/sysfs.h"
#include "session/acquire/assess.h"
#include "session/admin/findings.h"
#include "session/admin/query.h"
#include "session/bus/platform.h"
#include "session/memory/memory.h"
#include "session/memory/vga.h"
#include "session/name.h"
#include "session/serve.h"
#include "util/pci_key.h"

#include <stdio.h>
#include <string.h>

enum {
	ROOM = HWB_MESSAGE_MAX - sizeof(struct hwb_header) - sizeof(struct hwb_list_reply),
	PAGE = ROOM / sizeof(struct hwb_finding)
};

struct explain {
	struct query query;
	uint64_t cursor;
	struct findings findings;
	/* For the worker. */
	bool has_memory;
	uint64_t memory, memory_size;
	struct policy_access access;
	bool has_device;
	bool has_line; /* and the policy gives it */
	uint32_t line;
	struct policy_line terms;
	struct operate_targets targets;
	struct policy_grant grant;
	uint32_t group;
	bool remapping;
	bool lockdown;
	bool keeps_descriptors;
	bool iommu;  /* of some devices */
	bool unsafe; /* no IOMMU, and devices are given away all the same */
	bool intx_only;
	const char *driver;
	char name[16];
};

/* ---- on the worker ---- */

/* Whether each of the ways, "flr bus", is one that the kernel has now. */
static bool all_offered(const char *ways, const char *offered)
{
	char copy[POLICY_RESET_SIZE];
	char *rest = NULL;

	snprintf(copy, sizeof(copy), "%s", ways);
	for (const char *way = strtok_r(copy, " ", &rest); way != NULL;
	     way = strtok_r(NULL, " ", &rest)) {
		const char *at = strstr(offered, way);
		size_t length = strlen(way);
		if (at == NULL || (at != offered && at[-1] != ' ') ||
		    (at[length] != ' ' && at[length] != '\0'))
			return false;
	}
	return true;
}

static void look_at_reset(struct explain *self, const struct hwb_pci_address *address)
{
	char path[SYSFS_PATH], offered[POLICY_RESET_SIZE];
	const char *ways = self->grant.reset;

	sysfs_device_path(address, "reset_method", path);
	sysfs_read(path, offered, sizeof(offered));
	if (strcmp(ways, "none") == 0)
		findings_add(&self->findings, address, HWB_FINDING_LIMITS, "reset",
		             "it is not reset between clients, as its rule says (reset = none)");
	else if (!all_offered(ways, offered))
		findings_add(&self->findings, address, HWB_FINDING_BLOCKS, "reset",
		             "it cannot be reset by `%s' (`reset' in its rule): the kernel %s%s",
		             ways, offered[0] != '\0' ? "offers " : "has no way to", offered);
	else if (offered[0] == '\0')
		findings_add(&self->findings, address, HWB_FINDING_LIMITS, "reset",
		             "the kernel has no way to reset it: after its first client it is for "
		             "nobody (`reset = none' in its rule does without)");
	else
		findings_add(&self->findings, address, HWB_FINDING_FINE, "reset",
		             "it is reset between clients by: %s",
		             ways[0] != '\0' ? ways : offered);
}

static void look_at_host(struct explain *self)
{
	struct hwb_pci_address taken[OPERATE_GROUP_MAX];
	struct fault fault;
	bool free = true;

	for (uint32_t i = 0; i < self->targets.count; i++) {
		const struct operate_target *target = &self->targets.items[i];
		taken[i] = target->device->facts.address;
		if (operate_may_take(target, &fault) == 0)
			continue;
		free = false;
		findings_add(&self->findings, &taken[i], HWB_FINDING_BLOCKS, "take", "%s",
		             fault.reason);
	}
	if (free)
		findings_add(&self->findings, &taken[0], HWB_FINDING_FINE, "take",
		             "the host does without it");
	if (self->group == UINT32_MAX && self->unsafe)
		findings_add(&self->findings, &taken[0], HWB_FINDING_LIMITS, "iommu",
		             "this host has no IOMMU: registers and INTx are given, DMA only with "
		             "`dma = unsafe'");
	else if (self->group == UINT32_MAX)
		findings_add_groupless(&self->findings, &taken[0], "iommu", self->iommu);
	else if (bind_group_viable_but(self->group, taken, self->targets.count, &fault) != 0)
		findings_add(&self->findings, &taken[0], HWB_FINDING_BLOCKS, "iommu", "%s",
		             fault.reason);
	else
		findings_add(&self->findings, &taken[0], HWB_FINDING_FINE, "iommu",
		             "nothing else in IOMMU group %u is in the way", self->group);
}

static void look_at_way(struct explain *self, const struct hwb_pci_address *address)
{
	switch (self->grant.way) {
	case WAY_SPLIT:
		if (self->lockdown)
			findings_add(
			        &self->findings, address, HWB_FINDING_BLOCKS, "grant",
			        "the kernel is locked down (Secure Boot): no descriptor of its "
			        "registers can be used; set `grant = mediated' or `grant = "
			        "device' in its rule, or switch Secure Boot off");
		break;
	case WAY_MEDIATED:
		findings_add(&self->findings, address, HWB_FINDING_LIMITS, "grant",
		             "its registers are read and written by request, which is slow (grant "
		             "= mediated)");
		break;
	case WAY_DEVICE:
		if (self->keeps_descriptors) {
			findings_add(&self->findings, address, HWB_FINDING_BLOCKS, "grant",
			             "this backend passes VFIO's descriptor of a device to nobody "
			             "(grant = device): `grant = mediated' does without");
			break;
		}
		findings_add(&self->findings, address, HWB_FINDING_LIMITS, "grant",
		             "its client gets VFIO's descriptor of it, and only the end of that "
		             "process takes it back (grant = device)");
		break;
	}
}

static void look_at_rights(struct explain *self, const struct hwb_pci_address *address)
{
	if (self->unsafe && self->grant.unsafe)
		findings_add(
		        &self->findings, address, HWB_FINDING_LIMITS, "dma",
		        "it may do DMA to all of the host's memory: there is no IOMMU, and its "
		        "rule says `dma = unsafe'");
	else if (self->unsafe)
		findings_add(&self->findings, address, HWB_FINDING_LIMITS, "dma",
		             "no DMA: there is no IOMMU, and its rule does not say `dma = unsafe'");
	else if (self->grant.dma)
		findings_add(&self->findings, address, HWB_FINDING_FINE, "dma",
		             "it may do DMA to memory of this client");
	else
		findings_add(&self->findings, address, HWB_FINDING_LIMITS, "dma",
		             "no DMA: its rule does not say `dma = yes'");
	look_at_way(self, address);
	if (self->intx_only)
		findings_add(&self->findings, address, HWB_FINDING_LIMITS, "interrupts",
		             "no VFIO: of interrupts only INTx, by way of the broker");
	else if (!self->remapping && !self->unsafe)
		findings_add(&self->findings, address, HWB_FINDING_BLOCKS, "interrupts",
		             "this host does not remap interrupts, so the kernel gives no device "
		             "away: switch that on in the firmware, and drop intremap=off");
	findings_add(&self->findings, address, HWB_FINDING_FINE, "kernel",
	             "only trying tells whether %s takes it, and whether some process has its "
	             "registers open",
	             self->driver);
}

/* A client that has a VGA card reaches its window through that, whatever the kernel says here. */
static void refuse_memory(struct explain *self, const struct fault *fault)
{
	if (!self->access.fd && vga_has_memory(self->memory, self->memory_size))
		findings_add(&self->findings, NULL, HWB_FINDING_LIMITS, "host",
		             "only by a VGA card that the connection has acquired before; "
		             "otherwise: %s",
		             fault->reason);
	else
		findings_add(&self->findings, NULL, HWB_FINDING_BLOCKS, "host", "%s",
		             fault->reason);
}

/* It is mapped, and not read. */
static void look_at_memory(struct explain *self)
{
	uint64_t first = self->memory, size = self->memory_size;
	struct physical physical = { .at = NULL };
	struct fault fault;

	if (iomem_check(IOMEM_PATH, first, first + (size - 1), self->access.write,
	                self->access.force, &fault) != 0 ||
	    physical_map(first, size, self->access.write, &physical, &fault) != 0)
		refuse_memory(self, &fault);
	else
		findings_add(&self->findings, NULL, HWB_FINDING_FINE, "host",
		             "the kernel lets the broker map it");
	physical_unmap(&physical);
	if (self->access.fd)
		findings_add(&self->findings, NULL, HWB_FINDING_LIMITS, "access",
		             "its descriptor is one of /dev/mem: who holds it reaches every "
		             "address that the kernel lets anybody reach there, and it cannot be "
		             "taken back");
}

static void look_at_line(struct explain *self)
{
	const struct policy_line *terms = &self->terms;
	char name[LINE_NAME];
	struct fault fault;
	bool uio = terms->source != POLICY_SOURCE_POLL &&
	           line_find(self->line, terms->uio, name, &fault) == 0;

	if (uio)
		findings_add(&self->findings, NULL, HWB_FINDING_FINE, "source",
		             "it comes by UIO device `%s', through the broker", name);
	else if (terms->source == POLICY_SOURCE_UIO ||
	         (terms->source == POLICY_SOURCE_AUTO && fault.status != HWB_NOT_FOUND))
		findings_add(&self->findings, NULL, HWB_FINDING_BLOCKS, "source", "%s",
		             fault.reason);
	else
		findings_add(&self->findings, NULL, HWB_FINDING_LIMITS, "source",
		             "it is polled: %u times a second the client is told to look, whether "
		             "or not the device has something",
		             terms->rate);
	line_host_driver(self->line, name);
	if (name[0] != '\0')
		findings_add(&self->findings, NULL, HWB_FINDING_LIMITS, "host",
		             "the host's driver `%s' has the line, too: it answers the device "
		             "before the client looks, unless it is unbound",
		             name);
}

static void run(struct job *job)
{
	struct explain *self = (struct explain *)job;

	if (self->has_memory)
		look_at_memory(self);
	if (self->has_line)
		look_at_line(self);
	if (!self->has_device)
		return;
	const struct hwb_pci_address *address = &self->targets.items[0].device->facts.address;
	look_at_host(self);
	look_at_reset(self, address);
	look_at_rights(self, address);
}

/* ---- on the loop ---- */

static void done(struct job *job)
{
	struct explain *self = (struct explain *)job;
	struct {
		struct hwb_list_reply head;
		struct hwb_finding findings[PAGE];
	} reply = { .head.record_size = sizeof(struct hwb_finding) };
	uint64_t at = self->cursor;

	for (; at < self->findings.count && reply.head.count < PAGE; at++)
		reply.findings[reply.head.count++] = self->findings.items[at];
	if (at < self->findings.count)
		reply.head.next = at;
	request_reply(&self->query.request, 0, &reply,
	              sizeof(reply.head) + reply.head.count * sizeof(reply.findings[0]), NULL, 0);
	query_end(&self->query);
}

#define FIELD(name) REQUEST_FIELD(hwb_explain_request, name)

/* Which field says something that this kind of resource, or a client with a name, has no use for;
 * 0: none. */
static uint32_t unused_field(const struct hwb_explain_request *asked)
{
	bool device = asked->kind == HWB_RULE_DEVICE, memory = asked->kind == HWB_RULE_MEMORY;
	bool numbered = !device && !memory, named = asked->client[0] != '\0';

	if (!device && pci_key(&asked->address) != 0)
		return FIELD(address);
	if (!numbered && asked->base != 0)
		return FIELD(base);
	if (!numbered && asked->count != 0)
		return FIELD(count);
	if (!memory && asked->memory != 0)
		return FIELD(memory);
	if (!memory && asked->memory_size != 0)
		return FIELD(memory_size);
	if (named && asked->uid != 0)
		return FIELD(uid);
	if (named && asked->group_count != 0)
		return FIELD(group_count);
	for (uint32_t i = asked->group_count; i < HWB_EXPLAIN_GROUPS; i++)
		if (asked->groups[i] != 0)
			return FIELD(groups);
	return 0;
}

/* False: it is refused. */
static bool is_well_formed(const struct request *request)
{
	const struct hwb_explain_request *asked = request->body;

	if (asked->kind > HWB_RULE_INTERRUPT)
		request_refuse_text(request, HWB_INVALID, FIELD(kind),
		                    "kind is %u, where 0 to %u can be explained", asked->kind,
		                    HWB_RULE_INTERRUPT);
	else if (asked->group_count > HWB_EXPLAIN_GROUPS)
		request_refuse_text(request, HWB_INVALID, FIELD(group_count),
		                    "%u groups are more than %u", asked->group_count,
		                    HWB_EXPLAIN_GROUPS);
	else if (!is_wire_name(asked->client))
		request_refuse_text(request, HWB_INVALID, FIELD(client),
		                    "the client's name is not padded with zero bytes");
	else if (unused_field(asked) != 0)
		request_refuse_text(request, HWB_RESERVED_NOT_ZERO, unused_field(asked),
		                    "a field is not zero that is of no use with this kind, this "
		                    "number of groups, or a client with a name");
	else if (asked->kind == HWB_RULE_INTERRUPT && asked->count != 1)
		request_refuse_text(request, HWB_INVALID, FIELD(count),
		                    "count is %u, where interrupt lines are explained one by one",
		                    asked->count);
	else
		return true;
	return false;
}

/* False: it is refused. */
static bool find_client(const struct request *request, struct asker *asker)
{
	const struct hwb_explain_request *asked = request->body;
	const struct policy *policy = asker->broker->policy;
	const struct policy_subject subject = {
		.uid = asked->uid,
		.gid = asked->group_count != 0 ? asked->groups[0] : UINT32_MAX,
		.groups = asked->groups,
		.group_count = asked->group_count,
	};

	if (!is_well_formed(request))
		return false;
	asker->client = asked->client[0] != '\0' ? policy_client_named(policy, asked->client)
	                                         : policy_client_of(policy, &subject);
	asker->name = asker->client != NULL ? asker->client->name : "-";
	if (asker->client != NULL || asked->client[0] == '\0')
		return true;
	request_refuse_text(request, HWB_NOT_FOUND, REQUEST_FIELD(hwb_explain_request, client),
	                    "no [client] section of %s has this name", policy_path(policy));
	return false;
}

static void say_client(struct explain *self, const struct asker *asker,
                       const struct hwb_explain_request *asked)
{
	if (asker->client == NULL)
		findings_add(&self->findings, NULL, HWB_FINDING_BLOCKS, "client",
		             "no [client] section of %s names user %u or one of its groups",
		             policy_path(asker->broker->policy), asked->uid);
	else
		findings_add(&self->findings, NULL, HWB_FINDING_FINE, "client", "client `%s'",
		             asker->name);
}

static void say_policy(struct explain *self, const struct policy_verdict *verdict,
                       const struct hwb_pci_address *address)
{
	findings_cite(findings_add(&self->findings, address,
	                           verdict->granted ? HWB_FINDING_FINE : HWB_FINDING_BLOCKS,
	                           "policy", "%s",
	                           verdict->granted ? "the policy gives it" : verdict->why.reason),
	              verdict);
}

static void assess_ports_all(struct explain *self, const struct asker *asker,
                             const struct hwb_explain_request *asked)
{
	struct policy_verdict verdict;
	struct fault fault;

	assess_ports(asker, asked->base, asked->count, &verdict, NULL);
	say_policy(self, &verdict, NULL);
	if (assess_ports_of_host(asker->broker, &fault) != 0)
		findings_add(&self->findings, NULL, HWB_FINDING_BLOCKS, "host", "%s", fault.reason);
	if (assess_ports_free(asker, asked->base, asked->count, &fault) != 0)
		findings_add(&self->findings, NULL, HWB_FINDING_BLOCKS, "state", "%s",
		             fault.reason);
	else
		findings_add(&self->findings, NULL, HWB_FINDING_FINE, "state",
		             "nobody has any of them");
}

static void assess_memory_all(struct explain *self, const struct asker *asker,
                              const struct hwb_explain_request *asked)
{
	struct policy_verdict verdict;
	struct fault fault;

	self->has_memory =
	        assess_memory(asker, asked->memory, asked->memory_size, &verdict, NULL) == 0;
	say_policy(self, &verdict, NULL);
	self->memory = asked->memory;
	self->memory_size = asked->memory_size;
	self->access = verdict.memory;
	if (self->has_memory &&
	    memory_free(asker->broker, asker->peer, asked->memory, asked->memory_size, &fault) != 0)
		findings_add(&self->findings, NULL, HWB_FINDING_BLOCKS, "state", "%s",
		             fault.reason);
}

static void assess_line_all(struct explain *self, const struct asker *asker,
                            const struct hwb_explain_request *asked)
{
	struct policy_verdict verdict;
	struct fault fault;

	self->has_line = assess_line(asker, asked->base, &verdict, NULL) == 0;
	self->line = asked->base;
	self->terms = verdict.interrupt;
	say_policy(self, &verdict, NULL);
	if (assess_lines_of_host(&fault) != 0)
		findings_add(&self->findings, NULL, HWB_FINDING_BLOCKS, "host", "%s", fault.reason);
	if (assess_line_free(asker, asked->base, verdict.interrupt.source != POLICY_SOURCE_POLL,
	                     &fault) != 0)
		findings_add(&self->findings, NULL, HWB_FINDING_BLOCKS, "state", "%s",
		             fault.reason);
}

static void say_step(struct explain *self, const struct device *device, enum assess_step step,
                     const struct fault *fault)
{
	const struct peer *owner = device->owner;

	if (fault == NULL)
		return;
	if (step == ASSESS_STATE && owner != NULL)
		findings_add(&self->findings, &device->facts.address, HWB_FINDING_BLOCKS,
		             assess_code(step),
		             "%s, by client `%s' (pid %u): `hwbroker-ctl revoke %s' takes it back",
		             fault->reason, owner->name, owner->pid, device->name);
	else
		findings_add(&self->findings, &device->facts.address, HWB_FINDING_BLOCKS,
		             assess_code(step), "%s", fault->reason);
}

static void assess_device_all(struct explain *self, const struct asker *asker,
                              struct device *device)
{
	struct policy_verdict verdict;
	struct fault fault;
	bool given = assess_device(asker, device, ASSESS_POLICY, &verdict, NULL, NULL) == 0;

	say_policy(self, &verdict, &device->facts.address);
	for (int step = ASSESS_HOST; step < ASSESS_STEPS; step++) {
		bool fine = (step == ASSESS_SHARE && !given) ||
		            assess_device(asker, device, (enum assess_step)step, &verdict, NULL,
		                          &fault) == 0;
		say_step(self, device, (enum assess_step)step, fine ? NULL : &fault);
	}
	self->grant = verdict.grant;
	self->group = device->group->id;
	self->remapping = asker->broker->host.interrupt_remapping;
	self->lockdown = host_is_locked_down(&asker->broker->host);
	self->keeps_descriptors = asker->broker->host.backend != NULL &&
	                          asker->broker->host.backend->device_fd == NULL;
	self->iommu = asker->broker->host.iommu;
	self->unsafe = host_is_unsafe(&asker->broker->host);
	self->intx_only = host_is_intx_only(&asker->broker->host);
	self->driver = host_driver(&asker->broker->host);
	if (assess_targets(asker, device, &self->targets, &fault) != 0)
		findings_add(&self->findings, &device->facts.address, HWB_FINDING_BLOCKS, "group",
		             "%s", fault.reason);
	else
		self->has_device = true;
}

void serve_admin_explain(struct request *request)
{
	const struct hwb_explain_request *asked = request->body;
	struct asker asker = { .broker = request->peer->broker };
	struct device *device = NULL;

	if (!find_client(request, &asker))
		return;
	if (asked->kind == HWB_RULE_DEVICE) {
		struct fault fault;
		device = platform_find_any(asker.broker, &asked->address, &fault);
		if (device == NULL) {
			request_refuse(request, REQUEST_FIELD(hwb_explain_request, address),
			               &fault);
			return;
		}
	}
	struct explain *self = query_new(request, sizeof(*self));
	if (self == NULL)
		return;
	self->cursor = asked->cursor;
	say_client(self, &asker, asked);
	if (device != NULL)
		assess_device_all(self, &asker, device);
	else if (asked->kind == HWB_RULE_MEMORY)
		assess_memory_all(self, &asker, asked);
	else if (asked->kind == HWB_RULE_INTERRUPT)
		assess_line_all(self, &asker, asked);
	else
		assess_ports_all(self, &asker, asked);
	query_start(&self->query, request, run, done);
}
