/* SPDX-License-Identifier: MIT */
/* What the checks of section "DMA" share. */
#ifndef HWBROKER_TESTS_CONFORMANCE_CHECK_DMA_H
#define HWBROKER_TESTS_CONFORMANCE_CHECK_DMA_H

#include "kit.h"

/* A device address that is free in a new domain. */
#define SPOT 0x10000000ull

enum { ALLOC_ALIGNMENT = 8, ALLOC_IOVA = 16, ALLOC_LIMIT = 24, MAP_OFFSET = 0, MAP_IOVA = 24 };

/* A connection with a domain. */
int with_domain(uint32_t *handle);
/* One field of a DMA_ALLOC or DMA_MAP set to something. */
void set(struct packet *packet, size_t offset, uint64_t value);
void alloc_at(struct packet *packet, uint32_t handle, uint64_t iova, uint64_t size);
void unmap_at(struct packet *packet, uint32_t handle, uint64_t iova);
unsigned char *map_memory(int memory, size_t size);

#endif
