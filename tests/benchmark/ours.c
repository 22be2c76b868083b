/* SPDX-License-Identifier: MIT */
/* The broker's side of each ratio, as an unprivileged client. */
#define _GNU_SOURCE /* memfd_create */
#include "measure.h"
#include "rounds.h"

#include <fcntl.h>
#include <hwbroker/posix.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void check(int result, const char *what, const struct hwb_error *error)
{
	if (result == 0)
		return;
	hwb_posix_print_error(what, result, error);
	exit(EXIT_FAILURE);
}

static int sealed_memory(void)
{
	int fd = memfd_create("bench", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, 4096) != 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) != 0) {
		perror("memfd");
		exit(EXIT_FAILURE);
	}
	return fd;
}

static void measure_rounds(rounds_kind kind, struct rounds *rounds, unsigned count)
{
	check(kind(rounds, count / 10), "request", &rounds->error);
	uint64_t start = measure_now();
	check(kind(rounds, count), "request", &rounds->error);
	measure_print(start, measure_now(), count);
}

/* What the stand-in for Genode's core measures of its own transport. */
static void requests(const char *name, struct hwb_client *client, unsigned count)
{
	struct rounds rounds = { .client = client, .memory = sealed_memory() };
	struct hwb_acquire_request request = { .address = { .device = 3 } };
	struct hwb_acquire_reply reply;
	int fds[HWB_FDS_MAX];
	uint32_t fd_count;

	check(hwb_domain_open(client, &request.domain, &rounds.error), "domain", &rounds.error);
	if (rounds_named(name) == rounds_irq_ack) {
		request.irq_type = HWB_IRQ_MSI;
		request.irq_count = 1;
	}
	check(hwb_device_acquire(client, &request, &rounds.device, &reply, fds, &fd_count,
	                         &rounds.error),
	      "acquire", &rounds.error);
	rounds.facts = reply.device;
	rounds.domain = request.domain;
	rounds.irq = reply.interrupt.session;
	measure_rounds(rounds_named(name), &rounds, count);
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
		fputs("Usage: bench-ours ping|registers|interrupts|io-mem|irq-open|irq-ack|dma "
		      "COUNT\n",
		      stderr);
		return EXIT_FAILURE;
	}
	unsigned count = (unsigned)atoi(argv[2]);
	check(hwb_posix_open(&posix, NULL, NULL, NULL, &error), "connect", &error);
	if (strcmp(argv[1], "ping") == 0) {
		struct rounds rounds = { .client = &posix.client };
		measure_rounds(rounds_ping, &rounds, count);
		return EXIT_SUCCESS;
	}
	if (rounds_named(argv[1]) != NULL) {
		requests(argv[1], &posix.client, count);
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
