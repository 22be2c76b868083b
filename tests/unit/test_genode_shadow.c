/* SPDX-License-Identifier: MIT */
/*
 * The page that Genode's platform driver takes for configuration space: what is
 * in it for devices sane and broken, and what the driver's own accesses make of it
 * (by os/include/pci/config.h of Genode 26.02).
 */
#include <hwbroker/genode.h>

#include "suite.h"

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { PM = 0x01, VPD = 0x03, MSI = 0x05, VENDOR = 0x09, EXPRESS = 0x10, MSIX = 0x11, AF = 0x13 };

/* Of exactly its size, for an address sanitizer. */
static uint8_t *page;
static struct hwb_device device;
static uint32_t last; /* capability of the chain */

static void setup(void)
{
	page = malloc(HWB_GENODE_CONFIG_SIZE);
	ck_assert_ptr_nonnull(page);
	memset(page, 0, HWB_GENODE_CONFIG_SIZE);
	last = 0;
	device = (struct hwb_device){
		.address = { 0, 0, 5, 0, 0 },
		.vendor = 0x8086,
		.device = 0x10d3,
		.subsystem_vendor = 0x1af4,
		.subsystem_device = 0x1100,
		.class_code = 0x020000,
		.revision = 9,
		.header_type = 0x80,
		.intx_pin = 1,
		.flags = HWB_DEVICE_MAY_DMA | HWB_DEVICE_PCIE,
		.irq_number = 0x10028,
		.bars = { { 0xfeb80000, 0x20000, 0, 0 },
		          { 0x382ffff00000, 0x4000, HWB_BAR_64BIT | HWB_BAR_PREFETCHABLE, 0 },
		          { 0 },
		          { 0xc060, 0x20, HWB_BAR_IO, 0 },
		          { 0xfe000000, 0x4000, HWB_BAR_PREFETCHABLE, 0 } },
	};
}

static void teardown(void)
{
	free(page);
	page = NULL;
}

static uint32_t get16(uint32_t at)
{
	return (uint32_t)page[at] | (uint32_t)page[at + 1] << 8;
}

static uint32_t get32(uint32_t at)
{
	return get16(at) | get16(at + 2) << 16;
}

static void put16(uint32_t at, uint32_t value)
{
	page[at] = (uint8_t)value;
	page[at + 1] = (uint8_t)(value >> 8);
}

static void put32(uint32_t at, uint32_t value)
{
	put16(at, value & 0xffff);
	put16(at + 2, value >> 16);
}

/* Appends a capability of `size` bytes, all ones behind its link. */
static void chain(uint32_t at, unsigned id, uint32_t size)
{
	put16(6, get16(6) | 0x10);
	page[last == 0 ? 0x34 : last + 1] = (uint8_t)at;
	page[at] = (uint8_t)id;
	page[at + 1] = 0;
	memset(page + at + 2, 0xff, size - 2);
	last = at;
}

static int shadow(void)
{
	return hwb_genode_shadow(&device, page);
}

/* Where the driver's scan finds the `nth` capability of this kind; 0: nowhere.
 * Fails if the chain does not end. */
static uint32_t find_nth(unsigned id, unsigned nth)
{
	unsigned links = 0;

	if ((get16(6) & 0x10) == 0)
		return 0;
	for (uint32_t at = page[0x34]; at != 0; at = page[at + 1]) {
		ck_assert_uint_ge(at, 0x40);
		ck_assert_uint_eq(at % 4, 0);
		ck_assert_uint_le(++links, 48);
		if (page[at] == id && nth-- == 0)
			return at;
	}
	return 0;
}

static uint32_t find(unsigned id)
{
	return find_nth(id, 0);
}

static unsigned links(void)
{
	unsigned count = 0;

	for (uint32_t at = (get16(6) & 0x10) != 0 ? page[0x34] : 0; at != 0; at = page[at + 1])
		ck_assert_uint_le(++count, 48);
	return count;
}

static void nothing_from(uint32_t at)
{
	static const uint8_t zeroes[HWB_GENODE_CONFIG_SIZE];

	ck_assert_mem_eq(page + at, zeroes, HWB_GENODE_CONFIG_SIZE - at);
}

/* ---- header ---- */

