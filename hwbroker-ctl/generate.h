/* SPDX-License-Identifier: MIT */
/* A policy to start from, made of what the broker and the kernel say of devices. */
#ifndef HWBROKER_CTL_GENERATE_H
#define HWBROKER_CTL_GENERATE_H

#include <hwbroker/protocol.h>
#include <stdbool.h>
#include <stdio.h>

struct generate_device {
	const struct hwb_admin_device *record;
	const char *resets; /* sysfs's reset_method; NULL: the kernel has none */
	bool asked;         /* on the command line; else it is of the group of one that is */
};

struct generate {
	const char *client;
	const char *user;
	const struct generate_device *devices; /* those of one group side by side */
	size_t count;
};

/* Whether the policy takes it as the name of a section. */
bool generate_is_name(const char *name);

void generate_policy(FILE *out, const struct generate *what);

#endif
