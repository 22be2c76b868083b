/* SPDX-License-Identifier: MIT */
/* The descriptors of an open device, in the service manager's hands: keep.h has more. */
#ifndef HWBROKERD_SESSION_KEEP_DEVICE_H
#define HWBROKERD_SESSION_KEEP_DEVICE_H

#include "session/session.h"

/* Begins to keep what is not kept yet: a job on the strand of its group, where it may be closed. */
void keep_device(struct device_session *owner);
/* It is given back. */
void keep_device_forget(struct device_session *owner);

#endif
