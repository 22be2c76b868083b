/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* F_DUPFD_CLOEXEC */
#include "kernel/vfio.h"

#include "kernel/memory.h"
#include "resume/note.h"
#include "util/cleanup.h"
#include "util/pause.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/vfio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

/* A group leaves its container once its last device is closed everywhere. */
enum { LEAVE_TRIES = 50, LEAVE_PAUSE_MS = 10 };

int vfio_domain_new(struct kernel_domain **domain, struct fault *fault)
{
	struct kernel_domain *made = calloc(1, sizeof(*made));

	if (made == NULL)
		return fault_set(fault, HWB_NO_MEMORY, "no memory for a DMA domain");
	pthread_mutex_init(&made->lock, NULL);
	made->container = -1;
	made->id = note_new_id();
	*domain = made;
	return 0;
}

/* ---- mappings ---- */

/* Index of the first mapping that starts at or above `iova`. */
static uint32_t position(const struct kernel_domain *domain, uint64_t iova)
{
	uint32_t low = 0, high = domain->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (domain->mappings[middle].iova < iova)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int refuse_map(const struct kernel_mapping *mapping, int error, struct fault *fault)
{
	uint64_t last = mapping->iova + (mapping->size - 1);

	switch (error) {
	case ENOSPC:
		return fault_set(
		        fault, HWB_QUOTA,
		        "the kernel's number of DMA mappings is used up (dma_entry_limit of "
		        "vfio_iommu_type1)");
	case ENOMEM:
		return fault_set(fault, HWB_NO_MEMORY,
		                 "the kernel cannot pin %" PRIu64
		                 " bytes: no memory, or the broker's "
		                 "LimitMEMLOCK is too small",
		                 mapping->size);
	case EFAULT:
		return fault_set(fault, HWB_BAD_FD,
		                 "the memory behind 0x%" PRIx64
		                 " cannot be pinned: it is missing (an "
		                 "empty pool of huge pages?) or of a kind that devices may not use",
		                 mapping->iova);
	case EEXIST:
	case EINVAL:
		return fault_set(fault, HWB_CONFLICT,
		                 "0x%" PRIx64 "-0x%" PRIx64
		                 " overlaps a mapping, a reserved region, or ends above what the "
		                 "hardware can address",
		                 mapping->iova, last);
	default:
		return fault_errno(fault, error, "cannot map 0x%" PRIx64 "-0x%" PRIx64,
		                   mapping->iova, last);
	}
}

/* One that the daemon before this one made, and was killed before the memory was kept. */
static int refuse_lost(const struct kernel_mapping *mapping, struct fault *fault)
{
	return fault_set(
	        fault, HWB_GONE,
	        "the memory at 0x%" PRIx64
	        " was mapped before the broker was killed, and cannot be mapped once more: "
	        "unmap it, and map it anew",
	        mapping->iova);
}

/* Maps the memory for ourselves just for the call: the kernel pins the pages,
 * which keeps them, and nothing here ever looks at them. */
static int map_in_kernel(int container, const struct kernel_mapping *mapping, struct fault *fault)
{
	struct vfio_iommu_type1_dma_map request = {
		.argsz = sizeof(request),
		.flags = (mapping->device_reads ? VFIO_DMA_MAP_FLAG_READ : 0u) |
		         (mapping->device_writes ? VFIO_DMA_MAP_FLAG_WRITE : 0u),
		.iova = mapping->iova,
		.size = mapping->size,
	};

	if (mapping->fd < 0)
		return refuse_lost(mapping, fault);
	void *memory =
	        mmap(NULL, mapping->size, PROT_READ | (mapping->device_writes ? PROT_WRITE : 0),
	             MAP_SHARED, mapping->fd, (off_t)mapping->offset);

	if (memory == MAP_FAILED && errno == ENOMEM)
		return fault_set(fault, HWB_NO_MEMORY,
		                 "no memory for %" PRIu64
		                 " bytes of the memfd; with huge pages, too "
		                 "few are free (/proc/sys/vm/nr_hugepages)",
		                 mapping->size);
	if (memory == MAP_FAILED)
		return fault_errno(fault, errno, "cannot map %" PRIu64 " bytes of the memfd",
		                   mapping->size);
	uint64_t missing = mapping->ours ? 0 : memory_missing(mapping->fd, mapping->size);
	if (memory_reserve(missing, fault) != 0) {
		munmap(memory, mapping->size);
		return -1;
	}
	request.vaddr = (uintptr_t)memory;
	int error = ioctl(container, VFIO_IOMMU_MAP_DMA, &request) == 0 ? 0 : errno;
	memory_settle(missing);
	munmap(memory, mapping->size);
	return error == 0 ? 0 : refuse_map(mapping, error, fault);
}

int vfio_domain_remember(struct kernel_domain *domain, const struct kernel_mapping *mapping,
                         struct fault *fault)
{
	uint32_t at = position(domain, mapping->iova);

	if (domain->count == domain->capacity) {
		uint32_t capacity = domain->capacity == 0 ? 16 : domain->capacity * 2;
		struct kernel_mapping *more =
		        realloc(domain->mappings, capacity * sizeof(struct kernel_mapping));
		if (more == NULL)
			return fault_set(fault, HWB_NO_MEMORY, "no memory for a DMA mapping");
		domain->mappings = more;
		domain->capacity = capacity;
	}
	/* A descriptor of our own: a container that loses its last group loses
	 * its mappings, and the next group needs them again. */
	int fd = mapping->fd < 0 ? -1 : fcntl(mapping->fd, F_DUPFD_CLOEXEC, 3);
	if (mapping->fd >= 0 && fd < 0)
		return fault_errno(fault, errno, "no descriptor for a DMA mapping");
	memmove(domain->mappings + at + 1, domain->mappings + at,
	        (domain->count - at) * sizeof(struct kernel_mapping));
	domain->mappings[at] = *mapping;
	domain->mappings[at].fd = fd;
	domain->count++;
	return 0;
}

/* Of a mapping that the kernel has not (any more). */
static void forget(struct kernel_domain *domain, uint32_t at)
{
	const struct kernel_mapping *mapping = &domain->mappings[at];
	char name[STORE_NAME];

	if (mapping->kept) {
		vfio_name_memory(mapping->id, name);
		store_drop_of(mapping->share, name, true);
	}
	if (mapping->ours && mapping->fd >= 0)
		memory_drop(mapping->fd, mapping->size);
	close_fd(mapping->fd);
	domain->count--;
	memmove(domain->mappings + at, domain->mappings + at + 1,
	        (domain->count - at) * sizeof(struct kernel_mapping));
}

int vfio_domain_map(struct kernel_domain *domain, const struct kernel_mapping *mapping,
                    struct fault *fault)
{
	pthread_mutex_lock(&domain->lock);
	int result = vfio_domain_remember(domain, mapping, fault);
	if (result == 0 && domain->container >= 0) {
		result = map_in_kernel(domain->container, mapping, fault);
		if (result != 0)
			forget(domain, position(domain, mapping->iova));
	}
	pthread_mutex_unlock(&domain->lock);
	return result;
}

static int unmap_in_kernel(int container, const struct kernel_mapping *mapping, struct fault *fault)
{
	struct vfio_iommu_type1_dma_unmap request = {
		.argsz = sizeof(request),
		.iova = mapping->iova,
		.size = mapping->size,
	};

	if (ioctl(container, VFIO_IOMMU_UNMAP_DMA, &request) != 0)
		return fault_errno(fault, errno, "cannot unmap 0x%" PRIx64, mapping->iova);
	if (request.size != mapping->size)
		return fault_set(fault, HWB_HOST_ERROR,
		                 "the kernel unmapped %" PRIu64 " of %" PRIu64
		                 " bytes at 0x%" PRIx64,
		                 (uint64_t)request.size, mapping->size, mapping->iova);
	return 0;
}

int vfio_domain_unmap(struct kernel_domain *domain, uint64_t iova, struct fault *fault)
{
	int result = 0;

	pthread_mutex_lock(&domain->lock);
	uint32_t at = position(domain, iova);
	if (at == domain->count || domain->mappings[at].iova != iova)
		result = fault_set(fault, HWB_NOT_FOUND, "no mapping starts at 0x%" PRIx64, iova);
	else if (domain->container >= 0)
		result = unmap_in_kernel(domain->container, &domain->mappings[at], fault);
	if (result == 0)
		forget(domain, at);
	pthread_mutex_unlock(&domain->lock);
	return result;
}

/* ---- what outlives the process ---- */

void vfio_domain_keep(struct kernel_domain *domain, struct store_share *share)
{
	char name[STORE_NAME];

	pthread_mutex_lock(&domain->lock);
	for (uint32_t i = 0; i < domain->count; i++) {
		struct kernel_mapping *mapping = &domain->mappings[i];
		if (mapping->kept || mapping->fd < 0)
			continue;
		vfio_name_memory(mapping->id, name);
		mapping->share = share;
		mapping->kept = store_put_of(share, name, mapping->fd, true);
	}
	pthread_mutex_unlock(&domain->lock);
}

uint32_t vfio_domain_id(const struct kernel_domain *domain)
{
	return domain->id;
}

/* ---- end ---- */

static void drop_container(struct kernel_domain *domain)
{
	char name[STORE_NAME];

	if (domain->kept) {
		vfio_name_domain(domain->id, name);
		store_drop(name, true);
	}
	domain->kept = false;
	domain->container = close_fd(domain->container);
}

/* One of the daemon before this one may have a container without a group: its device was not
 * taken up. */
static void destroy(struct kernel_domain *domain)
{
	drop_container(domain);
	free(domain->mappings);
	pthread_mutex_destroy(&domain->lock);
	free(domain);
}

void vfio_domain_free(struct kernel_domain *domain)
{
	pthread_mutex_lock(&domain->lock);
	while (domain->count != 0) {
		uint32_t last = domain->count - 1;
		if (domain->container >= 0)
			unmap_in_kernel(domain->container, &domain->mappings[last], NULL);
		forget(domain, last);
	}
	domain->abandoned = true;
	bool unused = domain->groups == 0;
	pthread_mutex_unlock(&domain->lock);
	if (unused)
		destroy(domain);
}

/* ---- groups ---- */

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
	default:
		return fault_errno(fault, error, "cannot put IOMMU group %u into a domain", group);
	}
}

