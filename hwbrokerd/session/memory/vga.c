/* SPDX-License-Identifier: MIT */
#include "session/memory/vga.h"

#include <stddef.h>

enum {
	CLASS_VGA = 0x0300, /* PCI Code and ID Assignment 1.0: base class and sub-class */
	WINDOW = 0xa0000,
	WINDOW_END = 0xc0000,
	PORTS = 0x3b0,
	PORTS_END = 0x3e0,
	/* Among them those of a parallel port. */
	OTHERS = 0x3bc,
	OTHERS_END = 0x3c0
};

bool vga_has_memory(uint64_t base, uint64_t size)
{
	return base >= WINDOW && base < WINDOW_END && size <= WINDOW_END - base;
}

bool vga_has_ports(uint32_t base, uint32_t count)
{
	return base >= PORTS && base < PORTS_END && count <= PORTS_END - base &&
	       (base < OTHERS || base >= OTHERS_END);
}

struct device_session *vga_owner(const struct peer *peer)
{
	const struct kernel_backend *backend = peer->broker->host.backend;

	if (backend == NULL || backend->vga == NULL)
		return NULL;
	for (uint32_t i = 0; i < peer->sessions.count; i++) {
		struct device_session *owner = (struct device_session *)peer->sessions.items[i];
		if (owner->session.kind == HWB_SESSION_DEVICE &&
		    owner->device->facts.class_code >> 8 == CLASS_VGA)
			return owner;
	}
	return NULL;
}

/* ---- accesses ---- */

static uint64_t address_of(const struct batch_window *window, uint64_t place)
{
	return window->start + (place - window->base);
}

static int read_vga(const struct batch_window *window, uint64_t place, uint32_t width,
                    uint64_t *value, struct fault *fault)
{
	const struct mediated_reach *reach = window->context;

	return operate_bar_read(reach->kernel, reach->device, KERNEL_VGA, address_of(window, place),
	                        width, value, fault);
}

static int write_vga(const struct batch_window *window, uint64_t place, uint32_t width,
                     uint64_t value, struct fault *fault)
{
	const struct mediated_reach *reach = window->context;

	return operate_bar_write(reach->kernel, reach->device, KERNEL_VGA,
	                         address_of(window, place), width, value, fault);
}

/* VFIO takes the end of one of its ranges for the end of the access. */
static int check_port(uint64_t port, uint32_t width, struct fault *fault)
{
	if (port >= OTHERS_END || port + width <= OTHERS)
		return 0;
	return fault_set(fault, HWB_INVALID,
	                 "ports 0x%x-0x%x among those of VGA cards are of none: access 0x%x-0x%x "
	                 "and 0x%x-0x%x",
	                 OTHERS, OTHERS_END - 1, PORTS, OTHERS - 1, OTHERS_END, PORTS_END - 1);
}

static int read_port(const struct batch_window *window, uint64_t place, uint32_t width,
                     uint64_t *value, struct fault *fault)
{
	return check_port(place, width, fault) == 0 ? read_vga(window, place, width, value, fault)
	                                            : -1;
}

static int write_port(const struct batch_window *window, uint64_t place, uint32_t width,
                      uint64_t value, struct fault *fault)
{
	return check_port(place, width, fault) == 0 ? write_vga(window, place, width, value, fault)
	                                            : -1;
}

struct batch_window vga_memory_window(struct mediated_reach *reach, const struct peer *peer,
                                      struct device *device, const struct hwb_region *region)
{
	*reach = (struct mediated_reach){ peer->broker->host.backend, device, KERNEL_VGA };
	return (struct batch_window){
		.size = region->size,
		.widest = 8,
		.aligned = true,
		.read = read_vga,
		.write = (region->flags & HWB_REGION_READ_ONLY) == 0 ? write_vga : NULL,
		.context = reach,
		.start = region->base,
	};
}

struct batch_window vga_ports_window(struct mediated_reach *reach, const struct peer *peer,
                                     struct device *device, uint32_t base, uint32_t count)
{
	*reach = (struct mediated_reach){ peer->broker->host.backend, device, KERNEL_VGA };
	return (struct batch_window){
		.base = base,
		.size = count,
		.widest = 4,
		.read = read_port,
		.write = write_port,
		.context = reach,
		.start = base,
	};
}
