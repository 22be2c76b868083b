/* SPDX-License-Identifier: MIT */
/*
 * Whether anybody has a device's registers: a descriptor or a mapping of one of its
 * resource files, in whatever process, or under way in a socket.
 *
 * The kernel tells. It gives a read lease on a file (fcntl(2), F_SETLEASE) only while
 * nobody has it open for writing, as all register descriptors are; a mapping keeps its
 * file open, and a file stays the same one after its device has left the bus. Whoever
 * opens it meanwhile waits, and this process gets a SIGIO, which it must ignore.
 */
#ifndef HWBROKERD_KERNEL_WITNESS_H
#define HWBROKERD_KERNEL_WITNESS_H

#include "util/fault.h"

#include <stdbool.h>

/* A descriptor of our own, for reading, of each resource file. Zeroed: of none. */
struct witness {
	int fds[2 * HWB_BARS];
	uint32_t count;
	bool placed;   /* `directory` is open: the device's own, whoever gets its address later */
	int directory; /* in sysfs */
};

/* Of all resource files that the device has, which is the one of that instance (bind.h):
 * another at its address is HWB_GONE. Bit n of `prefetchable`: BAR n is, and so may have a
 * second file. On failure it is of none. */
int witness_open(const struct hwb_pci_address *address, uint64_t instance, uint32_t prefetchable,
                 struct witness *witness, struct fault *fault);
void witness_close(struct witness *witness);

/* False also where the kernel gives no leases: see witness_works(). */
bool witness_held(const struct witness *witness);

/* Has the kernel close what is under way in sockets that only each other's queues still have: it
 * looks for these when a socket is closed, of whomever (net/unix/garbage.c), and on a host that
 * is idle nobody may. May block; what it finds may be closed only later. */
void witness_collect(void);

/* Whether the kernel gives leases on resource files at all. Some device must have one. */
bool witness_works(void);

#endif
