/* SPDX-License-Identifier: MIT */
/* Configuration space: what is read, and which bits are written. */
#include "platform_parts.h"

#include <string.h>

static int read_config(uint32_t device, uint32_t offset, uint32_t width)
{
	uint32_t value;

	return hwb_config_read(guest, device, offset, width, &value, &why);
}

static uint32_t config(uint32_t device, uint32_t offset, uint32_t width)
{
	uint32_t value = 0;

	want(HWB_OK, hwb_config_read(guest, device, offset, width, &value, &why));
	return value;
}

static int write_config(uint32_t device, uint32_t offset, uint32_t width, uint32_t value)
{
	return hwb_config_write(guest, device, offset, width, value, &why);
}

/* Writes what differs in the bits `flip`: without a difference nothing is asked. */
static int flip_config(uint32_t device, uint32_t offset, uint32_t width, uint32_t flip)
{
	return write_config(device, offset, width, config(device, offset, width) ^ flip);
}

START_TEST(reading_config_space)
{
	struct example_device edu, network;

	guest_take(EDU, &nothing, &edu);
	guest_take(E1000E, &nothing, &network);
	ck_assert_uint_eq(config(edu.handle, 0, 4), 0x11e81234);
	ck_assert_uint_eq(config(edu.handle, 0, 2), 0x1234);
	ck_assert_uint_eq(config(edu.handle, 2, 2), 0x11e8);
	ck_assert_uint_eq(config(edu.handle, 0, 1), 0x34);
	ck_assert_uint_eq(config(edu.handle, 3, 1), 0x11);
	ck_assert_uint_eq(config(network.handle, 0, 4), 0x10d38086);
	for (uint32_t width = 0; width <= 8; width++)
		if (width != 1 && width != 2 && width != 4)
			want(HWB_INVALID, read_config(edu.handle, 0, width));
	want(HWB_INVALID, read_config(edu.handle, 0, UINT16_MAX));
	/* Misaligned, and so across two registers. */
	want(HWB_INVALID, read_config(edu.handle, 1, 2));
	want(HWB_INVALID, read_config(edu.handle, 3, 2));
	for (uint32_t offset = 1; offset < 4; offset++)
		want(HWB_INVALID, read_config(edu.handle, offset, 4));
	/* Ends at 256 for a conventional device, at 4096 for PCI Express. */
	want(HWB_OK, read_config(edu.handle, 255, 1));
	want(HWB_OK, read_config(edu.handle, 252, 4));
	want(HWB_INVALID, read_config(edu.handle, 254, 4));
	want(HWB_INVALID, read_config(edu.handle, 256, 1));
	want(HWB_INVALID, read_config(edu.handle, 256, 4));
	want(HWB_OK, read_config(network.handle, 256, 4));
	want(HWB_OK, read_config(network.handle, 4092, 4));
	want(HWB_INVALID, read_config(network.handle, 4096, 4));
	want(HWB_INVALID, read_config(network.handle, 4096, 1));
	want(HWB_INVALID, read_config(network.handle, 65532, 4));
	want(HWB_INVALID, read_config(network.handle, 65535, 1));
	want(HWB_NO_SESSION, read_config(0, 0, 4));
	want(HWB_NO_SESSION, read_config(guest_domain(), 0, 4));
	guest_release(edu.handle);
	want(HWB_NO_SESSION, read_config(edu.handle, 0, 4));
}
END_TEST

START_TEST(value_in_a_read)
{
	const struct hwb_config_access access = { 0, 4, 1 };
	struct hwb_config_access answer;
	struct hwb_call call = { .reply = &answer, .reply_size = sizeof(answer), .error = &why };
	struct example_device edu;

	guest_take(EDU, &nothing, &edu);
	ck_assert_int_eq(
	        hwb_begin(guest, &call, HWB_CONFIG_READ, edu.handle, &access, sizeof(access), -1),
	        0);
	want(HWB_RESERVED_NOT_ZERO, hwb_finish(guest, &call));
}
END_TEST

