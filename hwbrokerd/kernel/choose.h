/* SPDX-License-Identifier: MIT */
/*
 * Which backend the daemon uses: the first of a list that works here, or the one that the
 * operator names. This is the only place that says so.
 */
#ifndef HWBROKERD_KERNEL_CHOOSE_H
#define HWBROKERD_KERNEL_CHOOSE_H

#include "kernel/kernel.h"

#include <stddef.h>

#define CHOOSE_AUTO "auto"

enum { CHOOSE_WHY = 240 };

struct choice {
	const struct kernel_backend *backend;
	/* For hosts with an IOMMU, or for those without. */
	bool iommu;
	/* The kernel module that refuses groups whose interrupts are not isolated, unless a
	 * parameter of it says otherwise; NULL: none does. */
	const char *module;
	/* What is opened for each domain, in /dev; NULL: nothing. */
	const char *node;
	/* Whether the kernel has it. Otherwise `why' says what is missing, and what to do. */
	bool (*works)(char *why, size_t size);
};

/* In order of preference. */
extern const struct choice choose_list[];
extern const unsigned choose_count;

/* `wanted`: a backend's name, or CHOOSE_AUTO. NULL: none works; `why`, of CHOOSE_WHY bytes,
 * says what is missing of each that was tried. */
const struct choice *choose(const struct choice *list, unsigned count, bool iommu,
                            const char *wanted, char *why);

/* Has the driver loaded if it is a module. False: the kernel has none such. */
bool choose_load_driver(const char *name);

/* Whether a backend is called so, or it is CHOOSE_AUTO. `names`, of CHOOSE_WHY bytes, receives
 * all that there are. */
bool choose_knows(const char *wanted, char *names);

#endif
