/* SPDX-License-Identifier: MIT */
/*
 * What Genode is told about devices: the ROM modules against the files in
 * tests/golden/genode, for several topologies, pseudo addresses and interrupt
 * numbers.
 */
#include <hwbroker/genode.h>

#include "test_golden.h"

#include "suite.h"

#include <check.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = 65536 };

#define DMA .flags = HWB_DEVICE_MAY_DMA
#define LENGTH(array) (uint32_t)(sizeof(array) / sizeof((array)[0]))

/* ---- topologies ---- */

/* Functions of two devices, some in one group. */
static const struct hwb_device multi_function[] = {
	{ .address = { 0, 0, 0x1d, 0, 0 },
	  .vendor = 0x8086,
	  .device = 0x2934,
	  .subsystem_vendor = 0x1af4,
	  .subsystem_device = 0x1100,
	  .class_code = 0x0c0300,
	  .revision = 3,
	  .header_type = 0x80,
	  .intx_pin = 1,
	  .iommu_group = 7,
	  DMA,
	  .irq_number = 0x100e8,
	  .bars = { [4] = { 0xc080, 0x20, HWB_BAR_IO, 0 } } },
	{ .address = { 0, 0, 0x1d, 1, 0 },
	  .vendor = 0x8086,
	  .device = 0x2935,
	  .class_code = 0x0c0300,
	  .revision = 3,
	  .header_type = 0x80,
	  .intx_pin = 2,
	  .iommu_group = 7,
	  DMA,
	  .irq_number = 0x100e9,
	  .bars = { [4] = { 0xc0a0, 0x20, HWB_BAR_IO, 0 } } },
	{ .address = { 0, 0, 0x1d, 7, 0 },
	  .vendor = 0x8086,
	  .device = 0x293a,
	  .class_code = 0x0c0320,
	  .revision = 3,
	  .header_type = 0x80,
	  .intx_pin = 4,
	  .iommu_group = 7,
	  DMA,
	  .irq_number = 0x100ef,
	  .bars = { { 0xfebd9000, 0x400, HWB_BAR_PARTIAL_PAGE, 0 } } },
	{ .address = { 0, 0, 0x1f, 2, 0 },
	  .vendor = 0x8086,
	  .device = 0x2922,
	  .class_code = 0x010601,
	  .revision = 2,
	  .header_type = 0x80,
	  .intx_pin = 1,
	  .iommu_group = 8,
	  DMA,
	  .msi_vectors = 1,
	  .irq_number = 0x100fa,
	  .bars = { [4] = { 0xc0c0, 0x20, HWB_BAR_IO, 0 }, [5] = { 0xfebda000, 0x1000, 0, 0 } } },
};

/* What is behind a bridge; the bridge itself; what is no device to be used. */
static const struct hwb_device bridge[] = {
	{ .address = { 0, 0, 0x0a, 0, 0 },
	  .vendor = 0x1b36,
	  .device = 0x000e,
	  .class_code = 0x060400,
	  .header_type = 1,
	  .iommu_group = 5 },
	{ .address = { 0, 1, 1, 0, 0 },
	  .vendor = 0x1234,
	  .device = 0x11e8,
	  .class_code = 0x00ff00,
	  .revision = 0x10,
	  .intx_pin = 1,
	  .iommu_group = 5,
	  DMA,
	  .msi_vectors = 1,
	  .irq_number = 0x10108,
	  .bars = { { 0xfe800000, 0x100000, 0, 0 } } },
	{ .address = { 0, 1, 2, 0, 0 }, .iommu_group = 5, .state = HWB_DEVICE_QUARANTINED },
	{ .address = { 0, 1, 3, 0, 0 }, .iommu_group = 5, .state = HWB_DEVICE_GONE },
	{ .address = { 0x10000, 0xe1, 0, 0, 0 },
	  .vendor = 0x144d,
	  .device = 0xa808,
	  .class_code = 0x010802,
	  .intx_pin = 1,
	  .iommu_group = UINT32_MAX,
	  DMA,
	  .msi_vectors = 32,
	  .msix_vectors = 33,
	  .bars = { { 0x382ffff00000, 0x4000, HWB_BAR_64BIT, 0 } } },
};

