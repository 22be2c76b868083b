/* SPDX-License-Identifier: MIT */
/*
 * Devices through VFIO's character devices and iommufd, which other distributions ship. Each
 * device has a node of its own (/dev/vfio/devices/vfioN), is bound to the descriptor of a
 * domain, and attached to its address space. The kernel lets a group go to one such
 * descriptor only, as it does with containers.
 *
 * The kernel pins a mapping's pages while a device is attached, and from there on needs
 * nothing of ours. So it is told of the mappings when the first device is, and of none
 * once the last one is not.
 */
#define _GNU_SOURCE /* F_DUPFD_CLOEXEC */
#include "kernel/iommufd/iommufd.h"

#include "kernel/bind.h"
#include "kernel/iommufd/abi.h"
#include "kernel/sysfs.h"
#include "kernel/vfio/vfio.h"
#include "util/cleanup.h"
#include "util/pause.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>

/* So long the service manager may still be about to close its descriptor of the device. */
enum { HELD_TRIES = 20, HELD_PAUSE_MS = 10 };

/* ---- mappings ---- */

static bool live(const struct kernel_domain *domain)
{
	return domain->attached != 0;
}

/* Found out once; the kernel does not change. */
static pthread_once_t probed = PTHREAD_ONCE_INIT;
static bool file_maps;

static void probe(void)
{
	iommufd_probe(&file_maps);
}

static bool needs_memory(void)
{
	pthread_once(&probed, probe);
	return !file_maps;
}

static int map(const struct kernel_domain *domain, const struct kernel_mapping *mapping,
               void *memory)
{
	return iommufd_map(domain->fd, mapping->iova, mapping->size, mapping->device_reads,
	                   mapping->device_writes, memory, mapping->fd, mapping->offset);
}

static int unmap(const struct kernel_domain *domain, uint64_t iova, uint64_t size,
                 uint64_t *unmapped)
{
	return iommufd_unmap(domain->fd, iova, size, unmapped);
}

static uint32_t windows(const struct kernel_domain *domain, struct hwb_iova_range *ranges,
                        uint32_t max)
{
	return live(domain) ? iommufd_windows(domain->fd, ranges, max) : 0;
}

/* ---- groups: what their devices are bound to is the domain's descriptor ---- */

static int enter_domain(struct kernel_domain *domain, struct fault *fault)
{
	bool first = domain->groups == 0;

	if (first) {
		/* One of the daemon before this one has no group that we know of. */
		vfio_domain_drop(domain);
		domain->fd = iommufd_new(fault);
		if (domain->fd < 0)
			return -1;
	}
	int fd = fcntl(domain->fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0) {
		fault_errno(fault, errno, "no descriptor for a group");
		if (first)
			vfio_domain_drop(domain);
		return -1;
	}
	domain->groups++;
	return fd;
}

static int enter(struct kernel_domain *domain, uint32_t group, int *fd, struct fault *fault)
{
	(void)group;
	pthread_mutex_lock(&domain->lock);
	*fd = enter_domain(domain, fault);
	pthread_mutex_unlock(&domain->lock);
	return *fd >= 0 ? 0 : -1;
}

static void leave(struct kernel_domain *domain, int group_fd)
{
	(void)domain;
	(void)group_fd;
}

/* ---- devices ---- */

/* A device that vfio-pci drives has one entry in the folder, which is called as its node is. */
static int open_node(const char *device, struct fault *fault)
{
	char path[SYSFS_PATH];
	const struct dirent *entry;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.31s/vfio-dev", device);
	_cleanup_dir_ DIR *directory = opendir(path);
	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		if (strncmp(entry->d_name, "vfio", strlen("vfio")) != 0)
			continue;
		snprintf(path, sizeof(path), "/dev/vfio/devices/%.31s", entry->d_name);
		int fd = open(path, O_RDWR | O_CLOEXEC);
		return fd >= 0 ? fd : fault_errno(fault, errno, "cannot open %s", path);
	}
	return fault_set(fault, HWB_HOST_ERROR,
	                 "VFIO has no node of %s (/dev/vfio/devices): is it still with vfio-pci?",
	                 device);
}

/* The kernel says EPERM if the group has another owner, which may be a host driver, and if
 * its interrupts are not remapped. */
static int refuse_bind(const struct kernel_device *device, int error, struct fault *fault)
{
	uint32_t group = device->group->id;

	switch (error) {
	case EPERM:
		if (bind_group_viable(group, fault) != 0)
			return -1;
		return fault_set(
		        fault, HWB_UNSAFE,
		        "interrupts of IOMMU group %u are not remapped, so its devices could "
		        "forge others': switch on interrupt remapping in the firmware; or "
		        "another program has a device of the group open",
		        group);
	case EBUSY:
	case EINVAL:
		return fault_set(fault, HWB_BUSY, "another program holds %s, or /dev/vfio/%u, open",
		                 device->name, group);
	default:
		return fault_errno(fault, error, "VFIO cannot open %s", device->name);
	}
}

