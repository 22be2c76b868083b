/* SPDX-License-Identifier: MIT */
/* The one privilege of hwbroker-ports: CAP_SYS_RAWIO, used for ioperm() and thrown away. */
#ifndef HWBROKER_PORTS_PRIVILEGE_H
#define HWBROKER_PORTS_PRIVILEGE_H

#include <stdbool.h>

/* Whether this process may use it; if not, stderr says why not, and what to do. */
bool privilege_is_there(void);

/* For the calls in between; it is permitted, but not in effect, else. */
bool privilege_raise(void);

/* Gives up every capability for good, and no_new_privs with it: neither this process nor
 * what it executes gets any back. */
bool privilege_drop(void);

#endif
