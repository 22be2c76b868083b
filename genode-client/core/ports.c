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

static int fits(const struct hwb_ports *ports, const struct hwb_port_op *op)
{
	return (op->action == HWB_PORT_IN || op->action == HWB_PORT_OUT) &&
	       (op->width == 1 || op->width == 2 || op->width == 4) && op->port >= ports->base &&
	       op->port - ports->base + op->width <= ports->count;
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
	for (uint32_t i = 0; i < count; i++)
		if (!fits(ports, &ops[i]))
			return -E_INVAL;
	for (uint32_t i = 0; i < count; i++) {
		if (ops[i].action == HWB_PORT_OUT)
			write_out(ops[i].port, ops[i].width, ops[i].value);
		else
			ops[i].value = read_in(ops[i].port, ops[i].width);
	}
	return 0;
}

int hwb_ports_close(struct hwb_ports *ports, struct hwb_error *error)
{
	return ports->native ? 0 : hwb_close(ports->client, ports->session, error);
}
