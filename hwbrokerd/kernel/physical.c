/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* mmap with 64-bit offsets */
#include "kernel/physical.h"

#include "kernel/memory/sealed.h"
#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#define DEV_MEM "/dev/mem"

static int refuse_open(struct fault *fault)
{
	switch (errno) {
	case ENOENT:
	case ENXIO:
	case ENODEV:
		return fault_set(fault, HWB_UNSUPPORTED,
		                 "the host has no " DEV_MEM " (CONFIG_DEVMEM): physical memory is "
		                 "out of reach; boot a kernel that has it");
	case EPERM:
	case EACCES:
		return fault_set(fault, HWB_UNSUPPORTED,
		                 "the kernel refuses " DEV_MEM
		                 ": it is locked down, as with Secure "
		                 "Boot, or the broker lacks CAP_SYS_RAWIO, or its unit the node "
		                 "(DeviceAllow); switch Secure Boot off, or give it that");
	default:
		return fault_errno(fault, errno, "cannot open " DEV_MEM);
	}
}

static int refuse_map(uint64_t base, uint64_t size, struct fault *fault)
{
	if (errno == EPERM || errno == EINVAL)
		return fault_set(fault, HWB_UNSUPPORTED,
		                 "the kernel does not let 0x%" PRIx64 "-0x%" PRIx64
		                 " be mapped: RAM is among it (STRICT_DEVMEM), or a driver has "
		                 "claimed some of it (IO_STRICT_DEVMEM; /proc/iomem says which): "
		                 "unbind that one, or boot with iomem=relaxed",
		                 base, base + (size - 1));
	return fault_errno(fault, errno, "cannot map 0x%" PRIx64 "-0x%" PRIx64, base,
	                   base + (size - 1));
}

/* What nothing answers reads as ones there. Elsewhere it ends who reads, which is not to be the
 * broker. */
#if defined(__x86_64__) || defined(__i386__)
#define ALL_ADDRESSES_ANSWER true
#else
#define ALL_ADDRESSES_ANSWER false
#endif

static int map(int fd, uint64_t base, uint64_t size, bool write, struct physical *physical,
               struct fault *fault)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t start = base & ~(page - 1);

	if (!ALL_ADDRESSES_ANSWER)
		return fault_set(fault, HWB_UNSUPPORTED,
		                 "0x%" PRIx64 "-0x%" PRIx64
		                 ": only on x86 machines is memory given "
		                 "that is of no device",
		                 base, base + (size - 1));
	if (size > PHYSICAL_MAP_MAX || base > INT64_MAX - size - page)
		return fault_set(fault, HWB_UNSUPPORTED,
		                 "0x%" PRIx64 " bytes from 0x%" PRIx64 " are too many, or too far "
		                 "up: up to 0x%" PRIx64 " bytes can be had at once",
		                 size, base, PHYSICAL_MAP_MAX);
	size_t length = (size_t)((base - start + size + page - 1) & ~(page - 1));
	void *mapping = mmap(NULL, length, PROT_READ | (write ? PROT_WRITE : 0), MAP_SHARED, fd,
	                     (off_t)start);
	if (mapping == MAP_FAILED)
		return refuse_map(base, size, fault);
	*physical = (struct physical){
		.base = base,
		.size = size,
		.write = write,
		.at = (unsigned char *)mapping + (base - start),
		.mapping = mapping,
		.length = length,
	};
	return 0;
}

/* O_SYNC: not through caches, whatever the kernel takes it for. */
static int open_mem(bool write)
{
	return open(DEV_MEM, (write ? O_RDWR : O_RDONLY) | O_SYNC | O_CLOEXEC);
}

int physical_map(uint64_t base, uint64_t size, bool write, struct physical *physical,
                 struct fault *fault)
{
	*physical = (struct physical){ .at = NULL };
	if (!ALL_ADDRESSES_ANSWER)
		return fault_set(fault, HWB_UNSUPPORTED,
		                 "0x%" PRIx64 "-0x%" PRIx64 ": only on x86 machines the broker "
		                 "reads physical memory itself; `access = fd' is the other way",
		                 base, base + (size - 1));
	_cleanup_fd_ int fd = open_mem(write);
	if (fd < 0)
		return refuse_open(fault);
	return map(fd, base, size, write, physical, fault);
}

void physical_unmap(struct physical *physical)
{
	if (physical->mapping != NULL)
		munmap(physical->mapping, physical->length);
	*physical = (struct physical){ .at = NULL };
}

uint64_t physical_read(const struct physical *physical, uint64_t offset, uint32_t width)
{
	const void *at = physical->at + offset;

	switch (width) {
	case 1:
		return *(const volatile uint8_t *)at;
	case 2:
		return *(const volatile uint16_t *)at;
	case 4:
		return *(const volatile uint32_t *)at;
	default:
		return *(const volatile uint64_t *)at;
	}
}

void physical_write(const struct physical *physical, uint64_t offset, uint32_t width,
                    uint64_t value)
{
	void *at = physical->at + offset;

	switch (width) {
	case 1:
		*(volatile uint8_t *)at = (uint8_t)value;
		break;
	case 2:
		*(volatile uint16_t *)at = (uint16_t)value;
		break;
	case 4:
		*(volatile uint32_t *)at = (uint32_t)value;
		break;
	default:
		*(volatile uint64_t *)at = value;
		break;
	}
}

int physical_copy(uint64_t base, uint64_t size, int *fd, struct fault *fault)
{
	struct physical physical = { .at = NULL };

	if (physical_map(base, size, false, &physical, fault) != 0 || physical.at == NULL)
		return -1;
	/* Through memory of ours: the kernel would take a fault in device memory amiss. */
	_cleanup_free_ unsigned char *bytes = malloc(size);
	if (bytes != NULL)
		memcpy(bytes, physical.at, size);
	physical_unmap(&physical);
	if (bytes == NULL)
		return fault_set(fault, HWB_NO_MEMORY, "no memory for a copy");
	return sealed_copy("hwbroker-rom", bytes, size, fd, fault);
}

int physical_open(uint64_t base, uint64_t size, bool write, int *fd, struct fault *fault)
{
	struct physical physical = { .at = NULL };
	_cleanup_fd_ int opened = open_mem(write);

	if (opened < 0)
		return refuse_open(fault);
	if (map(opened, base, size, write, &physical, fault) != 0)
		return -1;
	physical_unmap(&physical);
	*fd = steal_fd(&opened);
	return 0;
}
