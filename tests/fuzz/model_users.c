/* SPDX-License-Identifier: MIT */
/* The host's groups: there are none, and nobody is asked, who would take his time. */
#include <grp.h>
#include <stddef.h>

int __wrap_getgrnam_r(const char *name, struct group *group, char *buffer, size_t size,
                      struct group **result);

int __wrap_getgrnam_r(const char *name, struct group *group, char *buffer, size_t size,
                      struct group **result)
{
	(void)name;
	(void)group;
	(void)buffer;
	(void)size;
	*result = NULL;
	return 0;
}