/* The container's first group decides which hardware maps; only now can the
 * kernel be told of the mappings. */
static int start_container(struct kernel_domain *domain, uint32_t group, struct fault *fault)
{
	if (ioctl(domain->container, VFIO_SET_IOMMU,
	          domain->unsafe ? VFIO_NOIOMMU_IOMMU : VFIO_TYPE1v2_IOMMU) != 0)
		return refuse_attach(errno, group, fault);
	for (uint32_t i = 0; i < domain->count; i++)
		if (map_in_kernel(domain->container, &domain->mappings[i], fault) != 0)
			return -1;
	return 0;
}

int vfio_domain_attach(struct kernel_domain *domain, int group_fd, uint32_t group_id,
                       struct fault *fault)
{
	char name[STORE_NAME];
	int result = 0;

	pthread_mutex_lock(&domain->lock);
	bool first = domain->groups == 0;
	if (first) {
		/* A container of the daemon before this one has no group that we know of. */
		drop_container(domain);
		domain->container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	}
	if (domain->container < 0)
		result = fault_errno(fault, errno, "cannot open /dev/vfio/vfio");
	else if (ioctl(group_fd, VFIO_GROUP_SET_CONTAINER, &domain->container) != 0)
		result = refuse_attach(errno, group_id, fault);
	if (result == 0 && first && start_container(domain, group_id, fault) != 0) {
		ioctl(group_fd, VFIO_GROUP_UNSET_CONTAINER);
		result = -1;
	}
	if (result == 0 && first) {
		vfio_name_domain(domain->id, name);
		domain->kept = !domain->unsafe && store_put(name, domain->container, true);
	}
	if (result == 0)
		domain->groups++;
	else if (first)
		domain->container = close_fd(domain->container);
	pthread_mutex_unlock(&domain->lock);
	return result;
}

