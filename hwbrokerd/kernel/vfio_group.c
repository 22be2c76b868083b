/* SPDX-License-Identifier: MIT */
/* Devices through the VFIO group and container API, which Debian ships. */
#include "kernel/vfio.h"

#include "kernel/sysfs.h"
#include "util/cleanup.h"
#include "util/pause.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <string.h>
#include <sys/ioctl.h>

/* A device that is busy resetting (EAGAIN) is asked again, this often. */
enum { RESET_TRIES = 10, RESET_PAUSE_MS = 100 };

enum { BUSY_TRIES = 20, BUSY_PAUSE_MS = 10 };

/* ---- groups: each can be open once, for all of its devices ---- */

/* The lock guards the list. An entry itself is touched by jobs of that group's
 * strand only, one at a time, so attaching, which may pin gigabytes, holds up
 * nobody else. */
static pthread_mutex_t groups_lock = PTHREAD_MUTEX_INITIALIZER;
static struct vfio_group *groups;

static struct vfio_group *find_group(uint32_t id)
{
	pthread_mutex_lock(&groups_lock);
	struct vfio_group *group = groups;
	while (group != NULL && group->id != id)
		group = group->next;
	pthread_mutex_unlock(&groups_lock);
	return group;
}

static int open_group(uint32_t id, bool unsafe, struct fault *fault)
{
	char path[SYSFS_PATH];
	struct vfio_group_status status = { .argsz = sizeof(status) };

	snprintf(path, sizeof(path), "/dev/vfio/%s%u", unsafe ? "noiommu-" : "", id);
	_cleanup_fd_ int fd = open(path, O_RDWR | O_CLOEXEC);
	/* The service manager may still be about to close its descriptor. */
	for (int tries = 0; fd < 0 && errno == EBUSY && store_works() && tries < BUSY_TRIES;
	     tries++) {
		pause_ms(BUSY_PAUSE_MS);
		fd = open(path, O_RDWR | O_CLOEXEC);
	}
	if (fd < 0 && errno == EBUSY)
		return fault_set(fault, HWB_BUSY,
		                 "another program holds %s, or a descriptor from it, open", path);
	if (fd < 0)
		return fault_errno(fault, errno, "cannot open %s", path);
	if (ioctl(fd, VFIO_GROUP_GET_STATUS, &status) != 0)
		return fault_errno(fault, errno, "cannot ask %s for its status", path);
	if ((status.flags & VFIO_GROUP_FLAGS_VIABLE) == 0)
		return fault_set(
		        fault, HWB_UNSAFE,
		        "IOMMU group %u is not viable: the host uses another function of it", id);
	return steal_fd(&fd);
}

/* NULL: no memory. */
static struct vfio_group *new_group(uint32_t id, struct kernel_domain *domain, struct fault *fault)
{
	struct vfio_group *group = calloc(1, sizeof(*group));

	if (group == NULL) {
		fault_set(fault, HWB_NO_MEMORY, "no memory for a group");
		return NULL;
	}
	group->id = id;
	group->domain = domain;
	group->devices = 1;
	return group;
}

static void enlist(struct vfio_group *group)
{
	pthread_mutex_lock(&groups_lock);
	group->next = groups;
	groups = group;
	pthread_mutex_unlock(&groups_lock);
}

static int add_group(uint32_t id, struct kernel_domain *domain, struct vfio_group **group,
                     struct fault *fault)
{
	_cleanup_free_ struct vfio_group *made = new_group(id, domain, fault);
	_cleanup_fd_ int fd = -1;
	char name[STORE_NAME];

	if (made == NULL)
		return -1;
	fd = open_group(id, domain->unsafe, fault);
	if (fd < 0 || vfio_domain_attach(domain, fd, id, fault) != 0)
		return -1;
	vfio_name_group(id, domain->id, name);
	made->kept = !domain->unsafe && store_put(name, fd, true);
	made->fd = steal_fd(&fd);
	enlist(made);
	*group = steal_pointer(&made);
	return 0;
}

int vfio_group_resume(uint32_t id, struct kernel_domain *domain, int fd, struct vfio_group **group,
                      struct fault *fault)
{
	struct vfio_group *found = find_group(id);

