/* SPDX-License-Identifier: MIT */
/*
 * Reads of one legacy port, by every way that there is, and nanoseconds of each:
 *
 *     bench-ports native COUNT     by instruction, as hwbroker-ctl run has given the port
 *     bench-ports ioperm COUNT     the same as root, who gives it to himself
 *     bench-ports batch COUNT      64 at a time, by the broker
 *     bench-ports node COUNT       by pread(2) on /dev/port, as root
 */
#include "measure.h"

#include <fcntl.h>
#include <hwbroker/posix.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <unistd.h>

enum { PORT = 0x61, BATCH = 64 };

static void must(int held, const char *what)
{
	if (held)
		return;
	perror(what);
	exit(EXIT_FAILURE);
}

static void by_instruction(unsigned count)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < count / 10; i++)
		sum += inb(PORT);
	uint64_t start = measure_now();
	for (unsigned i = 0; i < count; i++)
		sum += inb(PORT);
	measure_print(start, measure_now(), count);
	must(sum != 1, "read");
}

static void by_node(unsigned count)
{
	int fd = open("/dev/port", O_RDWR | O_CLOEXEC);
	unsigned char value;
	uint64_t start = 0;

	must(fd >= 0, "/dev/port");
	for (unsigned i = 0; i < count + count / 10; i++) {
		if (i == count / 10)
			start = measure_now();
		must(pread(fd, &value, 1, PORT) == 1, "/dev/port");
	}
	measure_print(start, measure_now(), count);
}

static void by_batch(unsigned count)
{
	static struct hwb_posix posix;
	struct hwb_port_op ops[BATCH];
	struct hwb_error error;
	uint32_t session;
	uint64_t start = 0;

	must(hwb_posix_open(&posix, NULL, NULL, NULL, &error) == 0, "connect");
	must(hwb_io_port_open(&posix.client, PORT, 1, &session, &error) == 0, error.reason);
	for (unsigned i = 0; i < count + count / 10; i += BATCH) {
		if (start == 0 && i >= count / 10)
			start = measure_now();
		for (unsigned j = 0; j < BATCH; j++)
			ops[j] = (struct hwb_port_op){ .port = PORT, .width = 1 };
		must(hwb_io_port_batch(&posix.client, session, ops, BATCH, &error) == 0,
		     error.reason);
	}
	measure_print(start, measure_now(), count);
	hwb_posix_close(&posix);
}

int main(int argc, char **argv)
{
	unsigned count = argc == 3 ? (unsigned)atoi(argv[2]) / BATCH * BATCH : 0;

	if (count == 0) {
		fputs("Usage: bench-ports native|ioperm|batch|node COUNT\n", stderr);
		return EXIT_FAILURE;
	}
	if (strcmp(argv[1], "batch") == 0) {
		by_batch(count);
	} else if (strcmp(argv[1], "node") == 0) {
		by_node(count);
	} else {
		must(strcmp(argv[1], "native") == 0 || ioperm(PORT, 1, 1) == 0, "ioperm");
		by_instruction(count);
	}
	return EXIT_SUCCESS;
}
