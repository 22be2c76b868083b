/* SPDX-License-Identifier: MIT */
/* IOMMU groups, made up from their members. */
#ifndef HWBROKER_CTL_GROUPS_H
#define HWBROKER_CTL_GROUPS_H

#include <hwbroker/protocol.h>
#include <stddef.h>

/* Whether a group can be given away as a whole. */
enum group_use {
	GROUP_FREE, /* nothing in it is in use by the host */
	GROUP_TAKE, /* if its devices are taken from their host drivers */
	GROUP_NEVER /* a bridge in it is in use, or there is no group */
};

/* `culprit` receives the member that says so, or NULL. */
enum group_use group_use(uint32_t group, const struct hwb_admin_member *members, size_t count,
                         const struct hwb_admin_member **culprit);

/* "yes", "take", "no". */
const char *group_use_name(enum group_use use);

/* Sorts by group, then by address; those without a group come last. */
void groups_sort(struct hwb_admin_member *members, size_t count);

/* The member's name in pci.ids. */
void member_name(const struct hwb_admin_member *member, char *text, size_t size);

#endif
