/* SPDX-License-Identifier: MIT */
/* The machine as a whole: file systems, kernel modules, the end. */
#ifndef HWB_INIT_SYSTEM_H
#define HWB_INIT_SYSTEM_H

#include "config.h"

/* Mounts what the kernel has to offer; says what cannot be mounted, and goes on. */
void system_mount(void);

/* Loads the modules in their order. How many could not be; each is said with its line of
 * `file`. */
unsigned system_load_modules(const struct config *config, const char *file);

/* Ends the machine: END_POWEROFF or END_REBOOT. Returns if the kernel refuses. */
void system_end(enum end_action action);

#endif
