/* SPDX-License-Identifier: MIT */
/* IO_MEM_OPEN_BAR of a device's option ROM: a copy, for reading. */
#ifndef HWBROKERD_SESSION_ROM_H
#define HWBROKERD_SESSION_ROM_H

#include "session/session.h"

/* Answers it, now or later. */
void rom_open(struct request *request, struct device_session *owner);

#endif
