/* SPDX-License-Identifier: MIT */
/*
 * Connects and says HELLO by different processes. `gone': a child connects, ends, and is waited
 * for; its parent speaks. `lend': the parent connects, the child speaks. Says the number of the
 * child, waits for a line, and says what the answer is.
 */
#include <hwbroker/protocol.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void demand(bool held, const char *what)
{
	if (held)
		return;
	perror(what);
	exit(2);
}

static void connect_to_broker(int fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	strcpy(address.sun_path, HWB_SOCKET_PATH);
	demand(connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0, "connect");
}

static void wait_for_a_line(pid_t number)
{
	char line[16];

	printf("%d\n", (int)number);
	fflush(stdout);
	demand(fgets(line, sizeof(line), stdin) != NULL, "stdin");
}

static int speak(int fd)
{
	struct {
		struct hwb_header header;
		struct hwb_hello_request hello;
	} request = {
		.header = { .version = HWB_PROTOCOL_VERSION,
		            .opcode = HWB_HELLO,
		            .length = sizeof(request),
		            .serial = 1,
		            .kind = HWB_REQUEST },
		.hello = { .version_min = HWB_PROTOCOL_VERSION,
		           .version_max = HWB_PROTOCOL_VERSION },
	};
	struct {
		struct hwb_header header;
		struct hwb_refusal refusal;
		char reason[1024];
	} reply = { 0 };

	demand(send(fd, &request, sizeof(request), MSG_NOSIGNAL) == sizeof(request), "send");
	demand(recv(fd, &reply, sizeof(reply) - 1, 0) >= (ssize_t)sizeof(reply.header), "recv");
	if (reply.header.status == HWB_OK)
		puts("admitted");
	else
		printf("refused: %s\n", reply.reason);
	return 0;
}

int main(int argc, char **argv)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	bool lend = argc == 2 && strcmp(argv[1], "lend") == 0;

	demand(fd >= 0 && argc == 2, "Usage: stray gone|lend");
	if (lend)
		connect_to_broker(fd);
	pid_t child = fork();
	if (child == 0 && lend) {
		wait_for_a_line(getpid());
		return speak(fd);
	}
	if (child == 0) {
		connect_to_broker(fd);
		_exit(0);
	}
	demand(waitpid(child, NULL, 0) == child, "waitpid");
	if (lend)
		return 0;
	wait_for_a_line(child);
	return speak(fd);
}
