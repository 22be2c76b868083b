/* SPDX-License-Identifier: MIT */
/* What a device leaves behind whose reset was refused, since it was about to go. */
#include "device/estate.h"
#include "device/operate.h"
#include "kernel/kernel.h"

#include <check.h>
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

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
	char path[] = "/tmp/test_estate-XXXXXX";
	int registers = mkstemp(path);
	struct fault fault;

	ck_assert_int_ge(registers, 0);
	device->instance = 1;
	device->unit.opened = (struct kernel_device *)device;
	device->unit.witness.fds[0] = open(path, O_RDONLY | O_CLOEXEC);
	device->unit.witness.count = 1;
	unlink(path);
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

int main(void)
{
	Suite *suite = suite_create("estate");
	TCase *tests = tcase_create("estate");

	tcase_add_test(tests, of_a_device_that_left_only_its_own_addresses_are_haunted);
	tcase_add_test(tests, it_ends_with_the_last_mapping);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
