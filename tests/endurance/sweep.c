/* SPDX-License-Identifier: MIT */
/*
 * SIGKILL at each message of a session: to the client, before and after it has read the
 * reply, and to the daemon. Each time all must come back to rest, and the next client must
 * have its whole session. Runs as root in the virtual PC.
 */
#include "client.h"
#include "cut.h"
#include "rest.h"
#include "session.h"

#include <hwbroker/codec.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOG "/tmp/sweep.log"

enum { DRIVER = 1000, FAILURES_MAX = 3 };

static const struct host_rule rules[] = {
	{ "00:03.0", NULL },
	{ "00:04.0", NULL },
	{ "00:06.0", "nvme" },
	{ "00:07.0", NULL },
};

static struct overseer overseer;
static struct rest rest = {
	.overseer = &overseer,
	.rules = rules,
	.rule_count = sizeof(rules) / sizeof(rules[0]),
};
static unsigned failures;
static char problem[256];

/* ---- clients ---- */

/* Shared with the client. */
static struct cut_messages *messages;

static pid_t start_client(void)
{
	unlink(LOG); /* that of the one before */
	return client_fork(DRIVER, LOG);
}

static bool whole_session(void)
{
	pid_t client = start_client();

	if (client == 0) {
		cut_at(0, CUT_SENT, NULL);
		int status = session_run();
		*messages = *cut_messages();
		exit(status);
	}
	if (client_end(client) == 0)
		return true;
	snprintf(problem, sizeof(problem), "the next session fails");
	return false;
}

static void die(void)
{
	kill(getpid(), SIGKILL);
}

static bool kill_client(uint32_t number, enum cut_moment moment)
{
	pid_t client = start_client();

	if (client == 0) {
		cut_at(number, moment, die);
		exit(session_run());
	}
	int status = client_end(client);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return true;
	snprintf(problem, sizeof(problem), "the session does not come so far");
	return false;
}

/* ---- the daemon ---- */

/* The client writes to the first when it is there, and waits for the end of the second. */
static int there[2], dead[2];

static void wait_for_its_end(void)
{
	char byte = 0;

	close(dead[1]);
	if (write(there[1], &byte, 1) == 1 && read(dead[0], &byte, 1) == 0)
		return;
	_exit(EXIT_FAILURE);
}

static bool kill_daemon(uint32_t number)
{
	char byte;

	if (pipe(there) != 0 || pipe(dead) != 0) {
		snprintf(problem, sizeof(problem), "the daemon cannot be killed");
		return false;
	}
	pid_t client = start_client();
	if (client == 0) {
		close(there[0]);
		cut_at(number, CUT_SENT, wait_for_its_end);
		exit(session_run());
	}
	close(there[1]);
	bool came = read(there[0], &byte, 1) == 1;
	kill(overseer.daemon, SIGKILL);
	close(there[0]);
	close(dead[0]);
	close(dead[1]);
	client_end(client);
	overseer_disconnect(&overseer);
	if (!overseer_connect(&overseer, overseer.daemon)) {
		printf("not ok no daemon comes back\n");
		exit(EXIT_FAILURE);
	}
	if (!came)
		snprintf(problem, sizeof(problem), "the session does not come so far");
	return came;
}

/* ---- the sweep ---- */

static bool well(void)
{
	return rest_comes(&rest, problem, sizeof(problem)) && whole_session() &&
	       rest_comes(&rest, problem, sizeof(problem));
}

static void result(bool good, const char *who, uint32_t number)
{
	const char *name = hwb_opcode_name(messages->opcodes[number - 1]);

	printf("%s %s killed at message %u, %s\n", good ? "ok" : "not ok", who, number, name);
	fflush(stdout);
	if (good)
		return;
	printf("    %s\n", problem);
	client_show(LOG);
	if (++failures == FAILURES_MAX) {
		printf("    enough\n");
		exit(EXIT_FAILURE);
	}
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(void)
{
	struct overseer_view view;
	double start = now();

	messages = mmap(NULL, sizeof(*messages), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
	                -1, 0);
	if (messages == MAP_FAILED || !overseer_connect(&overseer, 0) ||
	    !overseer_look(&overseer, &view)) {
		printf("not ok the daemon is there\n");
		return EXIT_FAILURE;
	}
	rest.fds = view.fds;
	if (!well()) {
		printf("not ok a whole session\n    %s\n", problem);
		client_show(LOG);
		return EXIT_FAILURE;
	}
	uint32_t count = messages->count;
	printf("%u messages, %d descriptors of an idle daemon, %.1f s for a session\n", count,
	       rest.fds, now() - start);
	for (uint32_t n = 1; n <= count; n++)
		result(kill_client(n, CUT_SENT) && rest_comes(&rest, problem, sizeof(problem)) &&
		               kill_client(n, CUT_ANSWERED) && well(),
		       "client", n);
	printf("%.0f s\n", now() - start);
	for (uint32_t n = 1; n <= count; n++)
		result(kill_daemon(n) && well(), "daemon", n);
	printf("%.0f s\n", now() - start);
	return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
