/* SPDX-License-Identifier: MIT */
/* Processes that are the unprivileged client. Their output goes to one file, for people. */
#ifndef HWBROKER_ENDURANCE_CLIENT_H
#define HWBROKER_ENDURANCE_CLIENT_H

#include <sys/types.h>

/* Forks; 0 in the child, which has become that user. Its output is appended to `log`. */
pid_t client_fork(uid_t user, const char *log);
/* What waitpid() has of its end. */
int client_end(pid_t client);
/* What it has said, indented. */
void client_show(const char *log);

#endif
