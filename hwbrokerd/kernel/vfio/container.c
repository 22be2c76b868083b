/* SPDX-License-Identifier: MIT */
/*
 * Devices through the VFIO group and container API (linux/vfio.h), which Debian ships:
 * containers hold mappings, a group attaches to one container, devices are opened from a
 * group. A group cannot change its container while a device of it is open.
 */
#include "kernel/sysfs.h"
#include "kernel/vfio/vfio.h"
#include "util/cleanup.h"
#include "util/pause.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <string.h>
#include <sys/ioctl.h>

enum { BUSY_TRIES = 20, BUSY_PAUSE_MS = 10 };

/* A group leaves its container once its last device is closed everywhere. */
enum { LEAVE_TRIES = 50, LEAVE_PAUSE_MS = 10 };

/* ---- mappings ---- */

static bool live(const struct kernel_domain *domain)
{
	return domain->fd >= 0;
}

static bool needs_memory(void)
{
	return true;
}

static int map(const struct kernel_domain *domain, const struct kernel_mapping *mapping,
               void *memory)
{
	struct vfio_iommu_type1_dma_map request = {
		.argsz = sizeof(request),
		.flags = (mapping->device_reads ? VFIO_DMA_MAP_FLAG_READ : 0u) |
		         (mapping->device_writes ? VFIO_DMA_MAP_FLAG_WRITE : 0u),
		.vaddr = (uintptr_t)memory,
		.iova = mapping->iova,
		.size = mapping->size,
	};

	return ioctl(domain->fd, VFIO_IOMMU_MAP_DMA, &request) == 0 ? 0 : errno;
}

static int unmap(const struct kernel_domain *domain, uint64_t iova, uint64_t size,
                 uint64_t *unmapped)
{
	struct vfio_iommu_type1_dma_unmap request = {
		.argsz = sizeof(request),
		.iova = iova,
		.size = size,
	};

	if (ioctl(domain->fd, VFIO_IOMMU_UNMAP_DMA, &request) != 0)
		return errno;
	*unmapped = request.size;
	return 0;
}

static uint32_t read_windows(const struct vfio_iommu_type1_info *info,
                             struct hwb_iova_range *ranges, uint32_t max)
{
	for (uint32_t at = info->cap_offset; at != 0 && at < info->argsz;) {
		const struct vfio_info_cap_header *header =
		        (const void *)((const unsigned char *)info + at);
		if (header->id == VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE) {
			const struct vfio_iommu_type1_info_cap_iova_range *cap =
			        (const void *)header;
			uint32_t count = cap->nr_iovas < max ? cap->nr_iovas : max;
			for (uint32_t i = 0; i < count; i++)
				ranges[i] = (struct hwb_iova_range){ cap->iova_ranges[i].start,
					                             cap->iova_ranges[i].end };
			return count;
		}
		at = header->next;
	}
	return 0;
}

static uint32_t windows(const struct kernel_domain *domain, struct hwb_iova_range *ranges,
                        uint32_t max)
{
	/* Room for the capability chain: some dozens of ranges. */
	union {
		struct vfio_iommu_type1_info info;
		unsigned char room[4096];
	} answer = { .info.argsz = sizeof(answer) };

	if (ioctl(domain->fd, VFIO_IOMMU_GET_INFO, &answer.info) != 0 ||
	    answer.info.argsz > sizeof(answer) || (answer.info.flags & VFIO_IOMMU_INFO_CAPS) == 0)
		return 0;
	return read_windows(&answer.info, ranges, max);
}

/* ---- groups: each can be open once, for all of its devices ---- */

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
		        "IOMMU group %u is not viable: the host uses another function of it; "
		        "`hwbroker-ctl audit' of a device of the group says which",
		        id);
	return steal_fd(&fd);
}

static int refuse_attach(int error, uint32_t group, struct fault *fault)
{
	switch (error) {
	case EPERM:
		return fault_set(
		        fault, HWB_UNSAFE,
		        "interrupts of IOMMU group %u are not remapped, so its devices could "
		        "forge others': switch on interrupt remapping in the firmware",
		        group);
	case EINVAL:
		return fault_set(
		        fault, HWB_CONFLICT,
		        "IOMMU group %u cannot share this domain: a mapping lies in one of "
		        "its reserved regions, or its hardware differs",
		        group);
	case ENODEV:
		return fault_set(
		        fault, HWB_HOST_ERROR,
		        "cannot put IOMMU group %u into a domain: the kernel's part for that "
		        "is not loaded, `modprobe vfio_iommu_type1'",
		        group);
	default:
		return fault_errno(fault, error, "cannot put IOMMU group %u into a domain", group);
	}
}

/* The container's first group decides which hardware maps; only now can the
 * kernel be told of the mappings. */
