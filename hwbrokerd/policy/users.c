/* SPDX-License-Identifier: MIT */
#include "policy/users.h"

#include "util/cleanup.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>

/* An entry (a group lists its members) may be large; no database of sane size
 * needs more than this. */
enum { ENTRY_FIRST = 1024, ENTRY_MAX = 4 * 1024 * 1024 };

static int system_user(void *context, const char *name, uint32_t *id)
{
	(void)context;
	for (size_t size = ENTRY_FIRST; size <= ENTRY_MAX; size *= 4) {
		_cleanup_free_ char *buffer = malloc(size);
		struct passwd entry, *found = NULL;
		if (buffer == NULL)
			return ENOMEM;
		int error = getpwnam_r(name, &entry, buffer, size, &found);
		if (error == ERANGE)
			continue;
		if (found == NULL)
			return error == 0 ? ENOENT : error;
		*id = entry.pw_uid;
		return 0;
	}
	return ERANGE;
}

static int system_group(void *context, const char *name, uint32_t *id)
{
	(void)context;
	for (size_t size = ENTRY_FIRST; size <= ENTRY_MAX; size *= 4) {
		_cleanup_free_ char *buffer = malloc(size);
		struct group entry, *found = NULL;
		if (buffer == NULL)
			return ENOMEM;
		int error = getgrnam_r(name, &entry, buffer, size, &found);
		if (error == ERANGE)
			continue;
		if (found == NULL)
			return error == 0 ? ENOENT : error;
		*id = entry.gr_gid;
		return 0;
	}
	return ERANGE;
}

const struct policy_users policy_system_users = { .user = system_user, .group = system_group };
