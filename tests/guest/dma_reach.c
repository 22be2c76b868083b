/* SPDX-License-Identifier: MIT */
/* What a device reaches by its domain, and what it does not. */
#include "dma.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

START_TEST(reaches_what_is_mapped)
{
	struct example_memory memory, scratch;
	struct example_device edu;
	uint32_t domain = guest_domain();
	volatile void *registers = take_edu(EDU, domain, &edu);

	guest_alloc(domain, PAGE, &memory);
	guest_alloc(domain, PAGE, &scratch);
	ck_assert(edu_reads(registers, memory.iova, memory.at, &scratch));
	ck_assert(edu_writes(registers, memory.iova, memory.at));
	want(HWB_OK, unmap(domain, memory.iova));
	ck_assert(!edu_writes(registers, memory.iova, memory.at));
	ck_assert(!edu_reads(registers, memory.iova, memory.at, &scratch));
}
END_TEST

START_TEST(mapped_before_the_first_assign)
{
	struct example_memory memory, scratch;
	struct example_device edu;
	uint32_t domain = guest_domain();
	int fd = sealed(PAGE);

	guest_alloc(domain, PAGE, &memory);
	guest_alloc(domain, PAGE, &scratch);
	want(HWB_OK, MAP(domain, fd, .size = PAGE, .limit = UINT32_MAX, .flags = BOTH));
	uint64_t own = got.iova;
	/* One that is gone before the kernel ever heard of it. */
	want(HWB_OK, ALLOC(domain, .size = PAGE, .limit = UINT32_MAX, .flags = BOTH));
	void *never = map_fd(got_fd, PAGE);
	want(HWB_OK, unmap(domain, got.iova));
	volatile void *registers = take_edu(EDU, domain, &edu);
	ck_assert(edu_reads(registers, memory.iova, memory.at, &scratch));
	ck_assert(edu_writes(registers, own, map_fd(fd, PAGE)));
	ck_assert(!edu_writes(registers, got.iova, never));
}
END_TEST

START_TEST(device_that_may_only_read)
{
	struct example_memory scratch;
	struct example_device edu;
	uint32_t domain = guest_domain();
	volatile void *registers = take_edu(EDU, domain, &edu);
	int fd = sealed(PAGE);
	void *memory = map_fd(fd, PAGE);

	guest_alloc(domain, PAGE, &scratch);
	want(HWB_OK, MAP(domain, fd, .size = PAGE, .limit = UINT32_MAX, .flags = READS));
	ck_assert(edu_reads(registers, got.iova, memory, &scratch));
	ck_assert(!edu_writes(registers, got.iova, memory));
}
END_TEST

/* Whether it could read as well is the IOMMU's affair: that of this virtual PC
 * lets it, with VFIO used directly by root too. */
START_TEST(device_that_may_write)
{
	struct example_device edu;
	uint32_t domain = guest_domain();
	volatile void *registers = take_edu(EDU, domain, &edu);
	int fd = sealed(PAGE);
	void *memory = map_fd(fd, PAGE);

	want(HWB_OK, MAP(domain, fd, .size = PAGE, .limit = UINT32_MAX, .flags = WRITES));
	ck_assert(edu_writes(registers, got.iova, memory));
	want(HWB_OK, unmap(domain, got.iova));
	ck_assert(!edu_writes(registers, got.iova, memory));
}
END_TEST

/* The client's own descriptor may go: the mapping holds the memory. */
START_TEST(descriptor_is_not_needed_any_more)
{
	struct example_memory memory, scratch;
	struct example_device edu;
	uint32_t domain = guest_domain();
	volatile void *registers = take_edu(EDU, domain, &edu);

	guest_alloc(domain, PAGE, &memory);
	guest_alloc(domain, PAGE, &scratch);
	close(memory.fd);
	ck_assert(edu_reads(registers, memory.iova, memory.at, &scratch));
}
END_TEST

START_TEST(two_devices_in_one_domain)
{
	struct example_memory memory, scratch;
	struct example_device edu, edu2;
	uint32_t domain = guest_domain();
	volatile void *first = take_edu(EDU, domain, &edu);

	guest_alloc(domain, PAGE, &memory);
	guest_alloc(domain, PAGE, &scratch);
	volatile void *second = take_edu(EDU2, domain, &edu2);
	ck_assert(edu_reads(first, memory.iova, memory.at, &scratch));
	ck_assert(edu_reads(second, memory.iova, memory.at, &scratch));
	/* One writes, the other reads it. */
	edu_store(first, memory.iova);
	edu_fetch(second, memory.iova);
	memset(scratch.at, 0, EDU_TRANSFER);
	edu_store(second, scratch.iova);
	ck_assert_mem_eq(memory.at, scratch.at, EDU_TRANSFER);
	/* The first leaves, the second stays. */
	guest_give_back(&edu);
	guest_wait_state(EDU, HWB_DEVICE_FREE);
	ck_assert(edu_writes(second, memory.iova, memory.at));
}
END_TEST

