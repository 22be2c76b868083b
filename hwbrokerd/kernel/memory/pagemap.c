/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* pread with 64-bit offsets under any standard */
#include "kernel/memory/pagemap.h"

#include "kernel/sysfs.h"
#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PAGE = 4096 };

/* Documentation/admin-guide/mm/pagemap.rst. */
static const uint64_t present = 1ull << 63;
static const uint64_t frame_mask = (1ull << 55) - 1;

int pagemap_addresses(const void *memory, uint64_t count, uint64_t step, uint64_t *addresses,
                      struct fault *fault)
{
	_cleanup_fd_ int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return fault_errno(fault, errno, "cannot open /proc/self/pagemap");
	for (uint64_t i = 0; i < count; i++) {
		uint64_t at = ((uintptr_t)memory + i * step) / PAGE;
		uint64_t entry = 0;
		if (pread(fd, &entry, sizeof(entry), (off_t)(at * sizeof(entry))) !=
		    (ssize_t)sizeof(entry))
			return fault_errno(fault, errno, "cannot read /proc/self/pagemap");
		/* Without CAP_SYS_ADMIN all frames read as 0. */
		if ((entry & present) == 0 || (entry & frame_mask) == 0)
			return fault_set(fault, HWB_HOST_ERROR,
			                 "the kernel does not say where memory is "
			                 "(/proc/self/pagemap needs CAP_SYS_ADMIN)");
		addresses[i] = (entry & frame_mask) * PAGE;
	}
	return 0;
}

uint64_t pagemap_top(void)
{
	_cleanup_file_ FILE *file = fopen("/proc/iomem", "re");
	uint64_t top = 0, first, last;
	char line[256];

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (strstr(line, "System RAM") != NULL &&
		    sscanf(line, "%" SCNx64 "-%" SCNx64, &first, &last) == 2 && last > top)
			top = last;
	return top != 0 ? top : UINT64_MAX;
}

int pagemap_is_bus(struct fault *fault)
{
#if defined(__x86_64__) || defined(__i386__)
	char type[16];

	if (sysfs_read("/sys/hypervisor/type", type, sizeof(type)) > 0 && strcmp(type, "xen") == 0)
		return fault_set(
		        fault, HWB_UNSUPPORTED,
		        "in a Xen domain the addresses of memory are not those of the bus");
	return 0;
#else
	return fault_set(fault, HWB_UNSUPPORTED,
	                 "on this architecture it is not known where a device finds memory");
#endif
}
