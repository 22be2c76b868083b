/* SPDX-License-Identifier: MIT */
/*
 * The devices that a daemon before this one had taken, and did not give back since it was
 * killed. Each is brought to rest before it is for anybody: bus mastering off, reset; if
 * somebody still has registers of it, it is held (release/release.h). Then it goes back to its host
 * driver, or is free, as its rule said.
 */
#ifndef HWBROKERD_SESSION_ADOPT_H
#define HWBROKERD_SESSION_ADOPT_H

#include "server/broker.h"

/* Once the list of devices is there; what takes long happens behind. */
void adopt_start(struct broker *broker);

#endif
