/* SPDX-License-Identifier: MIT */
/*
 * Inside the backends that stand on VFIO. An open device is the same descriptor in all of
 * them (device.c, irq.c, config.c, region.c), and what a domain maps is
 * put down in one place (domain.c), as are the groups in domains (group.c) and what
 * outlives the process (resume.c). How the kernel is told of a domain, and how a device
 * gets into it, is a `way': groups and containers (container.c), or iommufd (iommufd/iommufd.c).
 */
#ifndef HWBROKERD_KERNEL_VFIO_H
#define HWBROKERD_KERNEL_VFIO_H

#include "kernel/memory/pinned.h"
#include "resume/store.h"
#include "util/sorted.h"

#include <pthread.h>

struct vfio_way;

/* A group in a domain, with at least one open device. */
struct vfio_group {
	struct vfio_group *next;
	struct kernel_domain *domain;
	uint32_t id;
	uint32_t devices;
	int fd;    /* what its devices are opened with: the way's */
	bool kept; /* store.h, as below */
};

struct kernel_domain {
	const struct vfio_way *way;
	pthread_mutex_t lock;
	uint32_t id;
	int fd; /* the kernel's side of it, a container or an iommufd; -1 while no group is in it */
	bool kept;
	uint32_t groups;
	uint32_t attached;         /* devices, where each is attached by itself: iommufd */
	bool abandoned;            /* by its owner: goes with the last group */
	bool unsafe;               /* no IOMMU: nothing is kept for the next daemon */
	struct pinned_list memory; /* then; else the mappings */
	struct sorted mappings;    /* by iova; each with its own fd */
};

struct kernel_device {
	int fd;
	bool kept;
	char name[32];
	uint32_t flags;          /* VFIO_DEVICE_FLAGS_* */
	uint64_t config;         /* offset of config space in fd */
	uint64_t bars[HWB_BARS]; /* and of each BAR that was reached by request */
	uint8_t bars_known;      /* bit n: of BAR n */
	uint64_t vga;            /* and of what VGA cards have; 0: not asked yet */
	bool rom_made;           /* of its option ROM, a copy: */
	int rom;
	uint64_t rom_size;
	struct vfio_group *group;
	bool attached; /* to its domain, where each device is: iommufd */
};

/* All that differs between the ways. What returns an errno returns 0 if it succeeds. */
struct vfio_way {
	char letter; /* its domains' in names of the store */
	/* A group of which no device is open enters the domain. `fd` receives what its devices
	 * are opened with: the caller's to close. */
	int (*enter)(struct kernel_domain *domain, uint32_t group, int *fd, struct fault *fault);
	/* A descriptor of the device, in the domain of its group; -1: fault says why. */
	int (*open)(struct kernel_device *device, struct fault *fault);
	/* It is about to be closed; the last who holds it may be somebody else. */
	void (*closing)(struct kernel_device *device);

	/* With the domain's lock held: the last device of the group is closed. */
	void (*leave)(struct kernel_domain *domain, int group_fd);
	/* Whether the kernel has the domain's mappings, so that it is told of each. */
	bool (*live)(const struct kernel_domain *domain);
	/* An errno. `memory` is where the mapping is mapped for us: NULL unless the way needs
	 * it. */
	bool (*needs_memory)(void);
	int (*map)(const struct kernel_domain *domain, const struct kernel_mapping *mapping,
	           void *memory);
	/* An errno. `unmapped` receives how many bytes were. */
	int (*unmap)(const struct kernel_domain *domain, uint64_t iova, uint64_t size,
	             uint64_t *unmapped);
	uint32_t (*windows)(const struct kernel_domain *domain, struct hwb_iova_range *ranges,
	                    uint32_t max);

	/* The group's descriptor is the domain's own, of which the service manager keeps no
	 * second one: another is kept in its place. */
	bool shares_fd;
	/* What devices are opened with, of a kept descriptor (-1: none), which is taken over; -1:
	 * it is none of a group in the domain. And a kept device was taken up. */
	int (*resume_group)(const struct kernel_domain *domain, int fd);
	void (*resumed)(struct kernel_device *device);
};

