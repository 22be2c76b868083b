/* SPDX-License-Identifier: MIT */
/*
 * iommufd, as far as the backend `iommufd' uses it: a descriptor of /dev/iommu for each
 * domain, with one I/O address space (IOAS) in it. One each, not one for all: whoever gets
 * hold of a device can attach it to any address space of the descriptor that it is bound to,
 * and so to no other domain's.
 */
#ifndef HWBROKERD_KERNEL_IOMMUFD_H
#define HWBROKERD_KERNEL_IOMMUFD_H

#include "util/fault.h"

#include <stdbool.h>
#include <stdint.h>

/* The first object of a descriptor is this one: known without being told, after a restart. */
#define IOMMUFD_IOAS 1u

/* Whether the kernel has it. `file_maps`: and takes memory by its memfd (Linux 6.13). */
bool iommufd_probe(bool *file_maps);

/* A descriptor with an address space, or -1. */
int iommufd_new(struct fault *fault);
/* Whether this is one. */
bool iommufd_is(int fd);

/* An errno each, 0 if it succeeds. `memory` NULL: by descriptor and offset. */
int iommufd_map(int iommufd, uint64_t iova, uint64_t size, bool device_reads, bool device_writes,
                const void *memory, int fd, uint64_t offset);
/* What is not there is unmapped. */
int iommufd_unmap(int iommufd, uint64_t iova, uint64_t size, uint64_t *unmapped);
void iommufd_unmap_all(int iommufd);

/* Returns how many ranges can be mapped, of which the first `max` are stored. */
uint32_t iommufd_windows(int iommufd, struct hwb_iova_range *ranges, uint32_t max);

#endif
