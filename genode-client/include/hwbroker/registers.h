/* SPDX-License-Identifier: MIT */
/*
 * Registers of a device, however its rule has the broker give them (`grant` in
 * hwbroker-policy(5)): through a mapping, or by a request for each access. A driver is
 * written once; with a mapping an access costs what it costs without the broker.
 *
 * Requests are slow: who polls, or moves much, does it with hwb_registers_run(), which is one
 * request for all. None of this locks: a bar is used by one thread at a time, or `result` is
 * not looked at.
 */
#ifndef HWBROKER_REGISTERS_H
#define HWBROKER_REGISTERS_H

#include <hwbroker/client.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hwb_registers {
	struct hwb_client *client;
	uint32_t session;
	int result;                  /* of the first access that failed; 0: none did */
	volatile unsigned char *map; /* of its first byte; NULL: by request */
	uint64_t size;
};

/* Through a mapping of `size` bytes. */
void hwb_registers_mapped(struct hwb_registers *registers, volatile void *map, uint64_t size);

/* By request: of a region that is MEDIATED. */
void hwb_registers_mediated(struct hwb_registers *registers, struct hwb_client *client,
                            const struct hwb_region *region);

/* `width` is 1, 2, 4 or 8 bytes, `offset` a multiple of it. What fails, also as it is not in
 * the region (-EINVAL), reads as ones, and is in `registers->result`. */
uint64_t hwb_registers_read(struct hwb_registers *registers, uint64_t offset, uint32_t width);
void hwb_registers_write(struct hwb_registers *registers, uint64_t offset, uint32_t width,
                         uint64_t value);

/* As hwb_io_mem_batch(); through a mapping it is the accesses, and a POLL reads as often as it
 * has microseconds. -EINVAL: an operation is not within the region, or is none; then none is
 * carried out. */
int hwb_registers_run(struct hwb_registers *registers, struct hwb_mem_op *ops, uint32_t count,
                      struct hwb_error *error);

static inline uint8_t hwb_read8(struct hwb_registers *registers, uint64_t offset)
{
	return (uint8_t)hwb_registers_read(registers, offset, 1);
}

static inline uint16_t hwb_read16(struct hwb_registers *registers, uint64_t offset)
{
	return (uint16_t)hwb_registers_read(registers, offset, 2);
}

static inline uint32_t hwb_read32(struct hwb_registers *registers, uint64_t offset)
{
	return (uint32_t)hwb_registers_read(registers, offset, 4);
}

static inline uint64_t hwb_read64(struct hwb_registers *registers, uint64_t offset)
{
	return hwb_registers_read(registers, offset, 8);
}

static inline void hwb_write8(struct hwb_registers *registers, uint64_t offset, uint8_t value)
{
	hwb_registers_write(registers, offset, 1, value);
}

static inline void hwb_write16(struct hwb_registers *registers, uint64_t offset, uint16_t value)
{
	hwb_registers_write(registers, offset, 2, value);
}

static inline void hwb_write32(struct hwb_registers *registers, uint64_t offset, uint32_t value)
{
	hwb_registers_write(registers, offset, 4, value);
}

static inline void hwb_write64(struct hwb_registers *registers, uint64_t offset, uint64_t value)
{
	hwb_registers_write(registers, offset, 8, value);
}

#ifdef __cplusplus
}
#endif

#endif
