/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* F_DUPFD_CLOEXEC */
#include "kernel/vfio/vfio.h"

#include "kernel/memory/memory.h"
#include "resume/note.h"
#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

int vfio_domain_new(const struct vfio_way *way, struct kernel_domain **domain, struct fault *fault)
{
	struct kernel_domain *made = calloc(1, sizeof(*made));

	if (made == NULL)
		return fault_set(fault, HWB_NO_MEMORY, "no memory for a DMA domain");
	pthread_mutex_init(&made->lock, NULL);
	made->way = way;
	made->fd = -1;
	made->id = note_new_id();
	sorted_init(&made->mappings, sizeof(struct kernel_mapping));
	*domain = made;
	return 0;
}

/* ---- mappings ---- */

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

static int refuse_memory(const struct kernel_mapping *mapping, int error, struct fault *fault)
{
	if (error == ENOMEM)
		return fault_set(fault, HWB_NO_MEMORY,
		                 "no memory for %" PRIu64
		                 " bytes of the memfd; with huge pages, too "
		                 "few are free (/proc/sys/vm/nr_hugepages)",
		                 mapping->size);
	return fault_errno(fault, error, "cannot map %" PRIu64 " bytes of the memfd",
	                   mapping->size);
}

/* Maps the memory for ourselves just for the call, where the kernel wants it so: it pins the
 * pages, which keeps them, and nothing here ever looks at them. */
static int map_in_kernel(const struct kernel_domain *domain, const struct kernel_mapping *mapping,
                         struct fault *fault)
{
	bool needed = domain->way->needs_memory();
	void *memory = NULL;
	int result = 0;

	if (mapping->fd < 0)
		return refuse_lost(mapping, fault);
	if (needed || !mapping->ours)
		memory = mmap(NULL, mapping->size,
		              PROT_READ | (mapping->device_writes ? PROT_WRITE : 0), MAP_SHARED,
		              mapping->fd, (off_t)mapping->offset);
	if (memory == MAP_FAILED)
		return refuse_memory(mapping, errno, fault);
	if (!mapping->ours)
		result = memory_populate(mapping->fd, memory, mapping->size, fault);
	if (result == 0) {
		int error = domain->way->map(domain, mapping, needed ? memory : NULL);
		result = error == 0 ? 0 : refuse_map(mapping, error, fault);
	}
	if (memory != NULL)
		munmap(memory, mapping->size);
	return result;
}

int vfio_domain_remember(struct kernel_domain *domain, const struct kernel_mapping *mapping,
                         struct fault *fault)
{
	/* A descriptor of our own: a domain that loses its last group loses its
	 * mappings in the kernel, and the next group needs them again. */
	int fd = mapping->fd < 0 ? -1 : fcntl(mapping->fd, F_DUPFD_CLOEXEC, 3);
	if (mapping->fd >= 0 && fd < 0)
		return fault_errno(fault, errno, "no descriptor for a DMA mapping");
	struct kernel_mapping *added = sorted_add(&domain->mappings, mapping->iova);
	if (added == NULL) {
		close_fd(fd);
		return fault_set(fault, HWB_NO_MEMORY, "no memory for a DMA mapping");
	}
	*added = *mapping;
	added->fd = fd;
	return 0;
}

/* Of a mapping that the kernel has not (any more). What is returned is for let_go(). */
static struct kernel_mapping forget(struct kernel_domain *domain, struct sorted_place place)
{
	const struct kernel_mapping forgotten =
	        *(struct kernel_mapping *)sorted_at(&domain->mappings, place);
	char name[STORE_NAME];

	if (forgotten.kept) {
		vfio_name_memory(forgotten.id, name);
		store_drop_of(forgotten.share, name, true);
	}
	sorted_remove(&domain->mappings, place);
	return forgotten;
}

/* Without the lock: to empty memory waits for who is writing to it by write(2), as the client may
 * be that has it as well, from memory that is never there (FUSE). The device leaves the domain
 * meanwhile. */
static void let_go(const struct kernel_mapping *forgotten)
{
	if (forgotten->ours && forgotten->fd >= 0)
		memory_drop(forgotten->fd, forgotten->size);
	close_fd(forgotten->fd);
}

int vfio_domain_map(struct kernel_domain *domain, const struct kernel_mapping *mapping,
                    struct fault *fault)
{
	struct kernel_mapping forgotten = { .fd = -1 };

	pthread_mutex_lock(&domain->lock);
	int result = vfio_domain_remember(domain, mapping, fault);
	if (result == 0 && domain->way->live(domain)) {
		result = map_in_kernel(domain, mapping, fault);
		if (result != 0)
			forgotten = forget(domain, sorted_from(&domain->mappings, mapping->iova));
	}
	pthread_mutex_unlock(&domain->lock);
	let_go(&forgotten);
	return result;
}

static int unmap_in_kernel(const struct kernel_domain *domain, const struct kernel_mapping *mapping,
                           struct fault *fault)
{
	uint64_t unmapped = mapping->size;
	int error = domain->way->unmap(domain, mapping->iova, mapping->size, &unmapped);

