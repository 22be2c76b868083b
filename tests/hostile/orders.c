/* SPDX-License-Identifier: MIT */
/* Right requests in a wrong order, all at once, and nobody who waits for the answers. */
#define _GNU_SOURCE /* memfd_create, fallocate */
#include "hostile.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* xorshift64*: the same sequence each time. */
static uint32_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (uint32_t)(*state * 2685821657736338717ull >> 32);
}

/* A request about handles that exist, existed, or will. Handles count from 1. */
static void fill_any(struct packet *packet, uint64_t *random)
{
	const struct hwb_acquire_request acquire = {
		.address = address_of(next_random(random) % 4 != 0 ? EDU : PAIR),
		.flags = HWB_ACQUIRE_ALL_BARS,
		.domain = next_random(random) % 3,
	};
	const struct hwb_bar_request bar = { .bar = 0, .size = PAGE };
	const struct hwb_irq_request irq = { .type = 1 + next_random(random) % 2,
		                             .count = 1,
		                             .flags = HWB_IRQ_OPEN_ENABLE };
	const struct hwb_assign_request assign = { .device = 1 + next_random(random) % 6 };
	const struct hwb_dma_alloc_request alloc = { .size = PAGE * (1 + next_random(random) % 64),
		                                     .flags = HWB_DMA_DEVICE_READS };
	const struct hwb_dma_unmap_request unmap = { .iova = 0 };
	const struct hwb_config_access read = { .offset = 0, .width = 4 };
	uint32_t handle = 1 + next_random(random) % 8;

	switch (next_random(random) % 12) {
	case 0:
	case 1:
		fill(packet, HWB_DOMAIN_OPEN, 0, NULL, 0);
		break;
	case 2:
	case 3:
		fill(packet, HWB_DEVICE_ACQUIRE, 0, &acquire, sizeof(acquire));
		break;
	case 4:
		fill(packet, HWB_IO_MEM_OPEN_BAR, handle, &bar, sizeof(bar));
		break;
	case 5:
		fill(packet, HWB_IRQ_OPEN, handle, &irq, sizeof(irq));
		break;
	case 6:
		fill(packet, HWB_DOMAIN_ASSIGN, handle, &assign, sizeof(assign));
		break;
	case 7:
		fill(packet, HWB_DOMAIN_DEASSIGN, handle, &assign, sizeof(assign));
		break;
	case 8:
		fill(packet, HWB_DMA_ALLOC, handle, &alloc, sizeof(alloc));
		break;
	case 9:
		fill(packet, HWB_DMA_UNMAP, handle, &unmap, sizeof(unmap));
		break;
	case 10:
		fill(packet, HWB_CONFIG_READ, handle, &read, sizeof(read));
		break;
	default:
		fill(packet, HWB_CLOSE, handle, NULL, 0);
		break;
	}
}

static void any_order(void)
{
	enum { ROUNDS = 150, MOST = 40 };
	uint64_t random = 0x686f7374;

	for (unsigned round = 0; round < ROUNDS; round++) {
		int fd = client();
		unsigned count = 1 + next_random(&random) % MOST, answers = 0;
		struct packet packet;
		for (unsigned i = 0; i < count; i++) {
			fill_any(&packet, &random);
			expect(wire_send(fd, packet.bytes, packet.length, NULL, 0), "hung up");
		}
		/* All, some or none of the answers are waited for. */
		unsigned wanted = round % 3 == 0 ? count : next_random(&random) % count;
		while (answers < wanted) {
			expect(wire_reply(fd, &packet), "hung up after %u of %u", answers, count);
			uint32_t status = header_of(&packet)->status;
			expect(status == HWB_OK || status > HWB_NOT_ADMITTED, "status %u", status);
			close_fds(packet.fds, packet.fd_count);
			answers++;
		}
		if (round % 3 == 0)
			expect(ping(fd) == HWB_OK, "the connection is not served on");
		close(fd);
	}
}

/* ---- several clients, and root ---- */

enum { CROWD = 6, CROWD_SECONDS = 15, MEMORY = 64 * PAGE };

