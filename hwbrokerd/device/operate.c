/* SPDX-License-Identifier: MIT */
#include "device/operate.h"

#include "device/operate_own.h"
#include "device/record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* So often a device that is unbound as soon as we have bound it is bound again. */
enum { CLAIM_TRIES = 2 };

/* ---- beside the strand ---- */

static void expose(struct device *device, struct kernel_device *opened)
{
	pthread_mutex_lock(&device->exposed.lock);
	device->exposed.opened = opened;
	pthread_mutex_unlock(&device->exposed.lock);
}

static int refuse_closed(const struct device *device, struct fault *fault)
{
	return fault_set(fault, HWB_GONE, "%s was closed, or reset, meanwhile", device->name);
}

int operate_bar_read(const struct kernel_backend *kernel, struct device *device, uint32_t bar,
                     uint64_t offset, uint32_t width, uint64_t *value, struct fault *fault)
{
	pthread_mutex_lock(&device->exposed.lock);
	int result = device->exposed.opened != NULL ? kernel->bar_read(device->exposed.opened, bar,
	                                                               offset, width, value, fault)
	                                            : refuse_closed(device, fault);
	pthread_mutex_unlock(&device->exposed.lock);
	return result;
}

int operate_bar_write(const struct kernel_backend *kernel, struct device *device, uint32_t bar,
                      uint64_t offset, uint32_t width, uint64_t value, struct fault *fault)
{
	pthread_mutex_lock(&device->exposed.lock);
	int result = device->exposed.opened != NULL ? kernel->bar_write(device->exposed.opened, bar,
	                                                                offset, width, value, fault)
	                                            : refuse_closed(device, fault);
	pthread_mutex_unlock(&device->exposed.lock);
	return result;
}

int operate_vga(const struct kernel_backend *kernel, struct device *device, struct fault *fault)
{
	pthread_mutex_lock(&device->exposed.lock);
	int result = device->exposed.opened != NULL ? kernel->vga(device->exposed.opened, fault)
	                                            : refuse_closed(device, fault);
	pthread_mutex_unlock(&device->exposed.lock);
	return result;
}

int operate_lend(const struct kernel_backend *kernel, struct device *device, int *fd,
                 struct fault *fault)
{
	if (kernel->device_fd == NULL)
		return fault_set(fault, HWB_UNSUPPORTED,
		                 "%s has no descriptor of a device that may be passed on: `grant = "
		                 "mediated' does without",
		                 kernel->name);
	if (kernel->device_fd(device->unit.opened, fd, fault) != 0)
		return -1;
	device->unit.lent = true;
	return 0;
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

static uint32_t memory_bars(const struct device *device)
{
	uint32_t bars = 0;

	for (uint32_t i = 0; i < HWB_BARS; i++)
		if (device->facts.bars[i].size != 0 &&
		    (device->facts.bars[i].flags & HWB_BAR_IO) == 0)
			bars |= 1u << i;
	return bars;
}

/* Somebody has unbound it since we bound it, such as its former driver: nvme of Linux 6.1,
 * unbound while it still sets a disk up, afterwards unbinds the disk from whatever has it. */
static bool has_lost_driver(const struct device *device)
{
	char driver[HWB_NAME_SIZE];

	bind_driver(&device->facts.address, driver);
	return device->unit.claimed && driver[0] == '\0' &&
	       bind_instance(&device->facts.address) == device->instance;
}

static int open_once(const struct kernel_backend *kernel, struct device *device,
                     struct kernel_domain *domain, struct fault *fault)
{
	for (int tries = 0;; tries++) {
		int result = kernel->open(&device->facts.address, device->group->id, domain,
		                          device->wanted_fd, device->failed_fd,
		                          &device->unit.opened, fault);
		/* If somebody has its descriptor, the host's unbinding waits for that. */
		if (result == 0 || tries == CLAIM_TRIES || device->unit.lent ||
		    !has_lost_driver(device))
			return result;
		if (bind_claim(&device->facts.address, &device->unit.origin, fault) != 0)
			return -1;
	}
}

static int open_unit(const struct kernel_backend *kernel, struct device *device,
                     struct kernel_domain *domain, struct fault *fault)
{
	struct unit *unit = &device->unit;

