/* SPDX-License-Identifier: MIT */
/*
 * What one client can cost the daemon when it takes all that the policy allows, and asks
 * for more: connections, sessions, descriptors, and replies that it never reads. Runs as
 * root in the virtual PC.
 */
#include "client.h"
#include "rest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOG "/tmp/bounds.log"

enum {
	DRIVER = 1000,
	MANY = 4000,
	/* policy/bounds.conf */
	CONNECTIONS = 4,
	SESSIONS = 8,
	REQUESTS = 4,
	VECTORS = 16,
	MAPPINGS = 12,
	/* One too many is told so, and as many again; beyond, they are closed. */
	CONNECTIONS_SEEN = 2 * CONNECTIONS,
	DISK_FDS = 8,
	/* The malloc of a client's first use. */
	SLACK_KIB = 256
};

static const struct host_rule rules[] = { { "00:03.0", NULL }, { "00:06.0", "nvme" } };
static struct overseer overseer;
static struct overseer_view idle;
static int failures;

/* ---- clients: each takes one thing without end, and waits until it is killed ---- */

static void open_connection(struct hwb_posix *posix)
{
	struct hwb_error error;
	int result = hwb_posix_open(posix, NULL, NULL, NULL, &error);

	if (result == 0)
		return;
	hwb_posix_print_error("connect", result, &error);
	exit(EXIT_FAILURE);
}

static void connect_often(void)
{
	static struct hwb_posix posix[100];

	for (unsigned i = 0; i < 100; i++)
		hwb_posix_open(&posix[i], NULL, NULL, NULL, NULL);
}

static void open_domains(void)
{
	const struct hwb_dma_alloc_request page = { .size = 4096, .flags = HWB_DMA_DEVICE_READS };
	struct hwb_posix posix[CONNECTIONS];
	struct hwb_dma_reply reply;
	uint32_t domain;
	int fd;

	for (unsigned i = 0; i < CONNECTIONS; i++) {
		open_connection(&posix[i]);
		for (unsigned j = 0; j < 100; j++)
			if (hwb_domain_open(&posix[i].client, &domain, NULL) == 0 &&
			    hwb_dma_alloc(&posix[i].client, domain, &page, &reply, &fd, NULL) == 0)
				close(fd);
	}
}

/* Sends until the socket takes no more, and reads nothing. */
static void ask(struct hwb_client *client, uint16_t opcode, uint32_t session, const void *body,
                size_t length)
{
	static struct hwb_call calls[MANY];

	memset(calls, 0, sizeof(calls));
	for (unsigned i = 0; i < MANY; i++)
		if (hwb_begin(client, &calls[i], opcode, session, body, length, -1) != 0)
			return;
}

static void ask_for_descriptors(void)
{
	const struct hwb_irq_fds all = { .count = VECTORS };
	struct hwb_acquire_request request = {
		.address = { .device = 6 },
		.irq_type = HWB_IRQ_MSIX,
		.irq_count = VECTORS,
	};
	struct hwb_acquire_reply reply;
	struct hwb_posix posix;
	uint32_t handle, count;
	int fds[HWB_FDS_MAX];

	open_connection(&posix);
	if (hwb_domain_open(&posix.client, &request.domain, NULL) != 0 ||
	    hwb_device_acquire(&posix.client, &request, &handle, &reply, fds, &count, NULL) != 0)
		exit(EXIT_FAILURE);
	ask(&posix.client, HWB_IRQ_FDS, reply.interrupt.session, &all, sizeof(all));
}

static void ask_for_lists(void)
{
	const struct hwb_list_request request = { 0 };
	struct hwb_posix posix;

	open_connection(&posix);
	ask(&posix.client, HWB_DEVICE_LIST, 0, &request, sizeof(request));
}

/* ---- what they cost ---- */

/* The most of each that was seen until the client's end. False: it could not take any. */
static bool watch(void (*take)(void), struct overseer_view *most)
{
	const struct timespec step = { 0, 20000000 };
	struct overseer_view view;
	int status = 0;

	unlink(LOG);
	memset(most, 0, sizeof(*most));
	pid_t client = client_fork(DRIVER, LOG);
	if (client == 0) {
		take();
		sleep(1);
		exit(EXIT_SUCCESS);
	}
	while (waitpid(client, &status, WNOHANG) == 0) {
		if (!overseer_look(&overseer, &view))
			return false;
#define KEEP(what) most->what = view.what > most->what ? view.what : most->what
		KEEP(connections);
		KEEP(sessions);
		KEEP(mappings);
		KEEP(fds);
		KEEP(resident_kib);
		nanosleep(&step, NULL);
	}
	client_show(LOG);
	return status == 0;
}

static void result(bool good, const char *text, const char *why)
{
	printf("%s %s\n    %s\n", good ? "ok" : "not ok", text, why);
	fflush(stdout);
	failures += !good;
}

/* `found` is from `least`, or nothing would be shown, to `bound`. */
static void within(const char *text, long found, long least, long bound)
{
	char numbers[64];

	snprintf(numbers, sizeof(numbers), "%ld of at most %ld", found, bound);
	result(found >= least && found <= bound, text, numbers);
}

static void rest_again(void)
{
	const struct rest rest = { &overseer, rules, sizeof(rules) / sizeof(rules[0]), idle.fds };
	char problem[256];

	if (!rest_comes(&rest, problem, sizeof(problem)))
		result(false, "nothing is left", problem);
}

static void costs(void (*take)(void), struct overseer_view *most)
{
	if (!watch(take, most))
		result(false, "a client takes what it may", "it could not");
	rest_again();
}

int main(void)
{
	struct overseer_view most;

	if (!overseer_connect(&overseer, 0) || !overseer_look(&overseer, &idle)) {
		result(false, "the daemon is there", "");
		return EXIT_FAILURE;
	}
	costs(connect_often, &most);
	within("connections of one client", most.connections, CONNECTIONS, CONNECTIONS_SEEN);
	costs(open_domains, &most);
	within("sessions of one client", most.sessions, CONNECTIONS * SESSIONS,
	       CONNECTIONS * SESSIONS);
	within("mappings of one client", most.mappings, MAPPINGS, MAPPINGS);
	within("descriptors of one client", most.fds - idle.fds, CONNECTIONS + MAPPINGS,
	       CONNECTIONS * (1 + SESSIONS) + MAPPINGS);
	costs(ask_for_descriptors, &most);
	/* Beside those that wait: of its socket, its interrupt, and the disk in the kernel. */
	within("descriptors that one client does not take", most.fds - idle.fds, 2 * VECTORS,
	       REQUESTS * VECTORS + 1 + VECTORS + DISK_FDS);

	long before = most.resident_kib;
	costs(ask_for_lists, &most);
	within("KiB of answers that one client does not read", most.resident_kib - before,
	       -SLACK_KIB, REQUESTS * (long)HWB_MESSAGE_MAX / 1024 + SLACK_KIB);
	return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
