/* SPDX-License-Identifier: MIT */
/* What a client is told of devices, and what happens to one whose client dies. */
#include "platform_parts.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct seen {
	uint32_t changes[8];
	struct hwb_pci_address address;
	uint32_t session;
	uint32_t count;
};

static void note_event(void *context, const struct hwb_header *header, const void *body)
{
	struct seen *seen = context;
	const struct hwb_device_event *event = body;

	if (header->opcode != HWB_EVENT_DEVICE || seen->count == 8)
		return;
	seen->address = event->address;
	seen->session = header->session;
	seen->changes[seen->count++] = event->change;
}

START_TEST(told_when_it_is_free)
{
	struct seen seen = { .count = 0 };
	struct hwb_posix second;
	struct example_device edu;

	want(HWB_OK, hwb_posix_open(&second, NULL, note_event, &seen, &why));
	want(HWB_OK,
	     guest_try(&second.client, EDU, &(struct hwb_acquire_request){ .bars = 1 }, &edu));
	ck_assert_uint_eq(seen.count, 0);
	guest_let_go(&edu);
	want(HWB_OK, hwb_close(&second.client, edu.handle, &why));
	while (seen.count == 0)
		ck_assert_int_ge(hwb_receive_one(&second.client), 0);
	ck_assert_uint_eq(seen.changes[0], HWB_CHANGE_FREED);
	ck_assert_uint_eq(seen.session, edu.handle);
	ck_assert_mem_eq(&seen.address, &edu.info.device.address, sizeof(seen.address));
	hwb_posix_close(&second);
}
END_TEST

/* A domain and memory in it by a second connection, its device at work. */
static void child_works(int ready)
{
	struct example_device edu;
	struct example_memory memory;
	const char go = 'g';

	guest_open(); /* its own: the parent's socket is not shared with intent */
	uint32_t domain = guest_domain();
	const struct hwb_acquire_request request = {
		.flags = HWB_ACQUIRE_IRQ_ENABLE,
		.domain = domain,
		.bars = 1,
		.irq_type = HWB_IRQ_MSI,
		.irq_count = 1,
	};
	guest_take(EDU, &request, &edu);
	volatile void *registers = guest_map(&edu.info.regions[0], edu.bar_fds[0]);
	guest_alloc(domain, PAGE, &memory);
	for (int round = 0;; round++) {
		write64(registers, EDU_DMA_SOURCE, EDU_BUFFER);
		write64(registers, EDU_DMA_TARGET, memory.iova);
		write64(registers, EDU_DMA_COUNT, EDU_TRANSFER);
		write64(registers, EDU_DMA_COMMAND, EDU_DMA_RUN | EDU_DMA_TO_MEMORY | EDU_DMA_IRQ);
		if (round == 1)
			ck_assert_int_eq(write(ready, &go, 1), 1);
		ck_assert_uint_ne(example_wait(edu.irq_fds[0], PATIENCE_MS), 0);
		write32(registers, EDU_IRQ_ACK, read32(registers, EDU_IRQ_STATUS));
	}
}

static void start_child(pid_t *child)
{
	int pipes[2];
	char go;

	ck_assert_int_eq(pipe(pipes), 0);
	*child = fork();
	ck_assert_int_ge(*child, 0);
	if (*child == 0) {
		close(pipes[0]);
		child_works(pipes[1]);
		_exit(EXIT_FAILURE);
	}
	close(pipes[1]);
	ck_assert_int_eq(read(pipes[0], &go, 1), 1);
	close(pipes[0]);
}

/* Killed between the start of a transfer and its interrupt, three times. */
START_TEST(client_is_killed)
{
	const struct hwb_acquire_request request = { .bars = 1 };
	struct example_device edu;
	pid_t child;

	for (int i = 0; i < 3; i++) {
		start_child(&child);
		guest_open();
		want(HWB_BUSY, guest_try(guest, EDU, &request, &edu));
		ck_assert(guest_bus_master(EDU));
		kill(child, SIGKILL);
		ck_assert_int_eq(waitpid(child, NULL, 0), child);
		guest_wait_state(EDU, HWB_DEVICE_FREE);
		ck_assert(!guest_bus_master(EDU));
		guest_take(EDU, &request, &edu);
		ck_assert(edu_alive(guest_map(&edu.info.regions[0], edu.bar_fds[0])));
		guest_give_back(&edu);
		guest_wait_state(EDU, HWB_DEVICE_FREE);
		guest_close();
	}
}
END_TEST

/* The next client asks at once, and is served as soon as the device is at rest. */
START_TEST(next_client_at_once)
{
	struct example_device edu;
	struct example_memory memory, scratch;
	pid_t child;

	start_child(&child);
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	guest_open();
	uint32_t domain = guest_domain();
	guest_take(EDU, &(struct hwb_acquire_request){ .domain = domain, .bars = 1 }, &edu);
	volatile void *registers = guest_map(&edu.info.regions[0], edu.bar_fds[0]);
	guest_alloc(domain, PAGE, &memory);
	guest_alloc(domain, PAGE, &scratch);
	/* edu has no reset: what its last client started may still run. */
	guest_pause(300);
	ck_assert(edu_alive(registers));
	ck_assert(edu_reads(registers, memory.iova, memory.at, &scratch));
	guest_close();
}
END_TEST

void add_ending(Suite *suite)
{
	TCase *tests = guest_case(suite, "ending");
	tcase_add_test(tests, told_when_it_is_free);
	if (!guest_has_vfio())
		return;
	/* These connect themselves, after the fork, and have messages for interrupts. */
	tests = tcase_create("death");
	tcase_set_timeout(tests, 60);
	suite_add_tcase(suite, tests);
	tcase_add_test(tests, client_is_killed);
	tcase_add_test(tests, next_client_at_once);
}
