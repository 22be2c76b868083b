/* SPDX-License-Identifier: MIT */
/* What stands in the way of acquiring a device. */
#include "server/peer.h"
#include "session/acquire/acquire.h"
#include "session/acquire/assess.h"
#include "session/bus/platform.h"

int acquire_still_given(const struct acquire *self, struct policy_verdict *verdict,
                        struct fault *fault)
{
	const struct peer *peer = self->request.peer;

	if (platform_find(peer, &self->device->facts.address, verdict, fault) == NULL)
		return -1;
	return self->domain != NULL ? platform_may(peer, self->device, POLICY_DMA, fault) : 0;
}

int acquire_may_begin(const struct acquire *self, const struct device *device, struct fault *fault)
{
	struct asker asker = asker_of(self->request.peer);

	if (assess_device(&asker, device, ASSESS_STATE, NULL, NULL, fault) != 0)
		return -1;
	if (self->domain != NULL && self->domain->closed)
		return fault_set(fault, HWB_NO_SESSION, "the domain was closed meanwhile");
	return assess_device(&asker, device, ASSESS_GROUP, NULL, NULL, fault);
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
