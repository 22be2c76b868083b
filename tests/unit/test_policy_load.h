/* SPDX-License-Identifier: MIT */
/* Loads policies from strings, with users and groups that need not exist. */
#ifndef TEST_POLICY_LOAD_H
#define TEST_POLICY_LOAD_H

#include "policy/users.h"

/* Users alice 1000, bob 1001, genode 990; groups drivers 2000, hwbroker 2001;
 * `broken' is a name that the database fails on. */
extern const struct policy_users test_users;

/* Any name is a user and a group. */
extern const struct policy_users test_any_users;

/* Both have device names of a small file, which is there between these two. It has the names of
 * the worked examples; two vendors `Twice', and so on. */
void test_make_ids(void);
void test_remove_ids(void);

/* A policy that must load. */
struct policy *test_policy(const char *text);

/* What is reported about a policy that must not load, the file's name cut
 * down to "F". Freed by the caller. */
char *test_report(const char *text, size_t size);

/* A new file with this content and mode, to be unlinked and freed. */
char *test_file(const char *text, size_t size, unsigned int mode);

#endif