START_TEST(header_is_that_of_the_facts)
{
	memset(page, 0xff, HWB_GENODE_CONFIG_SIZE);
	page[0x34] = 0;
	ck_assert_int_eq(shadow(), 0);
	ck_assert_uint_eq(get32(0), 0x10d38086);
	ck_assert_uint_eq(get16(4), 7);
	ck_assert_uint_eq(get16(6), 0x06a0);
	ck_assert_uint_eq(get32(8), 0x02000009);
	ck_assert_uint_eq(page[0x0e], 0x80);
	ck_assert_uint_eq(page[0x0f], 0);
	ck_assert_uint_eq(get32(0x10), 0xfeb80000);
	ck_assert_uint_eq(get32(0x14), 0xfff0000c);
	ck_assert_uint_eq(get32(0x18), 0x382f);
	ck_assert_uint_eq(get32(0x1c), 0xc061);
	ck_assert_uint_eq(get32(0x20), 0xfe000008);
	ck_assert_uint_eq(get32(0x24), 0);
	ck_assert_uint_eq(get32(0x2c), 0x11001af4);
	ck_assert_uint_eq(get32(0x30), 0);
	ck_assert_uint_eq(page[0x34], 0);
	ck_assert_uint_eq(page[0x3c], 0xff);
	ck_assert_uint_eq(page[0x3d], 1);
	/* Registers of no capability stay. */
	ck_assert_uint_eq(get32(0x44), UINT32_MAX);
	nothing_from(0x100);
}
END_TEST

START_TEST(a_wide_bar_has_no_seventh_register)
{
	device.bars[5] = (struct hwb_bar){ 0x123f0000000, 0x1000, HWB_BAR_64BIT, 0 };
	ck_assert_int_eq(shadow(), 0);
	ck_assert_uint_eq(get32(0x24), 0xf0000004);
	ck_assert_uint_eq(get32(0x28), 0);
}
END_TEST

START_TEST(bridges_have_none)
{
	for (unsigned type = 1; type < 0x80; type++) {
		device.header_type = (uint8_t)(0x80 | type);
		memset(page, 0x5a, HWB_GENODE_CONFIG_SIZE);
		ck_assert_int_eq(shadow(), -22);
		for (uint32_t at = 0; at < HWB_GENODE_CONFIG_SIZE; at++)
			ck_assert_uint_eq(page[at], 0x5a);
	}
}
END_TEST

/* ---- capabilities ---- */

START_TEST(power_is_on)
{
	chain(0xc8, PM, 8);
	ck_assert_int_eq(shadow(), 0);
	ck_assert_uint_eq(find(PM), 0xc8);
	ck_assert_uint_eq(get16(0xc8 + 4) & 3, 0);
	ck_assert_uint_eq(get16(0xc8 + 4) & 8, 8);
	ck_assert_uint_eq(get16(0xc8 + 4) & 0x8100, 0);
	ck_assert_uint_eq(get16(0xc8 + 2), 0xffff);
}
END_TEST

START_TEST(express_cannot_be_reset)
{
	chain(0xe0, EXPRESS, 0x14);
	put32(0x100, 0x14010001); /* an extended capability: error reporting */
	put32(0x140, 0x00010003);
	ck_assert_int_eq(shadow(), 0);
	ck_assert_uint_eq(find(EXPRESS), 0xe0);
	ck_assert_uint_eq(get32(0xe0 + 4), 0xefffffff);
	ck_assert_uint_eq(get16(0xe0 + 8), 0x7fff);
	ck_assert_uint_eq(get16(0xe0 + 10) & 0x2f, 0);
	nothing_from(0x100);
}
END_TEST

START_TEST(msi_of_the_device)
{
	device.msi_vectors = 32;
	device.msix_vectors = 5;
	chain(0xd0, MSI, 14);
	chain(0xa0, MSIX, 12);
	ck_assert_int_eq(shadow(), 0xd0);
	ck_assert_uint_eq(find(MSI), 0xd0);
	ck_assert_uint_eq(get16(0xd2), 0x80);
	ck_assert_uint_eq(get32(0xd4), 0);
	ck_assert_uint_eq(get32(0xd8), 0);
	ck_assert_uint_eq(get16(0xdc), 0);
	ck_assert_uint_eq(find(MSIX), 0);
	ck_assert_uint_eq(links(), 1);
	ck_assert_uint_eq(get32(0xa4), 0);
	ck_assert_uint_eq(get32(0xa8), 0);
}
END_TEST

