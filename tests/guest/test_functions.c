/* SPDX-License-Identifier: MIT */
/*
 * A card of several functions, which isolates none of them from another: they are one IOMMU
 * group, and go to one owner. The suite's runner has plugged it in: two network cards, with host
 * drivers.
 */
#include "guest.h"

#include "pci.h"

#include <string.h>

#define FIRST "02:00.0"
#define SECOND "02:00.1"

/* A register of the 82574 that keeps what is written to it, until a reset: VET, what type of
 * packet is of a VLAN (82574 datasheet, 10.2.2.7). */
enum { REG_VET = 0x38, VET = 0x4321 };

static const struct hwb_acquire_request nothing;
static const struct hwb_acquire_request registers_wanted = { .bars = 1 };

static uint32_t read_vet(volatile void *registers)
{
	return *(volatile uint32_t *)((volatile char *)registers + REG_VET);
}

static void write_vet(volatile void *registers, uint32_t value)
{
	*(volatile uint32_t *)((volatile char *)registers + REG_VET) = value;
}

static void expect_reason(const char *words)
{
	ck_assert_msg(strstr(why.reason, words) != NULL, "no `%s' in: %s", words, why.reason);
}

static void open_with_both(void)
{
	guest_ask_runner("policy functions-both");
	guest_open();
}

static void open_with_bus(void)
{
	guest_ask_runner("policy functions-bus");
	guest_open();
}

static void close_all(void)
{
	guest_close();
	guest_wait_driver(FIRST, "e1000e");
	guest_wait_driver(SECOND, "e1000e");
	guest_ask_runner("policy functions");
}

/* Whose sibling is with the host is with the host, too, and says why. */
START_TEST(a_sibling_with_the_host)
{
	struct example_device device;
	char driver[32];

	/* Without an IOMMU there are no groups, and the rule of each says it. */
	if (!guest_has_iommu()) {
		guest_take(SECOND, &nothing, &device);
		pci_driver(FIRST, driver);
		ck_assert_str_eq(driver, "e1000e");
		guest_give_back(&device);
		return;
	}
	want(HWB_DENIED, guest_try(guest, SECOND, &nothing, &device));
	expect_reason("0000:" FIRST);
	expect_reason("`e1000e'");
	/* Neither was touched. */
	pci_driver(SECOND, driver);
	ck_assert_str_eq(driver, "e1000e");
	pci_driver(FIRST, driver);
	ck_assert_str_eq(driver, "e1000e");
}
END_TEST

START_TEST(both_go_to_one)
{
	struct hwb_posix other;
	struct example_device second, first;
	char driver[32];

	guest_take(SECOND, &nothing, &second);
	/* The host must not drive it beside a client who reaches its memory. */
	pci_driver(FIRST, driver);
	ck_assert_str_eq(driver, "vfio-pci");
	struct hwb_client *stranger = guest_connect(&other);
	want(HWB_BUSY, guest_try(stranger, FIRST, &nothing, &first));
	expect_reason("another function of IOMMU group");
	guest_take(FIRST, &nothing, &first);
	ck_assert_uint_eq(first.info.device.iommu_group, second.info.device.iommu_group);
	ck_assert_uint_ne(first.info.device.header_type & 0x80, 0);
	guest_give_back(&second);
	/* Half of it is nobody else's. */
	want(HWB_BUSY, guest_try(stranger, SECOND, &nothing, &second));
	guest_give_back(&first);
	hwb_posix_close(&other);
}
END_TEST

/* What is reset between two clients is one function: a reset of their bus would be one of this
 * register. QEMU's cards do nothing on the reset by power states that they have. */
START_TEST(a_reset_is_of_one_function)
{
	struct example_device first, second;
	volatile void *one = guest_take_bar(FIRST, 0, &first);
	volatile void *two = guest_take_bar(SECOND, 0, &second);

	write_vet(one, VET);
	write_vet(two, VET);
	ck_assert_uint_eq(read_vet(one), VET);
	ck_assert_uint_eq(read_vet(two), VET);
	guest_give_back(&second);
	guest_wait_state(SECOND, guest_has_iommu() ? HWB_DEVICE_FREE : HWB_DEVICE_HOST);
	ck_assert_uint_eq(read_vet(one), VET);
	two = guest_take_bar(SECOND, 0, &second);
	ck_assert_uint_eq(read_vet(one), VET);
	write_vet(two, ~VET & 0xffff);
	ck_assert_uint_eq(read_vet(one), VET);
	guest_give_back(&second);
	guest_give_back(&first);
}
END_TEST

/* One that would reset the other as well is no way: the kernel has it for neither. */
START_TEST(no_reset_of_the_bus)
{
	struct example_device first, second;
	volatile void *one = guest_take_bar(FIRST, 0, &first);

	write_vet(one, VET);
	want(HWB_UNSUPPORTED, guest_try(guest, SECOND, &registers_wanted, &second));
	expect_reason("`bus'");
	ck_assert_uint_eq(read_vet(one), VET);
	guest_give_back(&first);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("functions");
	TCase *tests = guest_case(suite, "host");

	tcase_add_test(tests, a_sibling_with_the_host);

	tests = tcase_create("both");
	tcase_add_checked_fixture(tests, open_with_both, close_all);
	tcase_set_timeout(tests, 120);
	suite_add_tcase(suite, tests);
	if (guest_has_iommu())
		tcase_add_test(tests, both_go_to_one);
	tcase_add_test(tests, a_reset_is_of_one_function);

	tests = tcase_create("bus");
	tcase_add_checked_fixture(tests, open_with_bus, close_all);
	tcase_set_timeout(tests, 120);
	suite_add_tcase(suite, tests);
	tcase_add_test(tests, no_reset_of_the_bus);
	return guest_run(suite);
}
