/* SPDX-License-Identifier: MIT */
/* The reference of the smallest request: two processes, 24 bytes there and back. */
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { SIZE = 24 };

/* Echoes for one client after the other. */
static int serve(int listener, const struct sockaddr_un *address)
{
	char packet[SIZE];

	unlink(address->sun_path);
	if (bind(listener, (const struct sockaddr *)address, sizeof(*address)) != 0 ||
	    listen(listener, 1) != 0) {
		perror(address->sun_path);
		return EXIT_FAILURE;
	}
	for (;;) {
		int client = accept(listener, NULL, NULL);
		while (recv(client, packet, SIZE, 0) == SIZE &&
		       send(client, packet, SIZE, 0) == SIZE)
			;
		close(client);
	}
}

static int ask(int server, const struct sockaddr_un *address, unsigned rounds)
{
	char packet[SIZE] = { 0 };
	uint64_t start = 0;

	if (connect(server, (const struct sockaddr *)address, sizeof(*address)) != 0) {
		perror(address->sun_path);
		return EXIT_FAILURE;
	}
	for (unsigned i = 0; i < rounds + rounds / 10; i++) {
		if (i == rounds / 10)
			start = measure_now();
		if (send(server, packet, SIZE, 0) != SIZE || recv(server, packet, SIZE, 0) != SIZE)
			return EXIT_FAILURE;
	}
	measure_print(start, measure_now(), rounds);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (argc != 3 || strlen(argv[2]) >= sizeof(address.sun_path)) {
		fputs("Usage: bench-echo serve|COUNT SOCKET\n", stderr);
		return EXIT_FAILURE;
	}
	strcpy(address.sun_path, argv[2]);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	if (strcmp(argv[1], "serve") == 0)
		return serve(fd, &address);
	return ask(fd, &address, (unsigned)atoi(argv[1]));
}
