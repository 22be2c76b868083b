/* SPDX-License-Identifier: MIT */
/* What every command of the tool gets and answers. */
#ifndef HWBROKER_CTL_COMMAND_H
#define HWBROKER_CTL_COMMAND_H

#include <stdbool.h>
#include <stdio.h>

/* Documented in hwbroker-ctl(1). */
enum exit_status {
	EXIT_OK = 0,
	EXIT_REFUSED = 1,
	EXIT_WRONG_USAGE = 2,
	EXIT_NO_BROKER = 3,
	EXIT_MAY_NOT = 4
};

struct context {
	FILE *out;
	const char *socket; /* NULL: the default */
	bool json;
	unsigned width;          /* of the terminal, 0: none */
	const char *as;          /* --as: name of a client; NULL: the caller's own */
	const char *framebuffer; /* --framebuffer, as it was written; NULL: none */
	bool now;                /* --now */
	bool svg;                /* --svg */
	bool once;               /* --once */
	const char *client;      /* --client, --user; NULL: not given */
	const char *user;
	const char *ports; /* --ports, --memory, --interrupt, as they were written */
	const char *memory;
	const char *interrupt;
	char *const *words; /* those behind the command's own; as many as it takes */
	unsigned word_count;
};

/* The device that the first word names; false: it is no address, and stderr has said so. */
struct hwb_pci_address;
bool read_device(const struct context *context, struct hwb_pci_address *address);

/* Each returns an enum exit_status and has said on stderr what went wrong. */
int list_devices(const struct context *context);
int list_clients(const struct context *context);
int list_sessions(const struct context *context);
int list_groups(const struct context *context);
int show_device(const struct context *context);
int explain_rules(const struct context *context);
int audit_devices(const struct context *context);
int check_policies(const struct context *context);
int diff_policy(const struct context *context);
int reload_rules(const struct context *context);
int show_status(const struct context *context);
int genode_devices(const struct context *context);
int genode_platform_info(const struct context *context);
int revoke_device(const struct context *context);
int clear_device(const struct context *context);
int run_program(const struct context *context);
int show_graph(const struct context *context);
int release_device(const struct context *context);
int show_metrics(const struct context *context);
int show_generated(const struct context *context);
int show_monitor(const struct context *context);
int show_top(const struct context *context);

#endif
