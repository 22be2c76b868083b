/* SPDX-License-Identifier: MIT */
/* Taking devices from the host, and giving them back. */
#include "device/estate.h"
#include "device/operate_own.h"
#include "device/record.h"
#include "kernel/sriov.h"
#include "util/log.h"
#include "util/pause.h"

#include <stdio.h>
#include <string.h>

/* So often, and after so long each time, what lacks a descriptor goes back to its host driver. */
enum { RESTORE_TRIES = 20, RESTORE_PAUSE_MS = 50 };

static int refuse_left(const struct device *device, struct fault *fault)
{
	return fault_set(fault, HWB_GONE, "%s has left the bus", device->name);
}

int operate_refuse_unfit(const struct device *device, struct fault *fault)
{
	if (device->unit.gone)
		return refuse_left(device, fault);
	return fault_set(fault, HWB_UNSAFE,
	                 "%s could not be brought to rest and is of no use any more: its reset "
	                 "failed",
	                 device->name);
}

int operate_look_for_registers(struct device *device, struct fault *fault)
{
	uint32_t prefetchable = 0;

	for (uint32_t i = 0; i < HWB_BARS; i++)
		if ((device->facts.bars[i].flags & HWB_BAR_PREFETCHABLE) != 0)
			prefetchable |= 1u << i;
	return witness_open(&device->facts.address, device->instance, prefetchable,
	                    &device->unit.witness, fault);
}

/* Nobody else may have its registers: not the host, beside its drivers, and no client of
 * a daemon before this one. */
static int watch_registers(struct device *device, bool former, struct fault *fault)
{
	struct unit *unit = &device->unit;

	witness_close(&unit->witness);
	unit->loose = false;
	if (operate_look_for_registers(device, fault) != 0)
		return -1;
	if (former || !witness_held(&unit->witness))
		return 0;
	operate_unwatch(device);
	return fault_set(fault, HWB_BUSY,
	                 "a process has registers of %s open or mapped: `fuser -v "
	                 "/sys/bus/pci/devices/%s/resource*' says which",
	                 device->name, device->name);
}

bool operate_was_ours(const struct device *device)
{
	return bind_is_ours(device->unit.origin.driver);
}

/* A neighbour that somebody else put on vfio-pci is left there as it is. */
static int write_down(const struct operate_target *target, bool wanted, struct fault *fault)
{
	const struct device *device = target->device;
	struct record record = {
		.address = device->facts.address,
		.instance = device->instance,
		.origin = device->unit.origin,
		.restore = target->restore,
		.uid = wanted ? target->uid : 0,
	};

	if (operate_was_ours(device) && !wanted)
		return 0;
	record.placed = true;
	estates_memory(device, record.memory);
	if (wanted)
		snprintf(record.client, sizeof(record.client), "%s", target->client);
	return record_put(&record, fault);
}

static int set_reset(const struct operate_target *target, struct fault *fault)
{
	struct unit *unit = &target->device->unit;

	unit->need_not_reset = strcmp(target->reset, "none") == 0;
	return bind_reset_method(&target->device->facts.address, &unit->origin, target->reset,
	                         fault);
}

/* Ours already, and for somebody else now. */
static int renew(const struct operate_target *target, struct fault *fault)
{
	return set_reset(target, fault) == 0 ? write_down(target, true, fault) : -1;
}

/* Whoever has a function that has made others has these, too: they end with a reset of it, and
 * with their number it takes the registers of them all. vfio-pci takes none that has some. */
static int has_no_functions(const struct device *device, struct fault *fault)
{
	struct sriov_count count;

	int result = sriov_read(&device->facts.address, &count);
	if (result != 0)
		return fault_errno(fault, -result,
		                   "whether %s has virtual functions (SR-IOV) cannot be told",
		                   device->name);
	if (count.now == 0)
		return 0;
	return fault_set(fault, HWB_DENIED,
	                 "%s has %u virtual functions (SR-IOV), which it controls: it stays with "
	                 "the host as long as there are any",
	                 device->name, count.now);
}

int operate_may_take(const struct operate_target *target, struct fault *fault)
{
	const struct device *device = target->device;
	char driver[HWB_NAME_SIZE];
	char use[96];

	if (has_no_functions(device, fault) != 0)
		return -1;
	bind_driver(&device->facts.address, driver);
	if (bind_is_ours(driver))
		return 0;
	if (driver[0] != '\0' && !target->may_take)
		return fault_set(fault, HWB_DENIED,
		                 "%s is in use by the host driver `%s' and no rule of yours says "
		                 "`take = yes' for it",
		                 device->name, driver);
	/* The host may need a device that has no driver: a screen that the firmware
	 * has set up, with text or a picture. */
	if (!target->may_force && bind_in_use(&device->facts.address, use, sizeof(use)) != 0)
		return fault_set(fault, HWB_DENIED,
		                 "the host itself needs %s: %s (`force = yes' in its rule would "
		                 "take it all the same)",
		                 device->name, use);
	return 0;
}