/* What is sent first is done first, be it answered or not. */
START_TEST(a_read_behind_a_write)
{
	struct hwb_config_access put = { .offset = 0x0c, .width = 1 }, got, read;
	struct example_device edu;
	struct hwb_call write_call = { .reply = &read, .reply_size = sizeof(read), .error = &why };
	struct hwb_call read_call = { .reply = &got, .reply_size = sizeof(got), .error = &why };

	guest_take(EDU, &nothing, &edu);
	for (uint32_t value = 1; value <= 50; value++) {
		put.value = value & 0xf;
		want(HWB_OK, hwb_begin(guest, &write_call, HWB_CONFIG_WRITE, edu.handle, &put,
		                       sizeof(put), -1));
		put.value = 0;
		want(HWB_OK, hwb_begin(guest, &read_call, HWB_CONFIG_READ, edu.handle, &put,
		                       sizeof(put), -1));
		want(HWB_OK, hwb_finish(guest, &write_call));
		want(HWB_OK, hwb_finish(guest, &read_call));
		ck_assert_uint_eq(got.value, value & 0xf);
	}
}
END_TEST

START_TEST(wrong_writes)
{
	struct example_device edu;

	guest_take(EDU, &nothing, &edu);
	want(HWB_INVALID, write_config(edu.handle, 0x0c, 3, 0));
	want(HWB_INVALID, write_config(edu.handle, 0x0c, 0, 0));
	want(HWB_INVALID, write_config(edu.handle, 0x0d, 2, 0));
	want(HWB_INVALID, write_config(edu.handle, 0x0e, 4, 0));
	want(HWB_INVALID, write_config(edu.handle, 0x0c, 1, 0x100));
	want(HWB_INVALID, write_config(edu.handle, 0x0c, 2, 0x10000));
	want(HWB_INVALID, write_config(edu.handle, 256, 1, 0));
	want(HWB_INVALID, write_config(edu.handle, 65535, 1, 0));
	want(HWB_NO_SESSION, write_config(edu.handle + 9, 0x0c, 1, 0));
}
END_TEST

/* The rule names bits 3:0 of the cache line size. */
START_TEST(writes_that_the_rule_names)
{
	struct example_device edu, network;

	guest_take(EDU, &nothing, &edu);
	want(HWB_OK, write_config(edu.handle, 0x0c, 1, config(edu.handle, 0x0c, 1) & 0xf0));
	want(HWB_OK, flip_config(edu.handle, 0x0c, 1, 0x05));
	ck_assert_uint_eq(config(edu.handle, 0x0c, 1) & 0xf, 5);
	want(HWB_DENIED, flip_config(edu.handle, 0x0c, 1, 0x10));
	want(HWB_DENIED, flip_config(edu.handle, 0x0c, 1, 0x15));
	ck_assert_uint_eq(config(edu.handle, 0x0c, 1) & 0xf, 5);
	/* A wider access touches the latency timer, of which no mask speaks. */
	want(HWB_DENIED, flip_config(edu.handle, 0x0c, 2, 0x000f));
	want(HWB_DENIED, flip_config(edu.handle, 0x0c, 2, 0x0100));
	ck_assert_uint_eq(config(edu.handle, 0x0c, 1) & 0xf, 5);
	want(HWB_DENIED, flip_config(edu.handle, 0x0d, 1, 0x01));
	/* The refusal says which key to set. */
	ck_assert_ptr_nonnull(strstr(why.reason, "config_write"));
	guest_take(E1000E, &nothing, &network);
	want(HWB_OK, write_config(network.handle, 0x3c, 1, 0x0b));
	ck_assert_uint_eq(config(network.handle, 0x3c, 1), 0x0b);
	/* Writing what is there already is a write: it clears some bits. */
	want(HWB_OK, flip_config(edu.handle, 0x0c, 1, 0));
	want(HWB_DENIED, flip_config(edu.handle, 0x0d, 1, 0));
	want(HWB_DENIED, flip_config(network.handle, 0x04, 2, 0));
	want(HWB_DENIED, flip_config(network.handle, 0x06, 2, 0));
}
END_TEST

