/* SPDX-License-Identifier: MIT */
/* /etc/hwbroker/init.conf, which hwb-init(8) describes: what to start, and as whom. */
#ifndef HWB_INIT_CONFIG_H
#define HWB_INIT_CONFIG_H

#include "policy/report.h"

#include <stddef.h>
#include <sys/types.h>

enum { CONFIG_TEXT = 200, CONFIG_NAME = 32, CONFIG_MODULES = 64, CONFIG_SESSIONS = 8 };

/* What follows when something has come to its end. */
enum end_action { END_HOLD, END_RESTART, END_REBOOT, END_POWEROFF };

struct config_module {
	char path[CONFIG_TEXT];
	char parameters[CONFIG_TEXT];
	uint32_t line;
};

struct config_session {
	char name[CONFIG_NAME];
	uint32_t line;
	char command[CONFIG_TEXT]; /* words, with a blank between two */
	char directory[CONFIG_TEXT];
	uid_t user;
	gid_t group;
	uint64_t memlock; /* bytes */
	uint64_t files;
	uint64_t processes;
	uint64_t stop_seconds; /* from SIGTERM to SIGKILL */
	enum end_action at_end;
};

struct config {
	/* [init] */
	enum end_action on_error;
	struct config_module modules[CONFIG_MODULES];
	uint32_t module_count;
	/* [broker] */
	char broker[CONFIG_TEXT];
	uint32_t broker_line;
	uint64_t ready_seconds;
	uint64_t broker_stop_seconds;
	bool broker_needed;
	/* [session NAME] */
	struct config_session sessions[CONFIG_SESSIONS];
	uint32_t session_count;
};

/* Fills `config` as far as the text can be understood, and with defaults where it
 * cannot. Mistakes go to `report`. */
void config_read_text(struct config *config, const char *text, size_t size, struct report *report);

/* The same for a file, which must be root's alone. */
void config_read_file(struct config *config, const char *path, struct report *report);

const char *end_action_name(enum end_action action);

#endif
