/* SPDX-License-Identifier: MIT */
/* VFIO by hand, as root: what the broker does for a client, without a broker. Each function
 * ends the program if it fails. */
#ifndef HWBROKER_BENCH_HAND_H
#define HWBROKER_BENCH_HAND_H

#include <stdint.h>

enum { HAND_BARS = 6, HAND_VECTORS = 8 };

/* One device, alone in its group, in a container of its own. */
struct hand {
	int container;
	int group;
	int device;
	int bars[HAND_BARS]; /* sysfs's resource files; -1: none */
	int vectors[HAND_VECTORS];
	unsigned vector_count;
	int unmask; /* of INTx; else -1 */
};

/* `path` of the group as /dev/vfio/5; `address` as 0000:00:03.0. With bus mastering. */
void hand_open(struct hand *hand, const char *path, const char *address);

/* A descriptor for each BAR that there is. */
void hand_open_bars(struct hand *hand, const char *address);

/* VFIO's INTx with its unmask, MSI or MSI-X (VFIO_PCI_..._IRQ_INDEX), `count` eventfds. */
void hand_arm(struct hand *hand, uint32_t index, unsigned count);

/* BAR 0, as VFIO maps it. */
volatile uint32_t *hand_map(const struct hand *hand);

/* `size` bytes of new memory, in huge pages if it is a multiple of them, which the device
 * reaches at `iova`: a memfd. And back. */
int hand_allocate(const struct hand *hand, uint64_t iova, uint64_t size);
void hand_free(const struct hand *hand, int memory, uint64_t iova, uint64_t size);

/* Interrupts and bus mastering off, and all of it closed. */
void hand_close(struct hand *hand);

#endif
