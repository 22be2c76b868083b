/* SPDX-License-Identifier: MIT */
/* Core's one connection to the broker, which all of its threads use. */
#ifndef STAND_IN_BROKER_H
#define STAND_IN_BROKER_H

#include <hwbroker/client.h>
#include <stdbool.h>

/* To be called once. Says on standard output why it fails. `path` NULL: the default. */
bool broker_connect(const char *path);

struct hwb_client *broker(void);
int broker_socket(void);

/* How often the policy was replaced, as a futex. */
const uint32_t *broker_policies(void);

#endif
