/* SPDX-License-Identifier: MIT */
/*
 * Many connections of one process, each with some sessions, and what that makes of others'
 * time:
 *
 *     bench-crowd CONNECTIONS SESSIONS ping COUNT    nanoseconds of the smallest request
 *     bench-crowd CONNECTIONS SESSIONS row COUNT     the same, eight of them sent in a row
 *     bench-crowd CONNECTIONS SESSIONS longest       the longest one that took, once SIGTERM comes
 *     bench-crowd CONNECTIONS SESSIONS open          nanoseconds to connect, to open a session,
 *                                                    and until all is closed again, each
 *     bench-crowd CONNECTIONS SESSIONS hold          waits for SIGTERM
 *
 * `longest' and `hold' print `ready' first. SESSIONS are DMA domains, which need no device; or
 * with a `p' behind the number one port each, from 0x4000 on, which needs no IOMMU either.
 */
#define _POSIX_C_SOURCE 200809L /* sigaction */
#include "measure.h"

#include <hwbroker/posix.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
	(void)number;
	ended = 1;
}

static void check(int result, const char *what, const struct hwb_error *error)
{
	if (result == 0)
		return;
	hwb_posix_print_error(what, result, error);
	exit(EXIT_FAILURE);
}

static void open_domains(struct hwb_client *client, unsigned sessions)
{
	struct hwb_error error;
	uint32_t session;

	for (unsigned i = 0; i < sessions; i++)
		check(hwb_domain_open(client, &session, &error), "domain", &error);
}

static void open_ports(struct hwb_client *client, unsigned sessions)
{
	static uint32_t next = 0x4000;
	struct hwb_error error;
	uint32_t session;

	for (unsigned i = 0; i < sessions; i++)
		check(hwb_io_port_open(client, next++, 1, &session, &error), "port", &error);
}

static void ping(struct hwb_client *client)
{
	struct hwb_error error;

	check(hwb_ping(client, &error), "ping", &error);
}

/* What a thousand connections give the journal and others on the broker's processor to do goes on
 * after the last of them. */
static void settle(void)
{
	const struct timespec pause = { .tv_sec = 2 };

	nanosleep(&pause, NULL);
}

static void measure_ping(struct hwb_client *client, unsigned count)
{
	settle();
	for (unsigned i = 0; i < count / 10; i++)
		ping(client);
	uint64_t start = measure_now();
	for (unsigned i = 0; i < count; i++)
		ping(client);
	measure_print(start, measure_now(), count);
}

static void ping_in_a_row(struct hwb_client *client)
{
	enum { ROW = 8 };
	struct hwb_call calls[ROW];

	for (unsigned i = 0; i < ROW; i++) {
		calls[i] = (struct hwb_call){ 0 };
		check(hwb_begin(client, &calls[i], HWB_PING, 0, NULL, 0, -1), "ping", NULL);
	}
	for (unsigned i = 0; i < ROW; i++)
		check(hwb_finish(client, &calls[i]), "ping", NULL);
}

static void measure_row(struct hwb_client *client, unsigned count)
{
	settle();
	uint64_t start = measure_now();

	for (unsigned i = 0; i < count; i += 8)
		ping_in_a_row(client);
	measure_print(start, measure_now(), count);
}

static void measure_longest(struct hwb_client *client)
{
	uint64_t longest = 0;

	while (!ended) {
		uint64_t start = measure_now();
		ping(client);
		uint64_t spent = measure_now() - start;
		longest = spent > longest ? spent : longest;
	}
	measure_print(0, longest, 1);
}

/* The broker is done with all of them once it answers one that comes after. */
static void close_all(struct hwb_posix *all, unsigned count)
{
	struct hwb_posix *last = &all[count - 1];

	for (unsigned i = 0; i < count - 1; i++)
		hwb_posix_close(&all[i]);
	ping(&last->client);
	hwb_posix_close(last);
}

int main(int argc, char **argv)
{
	const struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	unsigned connections = argc >= 4 ? (unsigned)atoi(argv[1]) : 0;
	struct hwb_posix *all = calloc(connections, sizeof(*all));
	struct rlimit limit;
	struct hwb_error error;

	if (connections == 0 || all == NULL) {
		fputs("Usage: bench-crowd CONNECTIONS SESSIONS ping COUNT|row COUNT|longest|open|hold\n",
		      stderr);
		return EXIT_FAILURE;
	}
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	sigaction(SIGTERM, &action, NULL);
	char *kind;
	unsigned sessions = (unsigned)strtoul(argv[2], &kind, 10);
	uint64_t start = measure_now();
	for (unsigned i = 0; i < connections; i++)
		check(hwb_posix_open(&all[i], NULL, NULL, NULL, &error), "connect", &error);
	uint64_t connected = measure_now();
	if (strcmp(argv[3], "open") == 0)
		settle();
	uint64_t settled = measure_now();
	for (unsigned i = 0; i < connections; i++)
		(*kind == 'p' ? open_ports : open_domains)(&all[i].client, sessions);
	uint64_t opened = measure_now();

	if (strcmp(argv[3], "row") == 0) {
		measure_row(&all[connections / 2].client,
		            argc == 5 ? (unsigned)atoi(argv[4]) : 1000);
		return EXIT_SUCCESS;
	}
	if (strcmp(argv[3], "ping") == 0) {
		measure_ping(&all[connections / 2].client,
		             argc == 5 ? (unsigned)atoi(argv[4]) : 1000);
		return EXIT_SUCCESS;
	}
	if (strcmp(argv[3], "open") == 0) {
		settle();
		uint64_t closing = measure_now();
		close_all(all, connections);
		uint64_t closed = measure_now();
		measure_print(start, connected, connections);
		measure_print(settled, opened, connections * (sessions > 0 ? sessions : 1));
		measure_print(closing, closed, connections);
		return EXIT_SUCCESS;
	}
	puts("ready");
	fflush(stdout);
	if (strcmp(argv[3], "longest") == 0)
		measure_longest(&all[0].client);
	else
		while (!ended)
			pause();
	return EXIT_SUCCESS;
}
