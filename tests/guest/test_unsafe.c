/* SPDX-License-Identifier: MIT */
/* Devices without an IOMMU: registers and INTx as ever, DMA to the memory's own addresses. With
 * VFIO there are messages, too, and registers are taken back; without there are not. */
#define _GNU_SOURCE /* F_SEAL_SHRINK */
#include "guest.h"

#include <fcntl.h>
#include <linux/memfd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	BOTH = HWB_DMA_DEVICE_READS | HWB_DMA_DEVICE_WRITES,
	ROUNDS = 100,
	CAUSE = 0x10,
	NOT_COMING_MS = 150,
	COMMAND = 4,
	MASTER = 4,
	POOL = 64 /* huge pages of the guest */
};

static struct hwb_dma_reply got;
static int got_fd;

static int alloc(uint32_t domain, uint64_t size, uint64_t alignment, uint64_t limit, uint32_t flags)
{
	const struct hwb_dma_alloc_request request = {
		.size = size,
		.alignment = alignment,
		.limit = limit,
		.flags = BOTH | flags,
	};

	return hwb_dma_alloc(guest, domain, &request, &got, &got_fd, &why);
}

static int map(uint32_t domain, int fd, uint64_t offset, uint64_t size)
{
	const struct hwb_dma_map_request request = {
		.offset = offset,
		.size = size,
		.flags = BOTH,
	};

	return hwb_dma_map(guest, domain, &request, fd, &got, &why);
}

static void *map_fd(int fd, uint64_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	ck_assert_ptr_ne(at, MAP_FAILED);
	return at;
}

static volatile void *take_for_dma(uint32_t domain, struct example_device *edu)
{
	const struct hwb_acquire_request request = { .domain = domain, .bars = 1 };

	guest_take(EDU, &request, edu);
	return guest_map(&edu->info.regions[0], edu->bar_fds[0]);
}

static volatile void *take_intx(const char *address, struct example_device *edu)
{
	const struct hwb_acquire_request request = {
		.flags = HWB_ACQUIRE_IRQ_ENABLE,
		.bars = 1,
		.irq_type = HWB_IRQ_INTX,
		.irq_count = 1,
	};

	guest_take(address, &request, edu);
	return guest_map(&edu->info.regions[0], edu->bar_fds[0]);
}

static void says(const char *text)
{
	ck_assert_msg(strstr(why.reason, text) != NULL, "`%s' is not in: %s", text, why.reason);
}

static bool with_vfio(const struct example_device *edu)
{
	return edu->info.device.msi_vectors != 0;
}

static void raise_irq(volatile void *edu)
{
	write32(edu, EDU_IRQ_RAISE, CAUSE);
}

static void quiet(volatile void *edu)
{
	write32(edu, EDU_IRQ_ACK, read32(edu, EDU_IRQ_STATUS));
}

/* ---- what needs no trust ---- */

START_TEST(registers_without_dma)
{
	struct example_device edu;
	volatile void *registers = guest_take_bar(EDU2, 0, &edu);

	ck_assert(edu_alive(registers));
	ck_assert(!guest_bus_master(EDU2));
	ck_assert_uint_eq(edu.info.device.flags & (HWB_DEVICE_MAY_DMA | HWB_DEVICE_DMA_UNSAFE), 0);
	if (with_vfio(&edu))
		return;
	ck_assert_uint_eq(edu.info.device.flags & HWB_DEVICE_REVOCABLE, 0);
	ck_assert_uint_eq(edu.info.regions[0].flags & HWB_REGION_REVOCABLE, 0);
	ck_assert_uint_eq(edu.info.device.msix_vectors, 0);
}
END_TEST

START_TEST(dma_needs_its_key)
{
	uint32_t domain = guest_domain();
	const struct hwb_acquire_request request = { .domain = domain, .bars = 1 };
	struct example_device edu;

	want(HWB_UNSAFE, guest_try(guest, EDU2, &request, &edu));
	says("`dma = unsafe'");
	guest_take_bar(EDU2, 0, &edu);
	want(HWB_UNSAFE, hwb_domain_assign(guest, domain, edu.handle, &why));
	ck_assert(!guest_bus_master(EDU2));
}
END_TEST

