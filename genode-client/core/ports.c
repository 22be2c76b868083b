/* SPDX-License-Identifier: MIT */
/* Legacy ports by instructions, or by batches. */
#include <hwbroker/ports.h>

/* Linux errno, asm-generic/errno.h. */
enum { E_INVAL = 22, E_NOSYS = 38, PORTS = 0x10000 };

/* ---- a list such as "0x40-0x43,0x61" ---- */

/* One port, as hexadecimal number; NULL: there is none. */
static const char *read_port(const char *at, uint32_t *port)
{
	uint32_t value = 0;

	if (at[0] != '0' || at[1] != 'x')
		return NULL;
	at += 2;
	for (unsigned digits = 0;; digits++, at++) {
		uint32_t digit = *at >= '0' && *at <= '9'   ? (uint32_t)(*at - '0')
		                 : *at >= 'a' && *at <= 'f' ? (uint32_t)(*at - 'a' + 10)
		                                            : 16;
		if (digit == 16) {
			*port = value;
			return digits != 0 ? at : NULL;
		}
		value = value * 16 + digit;
		if (value >= PORTS)
			return NULL;
	}
}

int hwb_ports_listed(const char *list, uint32_t base, uint32_t count)
{
	int found = 0;

	if (list == NULL || count == 0 || base >= PORTS || count > PORTS - base)
		return 0;
	for (;;) {
		uint32_t first = 0;
		list = read_port(list, &first);
		uint32_t last = first;
		if (list != NULL && *list == '-')
			list = read_port(list + 1, &last);
		if (list == NULL || last < first || (*list != '\0' && *list != ','))
			return 0;
		/* Those that touch are one range: no need to piece them together. */
		found |= base >= first && base + count - 1 <= last;
		if (*list++ == '\0')
			return found;
	}
}

/* ---- instructions ---- */

#if defined(__x86_64__) || defined(__i386__)

static uint32_t read_in(uint16_t port, uint8_t width)
{
	uint32_t value = 0;

	if (width == 1) {
		uint8_t byte;
		__asm__ volatile("inb %1, %0" : "=a"(byte) : "Nd"(port));
		value = byte;
	} else if (width == 2) {
		uint16_t word;
		__asm__ volatile("inw %1, %0" : "=a"(word) : "Nd"(port));
		value = word;
	} else {
		__asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
	}
	return value;
}

