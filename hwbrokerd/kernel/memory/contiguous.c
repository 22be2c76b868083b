/* SPDX-License-Identifier: MIT */
/*
 * A memfd takes its huge pages from the kernel's list of free ones, first come first served,
 * and they lie anywhere. But that list is a stack: what was given back last comes next. So if
 * the first attempt is not in one piece, all free pages are taken, those of a piece are given
 * back in descending order, and taken again by another memfd, which then has them in ascending
 * order. Somebody else may take one meanwhile: what came is looked at, and it is tried again.
 */
#define _GNU_SOURCE /* memfd_create, fallocate */
#include "kernel/memory/contiguous.h"

#include "kernel/memory/memory.h"
#include "kernel/memory/pagemap.h"
#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/memfd.h>

enum { TRIES = 4 };

static const uint64_t most_gathered = 2ull << 30;

/* Two at once would take each other's pages. */
static pthread_mutex_t gathering = PTHREAD_MUTEX_INITIALIZER;

/* A page, and where it is in the memfd that holds it. */
struct held {
	uint64_t address;
	uint64_t index;
};

bool contiguous_fits(const uint64_t *addresses, uint64_t count, const struct contiguous_want *want)
{
	for (uint64_t i = 1; i < count; i++)
		if (addresses[i] != addresses[i - 1] + want->page_size)
			return false;
	return (want->alignment == 0 || addresses[0] % want->alignment == 0) &&
	       addresses[count - 1] + (want->page_size - 1) <= want->limit;
}

uint64_t contiguous_find(const uint64_t *sorted, uint64_t count, uint64_t needed,
                         const struct contiguous_want *want, uint64_t *longest)
{
	uint64_t found = UINT64_MAX, length = 0;

	*longest = 0;
	for (uint64_t i = 0; i < count && sorted[i] + (want->page_size - 1) <= want->limit; i++) {
		if (i != 0 && sorted[i] != sorted[i - 1] + want->page_size)
			length = 0;
		/* It begins with its first page that is aligned. */
		if (length != 0 || want->alignment == 0 || sorted[i] % want->alignment == 0)
			length++;
		if (length > *longest)
			*longest = length;
		if (length >= needed && contiguous_fits(sorted + i + 1 - needed, needed, want))
			found = i + 1 - needed;
	}
	return found;
}

/* Where the pages of a memfd are. */
static int look(int fd, uint64_t count, uint32_t page_size, uint64_t *addresses,
                struct fault *fault)
{
	uint64_t size = count * page_size;
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);

	if (memory == MAP_FAILED)
		return fault_errno(fault, errno, "cannot map %" PRIu64 " bytes of huge pages",
		                   size);
	int result = pagemap_addresses(memory, count, page_size, addresses, fault);
	munmap(memory, size);
	return result;
}

/* Takes free pages, at most so many. How many: 0 if none. */
static uint64_t take_free(int fd, uint64_t most, uint32_t page_size)
{
	uint64_t count = 0;

	while (count < most) {
		if (fallocate(fd, 0, (off_t)(count * page_size), (off_t)page_size) == 0)
			count++;
		else if (errno != EINTR) /* memory.c */
			break;
	}
	return count;
}

static void give_back(int fd, uint64_t index, uint32_t page_size)
{
	fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)(index * page_size),
	          (off_t)page_size);
}

static int by_address(const void *a, const void *b)
{
	uint64_t left = ((const struct held *)a)->address;
	uint64_t right = ((const struct held *)b)->address;

	return left < right ? -1 : left > right;
}

static int refuse(const struct contiguous_want *want, uint64_t count, uint64_t longest,
                  struct fault *fault)
{
	char aligned[40] = "", below[48] = "", most[32] = "none";

