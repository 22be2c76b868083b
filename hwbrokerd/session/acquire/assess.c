/* SPDX-License-Identifier: MIT */
#include "session/acquire/assess.h"

#include "kernel/host_now.h"
#include "kernel/line.h"
#include "kernel/ports.h"
#include "session/acquire/share.h"
#include "session/irq/line.h"
#include "session/port/port_use.h"

#include <string.h>

const char *assess_code(enum assess_step step)
{
	static const char *const codes[ASSESS_STEPS] = {
		[ASSESS_POLICY] = "policy", [ASSESS_HOST] = "host",   [ASSESS_STATE] = "state",
		[ASSESS_GROUP] = "group",   [ASSESS_SHARE] = "share",
	};
	return codes[step];
}

/* Known before the device is torn from its host driver. */
static int host_gives_devices(const struct host *host, struct fault *fault)
{
	if (host->backend != NULL)
		return 0;
	return fault_set(fault, HWB_UNSUPPORTED, "this host can give no device away: %s",
	                 host->none[0] != '\0' ? host->none : "`hwbroker-ctl status' says why");
}

/* Whose they are is for operators to know. */
static int refuse_held(const struct device *device, struct fault *fault)
{
	return fault_set(fault, HWB_BUSY,
	                 "%s was given back, but somebody still has registers of it mapped, or "
	                 "a descriptor of them",
	                 device->name);
}

static int is_idle(const struct device *device, struct fault *fault)
{
	switch (device->state) {
	case LIFE_HOST:
	case LIFE_FREE:
		if (!device->ending)
			return 0;
		return fault_set(fault, HWB_BUSY,
		                 "%s is about to end: %s gets another number of virtual functions",
		                 device->name, device->whereabouts.physical);
	case LIFE_GONE:
		return fault_set(fault, HWB_GONE, "%s has left the bus", device->name);
	case LIFE_QUARANTINED:
		return fault_set(fault, HWB_UNSAFE, "%s is quarantined: %s", device->name,
		                 device->note);
	default:
		return device->held != NULL
		               ? refuse_held(device, fault)
		               : fault_set(fault, HWB_BUSY, "%s is in use", device->name);
	}
}

/* Whether another function of the group stands in the way. */
static int may_use_group(const struct asker *asker, const struct device *device,
                         struct fault *fault)
{
	const struct inventory *inventory = &asker->broker->inventory;

	for (uint32_t i = 0; i < inventory->count; i++) {
		const struct device *mate = inventory->devices[i];
		if (mate == device || mate->group != device->group)
			continue;
		if (mate->owner != NULL && mate->owner != asker->peer)
			return fault_set(fault, HWB_BUSY,
			                 "another function of IOMMU group %u, to which %s belongs, "
			                 "is in use by another owner",
			                 device->group->id, device->name);
		if (mate->held != NULL)
			return refuse_held(mate, fault);
		if (mate->state == LIFE_QUARANTINED)
			return fault_set(fault, HWB_UNSAFE,
			                 "%s shares IOMMU group %u with %s, which is quarantined: "
			                 "%s",
			                 device->name, device->group->id, mate->name, mate->note);
	}
	return 0;
}

static int decide(const struct asker *asker, const struct device *device, enum policy_kind kind,
                  struct policy_verdict *verdict, struct fault *fault)
{
	struct policy_device about = device_for_policy(device);
	struct policy_resource resource = { .kind = kind, .device = &about };

	policy_decide(asker->broker->policy, asker->client, &resource, verdict);
	if (verdict->granted)
		return 0;
	if (fault != NULL)
		*fault = verdict->why;
	return -1;
}

int assess_device(const struct asker *asker, const struct device *device, enum assess_step step,
                  struct policy_verdict *verdict, struct device **busy, struct fault *fault)
{
	struct device *unused;

	switch (step) {
	case ASSESS_POLICY:
		return decide(asker, device, POLICY_DEVICE, verdict, fault);
	case ASSESS_HOST:
		return host_gives_devices(&asker->broker->host, fault);
	case ASSESS_STATE:
		return is_idle(device, fault);
	case ASSESS_GROUP:
		return may_use_group(asker, device, fault);
	case ASSESS_SHARE:
		return share_check(asker, device, verdict, busy != NULL ? busy : &unused, fault);
	case ASSESS_STEPS:
		break;
	}
	return 0;
}