	if (open_once(kernel, device, domain, fault) != 0)
		return -1;
	if (!unit->haunted)
		return 0;
	int result = kernel->take_registers(unit->opened, memory_bars(device), fault);
	kernel->close(unit->opened);
	if (result != 0)
		return -1;
	unit->haunted = false;
	return open_once(kernel, device, domain, fault);
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
		return operate_refuse_unfit(device, fault);
	if (operate_reset_owed(device, fault) != 0)
		return -1;
	if (unit->lent && unit->opened != NULL)
		return fault_set(fault, HWB_WRONG_STATE,
		                 "%s cannot come to another domain while its descriptor is with a "
		                 "client: assign it before that is passed on",
		                 device->name);
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
	if (open_unit(kernel, device, domain, fault) != 0) {
		unit->opened = NULL;
		drop_own_domain(kernel, device->group);
		return -1;
	}
	unit->domain = domain;
	device->group->domain = domain;
	device->group->open_count++;
	expose(device, unit->opened);
	return 0;
}

static void close_unit(const struct kernel_backend *kernel, struct device *device)
{
	struct unit *unit = &device->unit;
	struct group *group = device->group;

	expose(device, NULL);
	kernel->close(unit->opened);
	unit->opened = NULL;
	unit->domain = NULL;
	unit->resting = false;
	if (--group->open_count == 0)
		group->domain = NULL;
	drop_own_domain(kernel, group);
}

int operate_reset_owed(struct device *device, struct fault *fault)
{
	struct unit *unit = &device->unit;
	struct fault why = { .status = HWB_OK };

	if (!unit->owed)
		return 0;
	int result = bind_reset_unbound(&device->facts.address, device->instance, &why);
	if (result != 0 && fault != NULL)
		*fault = why;
	if (result != 0 && fault_is_shortage(&why))
		return OPERATE_SHORT;
	unit->owed = false;
	unit->unfit = result != 0;
	unit->gone = result != 0 && why.status == HWB_GONE;
	return result;
}

/* If that fails the device is closed, and unfit; but not as long as somebody has registers
 * of it, who reaches nothing while it is open. OPERATE_SHORT: it is still to be done; the device
 * may be closed by then. */
static int bring_to_rest(const struct kernel_backend *kernel, struct device *device, bool shut,
                         struct fault *fault)
{
	struct unit *unit = &device->unit;
	struct fault why = { .status = HWB_OK };

	expose(device, NULL);
	int result = kernel->rest(unit->opened, shut, memory_bars(device), &why);

	if (result == 0)
		return 0;
	if (fault != NULL)
		*fault = why;
	if (fault_is_shortage(&why))
		return OPERATE_SHORT;
	if (shut && why.host_errno != EAGAIN) {
		unit->failed = why;
		return 0;
	}
	close_unit(kernel, device);
	/* The host has locked it, and waits for who has its descriptor. */
	if (why.host_errno == EAGAIN && unit->lent)
		return 0;
	if (why.host_errno == EAGAIN) {
		unit->owed = true;
		return operate_reset_owed(device, fault);
	}
	unit->unfit = true;
	unit->gone = why.status == HWB_GONE;
	return -1;
}

int operate_close(const struct kernel_backend *kernel, struct device *device, struct fault *fault)
{
	struct unit *unit = &device->unit;

	if (unit->opened == NULL)
		return unit->unfit ? operate_refuse_unfit(device, fault) : 0;
	int result = bring_to_rest(kernel, device, false, fault);
	if (result == OPERATE_SHORT && unit->opened != NULL) {
		/* Where it is, and quiet: whoever wants it elsewhere asks again. */
		expose(device, unit->opened);
		return -1;
	}
	if (unit->opened != NULL)
		close_unit(kernel, device);
	return result == 0 ? 0 : -1;
}

/* What it did for one client may still be in it for the next. */
static int check_reset(const struct kernel_backend *kernel, struct device *device,
                       struct fault *fault)
{
	struct unit *unit = &device->unit;

	unit->unfit = true;
	if (unit->failed.status != HWB_OK) {
		*fault = unit->failed;
		unit->failed.status = HWB_OK;
		return -1;
	}
	if (!unit->need_not_reset && !kernel->resets(unit->opened))
		return fault_set(fault, HWB_UNSAFE,
		                 "the kernel has no way to reset %s (`reset = none' in its rule "
		                 "does without)",
		                 device->name);
	unit->unfit = false;
	return 0;
}

/* Its descriptor is somewhere else, too. What has it reaches registers, and whatever memory is
 * left in its domain, which is its own; the kernel opens the group again when it is gone, and
 * resets the device then. */
static int await_descriptor(const struct kernel_backend *kernel, struct device *device,
                            struct fault *fault)
{
	struct unit *unit = &device->unit;
	struct fault why;

	if (unit->opened != NULL) {
		/* It may be undone; but it is quiet until then. */
		bring_to_rest(kernel, device, false, NULL);
		if (unit->opened != NULL)
			close_unit(kernel, device);
		unit->unfit = false;
	}
	/* As long as a neighbour is open, so is the group. */
	if (device->group->open_count != 0)
		return OPERATE_HELD;
	if (operate_open(kernel, device, NULL, &why) == 0) {
		unit->lent = false;
		return 0;
	}
	if (why.status == HWB_BUSY)
		return OPERATE_HELD;
	/* The host has unbound it, which waited for that. */
	if (has_lost_driver(device)) {
		unit->lent = false;
		unit->owed = !unit->need_not_reset;
		return operate_reset_owed(device, fault);
	}
	if (bind_instance(&device->facts.address) != device->instance)
		fault_set(&why, HWB_GONE, "%s has left the bus", device->name);
	*fault = why;
	if (fault_is_shortage(&why))
		return OPERATE_SHORT;
	unit->unfit = true;
	unit->gone = why.status == HWB_GONE;
	return -1;
}

int operate_retire(const struct kernel_backend *kernel, struct device *device, bool let_go,
                   struct fault *fault)
{
	struct unit *unit = &device->unit;
	bool held = witness_held(&unit->witness);
	int result = operate_reset_owed(device, fault);

