/* SPDX-License-Identifier: MIT */
/* What the parts of suite `platform' share, each of which adds its cases to it. */
#ifndef HWBROKER_TESTS_GUEST_PLATFORM_PARTS_H
#define HWBROKER_TESTS_GUEST_PLATFORM_PARTS_H

#include "guest.h"

/* No registers, no interrupt, no domain. */
extern const struct hwb_acquire_request nothing;

int acquire(const char *address, uint32_t flags);

void add_getting(Suite *suite);
void add_config_space(Suite *suite);
void add_ending(Suite *suite);

#endif
