/* SPDX-License-Identifier: MIT */
/* Registers through a mapping, or by batches. */
#include <hwbroker/registers.h>

/* Linux errno, asm-generic/errno-base.h. */
enum { E_INVAL = 22 };

void hwb_registers_mapped(struct hwb_registers *registers, volatile void *map, uint64_t size)
{
	registers->client = NULL;
	registers->session = 0;
	registers->result = 0;
	registers->map = (volatile unsigned char *)map;
	registers->size = size;
}

void hwb_registers_mediated(struct hwb_registers *registers, struct hwb_client *client,
                            const struct hwb_region *region)
{
	registers->client = client;
	registers->session = region->session;
	registers->result = 0;
	registers->map = NULL;
	registers->size = region->size;
}

static int fits(const struct hwb_registers *registers, uint64_t offset, uint32_t width)
{
	return (width == 1 || width == 2 || width == 4 || width == 8) && offset % width == 0 &&
	       offset < registers->size && width <= registers->size - offset;
}

/* One access of just that width. */
static uint64_t load(const struct hwb_registers *registers, uint64_t offset, uint32_t width)
{
	const volatile unsigned char *at = registers->map + offset;

	switch (width) {
	case 1:
		return *at;
	case 2:
		return *(const volatile uint16_t *)at;
	case 4:
		return *(const volatile uint32_t *)at;
	default:
		return *(const volatile uint64_t *)at;
	}
}

static void store(const struct hwb_registers *registers, uint64_t offset, uint32_t width,
                  uint64_t value)
{
	volatile unsigned char *at = registers->map + offset;

	switch (width) {
	case 1:
		*at = (uint8_t)value;
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

/* By a batch of one. */
static int request(struct hwb_registers *registers, uint64_t offset, uint32_t width, uint8_t action,
                   uint64_t *value)
{
	struct hwb_mem_op op = { (uint32_t)offset, action, (uint8_t)width, 0, *value };

	if (offset > UINT32_MAX)
		return -E_INVAL;
	int result = hwb_io_mem_batch(registers->client, registers->session, &op, 1, NULL);
	*value = op.value;
	return result;
}

static void note(struct hwb_registers *registers, int result)
{
	if (registers->result == 0)
		registers->result = result;
}

uint64_t hwb_registers_read(struct hwb_registers *registers, uint64_t offset, uint32_t width)
{
	uint64_t value = 0;
	int result = fits(registers, offset, width) ? 0 : -E_INVAL;

	if (result == 0 && registers->map != NULL)
		return load(registers, offset, width);
	if (result == 0)
		result = request(registers, offset, width, HWB_BATCH_READ, &value);
	if (result == 0)
		return value;
	note(registers, result);
	return UINT64_MAX;
}

void hwb_registers_write(struct hwb_registers *registers, uint64_t offset, uint32_t width,
                         uint64_t value)
{
	int result = fits(registers, offset, width) ? 0 : -E_INVAL;

	if (result == 0 && registers->map != NULL)
		store(registers, offset, width, value);
	else if (result == 0)
		result = request(registers, offset, width, HWB_BATCH_WRITE, &value);
	if (result != 0)
		note(registers, result);
}

/* ---- batches through a mapping ---- */

static int has_values(const struct hwb_mem_op *op)
{
	return op->action >= HWB_BATCH_READ_REPEAT && op->action <= HWB_BATCH_WRITE_BLOCK;
}

static int is_block(const struct hwb_mem_op *op)
{
	return op->action == HWB_BATCH_READ_BLOCK || op->action == HWB_BATCH_WRITE_BLOCK;
}

/* Records of the operation; 0: it is none, or needs more than `left`, or other registers. */
static uint32_t records(const struct hwb_registers *registers, const struct hwb_mem_op *op,
                        uint32_t left)
{
	uint64_t last = op->offset;
	uint32_t needed = 1;

	if (op->action > HWB_BATCH_POLL || !fits(registers, op->offset, op->width))
		return 0;
	if (has_values(op)) {
		if (op->value == 0 || op->value > HWB_MESSAGE_MAX)
			return 0;
		needed += ((uint32_t)op->value * op->width + 15) / 16;
		last += is_block(op) ? (op->value - 1) * op->width : 0;
	} else if (op->action >= HWB_BATCH_MODIFY) {
		needed = 2;
	}
	return needed <= left && fits(registers, last, op->width) ? needed : 0;
}

static void move(const struct hwb_registers *registers, const struct hwb_mem_op *op,
                 unsigned char *values)
{
	int reads = op->action == HWB_BATCH_READ_REPEAT || op->action == HWB_BATCH_READ_BLOCK;
	uint64_t offset = op->offset;

	for (uint64_t i = 0; i < op->value; i++, values += op->width) {
		uint64_t value = reads ? load(registers, offset, op->width) : 0;
		for (uint32_t byte = 0; byte < op->width; byte++) {
			if (reads)
				values[byte] = (unsigned char)(value >> 8 * byte);
			else
				value |= (uint64_t)values[byte] << 8 * byte;
		}
		if (!reads)
			store(registers, offset, op->width, value);
		if (is_block(op))
			offset += op->width;
	}
}

/* 1: the time is up. */
static int poll(const struct hwb_registers *registers, struct hwb_mem_op *op,
                const struct hwb_mem_operand *operand)
{
	uint64_t mask = operand->mask, wanted = op->value;
	uint32_t tries = operand->microseconds;

	if (op->width < 8)
		mask &= ((uint64_t)1 << 8 * op->width) - 1;
	for (;;) {
		op->value = load(registers, op->offset, op->width);
		if (((op->value ^ wanted) & mask) == 0)
			return 0;
		if (tries-- == 0)
			return 1;
	}
}

static int carry_out(const struct hwb_registers *registers, struct hwb_mem_op *op)
{
	/* The records behind it have another shape. */
	unsigned char *behind = (unsigned char *)(op + 1);
	struct hwb_mem_operand operand;

	if (has_values(op)) {
		move(registers, op, behind);
	} else if (op->action >= HWB_BATCH_MODIFY) {
		__builtin_memcpy(&operand, behind, sizeof(operand));
		if (op->action == HWB_BATCH_POLL)
			return poll(registers, op, &operand);
		uint64_t old = load(registers, op->offset, op->width);
		store(registers, op->offset, op->width,
		      (old & ~operand.mask) | (op->value & operand.mask));
		op->value = old;
	} else if (op->action == HWB_BATCH_WRITE) {
		store(registers, op->offset, op->width, op->value);
	} else {
		op->value = load(registers, op->offset, op->width);
	}
	return 0;
}

int hwb_registers_run(struct hwb_registers *registers, struct hwb_mem_op *ops, uint32_t count,
                      struct hwb_error *error)
{
	if (registers->map == NULL)
		return hwb_io_mem_batch(registers->client, registers->session, ops, count, error);
	for (uint32_t i = 0, step; i < count; i += step) {
		step = records(registers, &ops[i], count - i);
		if (step == 0)
			return -E_INVAL;
	}
	for (uint32_t i = 0; i < count; i += records(registers, &ops[i], count - i))
		if (carry_out(registers, &ops[i]) != 0)
			return (int)i + 1;
	return 0;
}
