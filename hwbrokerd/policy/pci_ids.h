/* SPDX-License-Identifier: MIT */
/*
 * The names of vendors, devices, subsystems and classes, from the file pci.ids that lspci(8)
 * has them from. It is read once it is asked for, and once; a name is then found by hash. (What
 * libpciaccess has for this reads the file again for each question, and knows no way from name
 * to number.)
 */
#ifndef HWBROKERD_POLICY_PCI_IDS_H
#define HWBROKERD_POLICY_PCI_IDS_H

#include "util/fault.h"

#include <stdbool.h>
#include <stddef.h>

enum pci_name_kind { PCI_VENDOR_NAME, PCI_DEVICE_NAME, PCI_SUBSYSTEM_NAME, PCI_CLASS_NAME };

struct pci_name {
	uint64_t hash; /* of all but the number */
	const char *name;
	enum pci_name_kind kind;
	uint32_t scope;  /* of devices and subsystems: the vendor */
	uint32_t number; /* of a class: how many digits it has, and those: 4 << 24 | 0x0200 */
};

/* Zero but for the path, which may be NULL: then it is where systems have it. */
struct pci_ids {
	const char *path;
	bool read;
	struct fault failed; /* why nothing is known */
	char *text;
	struct pci_name *names;
	uint32_t count, capacity;
	uint32_t suggestions; /* made so far: a file with many mistakes must not take for ever */
};

/* The number of vendor `name`, of its device or subsystem, or of a class: 2, 4 or 6 hexadecimal
 * digits, of which `digits` says how many. Letter case does not matter. -1: there is no such name,
 * and `fault` has the nearest one; or several have it, and `fault` has their numbers. */
int pci_ids_vendor(struct pci_ids *ids, const char *name, uint32_t *vendor, struct fault *fault);
int pci_ids_device(struct pci_ids *ids, uint32_t vendor, const char *name, uint32_t *device,
                   struct fault *fault);
int pci_ids_subsystem(struct pci_ids *ids, uint32_t vendor, const char *name, uint32_t *device,
                      struct fault *fault);
int pci_ids_class(struct pci_ids *ids, const char *name, uint32_t *code, uint32_t *digits,
                  struct fault *fault);

void pci_ids_release(struct pci_ids *ids);

#endif
