/* SPDX-License-Identifier: MIT */
/* How long each of many smallest requests takes: of the broker, or of bench-echo. */
#include "measure.h"

#include <hwbroker/posix.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { SIZE = 24, WARM_UP = 50 };

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void must(int held, const char *what)
{
	if (held)
		return;
	perror(what);
	exit(EXIT_FAILURE);
}

static void ask_broker(void *context)
{
	must(hwb_ping(context, NULL) == 0, "ping");
}

static void ask_echo(void *context)
{
	const int *server = context;
	char packet[SIZE] = { 0 };

	must(send(*server, packet, SIZE, 0) == SIZE && recv(*server, packet, SIZE, 0) == SIZE,
	     "echo");
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	must(strlen(path) < sizeof(address.sun_path), path);
	strcpy(address.sun_path, path);
	must(connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0, path);
	return fd;
}

static void measure(void (*ask)(void *), void *context, uint64_t *times, unsigned count)
{
	for (unsigned i = 0; i < WARM_UP; i++)
		ask(context);
	for (unsigned i = 0; i < count; i++) {
		uint64_t start = measure_now();
		ask(context);
		times[i] = measure_now() - start;
	}
	qsort(times, count, sizeof(*times), compare);
	printf("%llu %llu\n", (unsigned long long)times[count / 2],
	       (unsigned long long)times[count - 1 - count / 100]);
}

int main(int argc, char **argv)
{
	unsigned count = argc >= 2 ? (unsigned)atoi(argv[1]) : 0;
	uint64_t *times = calloc(count, sizeof(*times));
	struct hwb_posix posix;
	struct hwb_error error;

	if (argc > 3 || count == 0 || times == NULL) {
		fputs("Usage: bench-latency COUNT [SOCKET of bench-echo]\n"
		      "Prints the median and the 99th percentile in nanoseconds.\n",
		      stderr);
		return EXIT_FAILURE;
	}
	if (argc == 3) {
		int server = connect_to(argv[2]);
		measure(ask_echo, &server, times, count);
		return EXIT_SUCCESS;
	}
	int result = hwb_posix_open(&posix, NULL, NULL, NULL, &error);
	if (result != 0) {
		hwb_posix_print_error("connect", result, &error);
		return EXIT_FAILURE;
	}
	measure(ask_broker, &posix.client, times, count);
	return EXIT_SUCCESS;
}
