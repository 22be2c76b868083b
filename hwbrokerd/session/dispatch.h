/* SPDX-License-Identifier: MIT */
/* From a received packet to the function that serves it. */
#ifndef HWBROKERD_SESSION_DISPATCH_H
#define HWBROKERD_SESSION_DISPATCH_H

#include "server/broker.h"

/* For struct broker. */
extern const struct peer_handler dispatch_handler;

#endif