START_TEST(writes_are_denied_by_default)
{
	struct example_device disk;

	guest_take(NVME, &nothing, &disk);
	want(HWB_DENIED, flip_config(disk.handle, 0x0c, 1, 0x01));
	want(HWB_DENIED, flip_config(disk.handle, 0x3c, 1, 0x01));
	want(HWB_DENIED, flip_config(disk.handle, 0x04, 2, 0x04));
	for (uint32_t offset = 0x40; offset < 0x1000; offset += 4)
		want(HWB_DENIED, flip_config(disk.handle, offset, 4, 1));
}
END_TEST

/* The rule names them, and still. */
START_TEST(registers_that_are_never_written)
{
	enum { E1000E_MSIX = 0xa0, E1000E_PM = 0xc8, E1000E_MSI = 0xd0, E1000E_EXPRESS = 0xe0 };
	struct example_device edu, network;

	guest_take(EDU, &nothing, &edu);
	guest_take(E1000E, &nothing, &network);
	want(HWB_DENIED, flip_config(edu.handle, 0x00, 2, 0x0001));      /* vendor */
	want(HWB_DENIED, flip_config(edu.handle, 0x04, 2, 0x0004));      /* bus master */
	want(HWB_DENIED, flip_config(edu.handle, 0x04, 2, 0x0002));      /* memory */
	want(HWB_DENIED, flip_config(edu.handle, 0x05, 1, 0x04));        /* INTx disable */
	want(HWB_DENIED, flip_config(edu.handle, 0x10, 4, 0x10000000));  /* BAR 0 */
	want(HWB_DENIED, write_config(edu.handle, 0x10, 4, UINT32_MAX)); /* sizing it */
	ck_assert_uint_eq(config(edu.handle, 0x40, 1), 0x05);
	want(HWB_DENIED, flip_config(edu.handle, 0x42, 2, 0x0001)); /* MSI enable */
	ck_assert_uint_eq(config(network.handle, E1000E_MSIX, 1), 0x11);
	want(HWB_DENIED, flip_config(network.handle, E1000E_MSIX + 2, 2, 0x8000));
	ck_assert_uint_eq(config(network.handle, E1000E_PM, 1), 0x01);
	want(HWB_DENIED, flip_config(network.handle, E1000E_PM + 4, 2, 0x0003));
	ck_assert_uint_eq(config(network.handle, E1000E_MSI, 1), 0x05);
	want(HWB_DENIED, flip_config(network.handle, E1000E_MSI + 2, 2, 0x0001));
	ck_assert_uint_eq(config(network.handle, E1000E_EXPRESS, 1), 0x10);
	/* Function level reset; relaxed ordering beside it is the rule's to give. */
	want(HWB_DENIED, flip_config(network.handle, E1000E_EXPRESS + 8, 2, 0x8000));
	want(HWB_DENIED, flip_config(network.handle, E1000E_EXPRESS + 8, 2, 0x8010));
	want(HWB_OK, flip_config(network.handle, E1000E_EXPRESS + 8, 2, 0x0010));
	/* Link control belongs to both ends. */
	want(HWB_DENIED, flip_config(network.handle, E1000E_EXPRESS + 0x10, 2, 0x0040));
	ck_assert(!guest_bus_master(EDU));
	ck_assert(!guest_bus_master(E1000E));
}
END_TEST

void add_config_space(Suite *suite)
{
	TCase *tests = guest_case(suite, "config space");
	tcase_add_test(tests, reading_config_space);
	tcase_add_test(tests, value_in_a_read);
	tcase_add_test(tests, a_read_behind_a_write);
	tcase_add_test(tests, wrong_writes);
	tcase_add_test(tests, writes_that_the_rule_names);
	tcase_add_test(tests, writes_are_denied_by_default);
	tcase_add_test(tests, registers_that_are_never_written);
}
