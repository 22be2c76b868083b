/* SPDX-License-Identifier: MIT */
/* An IRQ session as core has it. */
#ifndef STAND_IN_INTERRUPT_H
#define STAND_IN_INTERRUPT_H

#include "device.h"

struct interrupt {
	uint32_t device; /* handle, or 0: by request.number */
	struct hwb_irq_request request;
	struct hwb_interrupt reply;
	int fds[HWB_FDS_MAX];
	uint32_t fd_count;
	int result; /* of the last request */
	struct hwb_error error;
};

/* Each on the entrypoint of interrupts. */
int interrupt_open(struct interrupt *interrupt);
int interrupt_enable(struct interrupt *interrupt);
int interrupt_ack(struct interrupt *interrupt);
int interrupt_close(struct interrupt *interrupt);

/* Its descriptors. */
void interrupt_drop(struct interrupt *interrupt);

#endif
