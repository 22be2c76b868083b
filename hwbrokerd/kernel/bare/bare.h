/* SPDX-License-Identifier: MIT */
/*
 * Inside the backend without VFIO and IOMMU: a device is with uio_pci_generic, its registers
 * are sysfs resource files, and its configuration space is the sysfs file `config`. Memory is
 * at its own address (memory/pinned.h). As long as /dev/uioX is open the device is in use; when its
 * last descriptor is closed, as when the daemon is killed, the kernel switches bus mastering
 * off (uio_pci_generic's release).
 */
#ifndef HWBROKERD_KERNEL_BARE_H
#define HWBROKERD_KERNEL_BARE_H

#include "kernel/memory/pinned.h"
#include "kernel/sysfs.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

struct kernel_domain {
	struct pinned_list memory;
	pthread_mutex_t lock;
	uint32_t devices;
	bool abandoned; /* by its owner: goes with the last device */
};

/* INTx: who waits for it, and the thread in between. */
struct bare_line {
	bool running;
	pthread_t thread;
	int trigger_fd;
	int unmask_fd;
	int wake_fd; /* ours alone */
	sigset_t interruption;
	atomic_bool stops;
	atomic_bool acknowledged;
	atomic_bool masked; /* since it came */
};

struct kernel_device {
	struct hwb_pci_address address;
	char name[SYSFS_ADDRESS];
	int folder; /* its own, in sysfs */
	int config;
	int uio;
	bool resets; /* the kernel has a way to */
	struct kernel_domain *domain;
	struct bare_line line;
};

/* config.c. Nothing is written to a device that has another driver, since that is the host's. The
 * first two touch the half of the command register that the kernel, when an
 * interrupt comes, does not; and the other, which has but one switch of use. */
int bare_set_command(struct kernel_device *device, uint8_t set, uint8_t clear, struct fault *fault);
int bare_set_intx(struct kernel_device *device, bool on, struct fault *fault);
int bare_set_bus_master(struct kernel_device *device, bool on, struct fault *fault);
int bare_config_read(struct kernel_device *device, uint32_t offset, uint32_t width, uint32_t *value,
                     struct fault *fault);
int bare_config_write(struct kernel_device *device, uint32_t offset, uint32_t width, uint32_t value,
                      struct fault *fault);

/* irq.c */
int bare_irq_enable(struct kernel_device *device, enum hwb_irq_type type, const int *trigger_fds,
                    uint32_t count, int unmask_fd, struct fault *fault);
int bare_irq_disable(struct kernel_device *device, enum hwb_irq_type type, struct fault *fault);
int bare_irq_unmask(struct kernel_device *device, struct fault *fault);

/* device.c */
int bare_open(const struct hwb_pci_address *address, uint32_t group, struct kernel_domain *domain,
              int wanted_fd, int failed_fd, struct kernel_device **device, struct fault *fault);
bool bare_resets(const struct kernel_device *device);
int bare_rest(struct kernel_device *device, bool shut, uint32_t bars, struct fault *fault);
int bare_take_registers(struct kernel_device *device, uint32_t bars, struct fault *fault);
void bare_close(struct kernel_device *device);

/* domain.c */
void bare_domain_enter(struct kernel_domain *domain);
void bare_domain_leave(struct kernel_domain *domain);

#endif
