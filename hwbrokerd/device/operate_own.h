/* SPDX-License-Identifier: MIT */
/* What claim.c and operate.c share. */
#ifndef HWBROKERD_DEVICE_OPERATE_OWN_H
#define HWBROKERD_DEVICE_OPERATE_OWN_H

#include "device/operate.h"

/* Says why a device that is unfit is of no use. */
int operate_refuse_unfit(const struct device *device, struct fault *fault);

/* Does a reset that is still to be done, if there is one. OPERATE_SHORT: as operate_retire(). */
int operate_reset_owed(struct device *device, struct fault *fault);

/* Watches from now on who has its registers open. */
int operate_look_for_registers(struct device *device, struct fault *fault);

/* Whether it was on our driver when we took it: somebody else's doing, then. */
bool operate_was_ours(const struct device *device);

#endif
