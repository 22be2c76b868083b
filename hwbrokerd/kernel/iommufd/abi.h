/* SPDX-License-Identifier: MIT */
/*
 * What is used of linux/iommufd.h and of the newer part of linux/vfio.h, under names of our
 * own: a C library's headers may be older than the kernel that the daemon runs on. Where the
 * build finds the kernel's own headers, abi.c compares.
 */
#ifndef HWBROKERD_KERNEL_IOMMUFD_ABI_H
#define HWBROKERD_KERNEL_IOMMUFD_ABI_H

#include <linux/ioctl.h>
#include <stdint.h>

/* ---- on /dev/iommu; `size' is that of the structure ---- */

#define IOMMUFD_ABI_TYPE 0x3b

struct iommufd_ioas_alloc {
	uint32_t size;
	uint32_t flags;
	uint32_t ioas; /* out */
};
#define IOMMUFD_IOAS_ALLOC _IO(IOMMUFD_ABI_TYPE, 0x81)

struct iommufd_range {
	uint64_t start;
	uint64_t last;
};

struct iommufd_ioas_ranges {
	uint32_t size;
	uint32_t ioas;
	uint32_t count; /* in: room; out: how many there are. EMSGSIZE: more than the room */
	uint32_t reserved;
	uint64_t ranges;
	uint64_t alignment; /* out */
};
#define IOMMUFD_IOAS_RANGES _IO(IOMMUFD_ABI_TYPE, 0x84)

#define IOMMUFD_MAP_FIXED 1u
#define IOMMUFD_MAP_WRITEABLE 2u
#define IOMMUFD_MAP_READABLE 4u

struct iommufd_map {
	uint32_t size;
	uint32_t flags;
	uint32_t ioas;
	uint32_t reserved;
	uint64_t address;
	uint64_t length;
	uint64_t iova;
};
#define IOMMUFD_MAP _IO(IOMMUFD_ABI_TYPE, 0x85)

struct iommufd_unmap {
	uint32_t size;
	uint32_t ioas;
	uint64_t iova;
	uint64_t length; /* out: how much was unmapped. 0 and UINT64_MAX: all */
};
#define IOMMUFD_UNMAP _IO(IOMMUFD_ABI_TYPE, 0x86)

/* Since Linux 6.13. */
struct iommufd_map_file {
	uint32_t size;
	uint32_t flags;
	uint32_t ioas;
	int32_t fd;
	uint64_t start;
	uint64_t length;
	uint64_t iova;
};
#define IOMMUFD_MAP_FILE _IO(IOMMUFD_ABI_TYPE, 0x8f)

/* ---- on a device's node, which VFIO makes since Linux 6.6 ---- */

#define IOMMUFD_VFIO_BASE 100

struct iommufd_bind {
	uint32_t size;
	uint32_t flags;
	int32_t iommufd;
	uint32_t device; /* out */
};
#define IOMMUFD_BIND _IO(IOMMUFD_ABI_TYPE, IOMMUFD_VFIO_BASE + 18)

struct iommufd_attach {
	uint32_t size;
	uint32_t flags;
	uint32_t ioas;
};
#define IOMMUFD_ATTACH _IO(IOMMUFD_ABI_TYPE, IOMMUFD_VFIO_BASE + 19)

struct iommufd_detach {
	uint32_t size;
	uint32_t flags;
};
#define IOMMUFD_DETACH _IO(IOMMUFD_ABI_TYPE, IOMMUFD_VFIO_BASE + 20)

#endif
