/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memfd_create, F_GET_SEALS, fallocate */
#include "kernel/memory.h"

#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010 /* linux/fcntl.h, since 5.1 */
#endif

int memory_new(uint64_t size, uint32_t page_size, int *fd, struct fault *fault)
{
	bool huge = page_size == MEMORY_HUGE_PAGE;
	_cleanup_fd_ int made =
	        memfd_create("hwbroker-dma", MFD_CLOEXEC | MFD_ALLOW_SEALING |
	                                             (huge ? MFD_HUGETLB | MFD_HUGE_2MB : 0));

	if (made < 0)
		return fault_errno(fault, errno, "cannot make a memfd%s",
		                   huge ? " of 2 MiB pages" : "");
	/* All pages now: a lack of memory is an error here and not a SIGBUS for
	 * whoever touches it. */
	if (ftruncate(made, (off_t)size) != 0 || fallocate(made, 0, 0, (off_t)size) != 0) {
		if (errno == ENOSPC || errno == ENOMEM)
			return fault_set(fault, HWB_NO_MEMORY,
			                 huge ? "no %" PRIu64
			                        " bytes of 2 MiB pages are free: raise "
			                        "/proc/sys/vm/nr_hugepages"
			                      : "no %" PRIu64 " bytes of memory are free",
			                 size);
		return fault_errno(fault, errno, "cannot allocate %" PRIu64 " bytes", size);
	}
	if (fcntl(made, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
		return fault_errno(fault, errno, "cannot seal a memfd");
	*fd = steal_fd(&made);
	return 0;
}

void memory_drop(int fd, uint64_t size)
{
	fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)size);
}

int memory_check(int fd, uint64_t offset, uint64_t size, bool device_writes, uint32_t *page_size,
                 struct fault *fault)
{
	struct statfs system;
	struct stat status;

	/* Only memfds and shared memory answer this; a FUSE file, a pipe, a
	 * device or a dmabuf, each of which could block or vanish under us,
	 * gives EINVAL. */
	int seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0 || fstat(fd, &status) != 0 || fstatfs(fd, &system) != 0 ||
	    !S_ISREG(status.st_mode))
		return fault_set(fault, HWB_BAD_FD,
		                 "the descriptor is not a memfd (memfd_create(2))");
	if ((seals & F_SEAL_SHRINK) == 0)
		return fault_set(fault, HWB_BAD_FD,
		                 "the memfd lacks F_SEAL_SHRINK: it could be cut while a device "
		                 "uses it; fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK)");
	if (device_writes && (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) != 0)
		return fault_set(fault, HWB_BAD_FD,
		                 "the memfd is sealed against writing, and DEVICE_WRITES is set");
	if ((fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY)
		return fault_set(fault, HWB_BAD_FD, "the memfd is not open for reading");
	if (device_writes && (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDWR)
		return fault_set(fault, HWB_BAD_FD,
		                 "the memfd is not open for writing, and DEVICE_WRITES is set");
	*page_size = system.f_type == HUGETLBFS_MAGIC ? (uint32_t)system.f_bsize : MEMORY_PAGE;
	if (offset % MEMORY_PAGE != 0 || offset > (uint64_t)status.st_size ||
	    size > (uint64_t)status.st_size - offset)
		return fault_set(fault, HWB_INVALID,
		                 "%" PRIu64 " bytes from 0x%" PRIx64
		                 " are not within the memfd's %" PRIu64 ", or not page aligned",
		                 size, offset, (uint64_t)status.st_size);
	if (offset % *page_size != 0 || size % *page_size != 0)
		return fault_set(fault, HWB_INVALID,
		                 "offset and size must be multiples of the memfd's page size, %u",
		                 *page_size);
	return 0;
}
