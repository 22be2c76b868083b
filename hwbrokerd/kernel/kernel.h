/* SPDX-License-Identifier: MIT */
/*
 * The narrow table between the daemon and the kernel's device interfaces.
 *
 * One implementation a way of reaching devices (vfio/container.c, iommufd/iommufd.c; without an
 * IOMMU vfio/noiommu.c, and bare/domain.c without VFIO), chosen once at start-up (choose.h).
 *
 * Every function here but domain_new, and domain_free of a domain that nothing was
 * done with, may block and is called from worker threads only (work/).
 * Domains are safe to use from several threads at once; a device is used by one
 * thread at a time, which the job queue of its IOMMU group ensures.
 *
 * Descriptors passed in stay the caller's unless a function says otherwise.
 */
#ifndef HWBROKERD_KERNEL_KERNEL_H
#define HWBROKERD_KERNEL_KERNEL_H

#include "util/fault.h"

#include <stdbool.h>
#include <stdint.h>

struct store_share;   /* resume/store.h */
struct kernel_device; /* an opened PCI function */
struct kernel_domain; /* an I/O address space, possibly without a device yet */

/* A piece of memory at a device address. */
struct kernel_mapping {
	uint64_t iova; /* first: sorted.h */
	uint64_t size;
	uint64_t offset; /* in the memfd; a multiple of 4096, as iova and size are */
	int fd;          /* memfd; duplicated by map, so that it outlives the call */
	bool device_reads;
	bool device_writes;
	bool ours;                 /* broker-made memory: its pages go with the mapping */
	uint32_t id;               /* note.h */
	bool kept;                 /* by the service manager, too: store.h */
	struct store_share *share; /* of whose memory it is, once it is kept */
};

/* Where memory is to be whose address is its own. */
struct kernel_wish {
	uint64_t alignment; /* 0, or a power of two */
	uint64_t limit;     /* its last byte is there at most */
	uint32_t page_size; /* of memory that is to be made, at least */
};

/* In place of a BAR's number: what a VGA card had before there were BARs, at its addresses: the
 * window 0xa0000-0xbffff and ports 0x3b0-0x3bb and 0x3c0-0x3df. */
enum { KERNEL_VGA = 8 };

struct kernel_backend {
	const char *name;   /* for status: "vfio-group" */
	const char *driver; /* that devices are taken to; NULL: vfio-pci */
	/* What it lacks. `unsafe`: an IOMMU, so that whoever may do DMA reaches all of memory;
	 * memory is where it is, and `place` says where. `intx_only`: MSI and MSI-X. `lasting`:
	 * registers stay with whoever has them, `take_registers` fails. `unasked`: the host
	 * unbinds a device from its driver without a word, open or not. `fleeting`: nothing
	 * outlives the process, and there are none of the functions for that. */
	bool unsafe, intx_only, lasting, unasked, fleeting;

	/* A domain takes mappings at once; the kernel sees them when the first
	 * device comes. attach of a device fails as a whole with HWB_CONFLICT if a
	 * mapping cannot be where it is. */
	int (*domain_new)(struct kernel_domain **domain, struct fault *fault);
	/* Unmaps all. A device that is still open in it stays so, and reaches no
	 * memory. */
	void (*domain_free)(struct kernel_domain *domain);
	/* After return the device reaches the memory (map) or can no longer (unmap). */
	int (*map)(struct kernel_domain *domain, const struct kernel_mapping *mapping,
	           struct fault *fault);
	/* In place of that where it is `unsafe`: as map, of memory in one piece whose address
	 * is put into mapping->iova. With fd -1 it is made, and the descriptor is the caller's.
	 * HWB_NO_MEMORY: there is none such; HWB_UNSUPPORTED: what was brought is none such. */
	int (*place)(struct kernel_domain *domain, struct kernel_mapping *mapping,
	             struct kernel_wish *wish, struct fault *fault);
	/* `iova` starts a mapping. */
	int (*unmap)(struct kernel_domain *domain, uint64_t iova, struct fault *fault);
	/* The address ranges that the hardware of the attached devices can map, in
	 * ascending order, reserved ones left out. Returns how many, of which the
	 * first `max` are stored; 0: not known. */
	uint32_t (*windows)(struct kernel_domain *domain, struct hwb_iova_range *ranges,
	                    uint32_t max);

