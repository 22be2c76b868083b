/* SPDX-License-Identifier: MIT */
#include "device/inventory.h"

#include "util/cleanup.h"
#include "util/log.h"
#include "util/pci_key.h"

#include <string.h>

uint64_t inventory_key(const struct hwb_pci_address *address)
{
	return 1ull << 63 | pci_key(address);
}

uint32_t inventory_from(const struct inventory *inventory, uint64_t key)
{
	uint32_t low = 0, high = inventory->count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (inventory_key(&inventory->devices[middle]->facts.address) < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct device *inventory_find(const struct inventory *inventory,
                              const struct hwb_pci_address *address)
{
	uint64_t key = inventory_key(address);
	uint32_t at = inventory_from(inventory, key);
	/* Numbers that do not exist would flow into the key's next field. */
	if (address->device > 31 || address->function > 7)
		return NULL;
	if (at == inventory->count || inventory_key(&inventory->devices[at]->facts.address) != key)
		return NULL;
	return inventory->devices[at];
}

/* ---- following the bus ---- */

static struct group *group_of(struct inventory *inventory, struct workers *workers, uint32_t id)
{
	if (id != UINT32_MAX)
		for (struct group *group = inventory->groups; group != NULL; group = group->next)
			if (group->id == id)
				return group;
	struct group *group = calloc(1, sizeof(*group));
	if (group == NULL)
		return NULL;
	group->id = id;
	strand_init(&group->strand, workers, NULL);
	group->next = inventory->groups;
	inventory->groups = group;
	return group;
}

static int insert(struct inventory *inventory, struct device *device)
{
	uint32_t at = inventory_from(inventory, inventory_key(&device->facts.address));
	struct device **more =
	        realloc(inventory->devices, (inventory->count + 1) * sizeof(struct device *));

	if (more == NULL)
		return -1;
	inventory->devices = more;
	memmove(more + at + 1, more + at, (inventory->count - at) * sizeof(struct device *));
	more[at] = device;
	inventory->count++;
	return 0;
}

static int is_newcomer(const struct device *known, const struct device *found)
{
	return known == NULL || known->state == LIFE_GONE || known->left ||
	       known->instance != found->instance;
}

/* What was told of a driver while the scan was under way may be newer than what that read. */
static bool was_told_since(const struct device *known, const struct scan *scan)
{
	return known->told > scan->since;
}

static void set_driver(struct device *device, const char driver[HWB_NAME_SIZE], uint64_t told)
{
	memcpy(device->driver, driver, HWB_NAME_SIZE);
	device->told = told;
}

/* A device that stayed: its addresses may have been assigned or moved meanwhile, and a virtual
 * function be given other vectors. Of one that is in use they cannot be. */
static void refresh(struct device *known, const struct device *found, const struct scan *scan)
{
	const struct whereabouts before = known->whereabouts;

	known->facts.virtual_functions = found->facts.virtual_functions;
	if (!was_told_since(known, scan))
		set_driver(known, found->driver, 0);
	if ((known->state != LIFE_HOST && known->state != LIFE_FREE) ||
	    known->facts.vendor != found->facts.vendor ||
	    known->facts.device != found->facts.device)
		return;
	memcpy(known->facts.bars, found->facts.bars, sizeof(known->facts.bars));
	known->facts.msi_vectors = found->facts.msi_vectors;
	known->facts.msix_vectors = found->facts.msix_vectors;
	known->msix_bars = found->msix_bars;
	known->resets = found->resets;
	known->whereabouts = found->whereabouts;
	if (was_told_since(known, scan))
		whereabouts_driver(&known->whereabouts, before.driver);
}

/* Into the place of the one that was at its address, or a new one. */
static struct device *take_in(struct inventory *inventory, struct workers *workers,
                              struct device *known, struct device **found, const struct scan *scan)
{
	struct device *device = *found;
	struct group *group = group_of(inventory, workers, device->facts.iommu_group);

	if (group == NULL || (known == NULL && insert(inventory, device) != 0))
		return NULL;
	device->group = group;
	if (known == NULL)
		return steal_pointer(found);
	lifecycle_step(&known->state, LIFE_ARRIVED, known->name);
	device->state = known->state;
	device->waiters = known->waiters;
	if (was_told_since(known, scan))
		set_driver(device, known->driver, known->told);
	*known = *device;
	return known;
}

/* Returns 1 if one of them is not yet gone. */
static int find_leavers(struct inventory *inventory, const struct scan *scan,
                        struct inventory_watcher *watcher)
{
	const struct inventory found = { .devices = scan->devices, .count = scan->count };
	int result = 0;

	for (uint32_t i = 0; i < inventory->count; i++) {
		struct device *known = inventory->devices[i];
		struct device *now = inventory_find(&found, &known->facts.address);
		if (known->state == LIFE_GONE)
			continue;
		if (!known->left && now != NULL && now->instance == known->instance)
			refresh(known, now, scan);
		else if (!watcher->left(watcher, known))
			result = 1;
	}
	return result;
}

int inventory_merge(struct inventory *inventory, struct workers *workers, struct scan *scan,
                    struct inventory_watcher *watcher)
{
	int result = find_leavers(inventory, scan, watcher);

	for (uint32_t i = 0; i < scan->count; i++) {
		struct device *known = inventory_find(inventory, &scan->devices[i]->facts.address);
		if (!is_newcomer(known, scan->devices[i]))
			continue;
		if (known != NULL && known->state != LIFE_GONE)
			continue; /* once its place is free */
		struct device *device = take_in(inventory, workers, known, &scan->devices[i], scan);
		if (device == NULL)
			result = -1;
		else
			watcher->arrived(watcher, device);
	}
	scan_free(scan);
	return result;
}

void inventory_free(struct inventory *inventory)
{
	for (uint32_t i = 0; i < inventory->count; i++) {
		witness_close(&inventory->devices[i]->unit.witness);
		free(inventory->devices[i]);
	}
	free(inventory->devices);
	while (inventory->groups != NULL) {
		struct group *group = inventory->groups;
		inventory->groups = group->next;
		free(group);
	}
	*inventory = (struct inventory){ 0 };
}
