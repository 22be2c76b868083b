/* SPDX-License-Identifier: MIT */
/*
 * What is done to a device through the kernel, as steps for jobs. Everything
 * here may block and is called on the strand of the device's group only; it
 * touches device->unit and facts that never change, nothing else.
 */
#ifndef HWBROKERD_DEVICE_OPERATE_H
#define HWBROKERD_DEVICE_OPERATE_H

#include "device/device.h"
#include "kernel/kernel.h"

/* The functions of a group: the wanted one first, then those that go along. */
enum { OPERATE_GROUP_MAX = 64 };

struct operate_target {
	struct device *device;
	bool may_take;     /* policy: `take` */
	bool may_force;    /* policy: `force` */
	bool former;       /* for who had it last, and may still have its registers */
	bool restore;      /* policy: `restore` */
	const char *reset; /* policy: `reset`, of the wanted one */
	const char *client;
	uint32_t uid;
	bool fresh; /* set by operate_claim: it was not ours before */
};

struct operate_targets {
	struct operate_target items[OPERATE_GROUP_MAX];
	uint32_t count;
	bool opens; /* the first is opened next, by which the kernel tells whether it can be */
};

/* Whether the function may be taken from the host as it is now: by the policy, and by what the
 * host does with it. Touches facts alone, and so may be called on any worker. */
int operate_may_take(const struct operate_target *target, struct fault *fault);

/* Binds the wanted function, and the others that have a driver, to our driver and
 * checks that the group, if there is one, can be opened, unless that is seen next. On failure
 * nothing has changed. */
int operate_claim(const struct kernel_backend *kernel, struct operate_targets *targets,
                  struct fault *fault);

/* Undoes a claim: hands back what was fresh in it. */
void operate_unclaim(struct operate_targets *targets);

/* Opens the device in `domain`, or with NULL wherever it is open already, else
 * where another function of its group is, else in a private, empty domain: the
 * functions of a group share one, and who is not assigned to it does no DMA for
 * lack of bus mastering. A device that is open elsewhere is closed first, which
 * resets it; HWB_WRONG_STATE, and nothing has changed, if a neighbour keeps the
 * group elsewhere. */
int operate_open(const struct kernel_backend *kernel, struct device *device,
                 struct kernel_domain *domain, struct fault *fault);

/* Brings the device to rest and closes it; fine if it is not open. A device that
 * once failed to is unfit: this fails from then on, as opening and restoring do. */
int operate_close(const struct kernel_backend *kernel, struct device *device, struct fault *fault);

/* One access to a BAR of the open device, as by the backend. From any thread; never at the
 * same time as the device is closed. HWB_GONE: it is. */
int operate_bar_read(const struct kernel_backend *kernel, struct device *device, uint32_t bar,
                     uint64_t offset, uint32_t width, uint64_t *value, struct fault *fault);
int operate_bar_write(const struct kernel_backend *kernel, struct device *device, uint32_t bar,
                      uint64_t offset, uint32_t width, uint64_t value, struct fault *fault);

/* Whether these reach KERNEL_VGA of it. */
int operate_vga(const struct kernel_backend *kernel, struct device *device, struct fault *fault);

/* VFIO's descriptor of the open device, for a client. From then on the device is at rest only
 * when nobody has it any more. */
int operate_lend(const struct kernel_backend *kernel, struct device *device, int *fd,
                 struct fault *fault);

/* The same at the end of a grant. As long as anybody has registers of the device it stays
 * open, so that they reach nothing; then OPERATE_HELD is returned, and it is to be called
 * again. `let_go`: the host wants the device, so it is closed all the same. OPERATE_SHORT, with
 * `fault`: there was no free descriptor for it, and it is to be called again as well; nothing
 * was left out that makes the device fit for another. */
enum { OPERATE_HELD = 1, OPERATE_SHORT = 2 };
int operate_retire(const struct kernel_backend *kernel, struct device *device, bool let_go,
                   struct fault *fault);

/* Whether it cannot be given back now: it is open, did not come to rest, or somebody has its
 * registers. One that left the bus is in nobody's way. */
bool operate_stays(const struct device *device);

/* It is not waited for any longer that operate_retire() has a descriptor: the device is unfit. */
void operate_give_up(struct device *device);

/* Watches no longer who has its registers: it is for the same client again, or the host's. */
void operate_unwatch(struct device *device);

/* Takes up a device that the daemon before this one had taken from `origin`. One that it
 * was still about to take, or to give back, is the host's again; else it is ours, and open,
 * so that it can be retired. */
int operate_adopt(const struct kernel_backend *kernel, struct device *device,
                  const struct bind_origin *origin, bool need_not_reset, struct fault *fault);

/* Goes on with a device that the daemon before this one had granted: it is ours, and open in
 * `domain`, where it was; NULL: it was not open. `master`: it may go on to reach memory.
 * Nothing happens to it. On failure it is as it was, but if it was open it is at rest, and
 * closed. unit.origin is set. */
int operate_resume(const struct kernel_backend *kernel, struct device *device,
                   struct kernel_domain *domain, bool master, struct fault *fault);
/* One that was with vfio-pci for the sake of a neighbour. */
void operate_resume_along(struct device *device, const struct bind_origin *origin);

/* operate_adopt() with a device that is ours, and free. */
int operate_take_up(const struct kernel_backend *kernel, struct device *device,
                    struct fault *fault);

/* Takes up a device that is unfit, so that it can be retired once more, with a reset if it
 * can be. */
int operate_clear(const struct kernel_backend *kernel, struct device *device, struct fault *fault);

/* Gives the closed device back to the driver that it had. */
int operate_restore(struct device *device, struct fault *fault);

#endif