START_TEST(bus_mastering_is_not_the_clients)
{
	struct example_device edu;
	uint32_t command = 0;

	guest_take_bar(EDU2, 0, &edu);
	want(HWB_OK, hwb_config_read(guest, edu.handle, COMMAND, 2, &command, &why));
	want(HWB_DENIED, hwb_config_write(guest, edu.handle, COMMAND, 2, command | MASTER, &why));
	ck_assert(!guest_bus_master(EDU2));
}
END_TEST

START_TEST(messages)
{
	struct example_device edu;
	const struct hwb_irq_request msi = {
		.type = HWB_IRQ_MSI,
		.count = 1,
		.flags = HWB_IRQ_OPEN_ENABLE,
	};
	struct hwb_interrupt irq;
	int fds[HWB_FDS_MAX];
	uint32_t count;

	volatile void *registers = take_for_dma(guest_domain(), &edu);
	if (!with_vfio(&edu)) {
		want(HWB_UNSUPPORTED,
		     hwb_irq_open(guest, edu.handle, &msi, &irq, fds, &count, &why));
		says("INTx only");
		return;
	}
	want(HWB_OK, hwb_irq_open(guest, edu.handle, &msi, &irq, fds, &count, &why));
	for (int i = 0; i < 10; i++) {
		raise_irq(registers);
		ck_assert_uint_eq(example_wait(fds[0], PATIENCE_MS), 1);
		quiet(registers);
	}
}
END_TEST

/* ---- INTx ---- */

static void unmask(const struct example_device *edu)
{
	const uint64_t one = 1;

	ck_assert_int_eq(write(edu->unmask_fd, &one, sizeof(one)), sizeof(one));
}

START_TEST(intx)
{
	struct example_device edu;
	volatile void *registers = take_intx(EDU2, &edu);

	for (int i = 0; i < ROUNDS; i++) {
		raise_irq(registers);
		ck_assert_msg(example_wait(edu.irq_fds[0], PATIENCE_MS) == 1,
		              "interrupt %d did not come once", i);
		quiet(registers);
		if (i % 2 == 0)
			unmask(&edu);
		else
			want(HWB_OK, hwb_irq_ack(guest, edu.info.interrupt.session, &why));
	}
	ck_assert_uint_eq(example_wait(edu.irq_fds[0], 0), 0);
}
END_TEST

START_TEST(intx_stays_masked)
{
	struct example_device edu;
	volatile void *registers = take_intx(EDU2, &edu);

	raise_irq(registers);
	ck_assert_uint_eq(example_wait(edu.irq_fds[0], PATIENCE_MS), 1);
	quiet(registers);
	raise_irq(registers);
	ck_assert_uint_eq(example_wait(edu.irq_fds[0], NOT_COMING_MS), 0);
	unmask(&edu);
	ck_assert_uint_eq(example_wait(edu.irq_fds[0], PATIENCE_MS), 1);
	/* As often as it is unmasked without being quieted, and no more. */
	unmask(&edu);
	ck_assert_uint_eq(example_wait(edu.irq_fds[0], PATIENCE_MS), 1);
	ck_assert_uint_eq(example_wait(edu.irq_fds[0], NOT_COMING_MS), 0);
	quiet(registers);
}
END_TEST

START_TEST(intx_opened_and_closed)
{
	struct example_device edu;
	const struct hwb_irq_request request = {
		.type = HWB_IRQ_INTX,
		.count = 1,
		.flags = HWB_IRQ_OPEN_ENABLE,
	};
	volatile void *registers = guest_take_bar(EDU2, 0, &edu);

	for (int i = 0; i < 10; i++) {
		struct hwb_interrupt irq;
		int fds[HWB_FDS_MAX];
		uint32_t count;
		want(HWB_OK, hwb_irq_open(guest, edu.handle, &request, &irq, fds, &count, &why));
		raise_irq(registers);
		ck_assert_uint_eq(example_wait(fds[0], PATIENCE_MS), 1);
		quiet(registers);
		guest_release(irq.session);
		raise_irq(registers);
		ck_assert_uint_eq(example_wait(fds[0], NOT_COMING_MS), 0);
		quiet(registers);
		close(fds[0]);
		close(fds[1]);
	}
}
END_TEST

