/* SPDX-License-Identifier: MIT */
/*
 * Memory that stays where it is as long as a device may use it, for domains without an IOMMU.
 *
 * Neither mlock(2) nor huge pages keep the kernel from moving memory to another place: it does
 * so to make room, when memory is taken out or found faulty, and when whoever has it mapped
 * asks for it (move_pages(2)). A long-term pin does, and without VFIO's IOMMU backends only
 * io_uring gives one to a program: buffers that are registered with a ring (fixed buffers,
 * io_uring_register(2)). The ring is used for nothing else; it never sees a request.
 */
#ifndef HWBROKERD_KERNEL_PINNED_H
#define HWBROKERD_KERNEL_PINNED_H

#include "kernel/kernel.h"

#include <pthread.h>

struct pinned; /* one buffer */

struct pinned_list {
	pthread_mutex_t lock;
	struct pinned *first;
};

void pinned_init(struct pinned_list *list);
/* As place and unmap of struct kernel_backend. */
int pinned_place(struct pinned_list *list, struct kernel_mapping *mapping, struct kernel_wish *wish,
                 struct fault *fault);
int pinned_release(struct pinned_list *list, uint64_t address, struct fault *fault);
void pinned_release_all(struct pinned_list *list);
void pinned_end(struct pinned_list *list);

/* Whether the host lets us do all that. */
int pinned_works(struct fault *fault);

/* What windows of struct kernel_backend says: where there is memory. */
uint32_t pinned_windows(struct hwb_iova_range *ranges, uint32_t max);

#endif
