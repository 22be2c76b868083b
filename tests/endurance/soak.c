/* SPDX-License-Identifier: MIT */
/*
 * A hundred clients of five users that connect, open, use and drop as it comes, some of
 * them by SIGKILL. In the end the daemon must have what it had in the beginning. Runs as
 * root in the virtual PC.
 */
#include "client.h"
#include "example.h"
#include "life.h"
#include "rest.h"
#include "session.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOG "/tmp/soak.log"

enum {
	CLIENTS = 100,
	USERS = 5,
	FIRST_USER = 2000, /* policy/soak.conf */
	DRIVER = 1000,
	ROWS = 10,
	LAST_SECONDS = 60,
	/* A dozen threads' stacks and malloc's arenas, which stay. */
	GROWTH_KIB = 2048
};

static const struct host_rule rules[] = {
	{ "00:03.0", NULL }, { "00:04.0", NULL }, { "00:05.0", "e1000e" }, { "00:06.0", "nvme" },
	{ "00:07.0", NULL }, { "00:08.0", NULL }, { "01:01.0", NULL },     { "01:02.0", NULL },
};

enum { RULES = sizeof(rules) / sizeof(rules[0]) };

static struct overseer overseer;
static struct life_counts *counts;
static pid_t clients[CLIENTS];
static int results;

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void result(bool good, const char *text, const char *why)
{
	printf("%s %s\n", good ? "ok" : "not ok", text);
	if (!good && why[0] != '\0')
		printf("    %s\n", why);
	results += !good;
}

/* ---- clients ---- */

static _Noreturn void be_client(unsigned number, unsigned round, double end)
{
	uint64_t random = (number + 1) * UINT64_C(0x9e3779b97f4a7c15) + round;

	while (now() < end)
		life_live(&random, counts);
	exit(EXIT_SUCCESS);
}

static void start_client(unsigned number, double end)
{
	static unsigned round;

	clients[number] = client_fork(FIRST_USER + number % USERS, LOG);
	round++;
	if (clients[number] == 0)
		be_client(number, round, end);
}

/* Who has killed itself is followed by another. */
static void replace_dead(double end)
{
	int status;
	pid_t dead;

	while ((dead = waitpid(-1, &status, WNOHANG)) > 0)
		for (unsigned i = 0; i < CLIENTS; i++) {
			if (clients[i] != dead)
				continue;
			clients[i] = 0;
			if (now() < end)
				start_client(i, end);
		}
}

static unsigned count_clients(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < CLIENTS; i++)
		count += clients[i] > 0;
	return count;
}

/* ---- the table ---- */

static void print_row(double seconds)
{
	struct overseer_view view;

	if (!overseer_look(&overseer, &view))
		return;
	printf("%6.0f %8u %8u %7u %8" PRIu64 " %5d %7ld %8ld %8u %9u %8u %8u\n", seconds,
	       view.connections, view.sessions, view.granted, view.dma_bytes / 1024, view.fds,
	       view.threads, view.resident_kib, counts->lives, counts->requests, counts->devices,
	       counts->refusals);
	fflush(stdout);
}

static void soak(double seconds)
{
	double start = now(), end = start + seconds, row = start + seconds / ROWS;
	const struct timespec step = { 0, 100000000 };

	printf("%6s %8s %8s %7s %8s %5s %7s %8s %8s %9s %8s %8s\n", "TIME", "CLIENTS", "SESSIONS",
	       "DEVICES", "DMA KiB", "FDS", "THREADS", "RSS KiB", "LIVES", "REQUESTS", "GRANTED",
	       "REFUSED");
	print_row(0);
	for (unsigned i = 0; i < CLIENTS; i++)
		start_client(i, end);
	while (now() < end) {
		replace_dead(end);
		if (now() >= row) {
			print_row(row - start);
			row += seconds / ROWS;
		}
		nanosleep(&step, NULL);
	}
	/* What was begun comes to its end. */
	while (count_clients() != 0 && now() < end + LAST_SECONDS) {
		replace_dead(end);
		nanosleep(&step, NULL);
	}
}

static unsigned end_clients(void)
{
	unsigned left = count_clients();

	for (unsigned i = 0; i < CLIENTS; i++)
		if (clients[i] > 0) {
			printf("    pid %d does not end\n", (int)clients[i]);
			kill(clients[i], SIGKILL);
			waitpid(clients[i], NULL, 0);
		}
	return left;
}

/* ---- afterwards ---- */

static int take_each_device(void)
{
	struct example example;
	struct hwb_list list = { 0 };
	struct hwb_device found;
	struct example_device device;
	const struct hwb_acquire_request request = { .flags = HWB_ACQUIRE_ALL_BARS };
	size_t count = 0;

	example_start(&example, "each device");
	for (; hwb_device_list(example.client, &list, &found, 1, &example.error) == 1; count++) {
		example_acquire(&example, &found.address, &request, &device);
		example_demand(&example, hwb_close(example.client, device.handle, &example.error),
		               "close");
	}
	if (count != RULES)
		example_die(&example, "%zu devices are listed", count);
	return example_end(&example);
}

/* A client that does this, and its exit status. */
static bool works(int (*what)(void))
{
	unlink(LOG);
	pid_t client = client_fork(DRIVER, LOG);

	if (client == 0)
		exit(what());
	bool good = client_end(client) == 0;
	if (!good)
		client_show(LOG);
	return good;
}

int main(int argc, char **argv)
{
	int seconds = argc == 2 ? atoi(argv[1]) : 0;
	struct overseer_view before, after = { 0 };
	char problem[256] = "", growth[64];

	counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
	              0);
	if (seconds <= 0 || counts == MAP_FAILED || !overseer_connect(&overseer, 0) ||
	    !overseer_look(&overseer, &before)) {
		fputs("Usage: endurance-soak SECONDS, with the daemon running\n", stderr);
		return EXIT_FAILURE;
	}
	const struct rest rest = {
		.overseer = &overseer,
		.rules = rules,
		.rule_count = RULES,
		.fds = before.fds,
	};
	soak(seconds);
	result(end_clients() == 0, "each client is answered", "");
	result(rest_comes(&rest, problem, sizeof(problem)), "nothing is left", problem);
	print_row(seconds);
	overseer_look(&overseer, &after);
	snprintf(growth, sizeof(growth), "%ld KiB before, %ld KiB after", before.resident_kib,
	         after.resident_kib);
	result(after.resident_kib <= before.resident_kib + GROWTH_KIB,
	       "its memory has grown by less than 2 MiB", growth);
	snprintf(problem, sizeof(problem), "%u failures", counts->failures);
	result(counts->failures == 0 && counts->devices != 0, "no client had cause to complain",
	       problem);
	if (counts->failures != 0)
		client_show(LOG);
	result(works(take_each_device) && rest_comes(&rest, problem, sizeof(problem)) &&
	               works(session_run),
	       "each device is granted and given back, a whole session works", problem);
	return results == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
