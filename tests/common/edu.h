/* SPDX-License-Identifier: MIT */
/* Registers of QEMU's edu device: docs/specs/edu. */
#ifndef HWBROKER_TESTS_EDU_H
#define HWBROKER_TESTS_EDU_H

enum {
	EDU_ID = 0x00,
	EDU_IDENTITY = 0x010000ed, /* its value */
	EDU_LIVENESS = 0x04,
	EDU_FACTORIAL = 0x08,
	EDU_STATUS = 0x20, /* bit 0: it computes */
	EDU_IRQ_STATUS = 0x24,
	EDU_IRQ_RAISE = 0x60,
	EDU_IRQ_ACK = 0x64,
	EDU_DMA_SOURCE = 0x80,
	EDU_DMA_TARGET = 0x88,
	EDU_DMA_COUNT = 0x90,
	EDU_DMA_COMMAND = 0x98,
	EDU_DMA_RUN = 0x01,
	EDU_DMA_TO_MEMORY = 0x02,
	EDU_DMA_IRQ = 0x04,
	EDU_BUFFER = 0x40000,
	EDU_TRANSFER = 1024
};

#endif