/* ---- memory ---- */

START_TEST(dma_to_real_addresses)
{
	uint32_t domain = guest_domain();
	struct example_device edu;
	struct example_memory scratch;
	volatile void *registers = take_for_dma(domain, &edu);

	ck_assert(guest_bus_master(EDU));
	ck_assert_uint_ne(edu.info.device.flags & HWB_DEVICE_MAY_DMA, 0);
	ck_assert_uint_ne(edu.info.device.flags & HWB_DEVICE_DMA_UNSAFE, 0);
	guest_alloc(domain, PAGE, &scratch);
	want(HWB_OK, alloc(domain, 100, 0, 0, 0));
	ck_assert_uint_eq(got.size, PAGE);
	ck_assert_uint_eq(got.page_size, PAGE);
	ck_assert_uint_eq(got.flags, HWB_DMA_UNSAFE);
	ck_assert(edu_reads(registers, got.iova, map_fd(got_fd, PAGE), &scratch));
	ck_assert(edu_writes(registers, got.iova, map_fd(got_fd, PAGE)));
}
END_TEST

START_TEST(several_pages_in_one_piece)
{
	uint32_t domain = guest_domain();
	struct example_device edu;
	struct example_memory scratch;
	volatile void *registers = take_for_dma(domain, &edu);
	enum { SIZE = 8 * HUGE_PAGE };

	guest_alloc(domain, PAGE, &scratch);
	want(HWB_OK, alloc(domain, SIZE - 5, 0, 0, 0));
	ck_assert_uint_eq(got.size, SIZE);
	ck_assert_uint_eq(got.page_size, HUGE_PAGE);
	char *memory = map_fd(got_fd, SIZE);
	for (uint64_t at = 0; at < SIZE; at++)
		if (at % PAGE == 0)
			ck_assert_int_eq(memory[at], 0);
	/* Across each border of pages. */
	for (uint64_t at = HUGE_PAGE; at < SIZE; at += HUGE_PAGE) {
		uint64_t from = at - EDU_TRANSFER / 2;
		ck_assert(edu_reads(registers, got.iova + from, memory + from, &scratch));
		ck_assert(edu_writes(registers, got.iova + from, memory + from));
	}
}
END_TEST

START_TEST(alignment_and_limit)
{
	uint32_t domain = guest_domain();

	for (uint64_t alignment = HUGE_PAGE; alignment <= 8 * HUGE_PAGE; alignment *= 2) {
		want(HWB_OK, alloc(domain, HUGE_PAGE, alignment, 0, 0));
		ck_assert_uint_eq(got.iova % alignment, 0);
	}
	/* A limit that memory exceeds makes a small buffer one of huge pages. */
	uint64_t before = got.iova;
	want(HWB_OK, alloc(domain, PAGE, 0, before - 1, 0));
	ck_assert_uint_lt(got.iova, before);
	ck_assert_uint_eq(got.page_size, HUGE_PAGE);
	ck_assert_uint_eq(got.size, HUGE_PAGE);
	want(HWB_UNSUPPORTED, alloc(domain, PAGE, 0, before - 1, HWB_DMA_PAGES_4K));
	want(HWB_UNSUPPORTED, alloc(domain, 2 * PAGE, 0, 0, HWB_DMA_PAGES_4K));
	want(HWB_OK, alloc(domain, PAGE, 0, UINT32_MAX, HWB_DMA_PAGES_4K));
	ck_assert_uint_eq(got.page_size, PAGE);
	want(HWB_NO_MEMORY, alloc(domain, 2 * HUGE_PAGE, 0, 0xffff, 0));
	says("in one piece");
	/* The address of a page is what it is. */
	const struct hwb_dma_alloc_request fixed = {
		.size = PAGE,
		.iova = 0x100000,
		.flags = BOTH | HWB_DMA_FIXED,
	};
	want(HWB_UNSUPPORTED, hwb_dma_alloc(guest, domain, &fixed, &got, &got_fd, &why));
	says("FIXED");
}
END_TEST

