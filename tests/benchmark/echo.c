/* SPDX-License-Identifier: MIT */
/*
 * The reference of the smallest request: two processes, 24 bytes there and back.
 *
 *     bench-echo serve SOCKET                 for one client after the other
 *     bench-echo serve-many SOCKET            for many at a time, by epoll
 *     bench-echo COUNT SOCKET [CONNECTIONS]   nanoseconds of each of so many, by one of these
 *                                             connections, of which the others are silent
 */
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
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

static void add(int set, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
}

static int serve_many(int listener, const struct sockaddr_un *address)
{
	struct epoll_event event;
	char packet[SIZE];
	int set = epoll_create1(0);

	unlink(address->sun_path);
	if (bind(listener, (const struct sockaddr *)address, sizeof(*address)) != 0 ||
	    listen(listener, 128) != 0) {
		perror(address->sun_path);
		return EXIT_FAILURE;
	}
	add(set, listener);
	while (epoll_wait(set, &event, 1, -1) == 1)
		if (event.data.fd == listener)
			add(set, accept(listener, NULL, NULL));
		else if (recv(event.data.fd, packet, SIZE, 0) != SIZE ||
		         send(event.data.fd, packet, SIZE, 0) != SIZE)
			close(event.data.fd);
	return EXIT_FAILURE;
}

/* One in the middle of so many. */
static int connect_all(const struct sockaddr_un *address, unsigned connections)
{
	int chosen = -1;

	for (unsigned i = 0; i < connections; i++) {
		int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
		if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0)
			return -1;
		if (i == connections / 2)
			chosen = fd;
	}
	return chosen;
}

static int ask(const struct sockaddr_un *address, unsigned rounds, unsigned connections)
{
	char packet[SIZE] = { 0 };
	uint64_t start = 0;
	int server = connect_all(address, connections);

	if (server < 0) {
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

	if (argc < 3 || argc > 4 || strlen(argv[2]) >= sizeof(address.sun_path)) {
		fputs("Usage: bench-echo serve|serve-many|COUNT SOCKET [CONNECTIONS]\n", stderr);
		return EXIT_FAILURE;
	}
	strcpy(address.sun_path, argv[2]);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	if (strcmp(argv[1], "serve") == 0)
		return serve(fd, &address);
	if (strcmp(argv[1], "serve-many") == 0)
		return serve_many(fd, &address);
	close(fd);
	return ask(&address, (unsigned)atoi(argv[1]), argc == 4 ? (unsigned)atoi(argv[3]) : 1);
}