/* `wanted`: the device itself, not one that merely shares its group. */
static int claim_one(struct operate_target *target, bool wanted, struct fault *fault)
{
	struct device *device = target->device;
	char driver[HWB_NAME_SIZE];

	/* A neighbour that has left is in nobody's way. */
	if (!wanted && bind_instance(&device->facts.address) != device->instance)
		return 0;
	if (wanted && watch_registers(device, target->former, fault) != 0)
		return -1;
	bind_driver(&device->facts.address, driver);
	if (device->unit.claimed && bind_is_ours(driver))
		return wanted ? renew(target, fault) : 0;
	/* A neighbour that nobody drives is in nobody's way. */
	if (!wanted && driver[0] == '\0')
		return 0;
	if (operate_may_take(target, fault) != 0)
		return -1;
	/* What somebody has unbound from our driver is where it was before all the same. */
	if (!device->unit.claimed || driver[0] != '\0' || operate_was_ours(device))
		bind_origin(&device->facts.address, &device->unit.origin);
	if (write_down(target, wanted, fault) != 0)
		return -1;
	if ((wanted && set_reset(target, fault) != 0) ||
	    bind_claim(&device->facts.address, &device->unit.origin, fault) != 0) {
		bind_reset_method(&device->facts.address, &device->unit.origin, "", NULL);
		record_drop(&device->facts.address);
		return -1;
	}
	device->unit.mapped = 0;
	target->fresh = !device->unit.claimed;
	device->unit.claimed = true;
	return 0;
}

int operate_claim(const struct kernel_backend *kernel, struct operate_targets *targets,
                  struct fault *fault)
{
	struct device *wanted = targets->items[0].device;
	int result = 0;

	bool grouped = wanted->group->id != UINT32_MAX;
	if (!grouped && !kernel->unsafe)
		return fault_set(
		        fault, HWB_UNSUPPORTED,
		        "%s is in no IOMMU group, though others are: the firmware names no IOMMU "
		        "for it, or the kernel cannot keep it apart (its log says more); another "
		        "slot or a newer firmware may help",
		        wanted->name);
	for (uint32_t i = 0; i < targets->count && result == 0; i++)
		result = targets->items[i].device->unit.unfit
		                 ? operate_refuse_unfit(targets->items[i].device, fault)
		                 : claim_one(&targets->items[i], i == 0, fault);
	if (result == 0 && grouped && !targets->opens)
		result = bind_group_viable(wanted->group->id, fault);
	if (result != 0)
		operate_unclaim(targets);
	return result;
}

/* A claim that failed for want of a descriptor must not keep the device from the host for want
 * of another. */
static int restore_surely(struct device *device, struct fault *fault)
{
	for (int tries = 1;; tries++) {
		int result = operate_restore(device, fault);
		if (result == 0 || !fault_is_shortage(fault) || tries == RESTORE_TRIES)
			return result;
		pause_ms(RESTORE_PAUSE_MS);
	}
}

void operate_unclaim(struct operate_targets *targets)
{
	for (uint32_t i = 0; i < targets->count; i++) {
		struct operate_target *target = &targets->items[i];
		struct fault fault;
		/* Those of its neighbours may be of grants that go on. */
		if (i == 0)
			operate_unwatch(target->device);
		if (!target->fresh)
			continue;
		target->fresh = false;
		if (restore_surely(target->device, &fault) != 0)
			log_warning("%s: cannot give it back to its host driver: %s",
			            target->device->name, fault.reason);
	}
}

void operate_unwatch(struct device *device)
{
	device->unit.loose = device->unit.loose || witness_held(&device->unit.witness);
	witness_close(&device->unit.witness);
}

int operate_restore(struct device *device, struct fault *fault)
{
	struct unit *unit = &device->unit;

	if (!unit->claimed)
		return 0;
	if (unit->unfit)
		return operate_refuse_unfit(device, fault);
	if (operate_reset_owed(device, fault) != 0)
		return -1;
	if (bind_restore(&device->facts.address, &unit->origin, fault) != 0)
		return -1;
	record_drop(&device->facts.address);
	unit->claimed = false;
	return 0;
}
