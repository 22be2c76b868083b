/* SPDX-License-Identifier: MIT */
#include "session/adopt.h"

#include "device/record.h"
#include "session/release.h"
#include "util/log.h"

/* The device of a record; NULL: it is gone, or another one is in its place. */
static struct device *device_of(const struct broker *broker, const struct record *record)
{
	struct device *device = inventory_find(&broker->inventory, &record->address);

	return device != NULL && device->instance == record->instance ? device : NULL;
}

/* All first, so that the functions of a group know of each other. */
static void mark(const struct broker *broker)
{
	struct record record;

	for (uint32_t i = 0; record_get(i, &record);) {
		struct device *device = device_of(broker, &record);
		if (device == NULL) {
			/* Whether anybody had its registers when it left, nobody has seen. */
			record_note_estate();
			record_drop(&record.address);
			continue;
		}
		lifecycle_step(&device->state, LIFE_FOUND, device->name);
		device->restore = record.restore;
		/* The bus was looked at before that was known. */
		whereabouts_driver(&device->whereabouts, record.origin.driver);
		device->found = true;
		i++;
	}
}

void adopt_start(struct broker *broker)
{
	const struct fault no_memory = { .status = HWB_NO_MEMORY, .reason = "no memory" };
	struct record record;

	mark(broker);
	broker->estates.unknown = record_estate();
	for (uint32_t i = 0; record_get(i, &record); i++) {
		struct device *device = device_of(broker, &record);
		if (device == NULL || !device->found)
			continue;
		log_notice("%s: was taken by an hwbrokerd before this one, for `%s'", device->name,
		           record.client);
		if (release_found(broker, device, &record) != 0) {
			lifecycle_step(&device->state, LIFE_DID_CUT, device->name);
			release_quarantine(broker, device, &no_memory);
		}
	}
}
