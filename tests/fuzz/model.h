/* SPDX-License-Identifier: MIT */
/*
 * A host for the whole daemon within one process: PCI functions, the kernel's way to
 * reach them, and worker threads whose every step the fuzzer decides. A model of what the
 * daemon may rely on, not of any hardware: it says when the daemon asks for what no kernel
 * would understand, and lets each of its calls fail.
 */
#ifndef FUZZ_MODEL_H
#define FUZZ_MODEL_H

#include "kernel/kernel.h"

#include <ev.h>
#include <sys/socket.h>

enum { MODEL_DEVICES = 8 };

struct model_device {
	/* What does not change. */
	struct hwb_pci_address address;
	uint32_t group;
	uint16_t vendor;
	uint16_t device;
	uint32_t class_code;
	const char *host_driver; /* "": none */
	struct hwb_bar bars[HWB_BARS];
	uint16_t msi;
	uint16_t msix;
	uint8_t msix_bar;
	bool pcie;
	bool resets;
	/* What does. */
	bool present;
	uint64_t instance;
	char driver[HWB_NAME_SIZE];
	struct kernel_device *opened;
	int registers; /* a file in place of its BARs; -1: not made yet */
	uint8_t config[HWB_CONFIG_SIZE];
};

struct model {
	struct model_device devices[MODEL_DEVICES];
	uint64_t last_instance;
	uint32_t domains;  /* that exist */
	uint32_t fail_in;  /* the call, counted from now, that fails; 0: none */
	uint32_t failures; /* that there were */
	bool needed;       /* the host itself needs whatever is asked for */
	int messages;      /* of the bus: an eventfd */
	uint32_t ports;    /* that are permitted */
	uint32_t mapped;   /* ranges of physical memory */
	bool worker;       /* a job runs */
	uint32_t uid;      /* of who connects next, with one group */
	uint32_t gid;
};

extern struct model model;
/* The allocation, or descriptor made, and the call, of a whole input that fail; 0: none. */
extern uint32_t model_memory_fails_in;
extern uint32_t model_call_fails_in;
extern const struct kernel_backend model_kernel;

/* As after a boot. */
void model_start(void);
void model_end(void);
/* Plugs in or pulls out, and has the bus say so. */
void model_plug(struct model_device *device, bool in);
struct model_device *model_find(const struct hwb_pci_address *address);
/* Counts one call that can fail; whether it is to. Fills the fault. */
bool model_fails(struct fault *fault);

/* Memory, descriptors and sockets of the fuzzer's own, which do not fail. */
void *model_alloc(size_t size);
int model_memfd(unsigned flags);
int model_shared_memory(size_t size, unsigned seals);
int model_eventfd(void);
int model_dup(int fd);
ssize_t model_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t model_recvmsg(int fd, struct msghdr *message, int flags);

/* Of an opened device. */
bool model_masters(const struct model_device *device);
bool model_interrupts(const struct model_device *device);
/* Whether nobody reaches its registers who had them before. */
bool model_shut(const struct model_device *device);
/* The device that has now what this descriptor was handed out for; NULL: none has. */
struct model_device *model_behind(int fd);
/* The daemon before this one had it: it is with vfio-pci, as that one wrote down. `kept`: a
 * descriptor of its registers that a client of that one still has. */
void model_leave(struct model_device *device, const char *client, uint32_t uid, bool restore,
                 int *kept);
/* The kernel asks for it back, if it is open. */
void model_want(const struct model_device *device);
/* It says that the device has failed, if it is open. */
void model_break(const struct model_device *device);
/* Mappings of a domain. */
uint32_t model_mappings(const struct kernel_domain *domain);

/* ---- work: model_work.c ---- */

/* Strands that have a job. */
uint32_t model_strands(void);
/* Runs the next job of strand number `index`. */
void model_run(uint32_t index);
/* Jobs that have run, whose end the loop has not heard of. */
uint32_t model_finished(void);
void model_deliver(void);

#endif
