/* SPDX-License-Identifier: MIT */
/* The broker's side of registers, interrupts, acquiring, DMA and requests, as an unprivileged
 * client. */
#define _GNU_SOURCE /* memfd_create */
#include "measure.h"
#include "rounds.h"

#include <fcntl.h>
#include <hwbroker/posix.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { EDU = 3, NETWORK = 5 }; /* 0000:00:03.0 and 0000:00:05.0 */

static struct hwb_posix posix;
static struct hwb_error error;

static void check(int result, const char *what)
{
	if (result == 0)
		return;
	hwb_posix_print_error(what, result, &error);
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

/* ---- requests: what the stand-in for Genode's core measures of its own transport ---- */

static void measure_rounds(rounds_kind kind, struct rounds *rounds, unsigned count)
{
	int result = kind(rounds, count / 10);

	error = rounds->error;
	check(result, "request");
	uint64_t start = measure_now();
	result = kind(rounds, count);
	error = rounds->error;
	check(result, "request");
	measure_print(start, measure_now(), count);
}

static void requests(const char *name, unsigned count)
{
	struct rounds rounds = { .client = &posix.client };
	struct hwb_acquire_request request = { .address = { .device = EDU } };
	struct hwb_acquire_reply reply;
	int fds[HWB_FDS_MAX];
	uint32_t fd_count;

	if (rounds_named(name) == rounds_ping) {
		measure_rounds(rounds_ping, &rounds, count);
		return;
	}
	rounds.memory = sealed_memory();
	check(hwb_domain_open(&posix.client, &request.domain, &error), "domain");
	if (rounds_named(name) == rounds_irq_ack) {
		request.irq_type = HWB_IRQ_MSI;
		request.irq_count = 1;
	}
	check(hwb_device_acquire(&posix.client, &request, &rounds.device, &reply, fds, &fd_count,
	                         &error),
	      "acquire");
	rounds.facts = reply.device;
	rounds.domain = request.domain;
	rounds.irq = reply.interrupt.session;
	measure_rounds(rounds_named(name), &rounds, count);
}

/* ---- a device ---- */

static void wait_free(uint32_t number)
{
	const struct hwb_pci_address address = { .device = (uint8_t)number };
	const struct timespec pause = { .tv_nsec = 2000000 };
	struct hwb_device device;

	for (;;) {
		check(hwb_device_info(&posix.client, &address, &device, &error), "look");
		if (device.state != HWB_DEVICE_REVOKING)
			return;
		nanosleep(&pause, NULL);
	}
}

/* With all that belongs to it, in one round trip; what it gives back is not measured. */
static void acquire(uint32_t number, uint32_t type, uint32_t vectors, unsigned count)
{
	struct hwb_acquire_request request = {
		.address = { .device = (uint8_t)number },
		.flags = HWB_ACQUIRE_ALL_BARS | HWB_ACQUIRE_IRQ_ENABLE,
		.irq_type = type,
		.irq_count = vectors,
	};
	struct hwb_acquire_reply reply;
	uint32_t session, fd_count;
	int fds[HWB_FDS_MAX];
	uint64_t spent = 0;

	check(hwb_domain_open(&posix.client, &request.domain, &error), "domain");
	for (unsigned i = 0; i < count + 1; i++) {
		measure_rest(i);
		uint64_t start = measure_now();
		check(hwb_device_acquire(&posix.client, &request, &session, &reply, fds, &fd_count,
		                         &error),
		      "acquire");
		spent = i == 0 ? 0 : spent + measure_now() - start;
		while (fd_count > 0)
			close(fds[--fd_count]);
		check(hwb_close(&posix.client, session, &error), "close");
		wait_free(number);
	}
	measure_print(0, spent, count);
}

/* edu with one interrupt of that type; `reply` and `fds` as hwb_device_acquire() has them. */
static volatile uint32_t *take_edu(uint32_t type, uint32_t *domain, int *fds)
{
	struct hwb_acquire_request request = {
		.address = { .device = EDU },
		.flags = HWB_ACQUIRE_IRQ_ENABLE,
		.bars = 1,
		.irq_type = type,
		.irq_count = 1,
	};
	struct hwb_acquire_reply reply;
	uint32_t session, fd_count;

	check(hwb_domain_open(&posix.client, &request.domain, &error), "domain");
	check(hwb_device_acquire(&posix.client, &request, &session, &reply, fds, &fd_count, &error),
	      "acquire");
	*domain = request.domain;
	volatile uint32_t *registers =
	        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], 0);
	if (registers == MAP_FAILED) {
		perror("mmap");
		exit(EXIT_FAILURE);
	}
	return registers;
}