START_TEST(pool_is_empty)
{
	uint32_t domain = guest_domain();
	uint64_t addresses[POOL + 1];
	int fds[POOL + 1];
	unsigned count = 0;

	for (; count <= POOL && alloc(domain, HUGE_PAGE, 0, 0, 0) >= 0; count++) {
		addresses[count] = got.iova;
		fds[count] = got_fd;
	}
	ck_assert_uint_eq(count, POOL);
	ck_assert_uint_eq(why.status, HWB_NO_MEMORY);
	says("/proc/sys/vm/nr_hugepages");
	/* Small ones are of another kind. */
	want(HWB_OK, alloc(domain, PAGE, 0, 0, 0));
	for (unsigned i = 0; i < count; i++) {
		want(HWB_OK, hwb_dma_unmap(guest, domain, addresses[i], &why));
		close(fds[i]);
	}
	/* However the pages came back, most of them are one piece. */
	want(HWB_OK, alloc(domain, 32ull * HUGE_PAGE, 0, 0, 0));
	want(HWB_NO_MEMORY, alloc(domain, 33ull * HUGE_PAGE, 0, 0, 0));
}
END_TEST

START_TEST(pages_that_came_back_in_disorder)
{
	uint32_t domain = guest_domain();
	uint64_t addresses[POOL];
	int fds[POOL];

	for (unsigned i = 0; i < POOL; i++) {
		want(HWB_OK, alloc(domain, HUGE_PAGE, 0, 0, 0));
		addresses[i] = got.iova;
		fds[i] = got_fd;
	}
	for (unsigned i = 0; i < POOL; i++) {
		unsigned next = i * 29 % POOL;
		want(HWB_OK, hwb_dma_unmap(guest, domain, addresses[next], &why));
		close(fds[next]);
	}
	for (unsigned i = 0; i < 4; i++)
		want(HWB_OK, alloc(domain, 8ull * HUGE_PAGE, 0, 0, 0));
}
END_TEST

/* Where the operator has set such pages aside. */
START_TEST(giant_page)
{
	FILE *file = fopen("/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages", "re");
	unsigned count = 0;
	int read = file != NULL ? fscanf(file, "%u", &count) : 0;

	if (file != NULL)
		fclose(file);
	if (read != 1 || count == 0)
		return;
	want(HWB_OK, alloc(guest_domain(), 1u << 30, 0, 0, 0));
	ck_assert_uint_eq(got.size, 1u << 30);
	ck_assert_uint_eq(got.page_size, 1u << 30);
	ck_assert_uint_eq(got.iova % (1u << 30), 0);
}
END_TEST

START_TEST(memory_goes_with_its_mapping)
{
	uint32_t domain = guest_domain();

	want(HWB_OK, alloc(domain, HUGE_PAGE, 0, 0, 0));
	unsigned char *memory = map_fd(got_fd, HUGE_PAGE);
	memset(memory, 0x5a, HUGE_PAGE);
	want(HWB_OK, hwb_dma_unmap(guest, domain, got.iova, &why));
	want(HWB_NOT_FOUND, hwb_dma_unmap(guest, domain, got.iova, &why));
	want(HWB_OK, alloc(domain, HUGE_PAGE, 0, 0, 0));
	const unsigned char *next = map_fd(got_fd, HUGE_PAGE);
	for (unsigned at = 0; at < HUGE_PAGE; at += 512)
		ck_assert_uint_eq(next[at], 0);
}
END_TEST

