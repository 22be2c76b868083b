/* SPDX-License-Identifier: MIT */
/* What happens, a line each: for people, or as JSON. */
#ifndef HWBROKER_CTL_MONITOR_H
#define HWBROKER_CTL_MONITOR_H

#include <hwbroker/protocol.h>
#include <stdio.h>

/* In local time. With a line before it if events were lost. */
void print_happening(FILE *out, const struct hwb_happening_event *event);
void json_happening(FILE *out, const struct hwb_happening_event *event);

#endif
