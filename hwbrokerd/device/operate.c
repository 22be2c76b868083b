/* SPDX-License-Identifier: MIT */
#include "device/operate.h"

#include "util/log.h"

#include <errno.h>
#include <string.h>

static bool is_vfio(const char *driver)
{
	return strcmp(driver, "vfio-pci") == 0;
}

static int refuse_left(const struct device *device, struct fault *fault)
{
	return fault_set(fault, HWB_GONE, "%s has left the bus", device->name);
}

static int refuse_unfit(const struct device *device, struct fault *fault)
{
	if (device->unit.gone)
		return refuse_left(device, fault);
	return fault_set(fault, HWB_UNSAFE,
	                 "%s could not be brought to rest and is of no use any more: its reset "
	                 "failed",
	                 device->name);
}

/* `wanted`: the device itself, not one that merely shares its group. */
static int claim_one(struct operate_target *target, bool wanted, struct fault *fault)
{
	struct device *device = target->device;
	char driver[HWB_NAME_SIZE];
	char use[96];

	if (bind_instance(&device->facts.address) != device->instance)
		return refuse_left(device, fault);
	bind_driver(&device->facts.address, driver);
	if (device->unit.claimed && is_vfio(driver))
		return 0;
	/* A neighbour that nobody drives is in nobody's way. */
	if (!wanted && driver[0] == '\0')
		return 0;
	if (driver[0] != '\0' && !is_vfio(driver) && !target->may_take)
		return fault_set(fault, HWB_DENIED,
		                 "%s is in use by the host driver `%s' and no rule of yours says "
		                 "`take = yes' for it",
		                 device->name, driver);
	/* The host may need a device that has no driver: a screen that the firmware
	 * has set up, with text or a picture. */
	if (!is_vfio(driver) && !target->may_force &&
	    bind_in_use(&device->facts.address, use, sizeof(use)) != 0)
		return fault_set(fault, HWB_DENIED,
		                 "the host itself needs %s: %s (`force = yes' in its rule would "
		                 "take it all the same)",
		                 device->name, use);
	if (bind_claim(&device->facts.address, &device->unit.origin, fault) != 0)
		return -1;
	target->fresh = !device->unit.claimed;
	device->unit.claimed = true;
	return 0;
}

int operate_claim(struct operate_targets *targets, struct fault *fault)
{
	struct device *wanted = targets->items[0].device;
	int result = 0;

	if (wanted->group->id == UINT32_MAX)
		return fault_set(fault, HWB_UNSUPPORTED,
		                 "%s is in no IOMMU group: switch on VT-d or AMD-Vi in the "
		                 "firmware and boot with intel_iommu=on",
		                 wanted->name);
	for (uint32_t i = 0; i < targets->count && result == 0; i++)
		result = targets->items[i].device->unit.unfit
		                 ? refuse_unfit(targets->items[i].device, fault)
		                 : claim_one(&targets->items[i], i == 0, fault);
	if (result == 0)
		result = bind_group_viable(wanted->group->id, fault);
	if (result != 0)
		operate_unclaim(targets);
	return result;
}

void operate_unclaim(struct operate_targets *targets)
{
	for (uint32_t i = 0; i < targets->count; i++) {
		struct operate_target *target = &targets->items[i];
		struct fault fault;
		if (!target->fresh)
			continue;
		target->fresh = false;
		if (operate_restore(target->device, &fault) != 0)
			log_warning("%s: cannot give it back to its host driver: %s",
			            target->device->name, fault.reason);
	}
}

static int choose_domain(const struct kernel_backend *kernel, struct group *group,
                         struct kernel_domain **domain, struct fault *fault)
{
	*domain = group->domain;
	if (*domain != NULL)
		return 0;
	if (kernel->domain_new(&group->own_domain, fault) != 0)
		return -1;
	*domain = group->own_domain;
	return 0;
}

static void drop_own_domain(const struct kernel_backend *kernel, struct group *group)
{
	if (group->open_count != 0 || group->own_domain == NULL)
		return;
	kernel->domain_free(group->own_domain);
	group->own_domain = NULL;
}

int operate_open(const struct kernel_backend *kernel, struct device *device,
                 struct kernel_domain *domain, struct fault *fault)
{
	struct unit *unit = &device->unit;

	if (unit->opened != NULL && (domain == NULL || domain == unit->domain))
		return 0;
	if (kernel == NULL)
		return fault_set(fault, HWB_UNSUPPORTED,
		                 "this host offers no VFIO; `hwbroker-ctl status' says why");
	if (unit->unfit)
		return refuse_unfit(device, fault);
	if (domain != NULL && device->group->domain != NULL && device->group->domain != domain &&
	    device->group->open_count > (unit->opened != NULL ? 1u : 0u))
		return fault_set(fault, HWB_WRONG_STATE,
		                 "another function of IOMMU group %u is open outside of this "
		                 "domain, and all of a group share one: close that first, or "
		                 "assign before anything else is opened",
		                 device->group->id);
	if (operate_close(kernel, device, fault) != 0)
		return -1;
	if (domain == NULL && choose_domain(kernel, device->group, &domain, fault) != 0)
		return -1;
	if (kernel->open(&device->facts.address, device->group->id, domain, device->wanted_fd,
	                 &unit->opened, fault) != 0) {
		unit->opened = NULL;
		drop_own_domain(kernel, device->group);
		return -1;
	}
	unit->domain = domain;
	device->group->domain = domain;
	device->group->open_count++;
	return 0;
}

int operate_close(const struct kernel_backend *kernel, struct device *device, struct fault *fault)
{
	struct unit *unit = &device->unit;
	struct group *group = device->group;

	if (unit->opened == NULL)
		return unit->unfit ? refuse_unfit(device, fault) : 0;
	struct fault why = { .status = HWB_OK };
	int result = kernel->close(unit->opened, &why);
	unit->opened = NULL;
	unit->domain = NULL;
	if (--group->open_count == 0)
		group->domain = NULL;
	drop_own_domain(kernel, group);
	if (result != 0 && why.host_errno == EAGAIN)
		result = bind_reset_unbound(&device->facts.address, device->instance, &why);
	unit->unfit = result != 0;
	unit->gone = result != 0 && why.status == HWB_GONE;
	if (result != 0 && fault != NULL)
		*fault = why;
	return result;
}

int operate_restore(struct device *device, struct fault *fault)
{
	struct unit *unit = &device->unit;

	if (!unit->claimed)
		return 0;
	if (unit->unfit)
		return refuse_unfit(device, fault);
	if (bind_restore(&device->facts.address, &unit->origin, fault) != 0)
		return -1;
	unit->claimed = false;
	return 0;
}