void vfio_domain_detach(struct kernel_domain *domain, int group_fd)
{
	pthread_mutex_lock(&domain->lock);
	/* The manager may still be about to close the last device of the group. */
	for (int tries = 0; ioctl(group_fd, VFIO_GROUP_UNSET_CONTAINER) != 0 && errno == EBUSY &&
	                    store_works() && tries < LEAVE_TRIES;
	     tries++)
		pause_ms(LEAVE_PAUSE_MS);
	if (--domain->groups == 0)
		drop_container(domain);
	bool unused = domain->groups == 0 && domain->abandoned;
	pthread_mutex_unlock(&domain->lock);
	if (unused)
		destroy(domain);
}

/* ---- windows ---- */

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

uint32_t vfio_domain_windows(struct kernel_domain *domain, struct hwb_iova_range *ranges,
                             uint32_t max)
{
	/* Room for the capability chain: some dozens of ranges. */
	union {
		struct vfio_iommu_type1_info info;
		unsigned char room[4096];
	} answer = { .info.argsz = sizeof(answer) };
	uint32_t count = 0;

	pthread_mutex_lock(&domain->lock);
	if (domain->container >= 0 &&
	    ioctl(domain->container, VFIO_IOMMU_GET_INFO, &answer.info) == 0 &&
	    answer.info.argsz <= sizeof(answer) && (answer.info.flags & VFIO_IOMMU_INFO_CAPS) != 0)
		count = read_windows(&answer.info, ranges, max);
	pthread_mutex_unlock(&domain->lock);
	return count;
}
