/* SPDX-License-Identifier: MIT */
/*
 * Nanoseconds from fork to READY=1 of a program that notifies as sd_notify(3)
 * says; with --cpu only those that it had a processor for, which other work on the machine
 * disturbs less. With --empty it is itself such a program: an event loop and nothing else.
 */
#include "measure.h"

#include <ev.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int empty(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct ev_loop *loop = ev_default_loop(0);
	ev_timer forever;
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	strncpy(address.sun_path, getenv("NOTIFY_SOCKET"), sizeof(address.sun_path) - 1);
	ev_init(&forever, NULL);
	sendto(fd, "READY=1", 7, 0, (const struct sockaddr *)&address, sizeof(address));
	pause();
	ev_loop_destroy(loop);
	return EXIT_SUCCESS;
}

/* It may say other things before. */
static int await_ready(int fd)
{
	const struct timeval patience = { .tv_sec = 20 };
	char message[1024];
	ssize_t length;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	while ((length = recv(fd, message, sizeof(message) - 1, 0)) > 0) {
		message[length] = '\0';
		if (strncmp(message, "READY=1", 7) == 0 || strstr(message, "\nREADY=1") != NULL)
			return 1;
	}
	return 0;
}

/* That a process has had a processor for, by its first thread. */
static uint64_t cpu_of(pid_t child)
{
	char path[48];
	unsigned long long spent = 0;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)child);
	FILE *file = fopen(path, "r");
	if (file == NULL || fscanf(file, "%llu", &spent) != 1)
		perror(path);
	if (file != NULL)
		fclose(file);
	return spent;
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char path[] = "/tmp/bench-start-XXXXXX";

	if (argc == 2 && strcmp(argv[1], "--empty") == 0)
		return empty();
	int cpu = argc > 2 && strcmp(argv[1], "--cpu") == 0;
	argv += cpu;
	if (argc < 2 || mkdtemp(path) == NULL) {
		fputs("Usage: bench-start [--cpu] PROGRAM [ARGUMENT...]\n", stderr);
		return EXIT_FAILURE;
	}
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", path);
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
		return EXIT_FAILURE;
	setenv("NOTIFY_SOCKET", address.sun_path, 1);
	uint64_t start = measure_now();
	pid_t child = fork();
	if (child == 0) {
		execv(argv[1], argv + 1);
		_exit(127);
	}
	int ready = await_ready(fd);
	uint64_t end = measure_now();
	if (ready)
		measure_print(cpu ? 0 : start, cpu ? cpu_of(child) : end, 1);
	kill(child, SIGTERM);
	waitpid(child, NULL, 0);
	unlink(address.sun_path);
	rmdir(path);
	return ready ? EXIT_SUCCESS : EXIT_FAILURE;
}