/* resume.c. Names in the store of a container, a group in it, a device, the memory of a
 * mapping. */
void vfio_name_domain(const struct kernel_domain *domain, char name[STORE_NAME]);
void vfio_name_group(uint32_t group, uint32_t domain, char name[STORE_NAME]);
void vfio_name_device(const char *device, char name[STORE_NAME]);
void vfio_name_memory(uint32_t mapping, char name[STORE_NAME]);

int vfio_resume_domain(const struct vfio_way *way, uint32_t id, struct kernel_domain **domain,
                       struct fault *fault);
int vfio_resume_mapping(struct kernel_domain *domain, const struct kernel_mapping *mapping,
                        struct fault *fault);
uint32_t vfio_resume_where(const struct hwb_pci_address *address, uint32_t group);
int vfio_resume(const struct hwb_pci_address *address, uint32_t group, struct kernel_domain *domain,
                int wanted_fd, int failed_fd, struct kernel_device **device, struct fault *fault);

/* group.c. The group in the domain, entered if no device of it is open yet; the same with
 * a kept descriptor (-1: none), which is the group's from now on; and one device less. */
int vfio_group_get(uint32_t id, struct kernel_domain *domain, struct vfio_group **group,
                   struct fault *fault);
int vfio_group_resume(uint32_t id, struct kernel_domain *domain, int fd, struct vfio_group **group,
                      struct fault *fault);
void vfio_group_put(struct vfio_group *group);
/* Whether it is kept now. */
bool vfio_group_keep(struct vfio_group *group);

/* container.c. A domain of that way; noiommu.c is the same without an IOMMU. */
int vfio_container_new(struct kernel_domain **domain, struct fault *fault);

/* device.c. What the kernel says of a device's descriptor; a reset, if it has one. */
int vfio_device_open(const struct hwb_pci_address *address, uint32_t group,
                     struct kernel_domain *domain, int wanted_fd, int failed_fd,
                     struct kernel_device **device, struct fault *fault);
int vfio_device_read_facts(struct kernel_device *device, struct fault *fault);
int vfio_device_listen(struct kernel_device *device, int wanted_fd, int failed_fd,
                       struct fault *fault);
bool vfio_device_resets(const struct kernel_device *device);
int vfio_device_reset(struct kernel_device *device, struct fault *fault);
int vfio_device_rest(struct kernel_device *device, bool shut, uint32_t bars, struct fault *fault);
void vfio_device_close(struct kernel_device *device);
bool vfio_device_keep(struct kernel_device *device);
/* Repeats what gives EAGAIN while the device is being reset by somebody. */
enum { VFIO_BUSY_TRIES = 10, VFIO_BUSY_PAUSE_MS = 100 };

/* domain.c. Whether its descriptor is kept now. With the domain's lock held: the kernel is
 * told of all mappings, or of none; and the descriptor is closed. */
bool vfio_domain_keep_itself(struct kernel_domain *domain);
int vfio_domain_fill(struct kernel_domain *domain, struct fault *fault);
void vfio_domain_drop(struct kernel_domain *domain);
/* One group less, by a caller without the lock: the domain may be gone afterwards. */
void vfio_domain_leave(struct kernel_domain *domain, int group_fd);

int vfio_domain_new(const struct vfio_way *way, struct kernel_domain **domain, struct fault *fault);
void vfio_domain_free(struct kernel_domain *domain);
int vfio_domain_map(struct kernel_domain *domain, const struct kernel_mapping *mapping,
                    struct fault *fault);
int vfio_domain_unmap(struct kernel_domain *domain, uint64_t iova, struct fault *fault);
/* Remembers a mapping that the kernel has, or will be told of; duplicates its descriptor,
 * which may be -1 if it has. */
