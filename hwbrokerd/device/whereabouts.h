/* SPDX-License-Identifier: MIT */
/*
 * Where a device is and whose it was: its slot, its path in sysfs, its host driver, the physical
 * function that it is a part of. Rules of the policy may ask for them.
 */
#ifndef HWBROKERD_DEVICE_WHEREABOUTS_H
#define HWBROKERD_DEVICE_WHEREABOUTS_H

#include "policy/traits.h"

#include <hwbroker/protocol.h>
#include <stdint.h>

enum { WHEREABOUTS_SLOT = 32, WHEREABOUTS_PATH = 256 };

/* "" each: it has none, or a longer one, which no rule is about then. */
struct whereabouts {
	char slot[WHEREABOUTS_SLOT];
	char path[WHEREABOUTS_PATH];
	char driver[HWB_NAME_SIZE]; /* for one that is taken: which it was taken from */
	char physical[32];          /* of a virtual function: whose it is, "0000:03:00.0" */
};

/* A slot, and what is in it: "0000:03:00", all functions of a device, or "0000:03", a bus. */
struct slot {
	char name[WHEREABOUTS_SLOT];
	char address[16];
};

struct slots {
	struct slot *slots;
	uint32_t count, capacity;
};

/* Reads those that the kernel knows: none if it knows none, or there is no memory. These two
 * read files of /sys, and so are for workers. */
void slots_read(struct slots *slots);
void slots_free(struct slots *slots);
/* Of a device that has this driver now, "" none; `physical` is NULL if it is no virtual function.
 */
void whereabouts_read(struct whereabouts *whereabouts, const struct hwb_pci_address *address,
                      uint64_t instance, const char *driver, const struct hwb_pci_address *physical,
                      const struct slots *slots);

/* The driver alone has changed, "" if it has none now. */
void whereabouts_driver(struct whereabouts *whereabouts, const char *driver);

/* "../../../devices/pci0000:00/0000:00:03.0", what the link in /sys/bus/pci/devices says, to
 * "/sys/devices/pci0000:00/0000:00:03.0"; "" if it is something else. */
void whereabouts_path(const char *link, char path[WHEREABOUTS_PATH]);
/* The slot of the device with this path: its own, or that of the nearest bridge above it that
 * has one, as on a card of several devices. "" if there is none. */
void whereabouts_slot(const char *path, const struct slots *slots, char slot[WHEREABOUTS_SLOT]);

/* As the policy has it; good as long as `whereabouts` stays. */
static inline struct policy_traits whereabouts_traits(const struct whereabouts *whereabouts)
{
	return (struct policy_traits){
		.slot = whereabouts->slot[0] != '\0' ? whereabouts->slot : NULL,
		.driver = whereabouts->driver[0] != '\0' ? whereabouts->driver : NULL,
		.path = whereabouts->path[0] != '\0' ? whereabouts->path : NULL,
		.physical = whereabouts->physical[0] != '\0' ? whereabouts->physical : NULL,
	};
}

#endif
