/* SPDX-License-Identifier: MIT */
/*
 * Domains without an IOMMU: what is the same in each backend whose `struct kernel_domain`, which
 * must be known here, has the list `memory` of what is pinned for it.
 */
#ifndef HWBROKERD_KERNEL_PINNED_DOMAIN_H
#define HWBROKERD_KERNEL_PINNED_DOMAIN_H

#include "kernel/memory/pinned.h"

static inline int pinned_domain_place(struct kernel_domain *domain, struct kernel_mapping *mapping,
                                      struct kernel_wish *wish, struct fault *fault)
{
	return pinned_place(&domain->memory, mapping, wish, fault);
}

static inline int pinned_domain_unmap(struct kernel_domain *domain, uint64_t iova,
                                      struct fault *fault)
{
	return pinned_release(&domain->memory, iova, fault);
}

static inline uint32_t pinned_domain_windows(struct kernel_domain *domain,
                                             struct hwb_iova_range *ranges, uint32_t max)
{
	(void)domain;
	return pinned_windows(ranges, max);
}

/* In the backend's table. */
#define PINNED_DOMAINS                                                  \
	.unsafe = true, .fleeting = true, .place = pinned_domain_place, \
	.unmap = pinned_domain_unmap, .windows = pinned_domain_windows

#endif