	/* Opens a claimed device within `domain`. Bus mastering and interrupts are off,
	 * memory and I/O decoding on, power state D0. `wanted_fd` is an eventfd that the
	 * kernel signals, and again every few seconds, when the host waits for the device
	 * to be closed: it is being unplugged, or unbound by hand. `failed_fd` likewise, when
	 * its PCIe port reports an error of it that the link cannot correct. -1: none. */
	int (*open)(const struct hwb_pci_address *address, uint32_t group,
	            struct kernel_domain *domain, int wanted_fd, int failed_fd,
	            struct kernel_device **device, struct fault *fault);
	/* Whether the kernel has a way to reset it. */
	bool (*resets)(const struct kernel_device *device);
	/* Bus mastering off, interrupts off, reset if it can, in this order. `shut`: before
	 * the reset the registers of `bars` are taken, as by the next function, and decoding
	 * goes off. Returns -1 if the device could not be brought to rest. */
	int (*rest)(struct kernel_device *device, bool shut, uint32_t bars, struct fault *fault);
	/* Takes these BARs, which hold memory, out of every mapping that was made of their resource
	 * files. Until the device is closed no other can be made. */
	int (*take_registers)(struct kernel_device *device, uint32_t bars, struct fault *fault);
	/* Detached from the domain and closed. */
	void (*close)(struct kernel_device *device);

	int (*set_bus_master)(struct kernel_device *device, bool on, struct fault *fault);
	/* Arms vectors 0..count-1 with eventfds; `unmask_fd` is for INTx, else -1. */
	int (*irq_enable)(struct kernel_device *device, enum hwb_irq_type type,
	                  const int *trigger_fds, uint32_t count, int unmask_fd,
	                  struct fault *fault);
	int (*irq_disable)(struct kernel_device *device, enum hwb_irq_type type,
	                   struct fault *fault);
	/* As a write to the unmask eventfd of an enabled INTx would. */
	int (*irq_unmask)(struct kernel_device *device, struct fault *fault);

	/* width 1, 2 or 4, offset a multiple of it: the caller has checked. */
	int (*config_read)(struct kernel_device *device, uint32_t offset, uint32_t width,
	                   uint32_t *value, struct fault *fault);
	int (*config_write)(struct kernel_device *device, uint32_t offset, uint32_t width,
	                    uint32_t value, struct fault *fault);

	/* Registers without a mapping: `width` 1, 2, 4 or (of memory) 8, `offset` a multiple of
	 * it and within the BAR. From any thread, as long as the device is open. What the
	 * kernel forbids there, as the MSI-X table, reads as ones and is not written. NULL: this
	 * backend has none. */
	int (*bar_read)(struct kernel_device *device, uint32_t bar, uint64_t offset, uint32_t width,
	                uint64_t *value, struct fault *fault);
	int (*bar_write)(struct kernel_device *device, uint32_t bar, uint64_t offset,
	                 uint32_t width, uint64_t value, struct fault *fault);
	/* Whether KERNEL_VGA is there for those two; HWB_UNSUPPORTED if not. NULL: never. */
	int (*vga)(struct kernel_device *device, struct fault *fault);
	/* A sealed copy of its option ROM, for reading, the caller's; it is made once.
	 * HWB_NOT_FOUND: it has none. Memory decoding must be on. NULL: this backend has none. */
	int (*rom)(struct kernel_device *device, int *fd, uint64_t *size, struct fault *fault);
	/* A duplicate of VFIO's descriptor of the device, which reaches nothing but the device:
	 * the holder of it cannot change what memory that may reach. NULL: this backend has
	 * none. Where BAR `bar` is in it, if it can be mapped: else HWB_UNSUPPORTED. */
	int (*device_fd)(const struct kernel_device *device, int *fd, struct fault *fault);
	int (*bar_offset)(const struct kernel_device *device, uint32_t bar, bool io,
	                  uint64_t *offset, struct fault *fault);

	/* What outlives the process (store.h). A domain's id is its own for ever; `keep` has
	 * the memory of its mappings kept that is not yet, as far as the share goes. */
	uint32_t (*domain_id)(const struct kernel_domain *domain);
	void (*keep)(struct kernel_domain *domain, struct store_share *share);
	/* Has an open device kept, and what it is opened in; false: not all of it, for want of
	 * room. NULL: nothing of it outlives the process. */
	bool (*keep_device)(struct kernel_device *device);
	/* The daemon before this one has left them; these are for its start, before there
	 * are jobs. What is not taken up so is ended by kernel_resume_end(). */
	int (*resume_domain)(uint32_t id, struct kernel_domain **domain, struct fault *fault);
	/* `mapping` has no descriptor: the kernel has the memory, or it was kept. Its share is
	 * the client's. */
	int (*resume_mapping)(struct kernel_domain *domain, const struct kernel_mapping *mapping,
	                      struct fault *fault);
	/* The id of the domain that the device is open in; 0: it is not open. */
	uint32_t (*resume_where)(const struct hwb_pci_address *address, uint32_t group);
	/* As `open`, but that nothing happens to the device. */
	int (*resume)(const struct hwb_pci_address *address, uint32_t group,
	              struct kernel_domain *domain, int wanted_fd, int failed_fd,
	              struct kernel_device **device, struct fault *fault);
};

/* What is not taken up so is ended: bus mastering off, reset. Whichever backend it was of: this
 * daemon may have another, or none. */
void kernel_resume_end(void);

extern const struct kernel_backend kernel_vfio_group, kernel_iommufd;
extern const struct kernel_backend kernel_vfio_noiommu, kernel_bare; /* without an IOMMU */

#endif