static const struct hwb_device io_bar[] = {
	{ .address = { 0, 0, 7, 0, 0 },
	  .vendor = 0x1b36,
	  .device = 0x0005,
	  .class_code = 0x00ff00,
	  .iommu_group = 2,
	  .bars = { { 0xfebd7000, 0x1000, 0, 0 }, { 0xc000, 0x100, HWB_BAR_IO, 0 } } },
};

/* A disk, and virtio's, which stays with its line. */
static const struct hwb_device msix_only[] = {
	{ .address = { 0, 0, 6, 0, 0 },
	  .vendor = 0x1b36,
	  .device = 0x0010,
	  .class_code = 0x010802,
	  .revision = 2,
	  .intx_pin = 1,
	  .iommu_group = 4,
	  DMA,
	  .msix_vectors = 65,
	  .irq_number = 0x10030,
	  .bars = { { 0xfebd0000, 0x4000, HWB_BAR_64BIT | HWB_BAR_MSIX_TABLE, 0 } } },
	{ .address = { 0, 0, 0x0d, 0, 0 },
	  .vendor = 0x1af4,
	  .device = 0x1041,
	  .class_code = 0x020000,
	  .revision = 1,
	  .intx_pin = 1,
	  .iommu_group = 9,
	  DMA,
	  .msix_vectors = 3,
	  .irq_number = 0x10068,
	  .bars = { [1] = { 0xfebd8000, 0x1000, HWB_BAR_MSIX_TABLE, 0 },
	            [4] = { 0x8000000000, 0x4000, HWB_BAR_64BIT | HWB_BAR_PREFETCHABLE, 0 } } },
};

/* All six, and displays with theirs. */
static const struct hwb_device many_bars[] = {
	{ .address = { 0, 0, 2, 0, 0 },
	  .vendor = 0x8086,
	  .device = 0x46a6,
	  .class_code = 0x030000,
	  .revision = 0x0c,
	  .intx_pin = 1,
	  .iommu_group = 0,
	  .msi_vectors = 1,
	  .irq_number = 0x10010,
	  .bars = { { 0x6000000000, 0x1000000, HWB_BAR_64BIT | HWB_BAR_PREFETCHABLE, 0 },
	            { 0 },
	            { 0x4000000000, 0x10000000, HWB_BAR_64BIT | HWB_BAR_PREFETCHABLE, 0 },
	            { 0 },
	            { 0x3000, 0x40, HWB_BAR_IO, 0 } } },
	{ .address = { 0, 0, 0x12, 0, 0 },
	  .vendor = 0x1234,
	  .device = 0x1111,
	  .class_code = 0x038000,
	  .revision = 2,
	  .iommu_group = 1,
	  DMA,
	  .bars = { { 0xfd000000, 0x1000000, HWB_BAR_PREFETCHABLE, 0 },
	            { 0 },
	            { 0xfebd4000, 0x1000, 0, 0 } } },
	{ .address = { 0, 0xff, 0x1f, 7, 0 },
	  .vendor = 0xfffe,
	  .device = 0xffff,
	  .subsystem_vendor = 0xffff,
	  .subsystem_device = 0xffff,
	  .class_code = 0xffffff,
	  .revision = 0xff,
	  .header_type = 0x80,
	  .intx_pin = 4,
	  .iommu_group = UINT32_MAX - 1,
	  DMA,
	  .msi_vectors = 32,
	  .irq_number = 0x1ffff,
	  .bars = { { 0xf0000000, 0x10, HWB_BAR_PARTIAL_PAGE, 0 },
	            { 0xf0001000, 0x1000, 0, 0 },
	            { 0xf0002000, 0x1000, HWB_BAR_PREFETCHABLE, 0 },
	            { 0xfff0, 0x10, HWB_BAR_IO, 0 },
	            { 0xe000, 0x100, HWB_BAR_IO, 0 },
	            { 0x80000000, 0x40000000, 0, 0 } } },
};

