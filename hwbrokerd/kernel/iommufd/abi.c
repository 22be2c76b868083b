/* SPDX-License-Identifier: MIT */
/* Nothing to run: our names of iommufd's structures against the kernel's headers. */
#include "kernel/iommufd/abi.h"

#ifdef HWBROKERD_KERNEL_HEADERS
#include <linux/iommufd.h>
#include <linux/vfio.h>
#include <stddef.h>

#define SAME_SIZE(ours, theirs) _Static_assert(sizeof(ours) == sizeof(theirs), #ours)
#define SAME_PLACE(ours, a, theirs, b)                                             \
	_Static_assert(offsetof(ours, a) == offsetof(theirs, b) &&                 \
	                       sizeof(((ours *)0)->a) == sizeof(((theirs *)0)->b), \
	               #ours "." #a)
#define SAME_VALUE(ours, theirs) _Static_assert((ours) == (theirs), #ours)

SAME_VALUE(IOMMUFD_IOAS_ALLOC, IOMMU_IOAS_ALLOC);
SAME_SIZE(struct iommufd_ioas_alloc, struct iommu_ioas_alloc);
SAME_PLACE(struct iommufd_ioas_alloc, ioas, struct iommu_ioas_alloc, out_ioas_id);

SAME_SIZE(struct iommufd_range, struct iommu_iova_range);
SAME_PLACE(struct iommufd_range, last, struct iommu_iova_range, last);
SAME_VALUE(IOMMUFD_IOAS_RANGES, IOMMU_IOAS_IOVA_RANGES);
SAME_SIZE(struct iommufd_ioas_ranges, struct iommu_ioas_iova_ranges);
SAME_PLACE(struct iommufd_ioas_ranges, count, struct iommu_ioas_iova_ranges, num_iovas);
SAME_PLACE(struct iommufd_ioas_ranges, ranges, struct iommu_ioas_iova_ranges, allowed_iovas);

SAME_VALUE(IOMMUFD_MAP, IOMMU_IOAS_MAP);
SAME_VALUE(IOMMUFD_MAP_FIXED, (unsigned)IOMMU_IOAS_MAP_FIXED_IOVA);
SAME_VALUE(IOMMUFD_MAP_WRITEABLE, (unsigned)IOMMU_IOAS_MAP_WRITEABLE);
SAME_VALUE(IOMMUFD_MAP_READABLE, (unsigned)IOMMU_IOAS_MAP_READABLE);
SAME_SIZE(struct iommufd_map, struct iommu_ioas_map);
SAME_PLACE(struct iommufd_map, ioas, struct iommu_ioas_map, ioas_id);
SAME_PLACE(struct iommufd_map, address, struct iommu_ioas_map, user_va);
SAME_PLACE(struct iommufd_map, length, struct iommu_ioas_map, length);
SAME_PLACE(struct iommufd_map, iova, struct iommu_ioas_map, iova);

SAME_VALUE(IOMMUFD_UNMAP, IOMMU_IOAS_UNMAP);
SAME_SIZE(struct iommufd_unmap, struct iommu_ioas_unmap);
SAME_PLACE(struct iommufd_unmap, ioas, struct iommu_ioas_unmap, ioas_id);
SAME_PLACE(struct iommufd_unmap, iova, struct iommu_ioas_unmap, iova);
SAME_PLACE(struct iommufd_unmap, length, struct iommu_ioas_unmap, length);

#ifdef IOMMU_IOAS_MAP_FILE
SAME_VALUE(IOMMUFD_MAP_FILE, IOMMU_IOAS_MAP_FILE);
SAME_SIZE(struct iommufd_map_file, struct iommu_ioas_map_file);
SAME_PLACE(struct iommufd_map_file, fd, struct iommu_ioas_map_file, fd);
SAME_PLACE(struct iommufd_map_file, start, struct iommu_ioas_map_file, start);
SAME_PLACE(struct iommufd_map_file, iova, struct iommu_ioas_map_file, iova);
#endif

SAME_VALUE(IOMMUFD_BIND, VFIO_DEVICE_BIND_IOMMUFD);
SAME_SIZE(struct iommufd_bind, struct vfio_device_bind_iommufd);
SAME_PLACE(struct iommufd_bind, iommufd, struct vfio_device_bind_iommufd, iommufd);
SAME_PLACE(struct iommufd_bind, device, struct vfio_device_bind_iommufd, out_devid);
SAME_VALUE(IOMMUFD_ATTACH, VFIO_DEVICE_ATTACH_IOMMUFD_PT);
SAME_PLACE(struct iommufd_attach, ioas, struct vfio_device_attach_iommufd_pt, pt_id);
SAME_VALUE(IOMMUFD_DETACH, VFIO_DEVICE_DETACH_IOMMUFD_PT);
SAME_SIZE(struct iommufd_detach, struct vfio_device_detach_iommufd_pt);
#endif
