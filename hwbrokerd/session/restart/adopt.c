/* SPDX-License-Identifier: MIT */
#include "session/restart/adopt.h"

#include "device/operate.h"
#include "device/record.h"
#include "session/release/release.h"
#include "util/log.h"
#include "util/pci_key.h"

/* The device of a record; NULL: it is gone, or another one is in its place. */
static struct device *device_of(const struct broker *broker, const struct record *record)
{
	struct device *device = inventory_find(&broker->inventory, &record->address);

	return device != NULL && device->instance == record->instance ? device : NULL;
}

/* Whether its owner goes on with it (resume.h), or with a neighbour, for the sake of which
 * alone this one is with us, at rest. */
static bool goes_on(const struct broker *broker, struct device *device, const struct record *record)
{
	if (device->state == LIFE_GRANTED)
		return true;
	if (record->client[0] != '\0')
		return false;
	for (uint32_t i = 0; i < broker->inventory.count; i++) {
		const struct device *mate = broker->inventory.devices[i];
		if (mate->group != device->group || mate->state != LIFE_GRANTED)
			continue;
		lifecycle_step(&device->state, LIFE_TAKEN_ALONG, device->name);
		operate_resume_along(device, &record->origin);
		return true;
	}
	return false;
}

/* All first, so that the functions of a group know of each other. */
static void mark(struct broker *broker)
{
	struct record record;

	for (uint64_t key = 0; record_from(key, &record); key = pci_key(&record.address) + 1) {
		struct device *device = device_of(broker, &record);
		if (device == NULL) {
			/* Whether anybody had its registers when it left, nobody has seen. */
			if (record.client[0] != '\0')
				estates_add_unseen(&broker->estates, &record);
			record_drop(&record.address);
			continue;
		}
		device->restore = record.restore;
		/* The bus was looked at before that was known. */
		whereabouts_driver(&device->whereabouts, record.origin.driver);
		if (goes_on(broker, device, &record))
			continue;
		lifecycle_step(&device->state, LIFE_FOUND, device->name);
		device->found = true;
	}
}

void adopt_start(struct broker *broker)
{
	const struct fault no_memory = { .status = HWB_NO_MEMORY, .reason = "no memory" };
	struct record record;

	estates_start(&broker->estates);
	mark(broker);
	for (uint64_t key = 0; record_from(key, &record); key = pci_key(&record.address) + 1) {
		struct device *device = device_of(broker, &record);
		if (device == NULL || !device->found)
			continue;
		if (record.client[0] == '\0')
			log_notice("%s: was taken by an hwbrokerd before this one, and is with no "
			           "client",
			           device->name);
		else
			log_notice("%s: was taken by an hwbrokerd before this one, for `%s'",
			           device->name, record.client);
		if (release_found(broker, device, &record) != 0) {
			lifecycle_step(&device->state, LIFE_DID_CUT, device->name);
			release_quarantine(broker, device, &no_memory);
		}
	}
}