static int start(struct kernel_domain *domain, int group_fd, uint32_t group, struct fault *fault)
{
	if (ioctl(domain->fd, VFIO_SET_IOMMU,
	          domain->unsafe ? VFIO_NOIOMMU_IOMMU : VFIO_TYPE1v2_IOMMU) != 0)
		refuse_attach(errno, group, fault);
	else if (vfio_domain_fill(domain, fault) == 0)
		return 0;
	ioctl(group_fd, VFIO_GROUP_UNSET_CONTAINER);
	return -1;
}

static int attach(struct kernel_domain *domain, int group_fd, uint32_t group, struct fault *fault)
{
	bool first = domain->groups == 0;
	int result = 0;

	if (first) {
		/* A container of the daemon before this one has no group that we know of. */
		vfio_domain_drop(domain);
		domain->fd = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	}
	if (domain->fd < 0)
		result = fault_errno(fault, errno,
		                     "cannot open /dev/vfio/vfio (`modprobe vfio-pci')");
	else if (ioctl(group_fd, VFIO_GROUP_SET_CONTAINER, &domain->fd) != 0)
		result = refuse_attach(errno, group, fault);
	if (result == 0 && first)
		result = start(domain, group_fd, group, fault);
	if (result == 0)
		domain->groups++;
	else if (first)
		vfio_domain_drop(domain);
	return result;
}

static int enter(struct kernel_domain *domain, uint32_t group, int *fd, struct fault *fault)
{
	_cleanup_fd_ int made = open_group(group, domain->unsafe, fault);

	if (made < 0)
		return -1;
	pthread_mutex_lock(&domain->lock);
	int result = attach(domain, made, group, fault);
	pthread_mutex_unlock(&domain->lock);
	if (result == 0)
		*fd = steal_fd(&made);
	return result;
}

static void leave(struct kernel_domain *domain, int group_fd)
{
	int result = ioctl(group_fd, VFIO_GROUP_UNSET_CONTAINER);
	uint64_t unmapped;

	/* The manager may still be about to close the last device of the group. */
	for (int tries = 0; result != 0 && errno == EBUSY && store_works() && tries < LEAVE_TRIES;
	     tries++) {
		pause_ms(LEAVE_PAUSE_MS);
		result = ioctl(group_fd, VFIO_GROUP_UNSET_CONTAINER);
	}
	/* A client has a descriptor of the device: the group stays in the container until that is
	 * closed, and is to find nothing there. */
	if (result == 0 || domain->groups != 1)
		return;
	struct sorted_place place = sorted_from(&domain->mappings, 0);
	for (const struct kernel_mapping *mapping;
	     (mapping = sorted_at(&domain->mappings, place)) != NULL;
	     place = sorted_next(&domain->mappings, place))
		unmap(domain, mapping->iova, mapping->size, &unmapped);
}

/* ---- devices ---- */

static int open_device(struct kernel_device *device, struct fault *fault)
{
	int fd = -1;

	/* It resets the device, and gives EAGAIN while somebody else holds it, such
	 * as the host driver that has just been unbound from a neighbour. */
	for (int tries = 0; tries < VFIO_BUSY_TRIES; tries++) {
		fd = ioctl(device->group->fd, VFIO_GROUP_GET_DEVICE_FD, device->name);
		if (fd >= 0 || errno != EAGAIN)
			break;
		pause_ms(VFIO_BUSY_PAUSE_MS);
	}
	if (fd < 0)
		return fault_errno(fault, errno, "VFIO cannot open %s", device->name);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fd;
}

static void closing(struct kernel_device *device)
{
	(void)device; /* it leaves with its group */
}

/* ---- what the daemon before this one had open ---- */

static int resume_group(const struct kernel_domain *domain, int fd)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };

	(void)domain;
	if (ioctl(fd, VFIO_GROUP_GET_STATUS, &status) == 0 &&
	    (status.flags & VFIO_GROUP_FLAGS_CONTAINER_SET) != 0)
		return fd;
	return close_fd(fd);
}

static void resumed(struct kernel_device *device)
{
	(void)device;
}

static const struct vfio_way way = {
	.letter = 'c',
	.enter = enter,
	.leave = leave,
	.open = open_device,
	.closing = closing,
	.live = live,
	.needs_memory = needs_memory,
	.map = map,
	.unmap = unmap,
	.windows = windows,
	.resume_group = resume_group,
	.resumed = resumed,
};

int vfio_container_new(struct kernel_domain **domain, struct fault *fault)
{
	return vfio_domain_new(&way, domain, fault);
}

static int resume_domain(uint32_t id, struct kernel_domain **domain, struct fault *fault)
{
	return vfio_resume_domain(&way, id, domain, fault);
}

const struct kernel_backend kernel_vfio_group = {
	.name = "vfio-group",
	.domain_new = vfio_container_new,
	.resume_domain = resume_domain,
	.bar_offset = vfio_bar_offset,
	.device_fd = vfio_device_fd,
	VFIO_BACKEND,
};
