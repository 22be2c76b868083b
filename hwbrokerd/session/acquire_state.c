/* SPDX-License-Identifier: MIT */
/* What stands in the way of acquiring a device. */
#include "server/peer.h"
#include "session/acquire.h"
#include "session/platform.h"

int acquire_still_given(const struct acquire *self, struct policy_verdict *verdict,
                        struct fault *fault)
{
	const struct peer *peer = self->request.peer;

	if (platform_find(peer, &self->device->facts.address, verdict, fault) == NULL)
		return -1;
	return self->domain != NULL ? platform_may(peer, self->device, POLICY_DMA, fault) : 0;
}

/* Whose they are is for operators to know. */
static int refuse_held(const struct device *device, struct fault *fault)
{
	return fault_set(fault, HWB_BUSY,
	                 "%s was given back, but somebody still has registers of it mapped, or "
	                 "a descriptor of them",
	                 device->name);
}

/* Whether another function of the group stands in the way. */
static int may_use_group(const struct acquire *self, const struct device *device,
                         struct fault *fault)
{
	for (uint32_t i = 0; i < self->broker->inventory.count; i++) {
		const struct device *mate = self->broker->inventory.devices[i];
		if (mate == device || mate->group != device->group)
			continue;
		if (mate->owner != NULL && mate->owner != self->request.peer)
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

int acquire_may_begin(const struct acquire *self, const struct device *device, struct fault *fault)
{
	switch (device->state) {
	case LIFE_HOST:
	case LIFE_FREE:
		break;
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
	if (self->domain != NULL && self->domain->closed)
		return fault_set(fault, HWB_NO_SESSION, "the domain was closed meanwhile");
	return may_use_group(self, device, fault);
}

struct device *acquire_in_transit(const struct broker *broker, struct device *device)
{
	if (lifecycle_in_transit(device->state))
		return device;
	for (uint32_t i = 0; i < broker->inventory.count; i++) {
		struct device *mate = broker->inventory.devices[i];
		if (mate->group == device->group && lifecycle_in_transit(mate->state))
			return mate;
	}
	return NULL;
}