static const struct hwb_genode_property properties[] = {
	{ .device = 1,
	  .name = "<\"&'>",
	  .value = "tab\there, line\nend, \x7f, gr\xc3\xbc\xc3\x9f" },
	{ .device = 0, .name = "model", .value = "Iris & Co <Xe>" },
	{ .device = 99, .name = "nobody's", .value = "" },
	{ .device = 1, .name = "", .value = "" },
};

static const struct {
	const char *file;
	const struct hwb_device *devices;
	uint32_t count;
	const struct hwb_genode_property *properties;
	uint32_t property_count;
} topologies[] = {
	{ "genode/none.xml", NULL, 0, NULL, 0 },
	{ "genode/multi-function.xml", multi_function, LENGTH(multi_function), NULL, 0 },
	{ "genode/bridge.xml", bridge, LENGTH(bridge), NULL, 0 },
	{ "genode/bridge-alone.xml", bridge, 1, NULL, 0 },
	{ "genode/io-bar.xml", io_bar, LENGTH(io_bar), NULL, 0 },
	{ "genode/msix-only.xml", msix_only, LENGTH(msix_only), NULL, 0 },
	{ "genode/many-bars.xml", many_bars, LENGTH(many_bars), properties, LENGTH(properties) },
};

enum { TOPOLOGIES = sizeof(topologies) / sizeof(topologies[0]) };

static const struct hwb_genode_framebuffer screen = { 0xfd000000, 1024, 768, 32, 4096 };

/* ---- against the files ---- */

static size_t write_topology(int i, char *buffer, size_t size)
{
	return hwb_genode_devices(topologies[i].devices, topologies[i].count,
	                          topologies[i].properties, topologies[i].property_count, buffer,
	                          size);
}

START_TEST(devices_are_as_in_their_files)
{
	static char text[ROOM];
	size_t length = write_topology(_i, text, sizeof(text));

	ck_assert_uint_lt(length, sizeof(text));
	ck_assert_uint_eq(length, strlen(text));
	golden_is(topologies[_i].file, text);
}
END_TEST

START_TEST(platform_info_is_as_in_its_files)
{
	char text[1024];

	ck_assert_uint_lt(hwb_genode_platform_info(NULL, text, sizeof(text)), sizeof(text));
	golden_is("genode/platform_info.xml", text);
	ck_assert_uint_lt(hwb_genode_platform_info(&screen, text, sizeof(text)), sizeof(text));
	golden_is("genode/platform_info-framebuffer.xml", text);
}
END_TEST

/* Each size up to the text's, in memory of that size, for an address sanitizer. */
static void any_size(size_t (*write)(int, char *, size_t), int which)
{
	static char whole[ROOM];
	size_t length = write(which, whole, sizeof(whole));

	ck_assert_uint_eq(write(which, NULL, 0), length);
	for (size_t size = 1; size <= length + 2; size++) {
		char *text = malloc(size);
		ck_assert_ptr_nonnull(text);
		memset(text, 'x', size);
		ck_assert_uint_eq(write(which, text, size), length);
		size_t there = size <= length ? size - 1 : length;
		ck_assert_mem_eq(text, whole, there);
		ck_assert_int_eq(text[there], '\0');
		free(text);
	}
}

static size_t write_platform_info(int with, char *buffer, size_t size)
{
	return hwb_genode_platform_info(with ? &screen : NULL, buffer, size);
}

START_TEST(what_does_not_fit_is_cut)
{
	any_size(write_topology, _i);
	any_size(write_platform_info, _i & 1);
}
END_TEST

/* ---- pseudo addresses ---- */