static int bind_device(const struct kernel_device *device, int fd, struct fault *fault)
{
	struct iommufd_bind request = { .size = sizeof(request), .iommufd = device->group->fd };
	int held = store_works() ? HELD_TRIES : 0;
	int error = 0;

	/* It resets the device, and gives EAGAIN while somebody else holds it, such
	 * as the host driver that has just been unbound from a neighbour. */
	for (int tries = 0; tries < VFIO_BUSY_TRIES;) {
		error = ioctl(fd, IOMMUFD_BIND, &request) == 0 ? 0 : errno;
		if (error == EAGAIN) {
			pause_ms(VFIO_BUSY_PAUSE_MS);
			tries++;
		} else if ((error == EBUSY || error == EINVAL) && held-- > 0)
			pause_ms(HELD_PAUSE_MS);
		else
			break;
	}
	return error == 0 ? 0 : refuse_bind(device, error, fault);
}

static int refuse_attach(const struct kernel_device *device, int error, struct fault *fault)
{
	switch (error) {
	case EINVAL:
	case EADDRINUSE:
		return fault_set(
		        fault, HWB_CONFLICT,
		        "IOMMU group %u cannot share this domain: a mapping lies in one of "
		        "its reserved regions, or its hardware differs",
		        device->group->id);
	default:
		return fault_errno(fault, error, "cannot put %s into a domain", device->name);
	}
}

static void detach(struct kernel_domain *domain, int fd)
{
	struct iommufd_detach request = { .size = sizeof(request) };

	ioctl(fd, IOMMUFD_DETACH, &request);
	/* Mappings that no device has are pinned no more, and cannot be again. */
	if (domain->attached == 0)
		iommufd_unmap_all(domain->fd);
}

static int attach(struct kernel_device *device, int fd, struct fault *fault)
{
	struct kernel_domain *domain = device->group->domain;
	struct iommufd_attach request = { .size = sizeof(request), .ioas = IOMMUFD_IOAS };

	if (ioctl(fd, IOMMUFD_ATTACH, &request) != 0)
		return refuse_attach(device, errno, fault);
	if (domain->attached == 0 && vfio_domain_fill(domain, fault) != 0) {
		detach(domain, fd);
		return -1;
	}
	domain->attached++;
	device->attached = true;
	return 0;
}

static int open_device(struct kernel_device *device, struct fault *fault)
{
	struct kernel_domain *domain = device->group->domain;
	_cleanup_fd_ int fd = open_node(device->name, fault);

	if (fd < 0 || bind_device(device, fd, fault) != 0)
		return -1;
	pthread_mutex_lock(&domain->lock);
	int result = attach(device, fd, fault);
	pthread_mutex_unlock(&domain->lock);
	return result == 0 ? steal_fd(&fd) : -1;
}

/* Detached by us, not by the last descriptor's end: that may be another's. */
static void closing(struct kernel_device *device)
{
	struct kernel_domain *domain = device->group->domain;

	if (!device->attached)
		return;
	pthread_mutex_lock(&domain->lock);
	domain->attached--;
	detach(domain, device->fd);
	pthread_mutex_unlock(&domain->lock);
	device->attached = false;
}

static int resume_group(const struct kernel_domain *domain, int fd)
{
	close_fd(fd);
	return iommufd_is(domain->fd) ? fcntl(domain->fd, F_DUPFD_CLOEXEC, 3) : -1;
}

static void resumed(struct kernel_device *device)
{
	pthread_mutex_lock(&device->group->domain->lock);
	device->group->domain->attached++;
	pthread_mutex_unlock(&device->group->domain->lock);
	device->attached = true;
}

static const struct vfio_way way = {
	.letter = 'a',
	.enter = enter,
	.open = open_device,
	.closing = closing,
	.leave = leave,
	.live = live,
	.needs_memory = needs_memory,
	.map = map,
	.unmap = unmap,
	.windows = windows,
	.shares_fd = true,
	.resume_group = resume_group,
	.resumed = resumed,
};

static int domain_new(struct kernel_domain **domain, struct fault *fault)
{
	return vfio_domain_new(&way, domain, fault);
}

static int resume_domain(uint32_t id, struct kernel_domain **domain, struct fault *fault)
{
	return vfio_resume_domain(&way, id, domain, fault);
}

const struct kernel_backend kernel_iommufd = {
	.name = "iommufd",
	.domain_new = domain_new,
	.resume_domain = resume_domain,
	VFIO_BACKEND,
};
