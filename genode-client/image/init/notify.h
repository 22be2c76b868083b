/* SPDX-License-Identifier: MIT */
/* Where hwbrokerd says that it is ready, as to systemd: sd_notify(3). */
#ifndef HWB_INIT_NOTIFY_H
#define HWB_INIT_NOTIFY_H

#include <stdbool.h>
#include <sys/types.h>

#define NOTIFY_DIRECTORY "/run/hwb-init"
#define NOTIFY_PATH NOTIFY_DIRECTORY "/notify"

/* A socket that only root can reach, and that never blocks; -1 with errno. */
int notify_open(void);

/* Takes one message. `*ready`: this process says that it is ready. False: no message is
 * left. */
bool notify_take(int fd, pid_t process, bool *ready);

#endif