START_TEST(domains_are_apart)
{
	struct example_memory memory;
	struct example_device edu, edu2;
	uint32_t domain = guest_domain(), other = guest_domain();
	volatile void *first = take_edu(EDU, domain, &edu);
	volatile void *second = take_edu(EDU2, other, &edu2);

	guest_alloc(domain, PAGE, &memory);
	ck_assert(edu_writes(first, memory.iova, memory.at));
	ck_assert(!edu_writes(second, memory.iova, memory.at));
}
END_TEST

/* Without a domain the registers are there, and no memory. */
START_TEST(deassign_and_assign_again)
{
	struct example_memory memory, scratch;
	struct example_device edu;
	uint32_t domain = guest_domain();
	volatile void *registers = take_edu(EDU, domain, &edu);

	guest_alloc(domain, PAGE, &memory);
	guest_alloc(domain, PAGE, &scratch);
	ck_assert(edu_reads(registers, memory.iova, memory.at, &scratch));
	want(HWB_OK, hwb_domain_deassign(guest, domain, edu.handle, &why));
	ck_assert(!guest_bus_master(EDU));
	ck_assert(edu_alive(registers));
	ck_assert(!edu_writes(registers, memory.iova, memory.at));
	want(HWB_OK, hwb_domain_assign(guest, domain, edu.handle, &why));
	ck_assert(edu_reads(registers, memory.iova, memory.at, &scratch));
	/* What was unmapped meanwhile does not come back. */
	want(HWB_OK, hwb_domain_deassign(guest, domain, edu.handle, &why));
	want(HWB_OK, unmap(domain, memory.iova));
	want(HWB_OK, hwb_domain_assign(guest, domain, edu.handle, &why));
	ck_assert(!edu_writes(registers, memory.iova, memory.at));
	ck_assert(edu_writes(registers, scratch.iova, scratch.at));
}
END_TEST

START_TEST(closed_domain)
{
	struct example_memory memory;
	struct example_device edu;
	uint32_t domain = guest_domain();
	volatile void *registers = take_edu(EDU, domain, &edu);

	guest_alloc(domain, PAGE, &memory);
	ck_assert(edu_writes(registers, memory.iova, memory.at));
	guest_release(domain);
	want(HWB_NO_SESSION, unmap(domain, memory.iova));
	want(HWB_NO_SESSION, ALLOC(domain, .size = PAGE, .flags = BOTH));
	want(HWB_NO_SESSION, hwb_domain_assign(guest, domain, edu.handle, &why));
	/* Behind the jobs that the close has started. */
	uint32_t other = guest_domain();
	want(HWB_OK, hwb_domain_assign(guest, other, edu.handle, &why));
	ck_assert(edu_alive(registers));
	ck_assert(!edu_writes(registers, memory.iova, memory.at));
	guest_alloc(other, PAGE, &memory);
	ck_assert(edu_writes(registers, memory.iova, memory.at));
}
END_TEST

/* Requests that undo each other, sent at once: the last one counts. */
START_TEST(assignments_in_a_row)
{
	struct example_memory memory;
	struct example_device edu;
	struct hwb_call calls[3] = { { .error = &why }, { .error = &why }, { .error = &why } };
	uint32_t domain = guest_domain(), other = guest_domain();
	volatile void *registers = take_edu(EDU, 0, &edu);
	const struct hwb_assign_request request = { .device = edu.handle };

	guest_alloc(domain, PAGE, &memory);
	want(HWB_OK,
	     hwb_begin(guest, &calls[0], HWB_DOMAIN_ASSIGN, other, &request, sizeof(request), -1));
	want(HWB_OK, hwb_begin(guest, &calls[1], HWB_DOMAIN_DEASSIGN, other, &request,
	                       sizeof(request), -1));
	want(HWB_OK,
	     hwb_begin(guest, &calls[2], HWB_DOMAIN_ASSIGN, domain, &request, sizeof(request), -1));
	for (int i = 0; i < 3; i++)
		want(HWB_OK, hwb_finish(guest, &calls[i]));
	guest_release(other);
	ck_assert(edu_writes(registers, memory.iova, memory.at));
	want(HWB_OK, hwb_domain_deassign(guest, domain, edu.handle, &why));
}
END_TEST

/* An interrupt that is just being opened goes with the domain that it needs. */
START_TEST(domain_closed_under_an_interrupt)
{
	const struct hwb_irq_request request = { .type = HWB_IRQ_MSI, .count = 1 };
	struct hwb_interrupt irq;
	struct example_device edu;
	int fds[HWB_FDS_MAX];
	uint32_t count;

	for (int i = 0; i < 10; i++) {
		struct hwb_call open = {
			.reply = &irq,
			.reply_size = sizeof(irq),
			.fds = fds,
			.fds_max = HWB_FDS_MAX,
			.error = &why,
		};
		uint32_t domain = guest_domain();
		take_edu(EDU, domain, &edu);
		want(HWB_OK, hwb_begin(guest, &open, HWB_IRQ_OPEN, edu.handle, &request,
		                       sizeof(request), -1));
		guest_release(domain);
		/* Opened in time and closed with the domain, or too late. */
		int status = guest_status(hwb_finish(guest, &open));
		ck_assert_msg(status == HWB_OK || status == HWB_GONE, "%s",
		              guest_status_name(status));
		if (status == HWB_OK) {
			close(fds[0]);
			want(HWB_NO_SESSION, hwb_irq_enable(guest, irq.session, &why));
		}
		domain = guest_domain();
		want(HWB_OK, hwb_domain_assign(guest, domain, edu.handle, &why));
		want(HWB_OK, hwb_irq_open(guest, edu.handle, &request, &irq, fds, &count, &why));
		close(fds[0]);
		guest_give_back(&edu);
		guest_release(domain);
		guest_wait_state(EDU, HWB_DEVICE_FREE);
	}
}
END_TEST

