/* SPDX-License-Identifier: MIT */
#include "test_policy_load.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct account {
	const char *name;
	uint32_t id;
};

static int find(const struct account *accounts, const char *name, uint32_t *id)
{
	if (strcmp(name, "broken") == 0)
		return EIO;
	for (; accounts->name != NULL; accounts++) {
		if (strcmp(accounts->name, name) == 0) {
			*id = accounts->id;
			return 0;
		}
	}
	return ENOENT;
}

static int test_user(void *context, const char *name, uint32_t *id)
{
	static const struct account users[] = {
		{ "alice", 1000 }, { "bob", 1001 }, { "genode", 990 }, { NULL, 0 }
	};
	(void)context;
	return find(users, name, id);
}

static int test_group(void *context, const char *name, uint32_t *id)
{
	static const struct account groups[] = { { "drivers", 2000 },
		                                 { "hwbroker", 2001 },
		                                 { NULL, 0 } };
	(void)context;
	return find(groups, name, id);
}

const struct policy_users test_users = { .user = test_user, .group = test_group };

static int any(void *context, const char *name, uint32_t *id)
{
	(void)context;
	(void)name;
	*id = 4711;
	return 0;
}

const struct policy_users test_any_users = { .user = any, .group = any };

char *test_file(const char *text, size_t size, unsigned int mode)
{
	char *path = strdup("/tmp/test_policy.XXXXXX");
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, size), (ssize_t)size);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
	return path;
}

struct policy *test_policy(const char *text)
{
	struct policy *policy = NULL;
	char *report = NULL;
	char *path = test_file(text, strlen(text), 0644);
	int result = policy_load_with(path, &test_users, &policy, &report);

	unlink(path);
	free(path);
	ck_assert_msg(result == 0, "%s", report);
	ck_assert_ptr_null(report);
	return policy;
}

static char *shorten(const char *text, const char *path)
{
	char *to = malloc(strlen(text) + 1), *at = to;
	size_t length = strlen(path);

	while (*text != '\0') {
		if (strncmp(text, path, length) == 0) {
			*at++ = 'F';
			text += length;
		} else {
			*at++ = *text++;
		}
	}
	*at = '\0';
	return to;
}

char *test_report(const char *text, size_t size)
{
	struct policy *const untouched = (struct policy *)&test_users;
	struct policy *policy = untouched;
	char *report = NULL;
	char *path = test_file(text, size, 0644);
	int result = policy_load_with(path, &test_users, &policy, &report);

	unlink(path);
	ck_assert_msg(result == -1, "loaded: %s", text);
	ck_assert_ptr_eq(policy, untouched);
	ck_assert_ptr_nonnull(report);
	char *shortened = shorten(report, path);
	free(report);
	free(path);
	return shortened;
}
