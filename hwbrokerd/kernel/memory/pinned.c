/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* F_DUPFD_CLOEXEC, MADV_POPULATE_WRITE */
#include "kernel/memory/pinned.h"

#include "kernel/memory/contiguous.h"
#include "kernel/memory/memory.h"
#include "kernel/memory/pagemap.h"
#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/io_uring.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

struct pinned {
	struct pinned *next;
	uint64_t address;
	uint64_t size;
	int fd;
	int ring;
	bool ours;
};

/* ---- pins ---- */

/* The kernel takes so much as one buffer, and so many buffers. */
static const uint64_t most_at_once = 1ull << 30;
enum { BUFFERS_MAX = 1024 };

static int ring_new(struct fault *fault)
{
	struct io_uring_params parameters = { 0 };
	int ring = (int)syscall(SYS_io_uring_setup, 1, &parameters);

	if (ring >= 0)
		return ring;
	return fault_set(fault, HWB_UNSUPPORTED,
	                 "memory cannot be kept where it is: no io_uring (%s); see "
	                 "/proc/sys/kernel/io_uring_disabled",
	                 strerror(errno));
}

static int ring_pin(int ring, void *memory, uint64_t size, struct fault *fault)
{
	struct iovec buffers[BUFFERS_MAX];
	unsigned count = 0;

	for (uint64_t at = 0; at < size; at += most_at_once) {
		if (count == BUFFERS_MAX)
			return fault_set(fault, HWB_INVALID, "%" PRIu64 " bytes are too many",
			                 size);
		uint64_t left = size - at;
		buffers[count].iov_base = (char *)memory + at;
		buffers[count++].iov_len = left < most_at_once ? left : most_at_once;
	}
	if (syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, buffers, count) == 0)
		return 0;
	if (errno == ENOMEM)
		return fault_set(fault, HWB_NO_MEMORY,
		                 "the kernel cannot pin %" PRIu64
		                 " bytes: no memory, or the broker's LimitMEMLOCK is too small",
		                 size);
	return fault_errno(fault, errno, "cannot pin %" PRIu64 " bytes", size);
}

/* Closing alone would do it some time later. */
static void ring_unpin(int ring)
{
	if (ring >= 0)
		syscall(SYS_io_uring_register, ring, IORING_UNREGISTER_BUFFERS, NULL, 0);
	close_fd(ring);
}

/* ---- one buffer ---- */

static int refuse_scattered(const struct kernel_mapping *mapping, const struct kernel_wish *wish,
                            struct fault *fault)
{
	char aligned[48] = "", below[48] = "";

	if (wish->alignment > 1)
		snprintf(aligned, sizeof(aligned), ", aligned to 0x%" PRIx64, wish->alignment);
	if (wish->limit != 0 && wish->limit != UINT64_MAX)
		snprintf(below, sizeof(below), ", at or below 0x%" PRIx64, wish->limit);
	return fault_set(
	        fault, mapping->ours ? HWB_NO_MEMORY : HWB_UNSUPPORTED,
	        "without an IOMMU a device needs memory in one piece%s%s, and this %s not%s",
	        aligned, below, mapping->ours ? "page is" : "memory is",
	        mapping->ours ? "" : ": have the broker make it (DMA_ALLOC)");
}

/* Steps of a page, or of 4 KiB. */
static int find(const void *memory, const struct kernel_mapping *mapping,
                const struct kernel_wish *wish, uint64_t *address, struct fault *fault)
{
	const struct contiguous_want want = {
		.size = mapping->size,
		.page_size = wish->page_size,
		.alignment = wish->alignment,
		.limit = wish->limit,
	};
	uint64_t count = mapping->size / wish->page_size;
	_cleanup_free_ uint64_t *addresses = calloc(count, sizeof(*addresses));

	if (addresses == NULL)
		return fault_set(fault, HWB_NO_MEMORY, "no memory to look at memory");
	if (pagemap_addresses(memory, count, wish->page_size, addresses, fault) != 0)
		return -1;
	if (!contiguous_fits(addresses, count, &want))
		return refuse_scattered(mapping, wish, fault);
	*address = addresses[0];
	return 0;
}

static int pin(struct pinned *made, const struct kernel_mapping *mapping,
               const struct kernel_wish *wish, struct fault *fault)
{
	void *memory = mmap(NULL, mapping->size, PROT_READ | PROT_WRITE, MAP_SHARED, mapping->fd,
	                    (off_t)mapping->offset);

	if (memory == MAP_FAILED && (errno == EPERM || errno == EACCES))
		return fault_set(
		        fault, HWB_UNSUPPORTED,
		        "memory that is not open for writing, or sealed against it, cannot "
		        "be pinned without an IOMMU");
	if (memory == MAP_FAILED)
		return fault_errno(fault, errno, "cannot map %" PRIu64 " bytes of the memfd",
		                   mapping->size);
	int result = mapping->ours ? 0 : memory_populate(mapping->fd, memory, mapping->size, fault);
	if (result == 0)
		result = ring_pin(made->ring, memory, mapping->size, fault);
	if (result == 0)
		result = find(memory, mapping, wish, &made->address, fault);
	munmap(memory, mapping->size);
	return result;
}

