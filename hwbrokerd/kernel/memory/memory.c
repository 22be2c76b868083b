/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memfd_create, F_GET_SEALS, fallocate */
#include "kernel/memory/memory.h"

#include "kernel/sysfs.h"
#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <linux/memfd.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/vfs.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010 /* linux/fcntl.h, since 5.1 */
#endif

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* linux/mman.h, since 5.14 */
#endif

/* ---- what the host can spare ---- */

/* Left for the host: an eighth of its memory, but at most this much. */
static const uint64_t most_spared = 1ull << 30;

/* So much of a client's memory is taken from the host at once. */
enum { POPULATE_PIECE = 4 << 20 };

static pthread_mutex_t reserve_lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t reserved; /* by calls that are under way */

/* A line of /proc/meminfo, in bytes; 0 if it is not there. */
static uint64_t meminfo(const char *text, const char *name)
{
	const char *line = strstr(text, name);
	unsigned long long kilobytes = 0;

	if (line == NULL || sscanf(line + strlen(name), ": %llu kB", &kilobytes) != 1)
		return 0;
	return kilobytes * 1024;
}

static uint64_t spared_of(uint64_t total)
{
	uint64_t spared = total / 8;

	return spared < most_spared ? spared : most_spared;
}

/* Whether there is so much free memory that what else the host could free need not be known:
 * to read /proc/meminfo takes longer than to map a small buffer. Free memory includes the
 * kernel's own reserve, which is a small part of what is spared here once more. */
static bool plenty(uint64_t bytes)
{
	struct sysinfo info;

	if (sysinfo(&info) != 0)
		return false;
	uint64_t free = (uint64_t)info.freeram * info.mem_unit;
	uint64_t kept = 2 * spared_of((uint64_t)info.totalram * info.mem_unit);
	if (free < kept || bytes > free - kept)
		return false;
	pthread_mutex_lock(&reserve_lock);
	bool held = reserved <= free - kept - bytes;
	if (held)
		reserved += bytes;
	pthread_mutex_unlock(&reserve_lock);
	return held;
}

int memory_reserve(uint64_t bytes, struct fault *fault)
{
	char text[2048];
	int result = 0;

	if (bytes == 0 || plenty(bytes))
		return 0;
	if (sysfs_read("/proc/meminfo", text, sizeof(text)) <= 0)
		return fault_set(fault, HWB_HOST_ERROR, "cannot read /proc/meminfo");
	uint64_t available = meminfo(text, "MemAvailable");
	pthread_mutex_lock(&reserve_lock);
	uint64_t used = reserved + spared_of(meminfo(text, "MemTotal"));
	if (used > available || bytes > available - used)
		result = fault_set(fault, HWB_NO_MEMORY,
		                   "the host has %" PRIu64 " MiB to spare, less %" PRIu64
		                   " MiB that it keeps: no %" PRIu64 " bytes more can be pinned",
		                   available >> 20, used >> 20, bytes);
	else
		reserved += bytes;
	pthread_mutex_unlock(&reserve_lock);
	return result;
}

void memory_settle(uint64_t bytes)
{
	pthread_mutex_lock(&reserve_lock);
	reserved -= bytes;
	pthread_mutex_unlock(&reserve_lock);
}

static bool is_huge(int fd)
{
	struct statfs system;

	return fstatfs(fd, &system) == 0 && system.f_type == HUGETLBFS_MAGIC;
}

/* At least so many bytes of a memfd are not there: of its blocks, some may be behind its end. */
static uint64_t missing(int fd, uint64_t size)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return 0;
	uint64_t there = (uint64_t)status.st_blocks * 512;
	uint64_t all = (uint64_t)status.st_size;
	uint64_t less = all > there ? all - there : 0;
	return less < size ? less : size;
}

/* An errno. As pinning does: by faults, which wait for nothing that the client can keep from
 * them, as it can the lock of its file, which fallocate() and lseek() take. */