	if (result == 0 && unit->lent)
		result = await_descriptor(kernel, device, fault);
	if (result != 0)
		return result;

	if (unit->opened == NULL && unit->unfit)
		return operate_refuse_unfit(device, fault);
	if (unit->opened != NULL && !unit->resting) {
		result = bring_to_rest(kernel, device, held, fault);
		if (result == OPERATE_SHORT)
			return result;
		unit->resting = unit->opened != NULL;
	}
	if (unit->opened != NULL && (!held || let_go)) {
		result = check_reset(kernel, device, fault);
		close_unit(kernel, device);
	}
	/* It stays open to keep them from reaching anything, and so it is to do after us. */
	if (result == 0 && held && unit->opened != NULL && kernel->keep_device != NULL)
		kernel->keep_device(unit->opened);
	if (result == 0 && held)
		return OPERATE_HELD;
	if (result != 0) {
		/* What it leaves behind is known as long as it is watched. */
		if (!unit->gone)
			operate_unwatch(device);
		return result;
	}
	witness_close(&unit->witness);
	/* What somebody else put on vfio-pci may be of use to others there. */
	if (operate_was_ours(device))
		record_drop(&device->facts.address);
	else
		record_nobody(&device->facts.address);
	return 0;
}

void operate_give_up(struct device *device)
{
	device->unit.unfit = true;
}

bool operate_stays(const struct device *device)
{
	const struct unit *unit = &device->unit;

	return unit->opened != NULL || unit->owed || (unit->unfit && !unit->gone) ||
	       witness_held(&unit->witness);
}

int operate_take_up(const struct kernel_backend *kernel, struct device *device, struct fault *fault)
{
	struct unit *unit = &device->unit;
	char driver[HWB_NAME_SIZE];

	bind_driver(&device->facts.address, driver);
	if (!bind_is_ours(driver))
		return operate_restore(device, fault);
	witness_close(&unit->witness);
	if (operate_look_for_registers(device, fault) != 0)
		return -1;
	unit->loose = false;
	/* operate_retire() opens it when nobody has its descriptor any more. */
	return unit->lent ? 0 : operate_open(kernel, device, NULL, fault);
}

static int watch_again(struct device *device, struct fault *fault)
{
	char driver[HWB_NAME_SIZE];

	bind_driver(&device->facts.address, driver);
	if (!bind_is_ours(driver))
		return fault_set(fault, HWB_GONE, "%s has lost its driver", device->name);
	return operate_look_for_registers(device, fault);
}

int operate_resume(const struct kernel_backend *kernel, struct device *device,
                   struct kernel_domain *domain, bool master, struct fault *fault)
{
	struct unit *unit = &device->unit;

	if (watch_again(device, fault) != 0)
		return -1;
	if (domain != NULL) {
		if (kernel->resume(&device->facts.address, device->group->id, domain,
		                   device->wanted_fd, device->failed_fd, &unit->opened,
		                   fault) != 0) {
			unit->opened = NULL;
			witness_close(&unit->witness);
			return -1;
		}
		unit->domain = domain;
		device->group->domain = domain;
		device->group->open_count++;
		expose(device, unit->opened);
	}
	unit->claimed = true;
	if (domain == NULL || master || kernel->set_bus_master(unit->opened, false, fault) == 0)
		return 0;
	operate_close(kernel, device, NULL);
	witness_close(&unit->witness);
	unit->claimed = false;
	return -1;
}

void operate_resume_along(struct device *device, const struct bind_origin *origin)
{
	device->unit.claimed = true;
	device->unit.origin = *origin;
}

int operate_adopt(const struct kernel_backend *kernel, struct device *device,
                  const struct bind_origin *origin, bool need_not_reset, struct fault *fault)
{
	device->unit.claimed = true;
	device->unit.need_not_reset = need_not_reset;
	device->unit.origin = *origin;
	return operate_take_up(kernel, device, fault);
}

int operate_clear(const struct kernel_backend *kernel, struct device *device, struct fault *fault)
{
	struct unit *unit = &device->unit;

	unit->unfit = false;
	unit->need_not_reset = true;
	int result = unit->claimed ? operate_take_up(kernel, device, fault) : 0;
	unit->unfit = result != 0;
	return result;
}
