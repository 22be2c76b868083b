/* SPDX-License-Identifier: MIT */
#include "session/acquire/share.h"

#include <string.h>

/* Whose device it is, or was until it is at rest. NULL: nobody's whom the policy knows. */
static const struct policy_client *client_of(const struct policy *policy,
                                             const struct device *device)
{
	const struct peer *owner = device->owner;

	if (owner != NULL && owner->client != NULL)
		return owner->client;
	return policy_client_named(policy, owner != NULL ? owner->name : device->former);
}

/* Whether the device is with `client` by that section. */
static bool counts(const struct policy *policy, const struct policy_client *client,
                   const struct device *device, const char *section)
{
	struct policy_device about = device_for_policy(device);
	struct policy_resource resource = { .kind = POLICY_DEVICE, .device = &about };
	struct policy_verdict verdict;

	policy_decide(policy, client, &resource, &verdict);
	return verdict.granted && strcmp(verdict.section, section) == 0;
}

/* Of two that are on their way to rest, the one that is likely to be there first. */
static void note_busy(struct device **busy, struct device *device)
{
	if (!lifecycle_in_transit(device->state))
		return;
	if (*busy == NULL || ((*busy)->held != NULL && device->held == NULL))
		*busy = device;
}

int share_check(const struct asker *asker, const struct device *wanted,
                const struct policy_verdict *verdict, struct device **busy, struct fault *fault)
{
	const struct inventory *inventory = &asker->broker->inventory;
	const struct policy *policy = asker->broker->policy;
	const struct policy_grant *grant = &verdict->grant;
	struct device *busy_own = NULL, *busy_any = NULL;
	uint32_t own = 0, all = 0;

	*busy = NULL;
	if (grant->count == 0 && grant->total == 0)
		return 0;
	for (uint32_t i = 0; i < inventory->count; i++) {
		struct device *device = inventory->devices[i];
		if (device == wanted || (device->owner == NULL && device->held == NULL))
			continue;
		const struct policy_client *client = client_of(policy, device);
		if (!counts(policy, client, device, verdict->section))
			continue;
		all++;
		note_busy(&busy_any, device);
		if (client != asker->client)
			continue;
		own++;
		note_busy(&busy_own, device);
	}
	if (grant->count != 0 && own >= grant->count) {
		*busy = busy_own;
		return fault_set(fault, HWB_QUOTA,
		                 "client `%s' has %u of the devices of [%s] (%s:%u), and may have "
		                 "no more at once (count = %u)",
		                 asker->name, own, verdict->section, verdict->file, verdict->line,
		                 grant->count);
	}
	if (grant->total != 0 && all >= grant->total) {
		*busy = busy_any;
		return fault_set(fault, HWB_QUOTA,
		                 "%u of the devices of [%s] (%s:%u) are with clients, and no more "
		                 "may be at once (total = %u)",
		                 all, verdict->section, verdict->file, verdict->line, grant->total);
	}
	return 0;
}
