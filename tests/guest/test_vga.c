/* SPDX-License-Identifier: MIT */
/*
 * The VGA window and ports of a card that the client has, and a card's option ROM. Runs as root,
 * and is one client or the other for a moment; with --locked-down where the kernel is, and nothing
 * but VFIO reaches any of it.
 */
#define _GNU_SOURCE /* F_GET_SEALS */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <hwbroker/ports.h>
#include <hwbroker/registers.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { DRIVER = 1000, OTHER = 1001 };

enum {
	WINDOW = 0xa0000,
	WINDOW_SIZE = 0x10000,
	REST = 0xb0000,
	PORTS = 0x3b0,
	PORT_COUNT = 0x30,
	PARALLEL = 0x3bc,
	/* IBM VGA Technical Reference, 2: */
	MISC_WRITE = 0x3c2,
	SEQUENCER = 0x3c4, /* index, and data behind it */
	MISC_READ = 0x3cc,
	GRAPHICS = 0x3ce,
};

static struct hwb_posix driver_posix, other_posix;
static struct hwb_client *const driver = &driver_posix.client;
static struct hwb_client *const other = &other_posix.client;
static bool locked_down;

static struct example_device card;
static struct hwb_registers window, pixels;
static struct hwb_ports ports;

static void connect_both(void)
{
	guest_connect_as(DRIVER, &driver_posix, NULL);
	guest_connect_as(OTHER, &other_posix, NULL);
}

static void disconnect_both(void)
{
	hwb_posix_close(&driver_posix);
	hwb_posix_close(&other_posix);
}

static int open_at(struct hwb_client *client, uint64_t base, uint64_t size,
                   struct hwb_registers *registers)
{
	struct hwb_region region;
	int fd;

	int result = hwb_io_mem_open(client, base, size, 0, &region, &fd, &why);
	if (result == 0) {
		ck_assert_uint_eq(region.flags & (HWB_REGION_MEDIATED | HWB_REGION_REVOCABLE),
		                  HWB_REGION_MEDIATED | HWB_REGION_REVOCABLE);
		ck_assert_int_eq(fd, -1);
		ck_assert_uint_eq(region.base, base);
		hwb_registers_mediated(registers, client, &region);
	}
	return result;
}

static int use_port(uint32_t port, uint8_t action, uint8_t width, uint32_t *value)
{
	struct hwb_port_op op = { (uint16_t)port, action, width, *value };
	int result = hwb_ports_run(&ports, &op, 1, &why);

	*value = op.value;
	return result;
}

static void out(uint32_t port, uint8_t width, uint32_t value)
{
	want(HWB_OK, use_port(port, HWB_PORT_OUT, width, &value));
}

/* Bytes one behind the other at the window's start, as in mode 0x13. */
static void set_linear(void)
{
	out(MISC_WRITE, 1, 0x63);  /* memory answers; colour ports */
	out(SEQUENCER, 2, 0x0f02); /* all planes are written */
	out(SEQUENCER, 2, 0x0e04); /* chained, beyond 64 KiB */
	out(GRAPHICS, 2, 0x0001);  /* no set/reset */
	out(GRAPHICS, 2, 0x0003);  /* as it comes */
	out(GRAPHICS, 2, 0x4005);  /* a byte is a pixel */
	out(GRAPHICS, 2, 0x0506);  /* 64 KiB at 0xa0000 */
	out(GRAPHICS, 2, 0xff08);  /* all bits */
}

static void take_card(void)
{
	const struct hwb_acquire_request request = { .bars = 1 };

	want(HWB_OK, guest_try(driver, DISPLAY, &request, &card));
	hwb_registers_mediated(&pixels, driver, &card.info.regions[0]);
	want(HWB_OK, open_at(driver, WINDOW, WINDOW_SIZE, &window));
	want(HWB_OK, hwb_ports_open(&ports, driver, PORTS, PORT_COUNT, 0, &why));
	set_linear();
}

static void give_card_back(void)
{
	want(HWB_OK, hwb_close(driver, card.handle, &why));
	guest_wait_driver(DISPLAY, "bochs-drm");
}

/* What is written into the window is in the card's BAR. */
START_TEST(the_window_is_the_cards)
{
	take_card();
	hwb_write32(&window, 0x100, 0x12345678);
	hwb_write8(&window, 0x104, 0xab);
	hwb_write16(&window, 0x106, 0xcdef);
	hwb_write64(&window, 0x108, 0x8877665544332211);
	ck_assert_uint_eq(hwb_read32(&pixels, 0x100), 0x12345678);
	ck_assert_uint_eq(hwb_read8(&pixels, 0x104), 0xab);
	ck_assert_uint_eq(hwb_read16(&pixels, 0x106), 0xcdef);
	ck_assert_uint_eq(hwb_read64(&pixels, 0x108), 0x8877665544332211);
	hwb_write32(&pixels, WINDOW_SIZE - 4, 0x600df00d);
	ck_assert_uint_eq(hwb_read32(&window, WINDOW_SIZE - 4), 0x600df00d);
	ck_assert_int_eq(window.result, 0);
	ck_assert_int_eq(pixels.result, 0);
	give_card_back();
}
END_TEST

