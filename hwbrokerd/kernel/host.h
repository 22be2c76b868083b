/* SPDX-License-Identifier: MIT */
/*
 * What this host's kernel offers, found out once at start-up rather than
 * assumed, with a sentence for each thing that is missing. What may change while the daemon
 * runs is looked up again by host_now.h.
 */
#ifndef HWBROKERD_KERNEL_HOST_H
#define HWBROKERD_KERNEL_HOST_H

#include "kernel/kernel.h"
#include "kernel/problems.h"
#include "util/our_driver.h"

struct host {
	const struct kernel_backend *backend; /* NULL: no DMA, no interrupts */
	bool iommu;                           /* devices are in IOMMU groups */
	bool interrupt_remapping;             /* forged MSIs are stopped; false if in doubt */
	bool vfio;                            /* the backend is one of VFIO's */
	bool strict_devmem;                   /* known: a claimed BAR loses its sysfs mappings */
	bool leases;                          /* witness.h */
	bool ports;                           /* legacy ports can be used: x86 and permitted */
	bool lockdown;                        /* integrity or confidentiality, for good */
	bool no_driver;                       /* that devices are taken to: not at the start */
	bool no_pins;                         /* why no memory stays in place is a problem below */
	const char *module;                   /* besides the driver, what the backend stands on */
	const char *node;                     /* and what is opened for each domain; or NULL */
	char kernel[64];                      /* uname -r */
	/* Why there is no backend. */
	char none[PROBLEM_SIZE];
	struct problems problems; /* until the next start */
};

/* Whether registers can be taken back from a client that does not let go of them, with
 * certainty. */
static inline bool host_can_revoke(const struct host *host)
{
	return host->backend != NULL && !host->backend->lasting && host->strict_devmem &&
	       host->leases;
}

/* Whether a device that may do DMA reaches all of memory. */
static inline bool host_is_unsafe(const struct host *host)
{
	return host->backend != NULL && host->backend->unsafe;
}

/* VFIO gives a device without an IOMMU to those only who have CAP_SYS_RAWIO. */
static inline bool host_needs_raw_io(const struct host *host)
{
	return host_is_unsafe(host) && host->vfio;
}

/* That devices are taken to. */
static inline const char *host_driver(const struct host *host)
{
	return host->backend != NULL && host->backend->driver != NULL ? host->backend->driver
	                                                              : OUR_DRIVER_VFIO;
}

static inline bool host_is_intx_only(const struct host *host)
{
	return host->backend != NULL && host->backend->intx_only;
}

/* Blocks for module loading (vfio-pci, once); called before the loop runs. `backend` is what
 * choose.h takes. */
void host_probe(struct host *host, const char *backend);

#endif
