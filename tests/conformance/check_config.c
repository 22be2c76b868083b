/* SPDX-License-Identifier: MIT */
/* CONFIG_READ and CONFIG_WRITE. */
#include "kit.h"

static void access_config(struct packet *packet, uint32_t opcode, uint32_t device, unsigned offset,
                          unsigned width, uint32_t value)
{
	start(packet, opcode, device);
	put(packet, HEADER, 2, offset);
	put(packet, HEADER + 2, 2, width);
	put32(packet, HEADER + 4, value);
}

static uint32_t read_config(int fd, uint32_t device, unsigned offset, unsigned width)
{
	struct packet packet;

	access_config(&packet, CONFIG_READ, device, offset, width, 0);
	want(fd, &packet, OK);
	return body32(&packet, 4);
}

static void config_read(void)
{
	struct packet packet;
	int fd = greeted();

	need_device();
	access_config(&packet, CONFIG_READ, own(fd), 0, 4, 0);
	want(fd, &packet, OK);
	if (get(&packet, HEADER, 2) != 0 || get(&packet, HEADER + 2, 2) != 4)
		wrong("expected the request's offset 0 and width 4, got %u and %u",
		      (unsigned)get(&packet, HEADER, 2), (unsigned)get(&packet, HEADER + 2, 2));
	if (body32(&packet, 4) != (facts.device.vendor | facts.device.id << 16))
		wrong("expected vendor and device as DEVICE_LIST has them, got 0x%08x",
		      body32(&packet, 4));
}

static void config_width(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t device;

	need_device();
	device = own(fd);
	for (unsigned width = 1; width <= 4; width *= 2)
		read_config(fd, device, 0, width);
	for (unsigned width = 0; width <= 8; width++) {
		if (width == 1 || width == 2 || width == 4)
			continue;
		access_config(&packet, CONFIG_READ, device, 0, width, 0);
		want(fd, &packet, INVALID);
	}
}

static void config_range(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t device;
	unsigned end = (facts.device.flags & DEVICE_PCIE) != 0 ? 4096 : 256;

	need_device();
	device = own(fd);
	read_config(fd, device, end - 4, 4);
	access_config(&packet, CONFIG_READ, device, end, 4, 0);
	want(fd, &packet, INVALID);
	access_config(&packet, CONFIG_READ, device, 1, 2, 0);
	want(fd, &packet, INVALID);
	access_config(&packet, CONFIG_READ, device, 2, 4, 0);
	want(fd, &packet, INVALID);
	access_config(&packet, CONFIG_READ, device, 0xffff, 1, 0);
	want(fd, &packet, INVALID);
}

static void config_read_value(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t device;

	need_device();
	device = own(fd);
	if (read_config(fd, device, 0, 1) > 0xff || read_config(fd, device, 0, 2) > 0xffff)
		wrong("expected unused upper bytes of 0, got others");
	access_config(&packet, CONFIG_READ, device, 0, 4, 1);
	want(fd, &packet, RESERVED_NOT_ZERO);
}

/* The registers of the header; a BAR, the command register, and so on. */
static void config_never(void)
{
	static const struct {
		unsigned offset, width;
	} registers[] = { { 0x00, 2 }, { 0x04, 2 }, { 0x10, 4 }, { 0x30, 4 }, { 0x34, 1 } };
	struct packet packet;
	int fd = greeted();
	uint32_t device;

	need_device();
	device = own(fd);
	for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
		unsigned offset = registers[i].offset, width = registers[i].width;
		uint32_t value = read_config(fd, device, offset, width);
		uint32_t other = ~value & (uint32_t)((1ull << (8 * width)) - 1);
		access_config(&packet, CONFIG_WRITE, device, offset, width, other);
		want(fd, &packet, DENIED);
	}
}

static void config_write_nothing(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t device, before;

	need_device();
	device = own(fd);
	before = read_config(fd, device, 0x10, 4);
	access_config(&packet, CONFIG_WRITE, device, 0x10, 4, ~before);
	if (ask(fd, &packet) == OK)
		skip("a BAR may be written (see config-never)");
	if (read_config(fd, device, 0x10, 4) != before)
		wrong("expected 0x%08x after a refused write, got 0x%08x", before,
		      read_config(fd, device, 0x10, 4));
}

static void config_write_fit(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t device;

	need_device();
	device = own(fd);
	access_config(&packet, CONFIG_WRITE, device, 0x3c, 1, 0x100);
	want(fd, &packet, INVALID);
	access_config(&packet, CONFIG_WRITE, device, 0x3c, 2, 0x10000);
	want(fd, &packet, INVALID);
}

static void need_write(void)
{
	need_device();
	if (facts.config_write < 0)
		skip("needs a byte that the policy lets this user write (--config-write)");
}

static void config_write_reply(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t device, value;

	need_write();
	device = own(fd);
	value = read_config(fd, device, (unsigned)facts.config_write, 1);
	access_config(&packet, CONFIG_WRITE, device, (unsigned)facts.config_write, 1, value);
	want(fd, &packet, OK);
	if (get(&packet, HEADER, 2) != (unsigned)facts.config_write ||
	    get(&packet, HEADER + 2, 2) != 1 || body32(&packet, 4) != value)
		wrong("expected the request again, got offset 0x%x, width %u, value 0x%x",
		      (unsigned)get(&packet, HEADER, 2), (unsigned)get(&packet, HEADER + 2, 2),
		      body32(&packet, 4));
}

static void config_write_list(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t device;
	unsigned listed = (unsigned)facts.config_write;

	need_write();
	device = own(fd);
	access_config(&packet, CONFIG_WRITE, device, listed, 1, 0x5a);
	want(fd, &packet, OK);
	if (read_config(fd, device, listed, 1) != 0x5a)
		wrong("expected 0x5a as written, got 0x%x", read_config(fd, device, listed, 1));
	/* The word with a byte beside it that the list does not name. */
	unsigned word = listed & ~1u;
	uint32_t value = read_config(fd, device, word, 2);
	access_config(&packet, CONFIG_WRITE, device, word, 2, value);
	want(fd, &packet, DENIED);
}

static void device_fd_denied(void)
{
	struct packet packet;
	int fd = greeted();

	need_device();
	if ((facts.device.flags & DEVICE_REVOCABLE) == 0)
		skip("needs a device that is REVOCABLE, and so is not given as a descriptor");
	start(&packet, DEVICE_FD, own(fd));
	want(fd, &packet, DENIED);
}

const struct check config_checks[] = {
	{ "device-fd-denied", "the device's descriptor is for `grant = device'", device_fd_denied,
	  false },
	{ "config-read", "CONFIG_READ reads", config_read, false },
	{ "config-width", "another width than 1, 2, 4 is INVALID", config_width, false },
	{ "config-range", "the end of configuration space, and alignment", config_range, false },
	{ "config-read-value", "`value' is 0 in a request, upper bytes in a reply",
	  config_read_value, false },
	{ "config-never", "the standard header cannot be written", config_never, false },
	{ "config-write-nothing", "a refused write changes nothing", config_write_nothing, false },
	{ "config-write-fit", "a value that does not fit is INVALID", config_write_fit, false },
	{ "config-write-reply", "CONFIG_WRITE repeats the request", config_write_reply, false },
	{ "config-write-list", "each byte must be in the policy's list", config_write_list, false },
	{ .rule = NULL },
};