static void allocate(uint32_t domain, uint64_t size, unsigned count)
{
	const struct hwb_dma_alloc_request request = {
		.size = size,
		.flags = HWB_DMA_DEVICE_READS | HWB_DMA_DEVICE_WRITES,
	};
	struct hwb_dma_reply reply;
	uint64_t spent = 0;
	int fd;

	for (unsigned i = 0; i < count + 1; i++) {
		uint64_t start = measure_now();
		check(hwb_dma_alloc(&posix.client, domain, &request, &reply, &fd, &error),
		      "allocate");
		spent = i == 0 ? 0 : spent + measure_now() - start;
		close(fd);
		check(hwb_dma_unmap(&posix.client, domain, reply.iova, &error), "unmap");
	}
	measure_print(0, spent, count);
}

/* How long one takes to be mapped and unmapped below so many others, of one page each. */
static void map_among(uint32_t domain, unsigned others, unsigned count)
{
	struct hwb_dma_map_request request = {
		.size = 4096,
		.iova = 4096,
		.flags = HWB_DMA_DEVICE_READS | HWB_DMA_FIXED,
	};
	int memory = sealed_memory();
	struct hwb_dma_reply reply;
	uint64_t spent = 0;

	for (unsigned i = 0; i < others; i++) {
		request.iova += 4096;
		check(hwb_dma_map(&posix.client, domain, &request, memory, &reply, &error), "map");
	}
	request.iova = 4096;
	for (unsigned i = 0; i < count + 1; i++) {
		uint64_t start = measure_now();
		check(hwb_dma_map(&posix.client, domain, &request, memory, &reply, &error), "map");
		check(hwb_dma_unmap(&posix.client, domain, request.iova, &error), "unmap");
		spent = i == 0 ? 0 : spent + measure_now() - start;
	}
	measure_print(0, spent, count);
}

/* The reference reads a blocking eventfd: so do we. */
static int blocking(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	return fd;
}

int main(int argc, char **argv)
{
	int fds[HWB_FDS_MAX];
	uint32_t domain;

	if (argc < 3 || argc > 4) {
		fputs("Usage: bench-ours registers|msi|intx|acquire-msi|acquire-msix|dma|"
		      "ping|io-mem|irq-open|irq-ack|map-unmap COUNT [BYTES]\n"
		      "       bench-ours among COUNT OTHERS\n",
		      stderr);
		return EXIT_FAILURE;
	}
	const char *what = argv[1];
	/* `dma' of the stand-in is one that maps memory of the client's. */
	const char *request = strcmp(what, "map-unmap") == 0 ? "dma" : what;
	unsigned count = (unsigned)atoi(argv[2]);
	check(hwb_posix_open(&posix, NULL, NULL, NULL, &error), "connect");
	if (strcmp(what, "dma") != 0 && rounds_named(request) != NULL) {
		requests(request, count);
	} else if (strcmp(what, "acquire-msi") == 0) {
		acquire(EDU, HWB_IRQ_MSI, 1, count);
	} else if (strcmp(what, "acquire-msix") == 0) {
		acquire(NETWORK, HWB_IRQ_MSIX, 5, count);
	} else if (strcmp(what, "registers") == 0) {
		measure_registers(take_edu(HWB_IRQ_MSI, &domain, fds), count);
	} else if (strcmp(what, "dma") == 0) {
		take_edu(HWB_IRQ_MSI, &domain, fds);
		allocate(domain, argc == 4 ? strtoull(argv[3], NULL, 0) : 4096, count);
	} else if (strcmp(what, "among") == 0) {
		take_edu(HWB_IRQ_MSI, &domain, fds);
		map_among(domain, argc == 4 ? (unsigned)atoi(argv[3]) : 0, count);
	} else {
		bool intx = strcmp(what, "intx") == 0;
		volatile uint32_t *registers =
		        take_edu(intx ? HWB_IRQ_INTX : HWB_IRQ_MSI, &domain, fds);
		measure_interrupts(registers, blocking(fds[1]), intx ? fds[2] : -1, count);
	}
	hwb_posix_close(&posix);
	return EXIT_SUCCESS;
}
