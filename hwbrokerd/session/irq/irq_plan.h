/* SPDX-License-Identifier: MIT */
/*
 * Granting interrupts, in three steps like a region: check (loop), arm (job),
 * publish (loop). Used by IRQ_OPEN and by DEVICE_ACQUIRE.
 */
#ifndef HWBROKERD_SESSION_IRQ_PLAN_H
#define HWBROKERD_SESSION_IRQ_PLAN_H

#include "kernel/kernel.h"
#include "session/session.h"

/* Trigger eventfds beside the first reply; the rest by IRQ_FDS. Leaves room for
 * six BARs and the unmask eventfd. */
enum { IRQ_FDS_FIRST = 48 };

/* Whether the device may have `count` vectors of `type`. `with_dma`: it is, or
 * is about to be, assigned to a domain. */
int irq_check(const struct peer *peer, const struct device *device, uint32_t type, uint32_t count,
              bool with_dma, struct fault *fault);

/* Makes the session's object, not published yet. NULL: fault. */
struct irq_session *irq_prepare(struct device *device, enum hwb_irq_type type, uint32_t count,
                                struct fault *fault);

/* On the group's strand: makes the eventfds; then, the device open, connects them,
 * unless they are. */
int irq_make_fds(struct irq_session *irq, struct fault *fault);
int irq_arm(const struct kernel_backend *kernel, struct irq_session *irq, struct fault *fault);

/* Descriptors for the reply: triggers, then unmask. Returns how many; `reply`
 * is filled. `fds` has room for IRQ_FDS_FIRST + 1. */
uint32_t irq_reply(const struct irq_session *irq, struct hwb_interrupt *reply, int *fds);

#endif
