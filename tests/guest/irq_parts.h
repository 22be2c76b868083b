/* SPDX-License-Identifier: MIT */
/* What the parts of suite `irq' share. */
#ifndef HWBROKER_TESTS_GUEST_IRQ_PARTS_H
#define HWBROKER_TESTS_GUEST_IRQ_PARTS_H

#include "guest.h"

/* Intel 82574 data sheet, chapter 10: cause set, mask set; link status. */
enum { ICS = 0xc8, IMS = 0xd0, LSC = 1 << 2 };

/* Adds what it shows of MSI-X. */
void add_msix(TCase *tests);

#endif
