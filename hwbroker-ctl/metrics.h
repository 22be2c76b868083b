/* SPDX-License-Identifier: MIT */
/* What the broker counts, as OpenMetrics text: https://openmetrics.io */
#ifndef HWBROKER_CTL_METRICS_H
#define HWBROKER_CTL_METRICS_H

#include <hwbroker/protocol.h>
#include <stdio.h>

/* `problems`: what is missing, a line each, as it follows the status. Records of a kind
 * that is not known here are left out. */
void print_metrics(FILE *out, const struct hwb_status_reply *status, const char *problems,
                   const struct hwb_metric *records, size_t count);

/* The same for programs: an array of families with their samples. */
void json_metrics(FILE *out, const struct hwb_status_reply *status, const char *problems,
                  const struct hwb_metric *records, size_t count);

#endif