int assess_targets(const struct asker *asker, struct device *device,
                   struct operate_targets *targets, struct fault *fault)
{
	const struct inventory *inventory = &asker->broker->inventory;
	struct policy_verdict verdict;

	targets->items[0].device = device;
	targets->count = 1;
	for (uint32_t i = 0; i < inventory->count; i++) {
		struct device *mate = inventory->devices[i];
		if (mate->group != device->group || mate == device)
			continue;
		if (targets->count == OPERATE_GROUP_MAX)
			return fault_set(fault, HWB_UNSUPPORTED,
			                 "IOMMU group %u has more than %u functions",
			                 device->group->id, OPERATE_GROUP_MAX);
		targets->items[targets->count++].device = mate;
	}
	for (uint32_t i = 0; i < targets->count; i++) {
		struct operate_target *target = &targets->items[i];
		target->may_take = decide(asker, target->device, POLICY_TAKE, &verdict, NULL) == 0;
		target->may_force =
		        decide(asker, target->device, POLICY_FORCE, &verdict, NULL) == 0;
	}
	return 0;
}

/* ---- memory ---- */

int assess_memory(const struct asker *asker, uint64_t base, uint64_t size,
                  struct policy_verdict *verdict, struct fault *fault)
{
	struct policy_resource resource = { .kind = POLICY_MEMORY, .base = base, .size = size };

	policy_decide(asker->broker->policy, asker->client, &resource, verdict);
	if (verdict->granted)
		return 0;
	if (fault != NULL)
		*fault = verdict->why;
	return -1;
}

/* ---- ports ---- */

int assess_ports(const struct asker *asker, uint32_t base, uint32_t count,
                 struct policy_verdict *verdict, struct fault *fault)
{
	struct policy_resource resource = { .kind = POLICY_PORTS, .offset = base, .count = count };

	policy_decide(asker->broker->policy, asker->client, &resource, verdict);
	if (verdict->granted)
		return 0;
	if (fault != NULL)
		*fault = verdict->why;
	return -1;
}

int assess_ports_of_host(const struct broker *broker, struct fault *fault)
{
	bool locked_down = ports_exist() && host_is_locked_down(&broker->host);

	if (broker->host.ports && !locked_down)
		return 0;
	if (!ports_exist())
		return fault_set(fault, HWB_UNSUPPORTED,
		                 "this machine has no I/O ports, which are an x86's: what is at "
		                 "them on a PC is elsewhere here, or not there");
	return fault_set(fault, HWB_UNSUPPORTED, "this host has no ports to give: %s",
	                 locked_down ? "its kernel is locked down (Secure Boot): switch Secure "
	                               "Boot off"
	                             : "the broker lacks CAP_SYS_RAWIO");
}

int assess_ports_free(const struct asker *asker, uint32_t base, uint32_t count, struct fault *fault)
{
	if (port_use_is_free(asker->broker, asker->peer, base, count))
		return 0;
	return fault_set(fault, HWB_BUSY, "some of ports 0x%x-0x%x are in use by another owner",
	                 base, base + count - 1);
}

/* ---- interrupt lines ---- */

int assess_line(const struct asker *asker, uint32_t number, struct policy_verdict *verdict,
                struct fault *fault)
{
	struct policy_resource resource = { .kind = POLICY_INTERRUPT, .offset = number };

	policy_decide(asker->broker->policy, asker->client, &resource, verdict);
	if (verdict->granted)
		return 0;
	if (fault != NULL)
		*fault = verdict->why;
	return -1;
}

int assess_lines_of_host(struct fault *fault)
{
	if (line_exists())
		return 0;
	return fault_set(fault, HWB_UNSUPPORTED,
	                 "this host has no such interrupts to give: only x86 machines have lines "
	                 "of an ISA bus");
}

int assess_line_free(const struct asker *asker, uint32_t number, bool uio, struct fault *fault)
{
	for (const struct line_session *other = asker->broker->line_sessions; other != NULL;
	     other = other->next) {
		if (other->number != number)
			continue;
		if (asker->peer != NULL && other->session.peer == asker->peer)
			return fault_set(fault, HWB_BUSY,
			                 "this connection has interrupt %u open already", number);
		if (uio && other->rate == 0)
			return fault_set(fault, HWB_BUSY, "interrupt %u is in use by another owner",
			                 number);
	}
	return 0;
}
