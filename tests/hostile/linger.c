/* SPDX-License-Identifier: MIT */
#include "linger.h"

#include "hostile.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* So that it is soon full. */
static const int small = 4096;

int linger_listen(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	expect(setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)) == 0 &&
	               bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	               listen(listener, 1) == 0,
	       "no socket: %s", strerror(errno));
	return listener;
}

static _Noreturn void send_one(int listener, int fd)
{
	const struct linger linger = { .l_onoff = 1, .l_linger = 30 };
	struct sockaddr_in address;
	socklen_t size = sizeof(address);
	char junk[4096] = { 0 };
	struct packet packet;
	int near = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		fd = wire_open();
	if (fd < 0 || getsockname(listener, (struct sockaddr *)&address, &size) != 0 ||
	    setsockopt(near, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)) != 0 ||
	    connect(near, (struct sockaddr *)&address, size) != 0)
		_exit(EXIT_FAILURE);
	while (send(near, junk, sizeof(junk), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		;
	if (setsockopt(near, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) != 0)
		_exit(EXIT_FAILURE);
	fill(&packet, HWB_PING, 0, NULL, 0);
	header_of(&packet)->fds = 1;
	wire_send(fd, packet.bytes, packet.length, &near, 1);
	_exit(EXIT_SUCCESS);
}

int linger_send(int listener, int fd)
{
	int status;
	pid_t child = fork();

	if (child == 0)
		send_one(listener, fd);
	int far = accept(listener, NULL, NULL);
	expect(far >= 0 && waitpid(child, &status, 0) == child && status == 0, "it is not sent: %s",
	       strerror(errno));
	return far;
}
