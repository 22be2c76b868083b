/* SPDX-License-Identifier: MIT */
/*
 * DMA memory: sealed memfds of our own, and judging those of clients.
 */
#ifndef HWBROKERD_KERNEL_MEMORY_H
#define HWBROKERD_KERNEL_MEMORY_H

#include "util/fault.h"

#include <stdbool.h>

#define MEMORY_PAGE 4096u
#define MEMORY_HUGE_PAGE (2u << 20)
#define MEMORY_GIANT_PAGE (1u << 30)

/* Makes a zero-filled memfd of `size` bytes (a multiple of `page_size`, which
 * is one of the above), all of it allocated, sealed against growing, shrinking
 * and further seals. May block: allocates the pages. */
int memory_new(uint64_t size, uint32_t page_size, int *fd, struct fault *fault);

/* memory_new() of `size` bytes in pages of MEMORY_PAGE, if the host has so much free memory that
 * nothing need be freed for it, which takes no longer than to clear the pages. False: it has
 * not, and nothing was done. */
bool memory_new_promptly(uint64_t size, int *fd);

/* HWB_NO_MEMORY if `bytes` more, pinned, would leave the host short: it would rather
 * kill its processes than refuse. Otherwise they are counted as in use until
 * memory_settle(), after which the host itself counts them. Any thread. */
int memory_reserve(uint64_t bytes, struct fault *fault);
void memory_settle(uint64_t bytes);

/* Has the host give all pages of a client's memory, which is mapped for us, before they are
 * pinned: piece by piece, and HWB_NO_MEMORY as soon as it would be short. To count them
 * beforehand would not do: how many blocks a memfd has does not say which. Huge pages are set
 * aside already. May block. */
int memory_populate(int fd, void *memory, uint64_t size, struct fault *fault);

/* Gives the pages of memory_new() back to the host, whoever still has a descriptor
 * of it: what they read there is zeros. */
void memory_drop(int fd, uint64_t size);

/* Whether `offset`, `size` of a client's descriptor may be pinned: a regular
 * memory file (its answer to F_GET_SEALS says so, which no file, pipe, device
 * or FUSE file gives) with F_SEAL_SHRINK, large enough. Never blocks, never
 * reads or maps it. `page_size` receives the size of its pages. */
int memory_check(int fd, uint64_t offset, uint64_t size, bool device_writes, uint32_t *page_size,
                 struct fault *fault);

#endif