static int populate(void *memory, uint64_t size)
{
	int error;

	do
		error = madvise(memory, size, MADV_POPULATE_READ) == 0 ? 0 : errno;
	while (error == EINTR);
	/* A kernel before 5.14. */
	return error == EINVAL ? 0 : error;
}

int memory_populate(int fd, void *memory, uint64_t size, struct fault *fault)
{
	int error = 0;

	if (is_huge(fd))
		return 0;
	/* What cannot fit leaves nothing behind. */
	uint64_t plainly = missing(fd, size);
	if (memory_reserve(plainly, fault) != 0)
		return -1;
	memory_settle(plainly);
	for (uint64_t done = 0; done < size && error == 0; done += POPULATE_PIECE) {
		uint64_t piece = size - done < POPULATE_PIECE ? size - done : POPULATE_PIECE;
		if (memory_reserve(piece, fault) != 0)
			return -1;
		error = populate((char *)memory + done, piece);
		memory_settle(piece);
	}
	if (error == ENOMEM || error == EFAULT)
		return fault_set(fault, HWB_NO_MEMORY, "no %" PRIu64 " bytes of memory are free",
		                 size);
	return error == 0 ? 0
	                  : fault_errno(fault, error, "cannot have %" PRIu64 " bytes of a memfd",
	                                size);
}

/* ---- memory of our own ---- */

static int make(uint64_t size, unsigned kind, int *fd, struct fault *fault)
{
	_cleanup_fd_ int made =
	        memfd_create("hwbroker-dma", MFD_CLOEXEC | MFD_ALLOW_SEALING | kind);

	if (made < 0)
		return fault_errno(fault, errno, "cannot make a memfd%s",
		                   kind != 0 ? " of huge pages" : "");
	if (ftruncate(made, (off_t)size) != 0)
		return fault_errno(fault, errno, "cannot size a memfd of %" PRIu64 " bytes", size);
	*fd = steal_fd(&made);
	return 0;
}

/* All pages now: a lack of memory is an error here and not a SIGBUS for whoever touches it. */
static int fill(int fd, uint64_t size, bool huge, struct fault *fault)
{
	int error;

	/* A worker that has closed a ring (pinned.h) is interrupted for that, and huge pages are
	 * not taken then. */
	do
		error = fallocate(fd, 0, 0, (off_t)size) == 0 ? 0 : errno;
	while (error == EINTR);
	if (error == ENOSPC || error == ENOMEM)
		return fault_set(fault, HWB_NO_MEMORY,
		                 huge ? "no %" PRIu64 " bytes of 2 MiB pages are free: raise "
		                        "/proc/sys/vm/nr_hugepages"
		                      : "no %" PRIu64 " bytes of memory are free",
		                 size);
	if (error != 0)
		return fault_errno(fault, error, "cannot allocate %" PRIu64 " bytes", size);
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
		return fault_errno(fault, errno, "cannot seal a memfd");
	return 0;
}

int memory_new(uint64_t size, uint32_t page_size, int *fd, struct fault *fault)
{
	bool huge = page_size != MEMORY_PAGE;
	unsigned kind = page_size == MEMORY_GIANT_PAGE ? MFD_HUGE_1GB : MFD_HUGE_2MB;
	_cleanup_fd_ int made = -1;

	if (make(size, huge ? MFD_HUGETLB | kind : 0, &made, fault) != 0 ||
	    memory_reserve(huge ? 0 : size, fault) != 0)
		return -1;
	int result = fill(made, size, huge, fault);
	memory_settle(huge ? 0 : size);
	if (result == 0)
		*fd = steal_fd(&made);
	return result;
}

bool memory_new_promptly(uint64_t size, int *fd)
{
	_cleanup_fd_ int made = -1;

	if (!plenty(size))
		return false;
	bool done = make(size, 0, &made, NULL) == 0 && fill(made, size, false, NULL) == 0;
	memory_settle(size);
	if (done)
		*fd = steal_fd(&made);
	return done;
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