	if (error != 0)
		return fault_errno(fault, error, "cannot unmap 0x%" PRIx64, mapping->iova);
	if (unmapped != mapping->size)
		return fault_set(fault, HWB_HOST_ERROR,
		                 "the kernel unmapped %" PRIu64 " of %" PRIu64
		                 " bytes at 0x%" PRIx64,
		                 unmapped, mapping->size, mapping->iova);
	return 0;
}

int vfio_domain_unmap(struct kernel_domain *domain, uint64_t iova, struct fault *fault)
{
	struct kernel_mapping forgotten = { .fd = -1 };
	int result = 0;

	pthread_mutex_lock(&domain->lock);
	struct sorted_place place = sorted_from(&domain->mappings, iova);
	const struct kernel_mapping *mapping = sorted_at(&domain->mappings, place);
	if (mapping == NULL || mapping->iova != iova)
		result = fault_set(fault, HWB_NOT_FOUND, "no mapping starts at 0x%" PRIx64, iova);
	else if (domain->fd >= 0)
		result = unmap_in_kernel(domain, mapping, fault);
	if (result == 0)
		forgotten = forget(domain, place);
	pthread_mutex_unlock(&domain->lock);
	let_go(&forgotten);
	return result;
}

/* ---- what outlives the process ---- */

void vfio_domain_keep(struct kernel_domain *domain, struct store_share *share)
{
	const struct sorted *mappings = &domain->mappings;
	struct sorted_place place;
	struct kernel_mapping *mapping;
	char name[STORE_NAME];

	pthread_mutex_lock(&domain->lock);
	for (place = sorted_from(mappings, 0); (mapping = sorted_at(mappings, place)) != NULL;
	     place = sorted_next(mappings, place)) {
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

void vfio_domain_drop(struct kernel_domain *domain)
{
	char name[STORE_NAME];

	if (domain->kept) {
		vfio_name_domain(domain, name);
		store_drop(name, true);
	}
	domain->kept = false;
	domain->fd = close_fd(domain->fd);
}

/* One of the daemon before this one may have a descriptor without a group: its device was not
 * taken up. */
static void destroy(struct kernel_domain *domain)
{
	vfio_domain_drop(domain);
	sorted_free(&domain->mappings);
	pthread_mutex_destroy(&domain->lock);
	free(domain);
}

void vfio_domain_free(struct kernel_domain *domain)
{
	const struct sorted_place first = { 0, 0 };

	pthread_mutex_lock(&domain->lock);
	struct sorted_place place = sorted_from(&domain->mappings, 0);
	/* First all of it is out of the devices' reach. */
	for (const struct kernel_mapping *mapping;
	     domain->fd >= 0 && (mapping = sorted_at(&domain->mappings, place)) != NULL;
	     place = sorted_next(&domain->mappings, place))
		unmap_in_kernel(domain, mapping, NULL);
	while (sorted_at(&domain->mappings, first) != NULL) {
		struct kernel_mapping forgotten = forget(domain, first);
		pthread_mutex_unlock(&domain->lock);
		let_go(&forgotten);
		pthread_mutex_lock(&domain->lock);
	}
	domain->abandoned = true;
	bool unused = domain->groups == 0;
	pthread_mutex_unlock(&domain->lock);
	if (unused)
		destroy(domain);
}

/* ---- groups ---- */

bool vfio_domain_keep_itself(struct kernel_domain *domain)
{
	char name[STORE_NAME];

	pthread_mutex_lock(&domain->lock);
	vfio_name_domain(domain, name);
	if (!domain->kept)
		domain->kept = domain->fd >= 0 && store_put(name, domain->fd, true);
	bool kept = domain->kept;
	pthread_mutex_unlock(&domain->lock);
	return kept;
}

int vfio_domain_fill(struct kernel_domain *domain, struct fault *fault)
{
	const struct sorted *mappings = &domain->mappings;
	struct sorted_place place = sorted_from(mappings, 0);
	const struct kernel_mapping *mapping;
	uint64_t unmapped;

	for (; (mapping = sorted_at(mappings, place)) != NULL;
	     place = sorted_next(mappings, place)) {
		if (map_in_kernel(domain, mapping, fault) == 0)
			continue;
		while ((mapping = sorted_before(mappings, place, &place)) != NULL)
			domain->way->unmap(domain, mapping->iova, mapping->size, &unmapped);
		return -1;
	}
	return 0;
}

void vfio_domain_leave(struct kernel_domain *domain, int group_fd)
{
	pthread_mutex_lock(&domain->lock);
	domain->way->leave(domain, group_fd);
	if (--domain->groups == 0)
		vfio_domain_drop(domain);
	bool unused = domain->groups == 0 && domain->abandoned;
	pthread_mutex_unlock(&domain->lock);
	if (unused)
		destroy(domain);
}

uint32_t vfio_domain_windows(struct kernel_domain *domain, struct hwb_iova_range *ranges,
                             uint32_t max)
{
	uint32_t count = 0;

	pthread_mutex_lock(&domain->lock);
	if (domain->fd >= 0)
		count = domain->way->windows(domain, ranges, max);
	pthread_mutex_unlock(&domain->lock);
	return count;
}