static void write_out(uint16_t port, uint8_t width, uint32_t value)
{
	if (width == 1)
		__asm__ volatile("outb %0, %1" : : "a"((uint8_t)value), "Nd"(port) : "memory");
	else if (width == 2)
		__asm__ volatile("outw %0, %1" : : "a"((uint16_t)value), "Nd"(port) : "memory");
	else
		__asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

enum { HAVE_PORTS = 1 };

#else

static uint32_t read_in(uint16_t port, uint8_t width)
{
	(void)port;
	(void)width;
	return UINT32_MAX;
}

static void write_out(uint16_t port, uint8_t width, uint32_t value)
{
	(void)port;
	(void)width;
	(void)value;
}

enum { HAVE_PORTS = 0 };

#endif

static int has_values(const struct hwb_port_op *op)
{
	return op->action >= HWB_BATCH_READ_REPEAT && op->action <= HWB_BATCH_WRITE_BLOCK;
}

static int is_block(const struct hwb_port_op *op)
{
	return op->action == HWB_BATCH_READ_BLOCK || op->action == HWB_BATCH_WRITE_BLOCK;
}

/* Records of the operation; 0: it is none, or needs more than `left`, or other ports. */
static uint32_t records(const struct hwb_ports *ports, const struct hwb_port_op *op, uint32_t left)
{
	uint32_t bytes = op->width, needed = 1;

	if (op->action > HWB_BATCH_POLL || (op->width != 1 && op->width != 2 && op->width != 4))
		return 0;
	if (has_values(op)) {
		if (op->value == 0 || op->value > HWB_MESSAGE_MAX)
			return 0;
		needed += (op->value * op->width + 7) / 8;
		bytes *= is_block(op) ? op->value : 1;
	} else if (op->action >= HWB_BATCH_MODIFY) {
		needed = 2;
	}
	if (needed > left || op->port < ports->base ||
	    op->port - ports->base + bytes > ports->count)
		return 0;
	return needed;
}

static void move(const struct hwb_port_op *op, unsigned char *values)
{
	int reads = op->action == HWB_BATCH_READ_REPEAT || op->action == HWB_BATCH_READ_BLOCK;
	uint16_t port = op->port;

	for (uint32_t i = 0; i < op->value; i++, values += op->width) {
		uint32_t value = reads ? read_in(port, op->width) : 0;
		for (uint32_t byte = 0; byte < op->width; byte++) {
			if (reads)
				values[byte] = (unsigned char)(value >> 8 * byte);
			else
				value |= (uint32_t)values[byte] << 8 * byte;
		}
		if (!reads)
			write_out(port, op->width, value);
		if (is_block(op))
			port = (uint16_t)(port + op->width);
	}
}

/* 1: the time is up. */
static int poll(struct hwb_port_op *op, const struct hwb_port_operand *operand)
{
	uint32_t mask = operand->mask, tries = operand->microseconds;
	uint32_t wanted = op->value;

	if (op->width < 4)
		mask &= (1u << 8 * op->width) - 1;
	for (;;) {
		op->value = read_in(op->port, op->width);
		if (((op->value ^ wanted) & mask) == 0)
			return 0;
		if (tries-- == 0)
			return 1;
	}
}

static int carry_out(struct hwb_port_op *op)
{
	/* The records behind it have another shape. */
	unsigned char *behind = (unsigned char *)(op + 1);
	struct hwb_port_operand operand;

	if (has_values(op)) {
		move(op, behind);
	} else if (op->action >= HWB_BATCH_MODIFY) {
		__builtin_memcpy(&operand, behind, sizeof(operand));
		if (op->action == HWB_BATCH_POLL)
			return poll(op, &operand);
		uint32_t old = read_in(op->port, op->width);
		write_out(op->port, op->width, (old & ~operand.mask) | (op->value & operand.mask));
		op->value = old;
	} else if (op->action == HWB_PORT_OUT) {
		write_out(op->port, op->width, op->value);
	} else {
		op->value = read_in(op->port, op->width);
	}
	return 0;
}

/* ---- either way ---- */

int hwb_ports_open(struct hwb_ports *ports, struct hwb_client *client, uint32_t base,
                   uint32_t count, int native, struct hwb_error *error)
{
	ports->client = client;
	ports->base = base;
	ports->count = count;
	ports->session = 0;
	ports->native = native;
	if (!native)
		return hwb_io_port_open(client, base, count, &ports->session, error);
	if (count == 0 || base >= PORTS || count > PORTS - base)
		return -E_INVAL;
	return HAVE_PORTS ? 0 : -E_NOSYS;
}

int hwb_ports_run(struct hwb_ports *ports, struct hwb_port_op *ops, uint32_t count,
                  struct hwb_error *error)
{
	if (!ports->native)
		return hwb_io_port_batch(ports->client, ports->session, ops, count, error);
	for (uint32_t i = 0, step; i < count; i += step) {
		step = records(ports, &ops[i], count - i);
		if (step == 0)
			return -E_INVAL;
	}
	for (uint32_t i = 0; i < count; i += records(ports, &ops[i], count - i)) {
		int result = carry_out(&ops[i]);
		if (result != 0)
			return (int)i + 1;
	}
	return 0;
}

int hwb_ports_close(struct hwb_ports *ports, struct hwb_error *error)
{
	return ports->native ? 0 : hwb_close(ports->client, ports->session, error);
}