static void forget(struct pinned *pinned)
{
	ring_unpin(pinned->ring);
	if (pinned->ours && pinned->fd >= 0)
		memory_drop(pinned->fd, pinned->size);
	close_fd(pinned->fd);
	free(pinned);
}

static int make_memory(const struct kernel_mapping *mapping, struct kernel_wish *wish, int *fd,
                       struct fault *fault)
{
	struct contiguous_want want = {
		.size = mapping->size,
		.page_size = wish->page_size,
		.alignment = wish->alignment,
		.limit = wish->limit,
	};

	if (wish->page_size == MEMORY_PAGE)
		return memory_new(mapping->size, MEMORY_PAGE, fd, fault);
	/* Where the operator has set such pages aside, they are for this. */
	want.page_size = MEMORY_GIANT_PAGE;
	if (mapping->size % MEMORY_GIANT_PAGE == 0 && contiguous_new(&want, fd, NULL) == 0) {
		wish->page_size = MEMORY_GIANT_PAGE;
		return 0;
	}
	want.page_size = wish->page_size;
	return contiguous_new(&want, fd, fault);
}

/* False: some of the memory is in the list already. */
static bool enlist(struct pinned_list *list, struct pinned *made)
{
	bool alone = true;

	pthread_mutex_lock(&list->lock);
	for (const struct pinned *other = list->first; other != NULL && alone; other = other->next)
		alone = made->address + made->size <= other->address ||
		        other->address + other->size <= made->address;
	if (alone) {
		made->next = list->first;
		list->first = made;
	}
	pthread_mutex_unlock(&list->lock);
	return alone;
}

int pinned_place(struct pinned_list *list, struct kernel_mapping *mapping, struct kernel_wish *wish,
                 struct fault *fault)
{
	struct pinned *made = calloc(1, sizeof(*made));
	_cleanup_fd_ int fd = -1;

	if (made == NULL)
		return fault_set(fault, HWB_NO_MEMORY, "no memory for a DMA mapping");
	made->size = mapping->size;
	made->ours = mapping->ours;
	made->fd = -1;
	made->ring = ring_new(fault);
	struct kernel_mapping wanted = *mapping;
	int result = made->ring < 0 ? -1 : 0;
	if (result == 0 && mapping->fd < 0) {
		result = make_memory(mapping, wish, &fd, fault);
		wanted.fd = fd;
	}
	if (result == 0)
		result = pin(made, &wanted, wish, fault);
	if (result == 0 && (made->fd = fcntl(wanted.fd, F_DUPFD_CLOEXEC, 3)) < 0)
		result = fault_errno(fault, errno, "no descriptor for a DMA mapping");
	if (result == 0 && !enlist(list, made))
		result = fault_set(fault, HWB_CONFLICT,
		                   "some of this memory is mapped in this domain already");
	if (result != 0) {
		forget(made);
		return -1;
	}
	mapping->iova = made->address;
	if (mapping->fd < 0)
		mapping->fd = steal_fd(&fd);
	return 0;
}

/* ---- lists ---- */

void pinned_init(struct pinned_list *list)
{
	pthread_mutex_init(&list->lock, NULL);
	list->first = NULL;
}

int pinned_release(struct pinned_list *list, uint64_t address, struct fault *fault)
{
	pthread_mutex_lock(&list->lock);
	struct pinned **link = &list->first;
	while (*link != NULL && (*link)->address != address)
		link = &(*link)->next;
	struct pinned *found = *link;
	if (found != NULL)
		*link = found->next;
	pthread_mutex_unlock(&list->lock);
	if (found == NULL)
		return fault_set(fault, HWB_NOT_FOUND, "no mapping starts at 0x%" PRIx64, address);
	forget(found);
	return 0;
}

void pinned_release_all(struct pinned_list *list)
{
	pthread_mutex_lock(&list->lock);
	while (list->first != NULL) {
		struct pinned *next = list->first->next;
		forget(list->first);
		list->first = next;
	}
	pthread_mutex_unlock(&list->lock);
}

void pinned_end(struct pinned_list *list)
{
	pthread_mutex_destroy(&list->lock);
}

/* ---- what the host offers ---- */

int pinned_works(struct fault *fault)
{
	struct pinned_list list;
	struct kernel_mapping mapping = { .fd = -1, .size = MEMORY_PAGE, .ours = true };
	struct kernel_wish wish = { .limit = UINT64_MAX, .page_size = MEMORY_PAGE };

	if (pagemap_is_bus(fault) != 0)
		return -1;
	pinned_init(&list);
	int result = pinned_place(&list, &mapping, &wish, fault);
	close_fd(mapping.fd);
	pinned_release_all(&list);
	pinned_end(&list);
	return result;
}

uint32_t pinned_windows(struct hwb_iova_range *ranges, uint32_t max)
{
	static uint64_t top;

	if (top == 0)
		top = pagemap_top();
	if (max == 0)
		return 0;
	ranges[0] = (struct hwb_iova_range){ MEMORY_PAGE, top };
	return 1;
}
