/* SPDX-License-Identifier: MIT */
/* Who is at the other end, when that is not who connected. */
#define _GNU_SOURCE /* struct ucred */
#include "hostile.h"

#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* The rule of the board says `holders = end', after a second. */
enum { GRACE_MS = 1000 };

/* A connection of a process of `driver' that has ended and been waited for. */
static int orphan(pid_t *dead)
{
	struct packet packet;
	int ends[2];

	expect(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0, "socketpair");
	*dead = fork();
	if (*dead == 0) {
		become(driver_uid());
		int fd = client();
		wire_send(ends[1], "x", 1, &fd, 1);
		_exit(0);
	}
	expect(waitpid(*dead, NULL, 0) == *dead, "waitpid");
	struct iovec part = { .iov_base = packet.bytes, .iov_len = 1 };
	_Alignas(8) unsigned char control[CMSG_SPACE(sizeof(int))];
	struct msghdr message = { .msg_iov = &part,
		                  .msg_iovlen = 1,
		                  .msg_control = control,
		                  .msg_controllen = sizeof(control) };
	expect(recvmsg(ends[0], &message, 0) == 1 && message.msg_controllen != 0, "no connection");
	int fd;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	close_fds(ends, 2);
	return fd;
}

/* There is nobody to be ended, and so nobody is; all else is as ever. */
static void dead_peer(void)
{
	struct taken board;
	pid_t dead;
	int fd = orphan(&dead);

	expect(ping(fd) == HWB_OK, "a connection goes with who made it");
	take(fd, BOARD, 0, &board);
	close(fd);
	pause_ms(2 * GRACE_MS);
	expect(device_state(BOARD) == HWB_DEVICE_REVOKING, "it is not waited for");
	let_go(&board);
	wait_state(BOARD, HWB_DEVICE_FREE);
	expect_service();
}

/* A process of the same user that is not to be ended, with the number of one that was. */
static pid_t successor(pid_t number)
{
	for (unsigned i = 0; i < 100; i++) {
		shell("echo %d > /proc/sys/kernel/ns_last_pid", (int)number - 1);
		pid_t child = fork();
		if (child == 0) {
			become(driver_uid());
			for (;;)
				pause();
		}
		if (child == number)
			return child;
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	return -1;
}

static void another_with_its_number(void)
{
	struct taken board;
	pid_t dead;
	int fd = orphan(&dead);
	pid_t innocent = successor(dead);

	expect(innocent == dead, "no process has got the number %d again", (int)dead);
	take(fd, BOARD, 0, &board);
	expect(request(fd, HWB_CLOSE, board.handle, NULL, 0) == HWB_OK, "CLOSE");
	pause_ms(3 * GRACE_MS);
	expect(waitpid(innocent, NULL, WNOHANG) == 0, "an innocent process was ended");
	expect(device_state(BOARD) == HWB_DEVICE_REVOKING, "it is not waited for");
	let_go(&board);
	wait_state(BOARD, HWB_DEVICE_FREE);
	kill(innocent, SIGKILL);
	waitpid(innocent, NULL, 0);
}

static const char *name_by_hello(int fd)
{
	static char name[HWB_NAME_SIZE];
	const struct hwb_hello_request hello = { .version_min = 1, .version_max = 1 };
	struct packet packet;

	fill(&packet, HWB_HELLO, 0, &hello, sizeof(hello));
	if (wire_exchange(fd, &packet) != HWB_OK)
		return "";
	memcpy(name, ((const struct hwb_hello_reply *)body_of(&packet))->client, sizeof(name));
	return name;
}

static int opened_by(uid_t user)
{
	expect(seteuid(user) == 0, "not root");
	int fd = wire_open();
	expect(seteuid(0) == 0, "no way back");
	return fd;
}

/* Who connected counts, not who speaks; and not who a message says it is. */
static void passed_on(void)
{
	struct taken edu;
	int as_driver = opened_by(driver_uid());
	int as_nobody = opened_by(getpwnam("nobody")->pw_uid);

	expect(seteuid(other_uid()) == 0, "not root");
	const char *name = name_by_hello(as_driver);
	expect(strcmp(name, "alpha") == 0, "it is `%s'", name);
	take(as_driver, EDU, 0, &edu);
	give_back(as_driver, &edu);
	expect(seteuid(0) == 0 && seteuid(driver_uid()) == 0, "no way");
	expect(name_by_hello(as_nobody)[0] == '\0', "nobody has become `driver'");
	expect_end(as_nobody);
	expect(seteuid(0) == 0, "no way back");

	/* Root may claim to be anybody. */
	_Alignas(8) unsigned char control[CMSG_SPACE(sizeof(struct ucred))] = { 0 };
	const struct ucred forged = { .pid = 1, .uid = driver_uid(), .gid = driver_uid() };
	const struct hwb_hello_request hello = { .version_min = 1, .version_max = 1 };
	struct cmsghdr *part = (struct cmsghdr *)control;
	struct packet packet;
	int stranger = opened_by(getpwnam("nobody")->pw_uid);
	part->cmsg_level = SOL_SOCKET;
	part->cmsg_type = SCM_CREDENTIALS;
	part->cmsg_len = CMSG_LEN(sizeof(forged));
	memcpy(CMSG_DATA(part), &forged, sizeof(forged));
	fill(&packet, HWB_HELLO, 0, &hello, sizeof(hello));
	struct iovec bytes = { .iov_base = packet.bytes, .iov_len = packet.length };
	struct msghdr message = { .msg_iov = &bytes,
		                  .msg_iovlen = 1,
		                  .msg_control = control,
		                  .msg_controllen = sizeof(control) };
	expect(sendmsg(stranger, &message, MSG_NOSIGNAL) > 0, "sendmsg: %s", strerror(errno));
	expect(wire_reply(stranger, &packet) && header_of(&packet)->status == HWB_NOT_ADMITTED,
	       "status %u", header_of(&packet)->status);
}

const struct hostile_case credential_cases[] = {
	{ 11, "a peer that is dead before it is looked at", dead_peer, AS_ROOT, 0 },
	{ 12, "a process with the number of a dead peer is not taken for it",
	  another_with_its_number, AS_ROOT, 0 },
	{ 13, "who connected counts, whoever uses the socket", passed_on, AS_ROOT, 0 },
	{ 0 },
};
