/* SPDX-License-Identifier: MIT */
/* The broker's side of each ratio, as an unprivileged client. */
#include "measure.h"

#include <fcntl.h>
#include <hwbroker/posix.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void check(int result, const char *what, const struct hwb_error *error)
{
	if (result == 0)
		return;
	hwb_posix_print_error(what, result, error);
	exit(EXIT_FAILURE);
}

static void ping(struct hwb_client *client, unsigned rounds)
{
	for (unsigned i = 0; i < rounds / 10; i++)
		check(hwb_ping(client, NULL), "ping", NULL);
	uint64_t start = measure_now();
	for (unsigned i = 0; i < rounds; i++)
		check(hwb_ping(client, NULL), "ping", NULL);
	measure_print(start, measure_now(), rounds);
}

/* The reference reads a blocking eventfd: so do we. */
static int blocking(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	return fd;
}

int main(int argc, char **argv)
{
	struct hwb_posix posix;
	struct hwb_error error;

	if (argc != 3) {
		fputs("Usage: bench-ours ping|registers|interrupts COUNT\n", stderr);
		return EXIT_FAILURE;
	}
	unsigned count = (unsigned)atoi(argv[2]);
	check(hwb_posix_open(&posix, NULL, NULL, NULL, &error), "connect", &error);
	if (strcmp(argv[1], "ping") == 0) {
		ping(&posix.client, count);
		return EXIT_SUCCESS;
	}
	struct hwb_acquire_request request = {
		.address = { .device = 3 }, /* 0000:00:03.0 */
		.flags = HWB_ACQUIRE_IRQ_ENABLE,
		.bars = 1,
		.irq_type = HWB_IRQ_MSI,
		.irq_count = 1,
	};
	struct hwb_acquire_reply reply;
	int fds[HWB_FDS_MAX];
	uint32_t session, fd_count;
	check(hwb_domain_open(&posix.client, &request.domain, &error), "domain", &error);
	check(hwb_device_acquire(&posix.client, &request, &session, &reply, fds, &fd_count, &error),
	      "acquire", &error);
	volatile uint32_t *registers =
	        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], 0);
	if (registers == MAP_FAILED) {
		perror("mmap");
		return EXIT_FAILURE;
	}
	if (strcmp(argv[1], "registers") == 0)
		measure_registers(registers, count);
	else
		measure_interrupts(registers, blocking(fds[1]), count);
	hwb_posix_close(&posix);
	return EXIT_SUCCESS;
}
