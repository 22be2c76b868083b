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

/* ---- names of devices ---- */

static const char ids_text[] = "# comment\n"
                               "\n"
                               "8086  Intel Corporation\n"
                               "\t10d3  82574L Gigabit Network Connection\n"
                               "\t\t103c 1785  NC112i 1-port Ethernet Server Adapter\n"
                               "\t\t8086 a01f  Gigabit CT Desktop Adapter\n"
                               "\t1533  I210 Gigabit Network Connection\n"
                               "\t\t8086 0001  Ethernet Server Adapter I210-T1\n"
                               "\t\t8086 0002  Ethernet Server Adapter I210-T1\n"
                               "\t\t17aa 1074  ThinkServer I210\n"
                               "\t1539  I211 Gigabit Network Connection\n"
                               "\t153a  I211: with a colon\n"
                               "\t\t17aa 1074  ThinkServer I210\n"
                               "\t10d4  Same\n"
                               "\t10d5  Same\n"
                               "17aa  Lenovo\n"
                               "1b36  Red Hat, Inc.\n"
                               "\t0010  QEMU NVM Express Controller\n"
                               "9004  Twice\n"
                               "\t0001  Only here\n"
                               "9005  Twice\n"
                               "zzzz  No number\n"
                               "\t0001  Of nobody\n"
                               "face\n"
                               "C 01  Mass storage controller\n"
                               "\t08  Non-Volatile memory controller\n"
                               "\t\t02  NVM Express\n"
                               "C 02  Network controller\n"
                               "\t00  Ethernet controller\n"
                               "\t80  Network controller\n";

static char ids_path[] = "/tmp/test_pci_ids.XXXXXX";

void test_make_ids(void)
{
	strcpy(ids_path + strlen(ids_path) - 6, "XXXXXX");
	int fd = mkstemp(ids_path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, ids_text, sizeof(ids_text) - 1), sizeof(ids_text) - 1);
	close(fd);
}

void test_remove_ids(void)
{
	unlink(ids_path);
}

const struct policy_users test_users = { .user = test_user,
	                                 .group = test_group,
	                                 .pci_ids = ids_path };

static int any(void *context, const char *name, uint32_t *id)
{
	(void)context;
	(void)name;
	*id = 4711;
	return 0;
}

const struct policy_users test_any_users = { .user = any, .group = any, .pci_ids = ids_path };

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

	test_make_ids();
	int result = policy_load_with(path, &test_users, &policy, &report);
	test_remove_ids();
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

	test_make_ids();
	int result = policy_load_with(path, &test_users, &policy, &report);
	test_remove_ids();
	unlink(path);
	ck_assert_msg(result != 0, "loaded: %s", text);
	ck_assert_ptr_eq(policy, untouched);
	ck_assert_ptr_nonnull(report);
	char *shortened = shorten(report, path);
	free(report);
	free(path);
	return shortened;
}
