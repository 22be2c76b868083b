/* SPDX-License-Identifier: MIT */
/* Records as tables for people, and as XML for Genode. `width`: of the terminal, 0: nothing is cut.
 */
#ifndef HWBROKER_CTL_PRINT_H
#define HWBROKER_CTL_PRINT_H

#include <hwbroker/protocol.h>
#include <stdbool.h>
#include <stdio.h>

void print_devices(FILE *out, unsigned width, const struct hwb_admin_device *records, size_t count);
void print_clients(FILE *out, unsigned width, const struct hwb_admin_client *records, size_t count);
void print_sessions(FILE *out, unsigned width, const struct hwb_admin_session *records,
                    size_t count);
/* Genode's ROM module `devices'. 0, or -1 for lack of memory. */
int print_genode_devices(FILE *out, const struct hwb_device *devices, uint32_t count);
/* And `platform_info', with a framebuffer as --framebuffer takes it, or NULL; -1: it
 * does not make sense, and nothing was printed. */
int print_genode_platform_info(FILE *out, const char *framebuffer);
/* `text`: the problems, a line each. */
void print_status(FILE *out, unsigned width, const struct hwb_status_reply *status,
                  const char *text);

void print_groups(FILE *out, unsigned width, const struct hwb_admin_member *members, size_t count);

/* All that is known of one device. */
struct device_view {
	const struct hwb_admin_device *record;
	const struct hwb_admin_member *members; /* of all groups */
	size_t member_count;
	const struct hwb_admin_rule *rules; /* of all devices */
	size_t rule_count;
};
void print_device(FILE *out, const struct device_view *view);

/* Whether a client would get it: false if one of them says no. */
bool print_explain(FILE *out, unsigned width, const struct hwb_finding *findings, size_t count);
/* Findings about devices, in the order of these. */
void print_audit(FILE *out, unsigned width, const struct hwb_finding *findings, size_t count);

/* Of another policy: changes.h. */
struct changes;
void print_changes(FILE *out, unsigned width, const struct changes *changes);

/* What was looked at, the first about all. */
void print_reload(FILE *out, const struct hwb_finding *findings, size_t count);

/* What became of a device. */
void print_outcome(FILE *out, const struct hwb_pci_address *address,
                   const struct hwb_outcome_reply *outcome);

#endif
