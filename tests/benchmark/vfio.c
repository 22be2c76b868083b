/* SPDX-License-Identifier: MIT */
/* The reference of registers, interrupts, acquiring and DMA: VFIO by hand, as root. */
#include "hand.h"
#include "measure.h"

#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t iova = 1ull << 32;

static unsigned vectors_of(uint32_t index)
{
	return index == VFIO_PCI_MSIX_IRQ_INDEX ? 5 : 1;
}

/* A device with all that belongs to it. */
static void acquire(const char *group, const char *address, uint32_t index, unsigned count)
{
	struct hand hand;
	uint64_t spent = 0;

	for (unsigned i = 0; i < count + 1; i++) {
		measure_rest(i);
		uint64_t start = measure_now();
		hand_open(&hand, group, address);
		hand_open_bars(&hand, address);
		hand_arm(&hand, index, vectors_of(index));
		spent = i == 0 ? 0 : spent + measure_now() - start;
		hand_close(&hand);
	}
	measure_print(0, spent, count);
}

static void allocate(const struct hand *hand, uint64_t size, unsigned count)
{
	uint64_t spent = 0;

	for (unsigned i = 0; i < count + 1; i++) {
		uint64_t start = measure_now();
		int memory = hand_allocate(hand, iova, size);
		spent = i == 0 ? 0 : spent + measure_now() - start;
		hand_free(hand, memory, iova, size);
	}
	measure_print(0, spent, count);
}

int main(int argc, char **argv)
{
	struct hand hand;

	if (argc < 5 || argc > 6) {
		fputs("Usage: bench-vfio registers|msi|intx|acquire-msi|acquire-msix|dma COUNT "
		      "/dev/vfio/GROUP ADDRESS [BYTES]\n",
		      stderr);
		return EXIT_FAILURE;
	}
	const char *what = argv[1];
	unsigned count = (unsigned)atoi(argv[2]);
	if (strncmp(what, "acquire", 7) == 0) {
		acquire(argv[3], argv[4],
		        strcmp(what, "acquire-msix") == 0 ? VFIO_PCI_MSIX_IRQ_INDEX
		                                          : VFIO_PCI_MSI_IRQ_INDEX,
		        count);
		return EXIT_SUCCESS;
	}
	hand_open(&hand, argv[3], argv[4]);
	if (strcmp(what, "registers") == 0) {
		measure_registers(hand_map(&hand), count);
	} else if (strcmp(what, "dma") == 0) {
		allocate(&hand, argc == 6 ? strtoull(argv[5], NULL, 0) : 4096, count);
	} else {
		hand_arm(&hand,
		         strcmp(what, "intx") == 0 ? VFIO_PCI_INTX_IRQ_INDEX
		                                   : VFIO_PCI_MSI_IRQ_INDEX,
		         1);
		measure_interrupts(hand_map(&hand), hand.vectors[0], hand.unmask, count);
	}
	hand_close(&hand);
	return EXIT_SUCCESS;
}