START_TEST(the_ports_are_the_cards)
{
	uint32_t value = 0;

	take_card();
	out(MISC_WRITE, 1, 0x67);
	want(HWB_OK, use_port(MISC_READ, HWB_PORT_IN, 1, &value));
	ck_assert_uint_eq(value, 0x67);
	/* Between the card's. */
	want(HWB_INVALID, use_port(PARALLEL, HWB_PORT_IN, 1, &value));
	ck_assert_ptr_nonnull(strstr(why.reason, "0x3bc-0x3bf"));
	want(HWB_INVALID, use_port(PARALLEL - 1, HWB_PORT_OUT, 2, &value));
	give_card_back();
}
END_TEST

START_TEST(as_the_policy_says)
{
	struct hwb_registers rest;
	uint32_t session;

	take_card();
	want(HWB_OK, open_at(driver, REST, PAGE, &rest));
	hwb_read32(&rest, 0);
	ck_assert_int_eq(rest.result, 0);
	struct hwb_mem_op op = { 0, HWB_BATCH_WRITE, 4, 0, 0 };
	want(HWB_DENIED, hwb_registers_run(&rest, &op, 1, &why));
	want(HWB_DENIED, open_at(driver, REST - PAGE, 3 * WINDOW_SIZE, &rest));
	/* One at a time has it. */
	want(HWB_BUSY, open_at(other, WINDOW, PAGE, &rest));
	want(locked_down ? HWB_UNSUPPORTED : HWB_BUSY,
	     hwb_io_port_open(other, MISC_WRITE, 1, &session, &why));
	give_card_back();
}
END_TEST

/* Who has no card has what the kernel lets anybody have. */
START_TEST(without_a_card)
{
	struct hwb_registers registers;
	uint32_t session;

	want(locked_down ? HWB_UNSUPPORTED : HWB_OK, open_at(other, WINDOW, PAGE, &registers));
	want(locked_down ? HWB_UNSUPPORTED : HWB_OK,
	     hwb_io_port_open(other, MISC_WRITE, 1, &session, &why));
}
END_TEST

START_TEST(it_goes_with_the_card)
{
	struct hwb_mem_op op = { 0, HWB_BATCH_READ, 4, 0, 0 };
	uint32_t value = 0;

	take_card();
	give_card_back();
	want(HWB_NO_SESSION, hwb_registers_run(&window, &op, 1, &why));
	want(HWB_NO_SESSION, use_port(MISC_READ, HWB_PORT_IN, 1, &value));
	/* And it comes with the next one. */
	take_card();
	hwb_write32(&window, 0x200, 0xfeedbeef);
	ck_assert_uint_eq(hwb_read32(&pixels, 0x200), 0xfeedbeef);
	give_card_back();
}
END_TEST

START_TEST(it_outlives_the_daemon)
{
	uint32_t value = 0;

	take_card();
	hwb_write32(&window, 0x300, 0x01020304);
	ck_assert_int_eq(system("systemctl restart hwbrokerd"), 0);
	ck_assert_uint_eq(hwb_read32(&window, 0x300), 0x01020304);
	hwb_write32(&window, 0x300, 0x05060708);
	ck_assert_uint_eq(hwb_read32(&pixels, 0x300), 0x05060708);
	ck_assert_int_eq(window.result, 0);
	out(MISC_WRITE, 1, 0x63);
	want(HWB_OK, use_port(MISC_READ, HWB_PORT_IN, 1, &value));
	ck_assert_uint_eq(value, 0x63);
	give_card_back();
}
END_TEST

START_TEST(the_option_rom)
{
	const struct hwb_bar_request wanted = { .bar = HWB_BAR_ROM };
	const struct hwb_bar_request part = { .bar = HWB_BAR_ROM, .offset = 512 };
	struct hwb_region rom;
	int fd;

	take_card();
	want(HWB_INVALID, hwb_io_mem_open_bar(driver, card.handle, &part, &rom, &fd, &why));
	want(HWB_OK, hwb_io_mem_open_bar(driver, card.handle, &wanted, &rom, &fd, &why));
	ck_assert_uint_eq(rom.flags, HWB_REGION_COPY | HWB_REGION_READ_ONLY);
	ck_assert_uint_ge(rom.size, 0x8000);
	ck_assert_int_eq(fcntl(fd, F_GET_SEALS),
	                 F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	ck_assert_ptr_eq(mmap(NULL, rom.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0),
	                 MAP_FAILED);
	const unsigned char *bytes = mmap(NULL, rom.size, PROT_READ, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(bytes, MAP_FAILED);
	/* PCI Local Bus 3.0, 6.3.1: how it begins, and where it says whose it is. */
	ck_assert(bytes[0] == 0x55 && bytes[1] == 0xaa);
	const unsigned char *data = bytes + bytes[0x18] + (bytes[0x19] << 8);
	ck_assert_int_eq(memcmp(data, "PCIR\x34\x12\x11\x11", 8), 0);
	ck_assert_int_eq(system("systemctl restart hwbrokerd"), 0);
	want(HWB_OK, hwb_close(driver, rom.session, &why));
	give_card_back();
	ck_assert_uint_eq(bytes[1], 0xaa);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("vga");
	TCase *tests = tcase_create("vga");

	locked_down = argc > 1 && strcmp(argv[1], "--locked-down") == 0;
	tcase_add_checked_fixture(tests, connect_both, disconnect_both);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, the_window_is_the_cards);
	tcase_add_test(tests, the_ports_are_the_cards);
	tcase_add_test(tests, as_the_policy_says);
	tcase_add_test(tests, without_a_card);
	tcase_add_test(tests, it_goes_with_the_card);
	tcase_add_test(tests, it_outlives_the_daemon);
	tcase_add_test(tests, the_option_rom);
	suite_add_tcase(suite, tests);
	return guest_run(suite);
}
