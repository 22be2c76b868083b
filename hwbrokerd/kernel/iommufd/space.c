/* SPDX-License-Identifier: MIT */
/* I/O address spaces. */
#include "kernel/iommufd/iommufd.h"

#include "kernel/iommufd/abi.h"
#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>

static const char node[] = "/dev/iommu";

/* Ranges that one call asks for: there are few, parted by reserved regions. */
enum { RANGES = 64 };

bool iommufd_probe(bool *file_maps)
{
	/* Of no address space: what the kernel says to that tells whether it knows the call. */
	struct iommufd_map_file request = { .size = sizeof(request), .fd = -1 };
	_cleanup_fd_ int fd = open(node, O_RDWR | O_CLOEXEC);

	*file_maps = false;
	if (fd < 0)
		return false;
	*file_maps = ioctl(fd, IOMMUFD_MAP_FILE, &request) != 0 && errno != ENOTTY;
	return true;
}

int iommufd_new(struct fault *fault)
{
	struct iommufd_ioas_alloc request = { .size = sizeof(request) };
	_cleanup_fd_ int fd = open(node, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return fault_errno(fault, errno, "cannot open %s (`modprobe iommufd')", node);
	if (ioctl(fd, IOMMUFD_IOAS_ALLOC, &request) != 0)
		return fault_errno(fault, errno, "%s gives no I/O address space", node);
	if (request.ioas != IOMMUFD_IOAS)
		return fault_set(fault, HWB_HOST_ERROR,
		                 "the first object of %s is %u, where it was always %u", node,
		                 request.ioas, IOMMUFD_IOAS);
	return steal_fd(&fd);
}

/* `count` receives how many ranges there are. */
static bool ask_ranges(int iommufd, struct iommufd_range *ranges, uint32_t room, uint32_t *count)
{
	struct iommufd_ioas_ranges request = {
		.size = sizeof(request),
		.ioas = IOMMUFD_IOAS,
		.count = room,
		.ranges = (uintptr_t)ranges,
	};

	if (ioctl(iommufd, IOMMUFD_IOAS_RANGES, &request) != 0 && errno != EMSGSIZE)
		return false;
	*count = request.count;
	return true;
}

bool iommufd_is(int fd)
{
	struct iommufd_range ranges[RANGES];
	uint32_t count;

	return ask_ranges(fd, ranges, RANGES, &count);
}

int iommufd_map(int iommufd, uint64_t iova, uint64_t size, bool device_reads, bool device_writes,
                const void *memory, int fd, uint64_t offset)
{
	const uint32_t flags = IOMMUFD_MAP_FIXED | (device_reads ? IOMMUFD_MAP_READABLE : 0u) |
	                       (device_writes ? IOMMUFD_MAP_WRITEABLE : 0u);
	struct iommufd_map by_address = {
		.size = sizeof(by_address),
		.flags = flags,
		.ioas = IOMMUFD_IOAS,
		.address = (uintptr_t)memory,
		.length = size,
		.iova = iova,
	};
	struct iommufd_map_file by_file = {
		.size = sizeof(by_file),
		.flags = flags,
		.ioas = IOMMUFD_IOAS,
		.fd = fd,
		.start = offset,
		.length = size,
		.iova = iova,
	};
	int result = memory != NULL ? ioctl(iommufd, IOMMUFD_MAP, &by_address)
	                            : ioctl(iommufd, IOMMUFD_MAP_FILE, &by_file);

	return result == 0 ? 0 : errno;
}

int iommufd_unmap(int iommufd, uint64_t iova, uint64_t size, uint64_t *unmapped)
{
	struct iommufd_unmap request = {
		.size = sizeof(request),
		.ioas = IOMMUFD_IOAS,
		.iova = iova,
		.length = size,
	};
	int error = ioctl(iommufd, IOMMUFD_UNMAP, &request) == 0 ? 0 : errno;

	*unmapped = error == 0 ? request.length : size;
	return error == ENOENT ? 0 : error;
}

void iommufd_unmap_all(int iommufd)
{
	uint64_t unmapped;

	iommufd_unmap(iommufd, 0, UINT64_MAX, &unmapped);
}

uint32_t iommufd_windows(int iommufd, struct hwb_iova_range *ranges, uint32_t max)
{
	struct iommufd_range found[RANGES];
	uint32_t count;

	if (!ask_ranges(iommufd, found, RANGES, &count))
		return 0;
	if (count > RANGES)
		count = RANGES;
	for (uint32_t i = 0; i < count && i < max; i++)
		ranges[i] = (struct hwb_iova_range){ found[i].start, found[i].last };
	return count < max ? count : max;
}
