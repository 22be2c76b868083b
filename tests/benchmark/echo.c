/* SPDX-License-Identifier: MIT */
/* The reference of the smallest request: two processes, 24 bytes there and back. */
#define _GNU_SOURCE /* sched_setaffinity */
#include "measure.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

enum { SIZE = 24 };

static void serve(int socket)
{
	char packet[SIZE];
	cpu_set_t other;

	/* As the broker is placed by run.sh. */
	CPU_ZERO(&other);
	CPU_SET(1, &other);
	sched_setaffinity(0, sizeof(other), &other);
	for (;;)
		if (recv(socket, packet, SIZE, 0) != SIZE || send(socket, packet, SIZE, 0) != SIZE)
			_exit(0);
}

int main(int argc, char **argv)
{
	unsigned rounds = argc == 2 ? (unsigned)atoi(argv[1]) : 1000;
	char packet[SIZE] = { 0 };
	int pair[2];
	uint64_t start = 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) != 0)
		return EXIT_FAILURE;
	pid_t child = fork();
	if (child == 0) {
		close(pair[0]);
		serve(pair[1]);
	}
	close(pair[1]);
	for (unsigned i = 0; i < rounds + rounds / 10; i++) {
		if (i == rounds / 10)
			start = measure_now();
		if (send(pair[0], packet, SIZE, 0) != SIZE ||
		    recv(pair[0], packet, SIZE, 0) != SIZE)
			return EXIT_FAILURE;
	}
	measure_print(start, measure_now(), rounds);
	kill(child, SIGKILL);
	return EXIT_SUCCESS;
}