/* Memory whose pages go while it is being mapped. */
static int open_holes(void)
{
	int fd = memfd_create("holes", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	expect(fd >= 0 && ftruncate(fd, MEMORY) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0,
	       "no memfd");
	pid_t child = fork();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (child == 0)
		fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, MEMORY);
	return fd;
}

static void send_any(int fd, int holes, uint64_t *random)
{
	const struct hwb_dma_map_request map = { .size = MEMORY, .flags = HWB_DMA_DEVICE_WRITES };
	struct packet packet;

	if (next_random(random) % 6 != 0) {
		fill_any(&packet, random);
		wire_send(fd, packet.bytes, packet.length, NULL, 0);
		return;
	}
	fill(&packet, HWB_DMA_MAP, 1 + next_random(random) % 8, &map, sizeof(map));
	header_of(&packet)->fds = 1;
	wire_send(fd, packet.bytes, packet.length, &holes, 1);
}

/* Some registers and some memory stay mapped: nobody says which they are. */
static void keep_some(struct packet *packet, uint64_t *random)
{
	for (uint32_t i = 0; i < packet->fd_count; i++) {
		void *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, packet->fds[i], 0);
		if (at != MAP_FAILED && next_random(random) % 2 == 0)
			munmap(at, PAGE);
		fcntl(packet->fds[i], F_SETFL, 0);
	}
	close_fds(packet->fds, packet->fd_count);
}

/* One of the crowd, until it is killed, or has had enough. */
static _Noreturn void crowd_in(uint64_t random, uid_t user)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	become(user);
	int holes = open_holes();
	for (unsigned life = 4 + next_random(&random) % 12; life > 0; life--) {
		struct packet packet;
		int fd = wire_open();
		if (greet(fd) != HWB_OK) {
			close(fd);
			pause_ms(50);
			continue;
		}
		unsigned count = 1 + next_random(&random) % 40;
		for (unsigned i = 0; i < count; i++) {
			send_any(fd, holes, &random);
			if (next_random(&random) % 3 != 0 && wire_receive(fd, &packet))
				keep_some(&packet, &random);
		}
		close(fd);
	}
	exit(EXIT_SUCCESS);
}

/* What root and the scheduler may do to them. */
static void disturb(pid_t *crowd, uint64_t *random)
{
	pid_t one = crowd[next_random(random) % CROWD];

	switch (next_random(random) % 6) {
	case 0:
		kill(one, SIGKILL);
		break;
	case 1:
		kill(one, SIGSTOP);
		pause_ms((int)(next_random(random) % 1500));
		kill(one, SIGCONT);
		break;
	case 2:
		shell("timeout 20 hwbroker-ctl revoke --now " EDU " > /dev/null 2>&1");
		break;
	case 3:
		shell("timeout 20 hwbroker-ctl revoke " PAIR " > /dev/null 2>&1");
		break;
	case 4:
		shell("timeout 20 hwbroker-ctl reload > /dev/null");
		break;
	default:
		pause_ms(200);
		break;
	}
}

/* Clients that work against each other, are stopped and killed, and have their devices taken. */
static void crowd(void)
{
	pid_t crowd[CROWD] = { 0 };
	uint64_t random = 0x63726f7764;
	int64_t end = now_ms() + CROWD_SECONDS * 1000;

	while (now_ms() < end) {
		for (unsigned i = 0; i < CROWD; i++) {
			if (crowd[i] != 0 && waitpid(crowd[i], NULL, WNOHANG) == 0)
				continue;
			uint64_t seed = random + 1 + next_random(&random);
			crowd[i] = fork();
			if (crowd[i] == 0)
				crowd_in(seed, i % 2 == 0 ? driver_uid() : other_uid());
		}
		disturb(crowd, &random);
	}
	for (unsigned i = 0; i < CROWD; i++) {
		kill(crowd[i], SIGKILL);
		waitpid(crowd[i], NULL, 0);
	}
	expect_service();
}

const struct hostile_case order_cases[] = {
	{ 48, "requests in any order, cut off anywhere", any_order, 0, 120 },
	{ 65, "six clients in each other's way, stopped, killed, their devices taken", crowd,
	  AS_ROOT, 90 },
	{ 0 },
};
