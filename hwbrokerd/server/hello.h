/* SPDX-License-Identifier: MIT */
#ifndef HWBROKERD_SERVER_HELLO_H
#define HWBROKERD_SERVER_HELLO_H

#include "server/request.h"

/* The handshake: version, features, limits, or a refusal that ends it. */
void hello_serve(struct request *request);

#endif
