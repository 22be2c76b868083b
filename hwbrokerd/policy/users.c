/* SPDX-License-Identifier: MIT */
#include "policy/users.h"

#include "util/cleanup.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>

/* An entry (a group lists its members) may be large; no database of sane size
 * needs more than this. */
enum { ENTRY_FIRST = 1024, ENTRY_MAX = 4 * 1024 * 1024 };

/* ERANGE: the entry needs a larger buffer. */
static int try_user(const char *name, size_t size, uint32_t *id)
{
	_cleanup_free_ char *buffer = malloc(size);
	struct passwd entry, *found = NULL;

	if (buffer == NULL)
		return ENOMEM;
	int error = getpwnam_r(name, &entry, buffer, size, &found);
	if (found == NULL)
		return error == 0 ? ENOENT : error;
	*id = entry.pw_uid;
	return 0;
}

static int system_user(void *context, const char *name, uint32_t *id)
{
	int error = ERANGE;
	(void)context;

	for (size_t size = ENTRY_FIRST; error == ERANGE && size <= ENTRY_MAX; size *= 4)
		error = try_user(name, size, id);
	return error;
}

/* ERANGE: the entry needs a larger buffer. */
static int try_group(const char *name, size_t size, uint32_t *id)
{
	_cleanup_free_ char *buffer = malloc(size);
	struct group entry, *found = NULL;

	if (buffer == NULL)
		return ENOMEM;
	int error = getgrnam_r(name, &entry, buffer, size, &found);
	if (found == NULL)
		return error == 0 ? ENOENT : error;
	*id = entry.gr_gid;
	return 0;
}

static int system_group(void *context, const char *name, uint32_t *id)
{
	int error = ERANGE;
	(void)context;

	for (size_t size = ENTRY_FIRST; error == ERANGE && size <= ENTRY_MAX; size *= 4)
		error = try_group(name, size, id);
	return error;
}

const struct policy_users policy_system_users = { .user = system_user, .group = system_group };
