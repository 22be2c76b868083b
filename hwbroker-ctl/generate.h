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

/* Of no device: so many of each kind. */
enum { GENERATE_MOST = 16 };

struct generate_ports {
	uint16_t first, last;
};

struct generate_memory {
	uint64_t first, last;
};

struct generate {
	const char *client;
	const char *user;
	const struct generate_device *devices; /* those of one group side by side */
	size_t count;
	struct generate_ports ports[GENERATE_MOST];
	struct generate_memory memory[GENERATE_MOST];
	uint32_t lines[GENERATE_MOST];
	uint32_t ports_count, memory_count, line_count;
};

/* Whether the policy takes it as the name of a section. */
bool generate_is_name(const char *name);

/* generate_legacy.c: what --ports, --memory and --interrupt say. -1: stderr says what is wrong
 * with it. */
struct context;
int generate_read_legacy(struct generate *what, const struct context *context);
/* The sections for it. */
void generate_put_legacy(FILE *out, const struct generate *what);

void generate_policy(FILE *out, const struct generate *what);

#endif
