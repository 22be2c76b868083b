/* SPDX-License-Identifier: MIT */
/*
 * Which systemd unit and slices a process is in, from its control groups.
 *
 * A user may make control groups of any name below those that are delegated to him (those of
 * his own systemd are below user@UID.service), and a service below its own. So a unit is the
 * first that stands below slices from the root on: there, only the system's systemd makes
 * control groups, and only root moves processes into them.
 */
#ifndef HWBROKERD_POLICY_UNIT_H
#define HWBROKERD_POLICY_UNIT_H

#include <stdbool.h>

/* UNIT_NAME_MAX of systemd is 255. */
enum { UNIT_NAME = 256, UNIT_SLICES = 512 };

struct unit_place {
	char unit[UNIT_NAME];     /* "": in a slice, and in no unit */
	char slices[UNIT_SLICES]; /* from the outermost, each ended by `/': "a.slice/a-b.slice/" */
};

/* From what /proc/PID/cgroup says: systemd's own hierarchy where there is one (it has others
 * beside it then), else the unified one. False: no systemd has put the process anywhere. */
bool unit_of_cgroups(const char *text, struct unit_place *place);

/* Whether the pattern (patterns.h) is about the unit, or about one of the slices. `place` may
 * be NULL: not known. */
bool unit_matches(const struct unit_place *place, const char *pattern);
bool unit_slice_matches(const struct unit_place *place, const char *pattern);

#endif