START_TEST(closed_device_leaves_the_domain)
{
	struct example_memory memory;
	struct example_device edu;
	uint32_t domain = guest_domain();
	volatile void *registers = take_edu(EDU, domain, &edu);

	guest_alloc(domain, PAGE, &memory);
	ck_assert(edu_writes(registers, memory.iova, memory.at));
	guest_release(edu.handle);
	want(HWB_NO_SESSION, hwb_domain_deassign(guest, domain, edu.handle, &why));
	/* The domain lives on, for whoever comes next. */
	registers = take_edu(EDU, domain, &edu);
	ck_assert(edu_writes(registers, memory.iova, memory.at));
}
END_TEST

START_TEST(wrong_assignments)
{
	const struct hwb_acquire_request nothing = { 0 };
	struct example_device edu, testdev;
	uint32_t domain = guest_domain(), other = guest_domain();

	guest_take(EDU, &nothing, &edu);
	guest_take(TESTDEV, &nothing, &testdev);
	want(HWB_WRONG_STATE, hwb_domain_deassign(guest, domain, edu.handle, &why));
	want(HWB_NO_SESSION, hwb_domain_assign(guest, domain, 0, &why));
	want(HWB_NO_SESSION, hwb_domain_assign(guest, domain, domain, &why));
	want(HWB_NO_SESSION, hwb_domain_assign(guest, edu.handle, edu.handle, &why));
	want(HWB_NO_SESSION, hwb_domain_assign(guest, 0, edu.handle, &why));
	want(HWB_NO_SESSION, hwb_domain_deassign(guest, domain, 1000, &why));
	want(HWB_NO_SESSION, ALLOC(edu.handle, .size = PAGE, .flags = BOTH));
	want(HWB_NO_SESSION, ALLOC(0, .size = PAGE, .flags = BOTH));
	want(HWB_NO_SESSION, MAP(edu.handle, sealed(PAGE), .size = PAGE, .flags = BOTH));
	want(HWB_NO_SESSION, unmap(edu.handle, PAGE));
	want(HWB_DENIED, hwb_domain_assign(guest, domain, testdev.handle, &why));
	want(HWB_OK, hwb_domain_assign(guest, domain, edu.handle, &why));
	want(HWB_OK, hwb_domain_assign(guest, domain, edu.handle, &why)); /* it is */
	want(HWB_WRONG_STATE, hwb_domain_assign(guest, other, edu.handle, &why));
	want(HWB_WRONG_STATE, hwb_domain_deassign(guest, other, edu.handle, &why));
	want(HWB_OK, hwb_domain_deassign(guest, domain, edu.handle, &why));
	want(HWB_WRONG_STATE, hwb_domain_deassign(guest, domain, edu.handle, &why));
	want(HWB_OK, hwb_domain_assign(guest, other, edu.handle, &why));
	guest_release(testdev.handle);
	want(HWB_DENIED, guest_try(guest, TESTDEV,
	                           &(struct hwb_acquire_request){ .domain = domain }, &testdev));
	want(HWB_NO_SESSION,
	     guest_try(guest, EDU2, &(struct hwb_acquire_request){ .domain = edu.handle },
	               &testdev));
	want(HWB_NO_SESSION,
	     guest_try(guest, EDU2, &(struct hwb_acquire_request){ .domain = 1000 }, &testdev));
	guest_take(EDU2, &nothing, &testdev);
}
END_TEST

void add_reach(Suite *suite)
{
	TCase *tests = guest_case(suite, "reach");
	tcase_add_test(tests, reaches_what_is_mapped);
	tcase_add_test(tests, mapped_before_the_first_assign);
	tcase_add_test(tests, device_that_may_only_read);
	tcase_add_test(tests, device_that_may_write);
	tcase_add_test(tests, descriptor_is_not_needed_any_more);
	tcase_add_test(tests, two_devices_in_one_domain);
	tcase_add_test(tests, domains_are_apart);
	tcase_add_test(tests, deassign_and_assign_again);
	tcase_add_test(tests, closed_domain);
	tcase_add_test(tests, assignments_in_a_row);
	tcase_add_test(tests, domain_closed_under_an_interrupt);
	tcase_add_test(tests, closed_device_leaves_the_domain);
	tcase_add_test(tests, wrong_assignments);
}
