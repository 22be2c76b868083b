/* SPDX-License-Identifier: MIT */
/*
 * What has been taken from the host, in a file for the daemon after this one: if this one
 * is killed, that one finds which devices on vfio-pci are ours, where they belong, and who
 * had them last; and of which devices we have made virtual functions. A line is written
 * before a device is touched, and removed once it is as it was, none of them ever by half
 * (record_file.h); the file belongs on a file system that is empty after a reboot, as the devices
 * are the host's then.
 *
 * One for the process. Safe to call from several threads; may block for the file.
 */
#ifndef HWBROKERD_DEVICE_RECORD_H
#define HWBROKERD_DEVICE_RECORD_H

#include "kernel/bind.h"

/* Of physical addresses; `last` 0: none. */
struct record_range {
	uint64_t first, last;
};

struct record {
	struct hwb_pci_address address;
	uint64_t instance; /* bind_instance() */
	struct bind_origin origin;
	bool restore;               /* it goes back there once it is released */
	char client[HWB_NAME_SIZE]; /* who had it last; "": nobody */
	uint32_t uid;               /* and as which user */
	bool placed;                /* where its registers are in memory is known: */
	struct record_range memory[HWB_BARS];
};

/* Keeps every other daemon away from what `path` says until record_close(): it would take
 * this one's devices for those of one that has died. Fails only if another one lives. */
int record_lock(const char *path, struct fault *fault);

/* Reads what the daemon before has left in `path`, and keeps the file from now on. One that
 * cannot be read or makes no sense counts as empty, and the log says so. */
void record_open(const char *path);

/* Adds, or replaces what there is of this address. On failure nothing has changed. */
int record_put(const struct record *record, struct fault *fault);
/* Who had it last has nothing of it any more. */
void record_nobody(const struct hwb_pci_address *address);
void record_drop(const struct hwb_pci_address *address);

/* Where devices were that left the bus while somebody had their registers: estate.h. Replaces
 * what there is. `anywhere`: that is not known of each. */
void record_set_estates(const struct record_range *ranges, uint32_t count, bool anywhere);
/* Number `index` of those that there are, in no order; false: there are not so many. */
bool record_get_estate(uint32_t index, struct record_range *range);
bool record_estate_anywhere(void);

/* Virtual functions that were made of a device, or are about to be. */
struct record_functions {
	struct hwb_pci_address address; /* of the physical function */
	uint64_t instance;              /* bind_instance() */
	bool probes;                    /* the host's drivers were offered new ones before */
	bool restore;                   /* they end with the daemon, or with their rule */
};

/* As record_put(), record_drop() and record_find(). A device has one of these records or one of
 * the others, as whatever has virtual functions is not taken from the host. */
int record_put_functions(const struct record_functions *functions, struct fault *fault);
void record_drop_functions(const struct hwb_pci_address *address);
bool record_find_functions(const struct hwb_pci_address *address, uint64_t instance,
                           struct record_functions *functions);

/* What is written down of this very device; false: nothing. */
bool record_find(const struct hwb_pci_address *address, uint64_t instance, struct record *record);

/* The first of those that there are whose pci_key() is not less; false: there is none. */
bool record_from(uint64_t key, struct record *record);

void record_close(void);

#endif
