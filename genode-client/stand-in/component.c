/* SPDX-License-Identifier: MIT */
/* Core's side of components. */
#define _GNU_SOURCE
#include "component.h"

#include "check.h"
#include "system.h"
#include "transport.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>

enum { ANSWER_SECONDS = 60 }; /* then it hangs */

static const char *program;

void component_program(const char *path)
{
	program = path;
}

/* In the new process, where only this thread is: no lock, no library. */
__attribute__((noreturn)) static void become(int socket)
{
	const char *const argv[] = { program, "component", NULL };
	const char *const environment[] = { NULL };

	/* Else it could go on with a device that has another owner by now. */
	system3(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0);
	if (socket == COMPONENT_SOCKET)
		system3(SYS_fcntl, socket, F_SETFD, 0);
	else
		system3(SYS_dup3, socket, COMPONENT_SOCKET, 0);
	system3(SYS_execve, at(program), at(argv), at(environment));
	system_exit(127);
}

bool component_start(struct component *component)
{
	const struct {
		long seconds, microseconds;
	} limit = { ANSWER_SECONDS, 0 };
	int pair[2] = { -1, -1 };

	component->process = -1;
	component->socket = -1;
	long result = system4(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, at(pair));
	if (result == 0) {
		system6(SYS_setsockopt, pair[0], SOL_SOCKET, SO_RCVTIMEO, at(&limit), sizeof(limit),
		        0);
		result = system3(SYS_fork, 0, 0, 0);
		if (result == 0)
			become(pair[1]);
		system_close(pair[1]);
		component->socket = pair[0];
		component->process = (int)result;
	}
	return check(result > 0, "a component starts", "errno %d", (int)-result);
}

bool component_do(const struct component *component, const struct order *order, const int *fds,
                  uint32_t fd_count, struct answer *answer)
{
	int none[HWB_FDS_MAX];
	uint32_t none_count;

	return packet_send(component->socket, order, sizeof(*order), fds, fd_count) == 0 &&
	       packet_receive(component->socket, answer, sizeof(*answer), none, &none_count, 0) ==
	               sizeof(*answer);
}

bool component_check(const struct component *component, const char *name, const struct order *order,
                     const int *fds, uint32_t fd_count)
{
	struct answer answer;

	if (!component_do(component, order, fds, fd_count, &answer))
		return check(false, name, "the component does not answer");
	answer.why[sizeof(answer.why) - 1] = '\0';
	return check(answer.good, name, "%s", answer.why);
}

int component_wait(const struct component *component)
{
	int status = -1;
	long result;

	do
		result = system4(SYS_wait4, component->process, at(&status), 0, 0);
	while (result == -EINTR);
	return result < 0 ? -1 : status;
}

int component_end(struct component *component)
{
	system_close(component->socket);
	component->socket = -1;
	return component_wait(component);
}
