/* SPDX-License-Identifier: MIT */
/* IO_MEM: registers and a framebuffer, by physical address, as dataspaces. */
#include "checks.h"

#include "broker.h"
#include "check.h"
#include "component.h"
#include "session.h"
#include "system.h"

enum { TIMES = 5, UNALIGNED = 4, PICTURE = 256 * 1024, RAM_ADDRESS = 0x100000 };

/* One IO_MEM session. */
struct io_mem {
	uint64_t base;
	uint64_t size;
	uint32_t flags;
	int fd;
	int result;
	struct hwb_region region;
	struct hwb_error error;
};

static void open_it(void *context)
{
	struct io_mem *io_mem = context;

	io_mem->fd = -1;
	io_mem->result = hwb_io_mem_open(broker(), io_mem->base, io_mem->size, io_mem->flags,
	                                 &io_mem->region, &io_mem->fd, &io_mem->error);
}

static bool opens(struct io_mem *io_mem, uint64_t base, uint64_t size, uint32_t flags,
                  const char *name)
{
	*io_mem = (struct io_mem){ .base = base, .size = size, .flags = flags };
	on(&main_ep, open_it, io_mem);
	return check_result(io_mem->result, &io_mem->error, name);
}

static void refused(uint64_t base, uint64_t size, enum hwb_status status, const char *name)
{
	struct io_mem io_mem = { .base = base, .size = size };

	on(&main_ep, open_it, &io_mem);
	check_refused(io_mem.result, status, &io_mem.error, name);
	system_close(io_mem.fd);
}

static void drive(const struct component *component, const struct io_mem *io_mem, const char *name)
{
	const struct order order = {
		.kind = ORDER_REGISTERS,
		.size = 4096,
		.offset = io_mem->region.fd_offset,
	};

	component_check(component, name, &order, &io_mem->fd, 1);
}

/* Drivers open the same page again and again, each for itself. */
static void open_often(const struct component *component, uint64_t base)
{
	struct io_mem sessions[TIMES];

	for (unsigned i = 0; i < TIMES; i++)
		opens(&sessions[i], base, 4096u * (i + 1), 0,
		      i == 0 ? "a page opens once more" : "an overlapping range opens");
	for (unsigned i = 0; i + 1 < TIMES; i++) {
		close_session(sessions[i].region.session, "one of them closes");
		system_close(sessions[i].fd);
	}
	drive(component, &sessions[TIMES - 1], "the last of them still works");
	close_session(sessions[TIMES - 1].region.session, "the last closes");
	drive(component, &sessions[TIMES - 1], "its dataspace outlives the session");
	system_close(sessions[TIMES - 1].fd);
}

static void use_registers(const struct component *component, const struct hwb_bar *bar)
{
	struct io_mem io_mem;

	if (opens(&io_mem, bar->address, bar->size, 0, "registers open by physical address")) {
		check(io_mem.region.fd_offset == 0, "a dataspace begins with them",
		      "they are at 0x%lx", io_mem.region.fd_offset);
		drive(component, &io_mem, "a component drives them");
		close_session(io_mem.region.session, "registers close");
		system_close(io_mem.fd);
	}
	if (opens(&io_mem, bar->address + UNALIGNED, 4, 0, "an unaligned address opens")) {
		check(io_mem.region.fd_offset == UNALIGNED, "its dataspace begins a page below",
		      "it is at 0x%lx", io_mem.region.fd_offset);
		drive(component, &io_mem, "a component drives it");
		close_session(io_mem.region.session, "an unaligned address closes");
		system_close(io_mem.fd);
	}
	open_often(component, bar->address);
	refused(bar->address + bar->size - 4096, 8192, HWB_NOT_FOUND,
	        "a range beyond the BAR is refused");
	refused(bar->address, 0, HWB_INVALID, "an empty range is refused");
	refused(RAM_ADDRESS, 4096, HWB_NOT_FOUND, "RAM of the host is refused");
}

static void draw(const struct component *component)
{
	struct device *display = demand(VENDOR_QEMU, DISPLAY, 0, "a display is there");
	const struct order order = { .kind = ORDER_MEMORY, .size = PICTURE };
	struct io_mem io_mem;

	if (display == NULL || !take(display, 0, "the display is acquired"))
		return;
	const struct hwb_bar *bar = &display->facts.bars[0];
	if (opens(&io_mem, bar->address, bar->size, HWB_IO_MEM_WC, "a framebuffer opens")) {
		check((io_mem.region.flags & HWB_REGION_WC) != 0, "it is write-combined",
		      "flags 0x%x", io_mem.region.flags);
		component_check(component, "a component draws", &order, &io_mem.fd, 1);
		system_close(io_mem.fd);
	}
	give_back(display, "the display is free again");
}

void check_io_mem(void)
{
	struct device *edu = demand(VENDOR_QEMU, EDU, 0, "an edu device is there");
	struct component component;

	if (edu == NULL || !component_start(&component))
		return;
	const struct hwb_bar *bar = &edu->facts.bars[0];
	refused(bar->address, bar->size, HWB_NOT_FOUND,
	        "registers of a device that is not acquired are refused");
	if (take(edu, 0, "the edu device is acquired")) {
		use_registers(&component, bar);
		give_back(edu, "the edu device is free again");
	}
	draw(&component);
	component_end(&component);
}