int vfio_domain_remember(struct kernel_domain *domain, const struct kernel_mapping *mapping,
                         struct fault *fault);
void vfio_domain_keep(struct kernel_domain *domain, struct store_share *share);
uint32_t vfio_domain_id(const struct kernel_domain *domain);
uint32_t vfio_domain_windows(struct kernel_domain *domain, struct hwb_iova_range *ranges,
                             uint32_t max);

/* config.c. Sets and clears bits of the command register, and looks whether
 * that held. */
int vfio_set_command(struct kernel_device *device, uint32_t set, uint32_t clear,
                     struct fault *fault);
int vfio_set_bus_master(struct kernel_device *device, bool on, struct fault *fault);
int vfio_config_read(struct kernel_device *device, uint32_t offset, uint32_t width, uint32_t *value,
                     struct fault *fault);
int vfio_config_write(struct kernel_device *device, uint32_t offset, uint32_t width, uint32_t value,
                      struct fault *fault);

/* region.c. Takes these BARs, which hold memory, out of everybody's reach until the
 * device is closed; decoding must be on. */
int vfio_take_registers(struct kernel_device *device, uint32_t bars, struct fault *fault);

int vfio_bar_read(struct kernel_device *device, uint32_t bar, uint64_t offset, uint32_t width,
                  uint64_t *value, struct fault *fault);
int vfio_bar_write(struct kernel_device *device, uint32_t bar, uint64_t offset, uint32_t width,
                   uint64_t value, struct fault *fault);
int vfio_bar_offset(const struct kernel_device *device, uint32_t bar, bool io, uint64_t *offset,
                    struct fault *fault);
int vfio_device_fd(const struct kernel_device *device, int *fd, struct fault *fault);

/* legacy.c */
int vfio_vga(struct kernel_device *device, struct fault *fault);
int vfio_rom(struct kernel_device *device, int *fd, uint64_t *size, struct fault *fault);

/* irq.c */
uint32_t vfio_irq_count(struct kernel_device *device, enum hwb_irq_type type);
int vfio_irq_enable(struct kernel_device *device, enum hwb_irq_type type, const int *trigger_fds,
                    uint32_t count, int unmask_fd, struct fault *fault);
int vfio_irq_disable(struct kernel_device *device, enum hwb_irq_type type, struct fault *fault);
/* The kernel's own wish for the device: VFIO_PCI_REQ_IRQ_INDEX. And what its port reports
 * (VFIO_PCI_ERR_IRQ_INDEX), of devices that have one. */
int vfio_irq_on_wanted(struct kernel_device *device, int wanted_fd, struct fault *fault);
int vfio_irq_on_failed(struct kernel_device *device, int failed_fd, struct fault *fault);
int vfio_irq_unmask(struct kernel_device *device, struct fault *fault);

/* What is the same in each table of a backend. */
#define VFIO_BACKEND                                                                               \
	.domain_free = vfio_domain_free, .map = vfio_domain_map, .unmap = vfio_domain_unmap,       \
	.windows = vfio_domain_windows, .open = vfio_device_open, .resets = vfio_device_resets,    \
	.rest = vfio_device_rest, .take_registers = vfio_take_registers,                           \
	.close = vfio_device_close, .set_bus_master = vfio_set_bus_master,                         \
	.irq_enable = vfio_irq_enable, .irq_disable = vfio_irq_disable,                            \
	.irq_unmask = vfio_irq_unmask, .config_read = vfio_config_read,                            \
	.config_write = vfio_config_write, .bar_read = vfio_bar_read, .bar_write = vfio_bar_write, \
	.vga = vfio_vga, .rom = vfio_rom, .domain_id = vfio_domain_id, .keep = vfio_domain_keep,   \
	.keep_device = vfio_device_keep, .resume_mapping = vfio_resume_mapping,                    \
	.resume_where = vfio_resume_where, .resume = vfio_resume

#endif
