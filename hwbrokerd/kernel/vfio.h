/* SPDX-License-Identifier: MIT */
/*
 * Inside the VFIO group backend (linux/vfio.h, "VFIO group API"): containers
 * hold mappings, groups attach to one container, devices are opened from a
 * group. A group cannot change its container while a device of it is open.
 */
#ifndef HWBROKERD_KERNEL_VFIO_H
#define HWBROKERD_KERNEL_VFIO_H

#include "kernel/pinned.h"
#include "resume/store.h"

#include <pthread.h>

/* A group in a domain, with at least one open device. */
struct vfio_group {
	struct vfio_group *next;
	struct kernel_domain *domain;
	uint32_t id;
	uint32_t devices;
	int fd;
	bool kept; /* store.h, as below */
};

struct kernel_domain {
	pthread_mutex_t lock;
	uint32_t id;
	int container; /* -1 while no group is in it */
	bool kept;
	uint32_t groups;
	bool abandoned;                  /* by its owner: goes with the last group */
	bool unsafe;                     /* no IOMMU: nothing is kept for the next daemon */
	struct pinned_list memory;       /* then; else the mappings */
	struct kernel_mapping *mappings; /* ascending by iova; each with its own fd */
	uint32_t count;
	uint32_t capacity;
};

struct kernel_device {
	int fd;
	bool kept;
	char name[32];
	uint32_t flags;  /* VFIO_DEVICE_FLAGS_* */
	uint64_t config; /* offset of config space in fd */
	struct vfio_group *group;
};

/* vfio_resume.c. Names in the store of a container, a group in it, a device, the memory of a
 * mapping. */
void vfio_name_domain(uint32_t domain, char name[STORE_NAME]);
void vfio_name_group(uint32_t group, uint32_t domain, char name[STORE_NAME]);
void vfio_name_device(const char *device, char name[STORE_NAME]);
void vfio_name_memory(uint32_t mapping, char name[STORE_NAME]);

int vfio_resume_domain(uint32_t id, struct kernel_domain **domain, struct fault *fault);
int vfio_resume_mapping(struct kernel_domain *domain, const struct kernel_mapping *mapping,
                        struct fault *fault);
uint32_t vfio_resume_where(const struct hwb_pci_address *address, uint32_t group);
int vfio_resume(const struct hwb_pci_address *address, uint32_t group, struct kernel_domain *domain,
                int wanted_fd, int failed_fd, struct kernel_device **device, struct fault *fault);
void vfio_resume_end(void);

/* vfio_noiommu.c is the same without an IOMMU, with these of vfio_group.c. `id` of a group is that
 * of its domain's kind. */
int vfio_device_open(const struct hwb_pci_address *address, uint32_t group,
                     struct kernel_domain *domain, int wanted_fd, int failed_fd,
                     struct kernel_device **device, struct fault *fault);
bool vfio_device_resets(const struct kernel_device *device);
int vfio_device_rest(struct kernel_device *device, bool shut, uint32_t bars, struct fault *fault);

/* vfio_group.c, for these. The group of a kept descriptor, which is the group's from now on;
 * what the kernel says of a device's descriptor; a reset, if the device has one. */
int vfio_group_resume(uint32_t id, struct kernel_domain *domain, int fd, struct vfio_group **group,
                      struct fault *fault);
int vfio_device_read_facts(struct kernel_device *device, struct fault *fault);
int vfio_device_listen(struct kernel_device *device, int wanted_fd, int failed_fd,
                       struct fault *fault);
int vfio_device_reset(struct kernel_device *device, struct fault *fault);
void vfio_device_close(struct kernel_device *device);

/* vfio_domain.c. Attaches the group's descriptor to the domain's container, or
 * takes it out. */
int vfio_domain_attach(struct kernel_domain *domain, int group_fd, uint32_t group_id,
                       struct fault *fault);
void vfio_domain_detach(struct kernel_domain *domain, int group_fd);

int vfio_domain_new(struct kernel_domain **domain, struct fault *fault);
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

/* vfio_config.c. Sets and clears bits of the command register, and looks whether
 * that held. */
int vfio_set_command(struct kernel_device *device, uint32_t set, uint32_t clear,
                     struct fault *fault);
int vfio_set_bus_master(struct kernel_device *device, bool on, struct fault *fault);
int vfio_config_read(struct kernel_device *device, uint32_t offset, uint32_t width, uint32_t *value,
                     struct fault *fault);
int vfio_config_write(struct kernel_device *device, uint32_t offset, uint32_t width, uint32_t value,
                      struct fault *fault);

/* vfio_region.c. Takes these BARs, which hold memory, out of everybody's reach until the
 * device is closed; decoding must be on. */
int vfio_take_registers(struct kernel_device *device, uint32_t bars, struct fault *fault);

/* vfio_irq.c */
uint32_t vfio_irq_count(struct kernel_device *device, enum hwb_irq_type type);
int vfio_irq_enable(struct kernel_device *device, enum hwb_irq_type type, const int *trigger_fds,
                    uint32_t count, int unmask_fd, struct fault *fault);
int vfio_irq_disable(struct kernel_device *device, enum hwb_irq_type type, struct fault *fault);
/* The kernel's own wish for the device: VFIO_PCI_REQ_IRQ_INDEX. And what its port reports
 * (VFIO_PCI_ERR_IRQ_INDEX), of devices that have one. */
int vfio_irq_on_wanted(struct kernel_device *device, int wanted_fd, struct fault *fault);
int vfio_irq_on_failed(struct kernel_device *device, int failed_fd, struct fault *fault);
int vfio_irq_unmask(struct kernel_device *device, struct fault *fault);

#endif