START_TEST(memory_of_the_client)
{
	uint32_t domain = guest_domain();
	struct example_device edu;
	struct example_memory scratch;
	volatile void *registers = take_for_dma(domain, &edu);
	int page = guest_memfd(PAGE, 0, F_SEAL_SHRINK);
	int huge = guest_memfd(HUGE_PAGE, MFD_HUGETLB | MFD_HUGE_2MB, F_SEAL_SHRINK);
	int many = guest_memfd(64 * PAGE, 0, F_SEAL_SHRINK);

	guest_alloc(domain, PAGE, &scratch);
	want(HWB_OK, map(domain, page, 0, PAGE));
	ck_assert_uint_eq(got.flags, HWB_DMA_UNSAFE);
	ck_assert(edu_reads(registers, got.iova, map_fd(page, PAGE), &scratch));
	ck_assert(edu_writes(registers, got.iova, map_fd(page, PAGE)));
	want(HWB_CONFLICT, map(domain, page, 0, PAGE));
	want(HWB_OK, map(domain, huge, 0, HUGE_PAGE));
	ck_assert_uint_eq(got.iova % HUGE_PAGE, 0);
	ck_assert(edu_reads(registers, got.iova + PAGE, (char *)map_fd(huge, HUGE_PAGE) + PAGE,
	                    &scratch));
	/* Filled from its end, which is how its pages are not in order. */
	char *memory = map_fd(many, 64 * PAGE);
	for (unsigned i = 64; i-- > 0;)
		memory[i * PAGE] = 1;
	want(HWB_UNSUPPORTED, map(domain, many, 0, 64 * PAGE));
	says("in one piece");
	int sealed = guest_memfd(PAGE, 0, F_SEAL_SHRINK | F_SEAL_WRITE);
	const struct hwb_dma_map_request to_read = { .size = PAGE, .flags = HWB_DMA_DEVICE_READS };
	want(HWB_UNSUPPORTED, hwb_dma_map(guest, domain, &to_read, sealed, &got, &why));
	says("pinned");
}
END_TEST

/* ---- owners ---- */

START_TEST(kept_registers_reach_nothing)
{
	struct example_device edu;
	volatile void *registers = take_for_dma(guest_domain(), &edu);

	ck_assert(edu_alive(registers));
	guest_release(edu.handle);
	guest_wait_state(EDU, HWB_DEVICE_REVOKING);
	/* Where they are taken, looking would end this process. */
	if (!with_vfio(&edu)) {
		for (int i = 0; i < 20 && read32(registers, EDU_ID) == EDU_IDENTITY; i++)
			guest_pause(50);
		ck_assert_uint_ne(read32(registers, EDU_ID), EDU_IDENTITY);
		write32(registers, EDU_LIVENESS, 1);
		ck_assert_uint_ne(read32(registers, EDU_LIVENESS), ~1u);
	}
	/* It is said that it is revoked when that begins. */
	for (int i = 0; i < 20 && guest_bus_master(EDU); i++)
		guest_pause(50);
	ck_assert(!guest_bus_master(EDU));
	guest_let_go(&edu);
	guest_wait_state(EDU, HWB_DEVICE_FREE);
	registers = take_for_dma(guest_domain(), &edu);
	ck_assert(edu_alive(registers));
}
END_TEST

static void be_killed(void)
{
	struct hwb_posix posix;
	struct hwb_client *client = guest_connect(&posix);
	struct example_device edu;
	struct hwb_acquire_request request = {
		.flags = HWB_ACQUIRE_IRQ_ENABLE,
		.bars = 1,
		.irq_type = HWB_IRQ_INTX,
		.irq_count = 1,
	};
	const struct hwb_dma_alloc_request memory = { .size = 4 * HUGE_PAGE, .flags = BOTH };

	want(HWB_OK, hwb_domain_open(client, &request.domain, &why));
	want(HWB_OK, guest_try(client, EDU, &request, &edu));
	want(HWB_OK, hwb_dma_alloc(client, request.domain, &memory, &got, &got_fd, &why));
	raise_irq(guest_map(&edu.info.regions[0], edu.bar_fds[0]));
	raise(SIGKILL);
}