START_TEST(narrow_msi_of_the_device)
{
	device.msi_vectors = 1;
	chain(0xd0, MSI, 10);
	put16(0xd2, 0x0001);
	put32(0xda, 0xaabbccdd); /* somebody else's */
	ck_assert_int_eq(shadow(), 0xd0);
	ck_assert_uint_eq(get16(0xd2), 0);
	ck_assert_uint_eq(get32(0xd4), 0);
	ck_assert_uint_eq(get16(0xd8), 0);
	ck_assert_uint_eq(get32(0xda), 0xaabbccdd);
}
END_TEST

START_TEST(msi_in_place_of_msix)
{
	device.msix_vectors = 65;
	chain(0x40, PM, 8);
	chain(0x50, MSIX, 12);
	chain(0x5c, VENDOR, 16);
	ck_assert_int_eq(shadow(), 0x50);
	ck_assert_uint_eq(find(MSI), 0x50);
	ck_assert_uint_eq(find(MSIX), 0);
	ck_assert_uint_eq(links(), 3);
	ck_assert_uint_eq(get16(0x52), 0);
	ck_assert_uint_eq(get32(0x54), 0);
	ck_assert_uint_eq(get32(0x58), 0);
	ck_assert_uint_eq(find(VENDOR), 0x5c);
	ck_assert_uint_eq(get32(0x60), UINT32_MAX);
}
END_TEST

/* virtio: common, device, notify, interrupt status, and a window of the last kind. */
START_TEST(virtio_keeps_its_own)
{
	device.vendor = 0x1af4;
	device.device = 0x1041;
	device.msix_vectors = 3;
	chain(0xa4, MSIX, 12);
	for (uint32_t i = 0; i < 5; i++) {
		chain(0x90 - 0x14 * i, VENDOR, 0x14);
		page[last + 3] = (uint8_t)(i + 1);
		put32(last + 8, 0x1000 * i);
	}
	ck_assert_int_eq(shadow(), 0);
	ck_assert_uint_eq(find(MSI), 0);
	ck_assert_uint_eq(find(MSIX), 0);
	for (uint32_t i = 0; i < 5; i++) {
		uint32_t at = find_nth(VENDOR, i);
		ck_assert_uint_eq(at, 0x90 - 0x14 * i);
		ck_assert_uint_eq(page[at + 3], i + 1);
		ck_assert_uint_eq(get32(at + 8), 0x1000 * i);
		ck_assert_uint_eq(get32(at + 12), UINT32_MAX);
	}
	ck_assert_uint_eq(links(), 5);
}
END_TEST

START_TEST(what_must_answer_is_hidden)
{
	chain(0x40, VPD, 8);
	chain(0x48, PM, 8);
	chain(0x50, AF, 6);
	chain(0x58, 0x14, 8);
	chain(0x60, 0xff, 8);
	ck_assert_int_eq(shadow(), 0);
	ck_assert_uint_eq(links(), 1);
	ck_assert_uint_eq(find(PM), 0x48);
	chain(0x40, VPD, 8);
	page[0x34] = 0x40;
	page[0x41] = 0;
	ck_assert_int_eq(shadow(), 0);
	ck_assert_uint_eq(links(), 0);
	ck_assert_uint_eq(get16(6) & 0x10, 0);
	ck_assert_uint_eq(page[0x34], 0);
}
END_TEST

/* ---- without a copy ---- */

START_TEST(facts_alone)
{
	device.msi_vectors = 1;
	ck_assert_int_eq(shadow(), 0x40);
	ck_assert_uint_eq(find(MSI), 0x40);
	ck_assert_uint_eq(links(), 1);
	ck_assert_uint_eq(get32(0), 0x10d38086);
	ck_assert_uint_eq(get32(0x40), 0x00000005);
	nothing_from(0x44);
}
END_TEST