	if (found != NULL) {
		found->devices++;
		*group = found;
		return found->domain == domain
		               ? 0
		               : fault_set(fault, HWB_CONFLICT, "group %u is elsewhere", id);
	}
	if (fd < 0)
		return fault_set(fault, HWB_GONE, "group %u was not kept", id);
	struct vfio_group *made = new_group(id, domain, fault);
	if (made == NULL)
		return -1;
	made->fd = fd;
	made->kept = true;
	enlist(made);
	domain->groups++;
	*group = made;
	return 0;
}

static int group_get(uint32_t id, struct kernel_domain *domain, struct vfio_group **group,
                     struct fault *fault)
{
	struct vfio_group *found = find_group(id);

	if (found == NULL)
		return add_group(id, domain, group, fault);
	if (found->domain != domain)
		return fault_set(fault, HWB_WRONG_STATE,
		                 "another function of IOMMU group %u is open in another domain: "
		                 "all functions of a group share one",
		                 id);
	found->devices++;
	*group = found;
	return 0;
}

static void group_put(struct vfio_group *group)
{
	if (--group->devices != 0)
		return;
	pthread_mutex_lock(&groups_lock);
	struct vfio_group **link = &groups;
	while (*link != group)
		link = &(*link)->next;
	*link = group->next;
	pthread_mutex_unlock(&groups_lock);
	vfio_domain_detach(group->domain, group->fd);
	close_fd(group->fd);
	free(group);
}

/* ---- devices ---- */

/* The kernel resets it once more, by whatever means it has, when the last descriptor is
 * closed (vfio_pci_core_disable). */
void vfio_device_close(struct kernel_device *device)
{
	char name[STORE_NAME];

	/* What the manager keeps goes first: ours is to be the last, by which the kernel resets
	 * the device, and lets go of its group. */
	if (device->group != NULL && device->group->kept && device->group->devices == 1) {
		vfio_name_group(device->group->id, device->group->domain->id, name);
		store_drop(name, true);
		device->group->kept = false;
	}
	if (device->kept) {
		vfio_name_device(device->name, name);
		store_drop(name, true);
		store_settle();
	}
	close_fd(device->fd);
	if (device->group != NULL)
		group_put(device->group);
	free(device);
}

int vfio_device_read_facts(struct kernel_device *device, struct fault *fault)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	struct vfio_region_info region = {
		.argsz = sizeof(region),
		.index = VFIO_PCI_CONFIG_REGION_INDEX,
	};

	if (ioctl(device->fd, VFIO_DEVICE_GET_INFO, &info) != 0 ||
	    ioctl(device->fd, VFIO_DEVICE_GET_REGION_INFO, &region) != 0)
		return fault_errno(fault, errno, "VFIO tells nothing about %s", device->name);
	device->flags = info.flags;
	device->config = region.offset;
	return 0;
}

int vfio_device_listen(struct kernel_device *device, int wanted_fd, int failed_fd,
                       struct fault *fault)
{
	if (wanted_fd >= 0 && vfio_irq_on_wanted(device, wanted_fd, fault) != 0)
		return -1;
	return failed_fd >= 0 ? vfio_irq_on_failed(device, failed_fd, fault) : 0;
}

static int open_in_group(struct kernel_device *device, struct fault *fault)
{
	char name[STORE_NAME];

	/* It resets the device, and gives EAGAIN while somebody else holds it, such
	 * as the host driver that has just been unbound from a neighbour. */
	for (int tries = 0; tries < RESET_TRIES; tries++) {
		device->fd = ioctl(device->group->fd, VFIO_GROUP_GET_DEVICE_FD, device->name);
		if (device->fd >= 0 || errno != EAGAIN)
			break;
		pause_ms(RESET_PAUSE_MS);
	}
	if (device->fd < 0)
		return fault_errno(fault, errno, "VFIO cannot open %s", device->name);
	fcntl(device->fd, F_SETFD, FD_CLOEXEC);
	vfio_name_device(device->name, name);
	device->kept = !device->group->domain->unsafe && store_put(name, device->fd, true);
	if (vfio_device_read_facts(device, fault) != 0)
		return -1;
	/* A device whose INTx nobody listens to must not pull the line: it may be
	 * shared, and the kernel switches off a line that nobody cares for. VFIO
	 * leaves it enabled, and masks it when this bit is written. */
	return vfio_set_command(device,
	                        PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_DISABLE,
	                        PCI_COMMAND_MASTER, fault);
}

