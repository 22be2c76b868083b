/* SPDX-License-Identifier: MIT */
/* Devices, memory and users of the hostile cases. */
#define _GNU_SOURCE /* setresuid */
#include "hostile.h"
#include "pci.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- users ---- */

static uid_t uid_of(const char *name)
{
	const struct passwd *user = getpwnam(name);

	expect(user != NULL, "there is no user %s", name);
	return user->pw_uid;
}

uid_t driver_uid(void)
{
	return uid_of("driver");
}

uid_t other_uid(void)
{
	return uid_of("other");
}

void become(uid_t user)
{
	expect(setgroups(0, NULL) == 0 && setresgid(user, user, user) == 0 &&
	               setresuid(user, user, user) == 0,
	       "cannot become uid %u: %s", user, strerror(errno));
}

/* ---- taking ---- */

struct hwb_pci_address address_of(const char *text)
{
	unsigned bus, device, function;

	expect(sscanf(text, "%2x:%2x.%1x", &bus, &device, &function) == 3, "%s", text);
	return (struct hwb_pci_address){ 0, (uint8_t)bus, (uint8_t)device, (uint8_t)function, 0 };
}

int try_take(int fd, const char *address, const struct hwb_acquire_request *wanted,
             struct taken *taken, char *why, size_t size)
{
	struct hwb_acquire_request whole = *wanted;
	struct packet packet;

	whole.address = address_of(address);
	memset(taken, 0, sizeof(*taken));
	fill(&packet, HWB_DEVICE_ACQUIRE, 0, &whole, sizeof(whole));
	int status = wire_exchange(fd, &packet);
	if (why != NULL)
		snprintf(why, size, "%s", status == ENDED ? "the end" : reason_of(&packet));
	if (status != HWB_OK)
		return status;
	taken->handle = header_of(&packet)->session;
	memcpy(&taken->reply, body_of(&packet), sizeof(taken->reply));
	memcpy(taken->fds, packet.fds, sizeof(taken->fds));
	taken->fd_count = packet.fd_count;
	const struct hwb_region *region = &taken->reply.regions[0];
	if (region->session != 0 && (region->flags & HWB_REGION_IO) == 0) {
		void *at = mmap(NULL, region->size, PROT_READ | PROT_WRITE, MAP_SHARED,
		                taken->fds[0], 0);
		taken->registers = at != MAP_FAILED ? at : NULL;
	}
	return status;
}

void take(int fd, const char *address, uint32_t domain, struct taken *taken)
{
	const struct hwb_acquire_request wanted = { .domain = domain, .bars = 1 };
	char why[256];
	int status = try_take(fd, address, &wanted, taken, why, sizeof(why));

	expect(status == HWB_OK, "%s: status %d, %s", address, status, why);
	expect(taken->registers != NULL, "registers of %s cannot be mapped", address);
}

void let_go(struct taken *taken)
{
	if (taken->registers != NULL)
		munmap((void *)taken->registers, taken->reply.regions[0].size);
	taken->registers = NULL;
	close_fds(taken->fds, taken->fd_count);
	taken->fd_count = 0;
}

void give_back(int fd, struct taken *taken)
{
	let_go(taken);
	expect(request(fd, HWB_CLOSE, taken->handle, NULL, 0) == HWB_OK, "CLOSE is refused");
}

/* ---- looking ---- */

/* As a client sees it to whom the policy gives it. */
static uint32_t state_seen_by(uid_t user, const struct hwb_device_info_request *which)
{
	struct packet packet;
	bool root = geteuid() == 0;
	int fd = root ? client_of(user) : client();

	fill(&packet, HWB_DEVICE_INFO, 0, which, sizeof(*which));
	int status = wire_exchange(fd, &packet);
	close(fd);
	return status == HWB_OK ? ((const struct hwb_device *)body_of(&packet))->state
	                        : HWB_DEVICE_GONE;
}

uint32_t device_state(const char *address)
{
	const struct hwb_device_info_request which = { .address = address_of(address) };

	return state_seen_by(driver_uid(), &which);
}

void wait_state(const char *address, uint32_t state)
{
	int64_t end = now_ms() + 2 * PROMPT_MS;
	uint32_t now;

	while ((now = device_state(address)) != state) {
		expect(now_ms() < end, "%s is in state %u and not in %u", address, now, state);
		pause_ms(20);
	}
}