START_TEST(facts_alone_with_a_line)
{
	ck_assert_int_eq(shadow(), 0);
	ck_assert_uint_eq(links(), 0);
	nothing_from(0x40);
	device.msi_vectors = 1;
	device.flags = 0; /* no DMA, no messages */
	ck_assert_int_eq(shadow(), 0);
	nothing_from(0x40);
}
END_TEST

/* A chain that is there and has no MSI leaves no room that is known to be free. */
START_TEST(no_msi_where_there_should_be)
{
	device.msi_vectors = 1;
	chain(0x50, PM, 8);
	ck_assert_int_eq(shadow(), 0);
	ck_assert_uint_eq(links(), 1);
}
END_TEST

/* ---- broken devices ---- */

START_TEST(chains_that_loop_or_leave)
{
	chain(0x50, PM, 8);
	chain(0x60, VENDOR, 8);
	page[0x61] = 0x50;
	ck_assert_int_eq(shadow(), 0);
	ck_assert_uint_eq(links(), 2);
	page[0x61] = 0x60;
	ck_assert_int_eq(shadow(), 0);
	ck_assert_uint_eq(links(), 2);
	page[0x61] = 0x3c; /* into the header */
	ck_assert_int_eq(shadow(), 0);
	ck_assert_uint_eq(links(), 2);
	page[0x34] = 0x53; /* the low two bits are reserved */
	ck_assert_int_eq(shadow(), 0);
	ck_assert_uint_eq(links(), 2);
	ck_assert_uint_eq(find(PM), 0x50);
}
END_TEST

START_TEST(capabilities_that_are_cut)
{
	static const struct {
		unsigned id;
		uint32_t at; /* the last place where it is whole */
	} cases[] = { { PM, 0xf8 }, { MSI, 0xf0 }, { EXPRESS, 0xf4 }, { MSIX, 0xf4 } };

	device.msix_vectors = 5;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (uint32_t at = cases[i].at; at <= 0xfc; at += 4) {
			memset(page, 0, HWB_GENODE_CONFIG_SIZE);
			last = 0;
			chain(at, cases[i].id, 0x100 - at);
			shadow();
			ck_assert_uint_eq(links(), at == cases[i].at);
			nothing_from(0x100);
		}
	}
	chain(0xfc, VENDOR, 4);
	page[0x34] = 0xfc;
	ck_assert_int_eq(shadow(), 0);
	ck_assert_uint_eq(find(VENDOR), 0xfc);
}
END_TEST

/* Whatever a device says, the chain ends, and nothing follows it. */
START_TEST(noise)
{
	static const uint8_t ids[] = { PM, MSI, VENDOR, EXPRESS, MSIX, VPD };
	uint32_t state = 1 + (uint32_t)_i;

	for (unsigned round = 0; round < 20000; round++) {
		for (uint32_t at = 0; at < 0x100; at++) {
			state = state * 1664525 + 1013904223;
			page[at] = (uint8_t)(state >> 24);
			if (at % 4 == 0)
				page[at] = ids[(state >> 16) % sizeof(ids)];
			if (at % 4 == 1 && _i % 2 == 0)
				page[at] |= 0x40;
		}
		page[0x06] |= 0x10;
		device.msi_vectors = round & 1;
		device.msix_vectors = round & 2;
		int msi = shadow();
		ck_assert_int_ge(msi, 0);
		ck_assert_uint_eq(find(MSI), (uint32_t)msi);
		ck_assert_uint_le(links(), 48);
		nothing_from(0x100);
	}
}
END_TEST

/* ---- what the driver does ---- */

/* Sizes a BAR as the driver does, and writes back what it had, or `address`. */
static void set_bar(uint32_t number, uint32_t address)
{
	uint32_t at = 0x10 + 4 * number;
	uint32_t before = get32(at);

	put32(at, UINT32_MAX);
	ck_assert_uint_eq(get32(at), UINT32_MAX);
	put32(at, before);
	if ((before & ~3u) != address)
		put32(at, address & ~3u);
}

static void power_off_and_on(uint32_t at)
{
	put16(at + 4, get16(at + 4) | 3);
	put16(at + 4, get16(at + 4) & ~3u);
	ck_assert_uint_ne(get16(at + 4) & 8, 0); /* otherwise it would reset */
}

