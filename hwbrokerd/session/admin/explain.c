/* SPDX-License-Identifier: MIT */
/* ADMIN_EXPLAIN: what acquiring would look at, all of it, and what it would find. */
#include "session/admin/explain_own.h"

#include "kernel/host_now.h"
#include "session/bus/platform.h"
#include "session/memory/memory.h"
#include "session/name.h"
#include "session/serve.h"
#include "util/pci_key.h"

#include <stdio.h>
#include <string.h>

enum {
	ROOM = HWB_MESSAGE_MAX - sizeof(struct hwb_header) - sizeof(struct hwb_list_reply),
	PAGE = ROOM / sizeof(struct hwb_finding)
};

static void run(struct job *job)
{
	explain_host((struct explain *)job);
}

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
