/* SPDX-License-Identifier: MIT */
/*
 * Connects COUNT times, says nothing, and holds on for SECONDS: for tests of a
 * daemon that runs out of descriptors. Prints how many connections were hung up
 * on by then.
 */
#include <hwbroker/protocol.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { MOST = 1000 };

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct pollfd sockets[MOST];
	int count = argc == 3 ? atoi(argv[1]) : 0, ended = 0;

	if (count <= 0 || count > MOST) {
		fputs("Usage: hold COUNT SECONDS\n", stderr);
		return EXIT_FAILURE;
	}
	strcpy(address.sun_path, HWB_SOCKET_PATH);
	for (int i = 0; i < count; i++) {
		int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
		if (fd < 0 ||
		    connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
			perror("connect");
			return EXIT_FAILURE;
		}
		sockets[i] = (struct pollfd){ .fd = fd, .events = POLLIN };
	}
	sleep((unsigned)atoi(argv[2]));
	poll(sockets, (nfds_t)count, 0);
	for (int i = 0; i < count; i++)
		ended += (sockets[i].revents & (POLLHUP | POLLIN)) != 0;
	printf("%d of %d were hung up on\n", ended, count);
	return EXIT_SUCCESS;
}