START_TEST(driver_finds_what_it_left)
{
	device.msix_vectors = 65;
	chain(0x40, PM, 8);
	chain(0x50, MSIX, 12);
	chain(0x60, EXPRESS, 0x3c);
	uint32_t msi = (uint32_t)shadow();
	for (int times = 0; times < 3; times++) {
		set_bar(0, 0xfeb80000);
		set_bar(1, 0xfff00000);
		set_bar(3, 0xc060);
		put16(4, get16(4) | 7);
		put32(msi + 4, 0); /* as VFIO has the message: core tells none */
		put16(msi + 8, 0);
		put16(msi + 2, get16(msi + 2) | 1);
		ck_assert_uint_eq(get32(0x10), 0xfeb80000);
		ck_assert_uint_eq(get32(0x14) & ~15u, 0xfff00000);
		ck_assert_uint_eq(get32(0x18), 0x382f);
		ck_assert_uint_eq(get32(0x1c) & ~3u, 0xc060);
		ck_assert_uint_eq(links(), 3);
		ck_assert_uint_eq(find(MSI), msi);
		ck_assert_uint_eq(find(EXPRESS), 0x60);
		put16(4, get16(4) & ~0x407u);
		power_off_and_on(0x40);
	}
}
END_TEST

/* ---- a reader ---- */

struct source {
	uint8_t bytes[256];
	uint32_t reads;
	uint32_t fails_at;
};

static int read_source(void *context, uint32_t offset, uint32_t *value)
{
	struct source *source = context;

	ck_assert_uint_eq(offset % 4, 0);
	ck_assert_uint_lt(offset, 256);
	if (source->reads++ == source->fails_at)
		return -4242;
	*value = (uint32_t)source->bytes[offset] | (uint32_t)source->bytes[offset + 1] << 8 |
	         (uint32_t)source->bytes[offset + 2] << 16 |
	         (uint32_t)source->bytes[offset + 3] << 24;
	return 0;
}

START_TEST(from_a_reader)
{
	struct source source = { .fails_at = UINT32_MAX };
	static uint8_t expected[HWB_GENODE_CONFIG_SIZE];

	device.msi_vectors = 1;
	chain(0xc8, PM, 8);
	chain(0xd0, MSI, 14);
	memcpy(source.bytes, page, sizeof(source.bytes));
	ck_assert_int_eq(shadow(), 0xd0);
	memcpy(expected, page, sizeof(expected));
	memset(page, 0xee, HWB_GENODE_CONFIG_SIZE);
	ck_assert_int_eq(hwb_genode_shadow_read(&device, read_source, &source, page), 0xd0);
	ck_assert_uint_eq(source.reads, 64);
	ck_assert_mem_eq(page, expected, sizeof(expected));
}
END_TEST

START_TEST(a_reader_that_fails)
{
	for (uint32_t at = 0; at < 64; at += 21) {
		struct source source = { .fails_at = at };
		ck_assert_int_eq(hwb_genode_shadow_read(&device, read_source, &source, page),
		                 -4242);
		ck_assert_uint_eq(source.reads, at + 1);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("shadow");
	TCase *tests = tcase_create("shadow");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, header_is_that_of_the_facts);
	tcase_add_test(tests, a_wide_bar_has_no_seventh_register);
	tcase_add_test(tests, bridges_have_none);
	tcase_add_test(tests, power_is_on);
	tcase_add_test(tests, express_cannot_be_reset);
	tcase_add_test(tests, msi_of_the_device);
	tcase_add_test(tests, narrow_msi_of_the_device);
	tcase_add_test(tests, msi_in_place_of_msix);
	tcase_add_test(tests, virtio_keeps_its_own);
	tcase_add_test(tests, what_must_answer_is_hidden);
	tcase_add_test(tests, facts_alone);
	tcase_add_test(tests, facts_alone_with_a_line);
	tcase_add_test(tests, no_msi_where_there_should_be);
	tcase_add_test(tests, chains_that_loop_or_leave);
	tcase_add_test(tests, capabilities_that_are_cut);
	tcase_add_loop_test(tests, noise, 0, 4);
	tcase_add_test(tests, driver_finds_what_it_left);
	tcase_add_test(tests, from_a_reader);
	tcase_add_test(tests, a_reader_that_fails);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
