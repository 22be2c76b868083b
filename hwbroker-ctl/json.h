/* SPDX-License-Identifier: MIT */
/*
 * Records as JSON for programs: an array (or, for the status, an object), one
 * name per fact, as hwbroker-ctl(1) lists them. Names never change their
 * meaning; new ones may come.
 */
#ifndef HWBROKER_CTL_JSON_H
#define HWBROKER_CTL_JSON_H

#include <hwbroker/protocol.h>
#include <stdio.h>

void json_devices(FILE *out, const struct hwb_admin_device *records, size_t count);
void json_clients(FILE *out, const struct hwb_admin_client *records, size_t count);
void json_sessions(FILE *out, const struct hwb_admin_session *records, size_t count);
void json_outcome(FILE *out, const struct hwb_pci_address *address,
                  const struct hwb_outcome_reply *outcome);
void json_groups(FILE *out, const struct hwb_admin_member *members, size_t count);
void json_explain(FILE *out, const struct hwb_finding *findings, size_t count);
void json_audit(FILE *out, const struct hwb_finding *findings, size_t count);
struct changes; /* changes.h */
void json_changes(FILE *out, const struct changes *changes);
struct device_view; /* print.h */
void json_show(FILE *out, const struct device_view *view);
void json_reload(FILE *out, const struct hwb_finding *findings, size_t count);
void json_status(FILE *out, const struct hwb_status_reply *status, const char *text);

#endif