	if (want->alignment > want->page_size)
		snprintf(aligned, sizeof(aligned), ", aligned to 0x%" PRIx64, want->alignment);
	if (want->limit != UINT64_MAX)
		snprintf(below, sizeof(below), ", at or below 0x%" PRIx64, want->limit);
	if (longest != 0)
		snprintf(most, sizeof(most), "%" PRIu64 " in a row", longest);
	return fault_set(fault, HWB_NO_MEMORY,
	                 "no %" PRIu64 " MiB in one piece%s%s: of %" PRIu64
	                 " free huge pages of %u MiB %s can be had so; have more set aside when "
	                 "the host starts (hugepages= on the kernel's command line)",
	                 want->size >> 20, aligned, below, count, want->page_size >> 20, most);
}

/* Of all that are free, which `fd` holds then. */
static int choose(int fd, uint64_t most, const struct contiguous_want *want, struct held *held,
                  uint64_t *addresses, struct fault *fault)
{
	uint64_t needed = want->size / want->page_size, longest = 0;
	uint64_t count = take_free(fd, most, want->page_size);

	if (count == 0)
		return refuse(want, 0, 0, fault);
	if (look(fd, count, want->page_size, addresses, fault) != 0)
		return -1;
	for (uint64_t i = 0; i < count; i++)
		held[i] = (struct held){ addresses[i], i };
	qsort(held, count, sizeof(*held), by_address);
	for (uint64_t i = 0; i < count; i++)
		addresses[i] = held[i].address;
	uint64_t first = contiguous_find(addresses, count, needed, want, &longest);
	if (first == UINT64_MAX)
		return refuse(want, count, longest, fault);
	for (uint64_t i = needed; i-- > 0;)
		give_back(fd, held[first + i].index, want->page_size);
	return 0;
}

static int try_new(const struct contiguous_want *want, int *fd, bool *fits, struct fault *fault)
{
	uint64_t count = want->size / want->page_size;
	_cleanup_free_ uint64_t *addresses = calloc(count, sizeof(*addresses));
	_cleanup_fd_ int made = -1;

	if (addresses == NULL)
		return fault_set(fault, HWB_NO_MEMORY, "no memory to look at memory");
	if (memory_new(want->size, want->page_size, &made, fault) != 0 ||
	    look(made, count, want->page_size, addresses, fault) != 0)
		return -1;
	*fits = contiguous_fits(addresses, count, want);
	if (*fits)
		*fd = steal_fd(&made);
	return 0;
}

static int gather(const struct contiguous_want *want, int *fd, bool *fits, struct fault *fault)
{
	uint64_t most = most_gathered / want->page_size;
	uint64_t needed = want->size / want->page_size;
	if (most < needed)
		most = needed;
	_cleanup_free_ struct held *held = calloc(most, sizeof(*held));
	_cleanup_free_ uint64_t *addresses = calloc(most, sizeof(*addresses));
	_cleanup_fd_ int all = memfd_create(
	        "hwbroker-look",
	        MFD_CLOEXEC | MFD_HUGETLB |
	                (want->page_size == MEMORY_HUGE_PAGE ? MFD_HUGE_2MB : MFD_HUGE_1GB));

	if (held == NULL || addresses == NULL)
		return fault_set(fault, HWB_NO_MEMORY, "no memory to look at memory");
	if (all < 0 || ftruncate(all, (off_t)(most * want->page_size)) != 0)
		return fault_errno(fault, errno, "cannot make a memfd of huge pages");
	if (choose(all, most, want, held, addresses, fault) != 0)
		return -1;
	return try_new(want, fd, fits, fault);
}

int contiguous_new(const struct contiguous_want *want, int *fd, struct fault *fault)
{
	bool fits = false;

	pthread_mutex_lock(&gathering);
	int result = try_new(want, fd, &fits, fault);
	for (int tries = 0; result == 0 && !fits && tries < TRIES; tries++)
		result = gather(want, fd, &fits, fault);
	pthread_mutex_unlock(&gathering);
	if (result == 0 && !fits)
		result = fault_set(fault, HWB_NO_MEMORY,
		                   "huge pages that are next to each other were taken by another "
		                   "program, again and again");
	return result;
}