int vfio_device_open(const struct hwb_pci_address *address, uint32_t group,
                     struct kernel_domain *domain, int wanted_fd, int failed_fd,
                     struct kernel_device **device, struct fault *fault)
{
	struct kernel_device *made = calloc(1, sizeof(*made));

	if (made == NULL)
		return fault_set(fault, HWB_NO_MEMORY, "no memory for a device");
	made->fd = -1;
	sysfs_address(address, made->name);
	if (group_get(group, domain, &made->group, fault) != 0 || open_in_group(made, fault) != 0 ||
	    vfio_device_listen(made, wanted_fd, failed_fd, fault) != 0) {
		vfio_device_close(made);
		return -1;
	}
	*device = made;
	return 0;
}

bool vfio_device_resets(const struct kernel_device *device)
{
	return (device->flags & VFIO_DEVICE_FLAGS_RESET) != 0;
}

int vfio_device_reset(struct kernel_device *device, struct fault *fault)
{
	int error = 0;

	if (!vfio_device_resets(device))
		return 0;
	for (int tries = 0; tries < RESET_TRIES; tries++) {
		error = ioctl(device->fd, VFIO_DEVICE_RESET) == 0 ? 0 : errno;
		if (error != EAGAIN)
			break;
		pause_ms(RESET_PAUSE_MS);
	}
	return error == 0 ? 0 : fault_errno(fault, error, "cannot reset %s", device->name);
}

int vfio_device_rest(struct kernel_device *device, bool shut, uint32_t bars, struct fault *fault)
{
	static const enum hwb_irq_type types[] = { HWB_IRQ_INTX, HWB_IRQ_MSI, HWB_IRQ_MSIX };

	vfio_set_bus_master(device, false, NULL);
	/* Those that were not enabled say EINVAL: what counts is that they are off. */
	for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (vfio_irq_count(device, types[i]) != 0)
			vfio_irq_disable(device, types[i], NULL);
	uint32_t quiet = PCI_COMMAND_MASTER;
	int taken = shut ? vfio_take_registers(device, bars, fault) : 0;
	/* Ports have nobody who takes them away: the device does not answer there. */
	if (shut) {
		quiet |= PCI_COMMAND_IO | PCI_COMMAND_MEMORY;
		vfio_set_command(device, 0, quiet, NULL);
	}
	int result = vfio_device_reset(device, taken == 0 ? fault : NULL);
	/* After the reset it must answer, and be quiet. */
	if (result == 0)
		result = vfio_set_command(device, 0, quiet, taken == 0 ? fault : NULL);
	return taken != 0 ? taken : result;
}

const struct kernel_backend kernel_vfio_group = {
	.name = "vfio-group",
	.domain_new = vfio_domain_new,
	.domain_free = vfio_domain_free,
	.map = vfio_domain_map,
	.unmap = vfio_domain_unmap,
	.windows = vfio_domain_windows,
	.open = vfio_device_open,
	.resets = vfio_device_resets,
	.rest = vfio_device_rest,
	.take_registers = vfio_take_registers,
	.close = vfio_device_close,
	.set_bus_master = vfio_set_bus_master,
	.irq_enable = vfio_irq_enable,
	.irq_disable = vfio_irq_disable,
	.irq_unmask = vfio_irq_unmask,
	.config_read = vfio_config_read,
	.config_write = vfio_config_write,
	.domain_id = vfio_domain_id,
	.keep = vfio_domain_keep,
	.resume_domain = vfio_resume_domain,
	.resume_mapping = vfio_resume_mapping,
	.resume_where = vfio_resume_where,
	.resume = vfio_resume,
	.resume_end = vfio_resume_end,
};