bool bus_master(const char *address)
{
	int command = pci_command(address);

	expect(command >= 0, "the command register of %s cannot be read", address);
	return (command & PCI_BUS_MASTER) != 0;
}

void wait_driver(const char *address, const char *name)
{
	int64_t end = now_ms() + 2 * PROMPT_MS;
	char now[32];

	for (pci_driver(address, now); strcmp(now, name) != 0; pci_driver(address, now)) {
		expect(now_ms() < end, "%s is with driver `%s' and not with `%s'", address, now,
		       name);
		pause_ms(20);
	}
}

bool is_dead(const volatile uint32_t *registers)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		signal(SIGBUS, SIG_DFL);
		(void)*registers;
		_exit(0);
	}
	expect(child > 0 && waitpid(child, &status, 0) == child, "cannot look at registers");
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS;
}

/* ---- memory ---- */

uint32_t open_domain(int fd)
{
	struct packet packet;

	fill(&packet, HWB_DOMAIN_OPEN, 0, NULL, 0);
	expect(wire_exchange(fd, &packet) == HWB_OK, "no domain: %s", reason_of(&packet));
	return header_of(&packet)->session;
}

int dma_memory(int fd, uint32_t domain, uint64_t size, uint64_t *iova)
{
	/* edu reaches 4 GiB. */
	const struct hwb_dma_alloc_request wanted = {
		.size = size,
		.limit = UINT32_MAX,
		.flags = HWB_DMA_DEVICE_READS | HWB_DMA_DEVICE_WRITES | HWB_DMA_PAGES_4K,
	};
	struct packet packet;

	fill(&packet, HWB_DMA_ALLOC, domain, &wanted, sizeof(wanted));
	expect(wire_exchange(fd, &packet) == HWB_OK && packet.fd_count == 1, "no memory: %s",
	       reason_of(&packet));
	*iova = ((const struct hwb_dma_reply *)body_of(&packet))->iova;
	return packet.fds[0];
}

void *dma_alloc(int fd, uint32_t domain, uint64_t size, uint64_t *iova)
{
	int made = dma_memory(fd, domain, size, iova);
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, made, 0);

	expect(memory != MAP_FAILED, "DMA memory cannot be mapped: %s", strerror(errno));
	close(made);
	return memory;
}

int dma_map(int fd, uint32_t domain, const struct hwb_dma_map_request *wanted, int memory,
            uint64_t *iova)
{
	struct packet packet;

	fill(&packet, HWB_DMA_MAP, domain, wanted, sizeof(*wanted));
	header_of(&packet)->fds = 1;
	if (!wire_send(fd, packet.bytes, packet.length, &memory, 1) || !wire_reply(fd, &packet))
		return ENDED;
	if (header_of(&packet)->status == HWB_OK && iova != NULL)
		*iova = ((const struct hwb_dma_reply *)body_of(&packet))->iova;
	return (int)header_of(&packet)->status;
}

/* ---- edu ---- */

static volatile uint32_t *edu_register(volatile uint32_t *edu, unsigned offset)
{
	return edu + offset / sizeof(*edu);
}

bool edu_alive(volatile uint32_t *edu)
{
	const uint32_t pattern = 0x12345678;

	/* The liveness register answers with the inverse. */
	*edu_register(edu, EDU_LIVENESS) = pattern;
	return *edu_register(edu, EDU_LIVENESS) == ~pattern;
}

static void edu_write64(volatile uint32_t *edu, unsigned offset, uint64_t value)
{
	*(volatile uint64_t *)edu_register(edu, offset) = value;
}

void edu_start(volatile uint32_t *edu, uint64_t iova, bool to_memory)
{
	edu_write64(edu, EDU_DMA_SOURCE, to_memory ? EDU_BUFFER : iova);
	edu_write64(edu, EDU_DMA_TARGET, to_memory ? iova : EDU_BUFFER);
	edu_write64(edu, EDU_DMA_COUNT, EDU_TRANSFER);
	edu_write64(edu, EDU_DMA_COMMAND, EDU_DMA_RUN | (to_memory ? EDU_DMA_TO_MEMORY : 0));
}

void edu_wait(volatile uint32_t *edu)
{
	int64_t end = now_ms() + PROMPT_MS;

	while ((*(volatile uint64_t *)edu_register(edu, EDU_DMA_COMMAND) & EDU_DMA_RUN) != 0) {
		expect(now_ms() < end, "a transfer of edu has no end");
		pause_ms(5);
	}
}