static void there_and_back(struct hwb_pci_address address)
{
	uint64_t config = hwb_genode_config_address(&address);
	struct hwb_pci_address back = { 1, 2, 3, 4, 5 };

	ck_assert_uint_eq(config % HWB_GENODE_CONFIG_SIZE, 0);
	/* Beyond 52 bits, within 63. */
	ck_assert_uint_ge(config, 1ull << 52);
	ck_assert_uint_lt(config, 1ull << 63);
	ck_assert_int_eq(hwb_genode_config_device(config, &back), 0);
	ck_assert_mem_eq(&back, &address, sizeof(back));
	ck_assert_int_eq(hwb_genode_config_device(config + 0xfff, &back), 0);
	ck_assert_mem_eq(&back, &address, sizeof(back));
}

START_TEST(addresses_of_config_space)
{
	static const uint32_t domains[] = { 0, 1, 0xfff, 0xffff, 0x10000, 0x7fffffff, UINT32_MAX };
	static const struct hwb_pci_address edu = { 0, 0, 3, 0, 0 };

	ck_assert_uint_eq(hwb_genode_config_address(&edu), 0x4000000000018000);
	for (uint32_t i = 0; i < LENGTH(domains); i++)
		for (unsigned function = 0; function < 65536; function += i == 0 ? 1 : 257)
			there_and_back(
			        (struct hwb_pci_address){ domains[i], (uint8_t)(function >> 8),
			                                  function >> 3 & 31, function & 7, 0 });
}
END_TEST

START_TEST(addresses_that_are_none)
{
	static const uint64_t others[] = {
		0,
		0xb0018000,
		0xfee00000,
		(1ull << 52) - 1,
		HWB_GENODE_CONFIG_BASE - 1,
		HWB_GENODE_CONFIG_BASE + (1ull << 60),
		HWB_GENODE_CONFIG_BASE | 1ull << 63,
		1ull << 63,
		UINT64_MAX,
	};
	struct hwb_pci_address address = { 1, 2, 3, 4, 5 };
	const struct hwb_pci_address before = address;

	for (uint32_t i = 0; i < LENGTH(others); i++) {
		ck_assert_msg(hwb_genode_config_device(others[i], &address) == -22, "%" PRIx64,
		              others[i]);
		ck_assert_mem_eq(&address, &before, sizeof(address));
	}
}
END_TEST

/* ---- interrupts ---- */

START_TEST(kinds_of_interrupts)
{
	static const struct {
		uint16_t vendor, msi, msix;
		uint8_t pin;
		uint32_t without_dma, with_dma;
	} cases[] = {
		{ 0x8086, 0, 0, 0, HWB_IRQ_NONE, HWB_IRQ_NONE },
		{ 0x8086, 0, 0, 4, HWB_IRQ_INTX, HWB_IRQ_INTX },
		{ 0x8086, 1, 0, 0, HWB_IRQ_NONE, HWB_IRQ_MSI },
		{ 0x8086, 1, 0, 1, HWB_IRQ_INTX, HWB_IRQ_MSI },
		{ 0x8086, 1, 5, 1, HWB_IRQ_INTX, HWB_IRQ_MSI },
		{ 0x8086, 0, 5, 1, HWB_IRQ_INTX, HWB_IRQ_MSIX },
		{ 0x8086, 0, 5, 0, HWB_IRQ_NONE, HWB_IRQ_MSIX },
		{ 0x1af4, 0, 5, 1, HWB_IRQ_INTX, HWB_IRQ_INTX },
		{ 0x1af4, 0, 5, 0, HWB_IRQ_NONE, HWB_IRQ_MSIX },
		{ 0x1af4, 1, 5, 1, HWB_IRQ_INTX, HWB_IRQ_MSI },
	};

	for (uint32_t i = 0; i < LENGTH(cases); i++) {
		struct hwb_device device = { .vendor = cases[i].vendor,
			                     .intx_pin = cases[i].pin,
			                     .msi_vectors = cases[i].msi,
			                     .msix_vectors = cases[i].msix };
		ck_assert_msg(hwb_genode_irq_type(&device) == cases[i].without_dma, "%u", i);
		device.flags = HWB_DEVICE_MAY_DMA;
		ck_assert_msg(hwb_genode_irq_type(&device) == cases[i].with_dma, "%u", i);
	}
}
END_TEST

