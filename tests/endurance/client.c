/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* setresuid */
#include "client.h"

#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void become(uid_t user)
{
	if (setgroups(0, NULL) != 0 || setresgid(user, user, user) != 0 ||
	    setresuid(user, user, user) != 0) {
		perror("cannot become the client");
		_exit(EXIT_FAILURE);
	}
}

pid_t client_fork(uid_t user, const char *log)
{
	fflush(stdout);
	pid_t child = fork();
	if (child != 0)
		return child;
	int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	become(user);
	return 0;
}

int client_end(pid_t client)
{
	int status = -1;

	waitpid(client, &status, 0);
	return status;
}

void client_show(const char *log)
{
	char line[256];
	FILE *file = fopen(log, "re");

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		printf("    %s", line);
	if (file != NULL)
		fclose(file);
}