START_TEST(killed_client)
{
	for (int i = 0; i < 3; i++) {
		int status = 0;
		guest_wait_state(EDU, HWB_DEVICE_FREE);
		pid_t child = fork();
		if (child == 0) {
			be_killed();
			_exit(1);
		}
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		ck_assert_msg(WIFSIGNALED(status), "the child ended by itself: %d", status);
		guest_wait_state(EDU, HWB_DEVICE_FREE);
		ck_assert(!guest_bus_master(EDU));
	}
	/* All of it is back. */
	want(HWB_OK, alloc(guest_domain(), 32ull * HUGE_PAGE, 0, 0, 0));
}
END_TEST

static void wait_for_both(void)
{
	guest_wait_state(EDU, HWB_DEVICE_FREE);
	guest_wait_state(EDU2, HWB_DEVICE_FREE);
}

/* Devices are with no driver at first. */
static void take_both(void)
{
	struct example_device first, second;

	guest_take_bar(EDU, 0, &first);
	guest_take_bar(EDU2, 0, &second);
	guest_give_back(&first);
	guest_give_back(&second);
	wait_for_both();
}

/* `hold': has the device with DMA and its interrupt until the broker hangs up. For tests in
 * shell. */
static int hold(void)
{
	const struct hwb_dma_alloc_request memory = { .size = 4 * HUGE_PAGE, .flags = BOTH };
	struct hwb_acquire_request request = {
		.flags = HWB_ACQUIRE_IRQ_ENABLE,
		.bars = 1,
		.irq_type = HWB_IRQ_INTX,
		.irq_count = 1,
	};
	struct hwb_acquire_reply edu;
	struct hwb_posix posix;
	int fds[HWB_FDS_MAX];
	uint32_t handle, count;

	request.address = (struct hwb_pci_address){ .device = 3 };
	if (hwb_posix_open(&posix, NULL, NULL, NULL, &why) < 0 ||
	    hwb_domain_open(&posix.client, &request.domain, &why) < 0 ||
	    hwb_device_acquire(&posix.client, &request, &handle, &edu, fds, &count, &why) < 0 ||
	    hwb_dma_alloc(&posix.client, request.domain, &memory, &got, &got_fd, &why) < 0) {
		fprintf(stderr, "%s\n", why.reason);
		return 1;
	}
	while (hwb_ping(&posix.client, &why) >= 0)
		guest_pause(50);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "hold") == 0)
		return hold();
	Suite *suite = suite_create("unsafe");
	TCase *tests = guest_case(suite, "without DMA");

	tcase_add_checked_fixture(tests, take_both, NULL);
	tcase_add_test(tests, registers_without_dma);
	tcase_add_test(tests, dma_needs_its_key);
	tcase_add_test(tests, bus_mastering_is_not_the_clients);
	tcase_add_test(tests, messages);
	tests = guest_case(suite, "INTx");
	tcase_add_checked_fixture(tests, wait_for_both, NULL);
	tcase_add_test(tests, intx);
	tcase_add_test(tests, intx_stays_masked);
	tcase_add_test(tests, intx_opened_and_closed);
	tests = guest_case(suite, "DMA");
	tcase_add_checked_fixture(tests, wait_for_both, NULL);
	tcase_add_test(tests, dma_to_real_addresses);
	tcase_add_test(tests, several_pages_in_one_piece);
	tcase_add_test(tests, alignment_and_limit);
	tcase_add_test(tests, pool_is_empty);
	tcase_add_test(tests, pages_that_came_back_in_disorder);
	tcase_add_test(tests, giant_page);
	tcase_add_test(tests, memory_goes_with_its_mapping);
	tcase_add_test(tests, memory_of_the_client);
	tests = guest_case(suite, "owners");
	tcase_add_checked_fixture(tests, wait_for_both, NULL);
	tcase_add_test(tests, kept_registers_reach_nothing);
	tcase_add_test(tests, killed_client);
	return guest_run(suite);
}