static struct hwb_device with_line(uint8_t bus, uint8_t slot, uint8_t function)
{
	return (struct hwb_device){ .address = { 0, bus, slot, function, 0 },
		                    .intx_pin = 1,
		                    .irq_number = 0x10000u + bus };
}

START_TEST(numbers_of_interrupts)
{
	struct hwb_device list[] = {
		with_line(0, 0, 0),  with_line(0, 3, 0),  with_line(0, 29, 6), with_line(1, 0, 0),
		with_line(0, 3, 1),  with_line(0, 29, 7), /* would have the first one's */
		with_line(1, 28, 2), /* and this the second one's, then the fifth one's */
		with_line(1, 25, 1), /* and this the third one's, the last there is */
	};
	static const uint32_t numbers[] = { 16, 40, 254, 53, 41, 17, 42, 18 };

	/* of one kind or the other */
	list[1].flags = list[6].flags = HWB_DEVICE_MAY_DMA;
	list[1].msi_vectors = list[6].msix_vectors = 1;
	for (uint32_t i = 0; i < LENGTH(list); i++) {
		ck_assert_uint_eq(hwb_genode_irq_number(list, LENGTH(list), i), numbers[i]);
		ck_assert_int_eq(hwb_genode_irq_device(list, LENGTH(list), numbers[i]), (int)i);
	}
	ck_assert_uint_eq(hwb_genode_irq_number(list, LENGTH(list), LENGTH(list)), 0);
	ck_assert_int_eq(hwb_genode_irq_device(list, LENGTH(list), 0), -1);
	ck_assert_int_eq(hwb_genode_irq_device(list, LENGTH(list), 43), -1);
	ck_assert_int_eq(hwb_genode_irq_device(list, 0, 16), -1);
	list[0].intx_pin = 0;
	ck_assert_uint_eq(hwb_genode_irq_number(list, LENGTH(list), 0), 0);
	ck_assert_uint_eq(hwb_genode_irq_number(list, LENGTH(list), 5), 16);
}
END_TEST

/* No number twice, be the list as long as it may. */
START_TEST(more_devices_than_numbers)
{
	enum { MANY = 1100, NEAR = 239, NUMBERS = NEAR + 768 };
	static struct hwb_device list[MANY];
	static bool given[1024];

	for (uint32_t i = 0; i < MANY; i++)
		list[i] = with_line((uint8_t)(i / 256), i >> 3 & 31, i & 7);
	for (uint32_t i = 0; i < MANY; i++) {
		uint32_t number = hwb_genode_irq_number(list, MANY, i);
		if (i >= NUMBERS) {
			ck_assert_uint_eq(number, 0);
			continue;
		}
		ck_assert(i < NEAR ? number >= 16 && number < 255 : number >= 256 && number < 1024);
		ck_assert(!given[number]);
		given[number] = true;
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("genode");
	TCase *roms = tcase_create("ROM modules");
	TCase *names = tcase_create("addresses and numbers");

	tcase_add_loop_test(roms, devices_are_as_in_their_files, 0, TOPOLOGIES);
	tcase_add_test(roms, platform_info_is_as_in_its_files);
	tcase_add_loop_test(roms, what_does_not_fit_is_cut, 0, TOPOLOGIES);
	tcase_add_test(names, addresses_of_config_space);
	tcase_add_test(names, addresses_that_are_none);
	tcase_add_test(names, kinds_of_interrupts);
	tcase_add_test(names, numbers_of_interrupts);
	tcase_add_test(names, more_devices_than_numbers);
	suite_add_tcase(suite, roms);
	suite_add_tcase(suite, names);
	return suite_run(suite);
}
