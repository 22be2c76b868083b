/* SPDX-License-Identifier: MIT */
/* What a device leaves behind whose reset was refused, since it was about to go. */
#include "device/estate.h"
#include "device/operate.h"
#include "kernel/kernel.h"
#include "suite.h"

#include <check.h>
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/test_estate.XXXXXX";
static char path[sizeof(folder) + 16];

static const struct hwb_pci_address nowhere = { .domain = 0xfffffff0 };

static int refuse(struct kernel_device *device, bool shut, uint32_t bars, struct fault *fault)
{
	(void)device;
	(void)shut;
	(void)bars;
	return fault_errno(fault, EAGAIN, "the kernel is about to take it away");
}

static void forget(struct kernel_device *device)
{
	(void)device;
}

static const struct kernel_backend kernel = { .rest = refuse, .close = forget };

static struct device device_at(uint64_t base)
{
	return (struct device){ .facts = { .address = nowhere,
		                           .bars = { { .address = base, .size = 0x4000 } } } };
}

/* Has somebody open the registers of a device, and the device leave the bus. */
static int leave_registers(struct estates *estates, struct ev_loop *loop, struct device *device)
{
	char file[] = "/tmp/test_estate-XXXXXX";
	int registers = mkstemp(file);
	struct fault fault;

	ck_assert_int_ge(registers, 0);
	device->instance = 1;
	device->unit.opened = (struct kernel_device *)device;
	device->unit.witness.fds[0] = open(file, O_RDONLY | O_CLOEXEC);
	device->unit.witness.count = 1;
	unlink(file);
	ck_assert_int_eq(operate_retire(&kernel, device, true, &fault), -1);
	ck_assert_int_eq(fault.status, HWB_GONE);
	estates_add(estates, loop, device);
	return registers;
}

START_TEST(of_a_device_that_left_only_its_own_addresses_are_haunted)
{
	struct group group = { .open_count = 1 };
	struct device device = device_at(0xfe400000);
	struct device there = device_at(0xfe402000), elsewhere = device_at(0xfe404000);
	struct estates estates = { 0 };

	device.group = &group;
	struct ev_loop *loop = ev_default_loop(0);
	int registers = leave_registers(&estates, loop, &device);
	ck_assert(estates_touch(&estates, &there));
	ck_assert(!estates_touch(&estates, &elsewhere));

	close(registers);
	ck_assert(!estates_touch(&estates, &there));
	estates_free(&estates, loop);
}
END_TEST

/* Though nobody takes a device any more. */
START_TEST(it_ends_with_the_last_mapping)
{
	struct group groups[2] = { { .open_count = 1 }, { .open_count = 1 } };
	struct device devices[2] = { device_at(0xfe400000), device_at(0xfe500000) };
	struct ev_loop *loop = ev_default_loop(0);
	struct estates estates = { 0 };
	int registers[2];

	for (int i = 0; i < 2; i++) {
		devices[i].group = &groups[i];
		registers[i] = leave_registers(&estates, loop, &devices[i]);
	}
	ck_assert_int_gt(registers[0], 0);
	close(registers[0]);
	for (int i = 0; i < 2; i++)
		ev_run(loop, EVRUN_ONCE);
	ck_assert(!estates_touch(&estates, &devices[0]));
	ck_assert(estates_touch(&estates, &devices[1]));
	close(registers[1]);
	/* Returns only when nothing is waited for. */
	ev_run(loop, 0);
	ck_assert_ptr_null(estates.first);
	estates_free(&estates, loop);
}
END_TEST

static void start_again(struct estates *estates, struct ev_loop *loop)
{
	estates_free(estates, loop);
	*estates = (struct estates){ 0 };
	record_close();
	record_open(path);
	estates_start(estates);
}

/* Who has them then nobody can tell, but where they are. */
START_TEST(the_next_daemon_knows_where)
{
	struct group group = { .open_count = 1 };
	struct device device = device_at(0xfe400000);
	struct device there = device_at(0xfe402000), elsewhere = device_at(0xfe404000);
	struct estates estates = { 0 };
	struct ev_loop *loop = ev_default_loop(0);

	record_open(path);
	device.group = &group;
	int registers = leave_registers(&estates, loop, &device);
	start_again(&estates, loop);
	ck_assert(estates_touch(&estates, &there));
	ck_assert(!estates_touch(&estates, &elsewhere));
	close(registers);
	start_again(&estates, loop);
	ck_assert(estates_touch(&estates, &there));
	ck_assert(!estates_touch(&estates, &elsewhere));
	ev_run(loop, 0);
	estates_free(&estates, loop);
	record_close();
}
END_TEST

START_TEST(what_has_ended_is_written_down_no_more)
{
	struct group group = { .open_count = 1 };
	struct device device = device_at(0xfe400000);
	struct device there = device_at(0xfe402000);
	struct estates estates = { 0 };
	struct ev_loop *loop = ev_default_loop(0);

	record_open(path);
	device.group = &group;
	close(leave_registers(&estates, loop, &device));
	estates_settle(&estates);
	start_again(&estates, loop);
	ck_assert(!estates_touch(&estates, &there));
	estates_free(&estates, loop);
	record_close();
}
END_TEST

/* While no daemon was there. */
START_TEST(one_that_left_unseen)
{
	struct device there = device_at(0xfe402000), elsewhere = device_at(0xfe404000);
	struct estates estates = { 0 };
	struct ev_loop *loop = ev_default_loop(0);
	struct record record = { .placed = true, .memory = { { 0xfe400000, 0xfe403fff } } };

	record_open(path);
	estates_start(&estates);
	ck_assert(!estates_touch(&estates, &there));
	for (int i = 0; i < 2; i++) {
		estates_add_unseen(&estates, &record);
		ck_assert(estates_touch(&estates, &there));
		ck_assert(!estates_touch(&estates, &elsewhere));
		start_again(&estates, loop);
	}
	/* By a daemon that did not write down where its registers are. */
	record.placed = false;
	estates_add_unseen(&estates, &record);
	start_again(&estates, loop);
	ck_assert(estates_touch(&estates, &elsewhere));
	estates_free(&estates, loop);
	record_close();
}
END_TEST

static void make_folder(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/devices", folder);
}

static void remove_folder(void)
{
	unlink(path);
	rmdir(folder);
	memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
}

int main(void)
{
	Suite *suite = suite_create("estate");
	TCase *tests = tcase_create("estate");

	tcase_add_test(tests, of_a_device_that_left_only_its_own_addresses_are_haunted);
	tcase_add_test(tests, it_ends_with_the_last_mapping);
	tcase_add_test(tests, the_next_daemon_knows_where);
	tcase_add_test(tests, what_has_ended_is_written_down_no_more);
	tcase_add_test(tests, one_that_left_unseen);
	tcase_add_checked_fixture(tests, make_folder, remove_folder);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
