/* SPDX-License-Identifier: MIT */
/* What sysfs says of a device of domain 0: "00:03.0". */
#ifndef HWBROKER_TESTS_PCI_H
#define HWBROKER_TESTS_PCI_H

#include <stdint.h>

enum { PCI_BUS_MASTER = 4 /* PCI Local Bus 3.0, 6.2.2: command register, bit 2 */ };

/* The name of its driver, or "". */
void pci_driver(const char *address, char name[32]);
/* Its command register; -1: it cannot be read. */
int pci_command(const char *address);

#endif
