/* SPDX-License-Identifier: MIT */
/* Capability chains, sane and broken, and every register that stays forbidden. */
#include "device/config_space.h"

#include "suite.h"

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
	PM = 0x01,
	VENDOR = 0x09,
	MSI = 0x05,
	EXPRESS = 0x10,
	MSIX = 0x11,
	AF = 0x13,
	EA = 0x14,
};

/* On the heap and of exactly its size: an address sanitizer sees a look beyond. */
static uint8_t *config;
static size_t size;

static void take(size_t bytes)
{
	free(config);
	size = bytes;
	config = calloc(1, bytes);
	ck_assert_ptr_nonnull(config);
}

static void setup(void)
{
	take(256);
}

static void teardown(void)
{
	free(config);
	config = NULL;
}

static void store16(uint32_t at, unsigned value)
{
	config[at] = (uint8_t)value;
	config[at + 1] = (uint8_t)(value >> 8);
}

static void store32(uint32_t at, uint32_t value)
{
	store16(at, value & 0xffff);
	store16(at + 2, value >> 16);
}

/* Appends a capability to the chain that ends at `last` (0: none yet). */
static uint32_t chain(uint32_t last, uint32_t at, unsigned id)
{
	config[6] |= 0x10;
	config[last == 0 ? 0x34 : last + 1] = (uint8_t)at;
	config[at] = (uint8_t)id;
	return at;
}

static void extended(uint32_t at, unsigned id, uint32_t next)
{
	store32(at, id | 1u << 16 | next << 20);
}

static const char *judge(uint32_t offset, uint32_t width)
{
	return config_space_forbidden(config, size, offset, width, UINT32_MAX >> (32 - 8 * width));
}

/* Each aligned access that touches first..last is refused with `name`, and the
 * bytes on both sides are not. */
static void forbids(uint32_t first, uint32_t last, const char *name)
{
	for (uint32_t width = 1; width <= 4; width *= 2)
		for (uint32_t at = first & ~(width - 1); at <= last; at += width) {
			const char *judged = judge(at, width);
			if (judged == NULL || strcmp(judged, name) != 0)
				ck_abort_msg("%u bytes at 0x%x: %s", width, at,
				             judged != NULL ? judged : "allowed");
		}
}

static void allows(uint32_t first, uint32_t last)
{
	for (uint32_t width = 1; width <= 4; width *= 2)
		for (uint32_t at = (first + width - 1) & ~(width - 1); at + width - 1 <= last;
		     at += width) {
			const char *judged = judge(at, width);
			if (judged != NULL)
				ck_abort_msg("%u bytes at 0x%x: %s", width, at, judged);
		}
}

/* ---- facts ---- */

START_TEST(no_list_no_facts)
{
	struct config_facts facts;

	memset(&facts, 0xa5, sizeof(facts));
	chain(0, 0x40, MSI);
	config[6] = 0; /* status says that there is no list */
	config_space_facts(config, &facts);
	ck_assert_uint_eq(facts.msi_vectors, 0);
	ck_assert_uint_eq(facts.msix_vectors, 0);
	ck_assert(!facts.pcie);
	config[6] = 0x10;
	config_space_facts(config, &facts);
	ck_assert_uint_eq(facts.msi_vectors, 1);
	config[0x34] = 0;
	config_space_facts(config, &facts);
	ck_assert_uint_eq(facts.msi_vectors, 0);
}
END_TEST

START_TEST(msi_vectors_are_a_power_of_two_up_to_32)
{
	static const uint16_t vectors[8] = { 1, 2, 4, 8, 16, 32, 32, 32 };
	struct config_facts facts;

	chain(0, 0x50, MSI);
	for (unsigned i = 0; i < 8; i++) {
		/* Enable, 64-bit and mask bits around the field are not part of it. */
		store16(0x52, i << 1 | 0x0181u | 5u << 4);
		config_space_facts(config, &facts);
		ck_assert_uint_eq(facts.msi_vectors, vectors[i]);
	}
}
END_TEST

START_TEST(msix_has_a_size_and_two_bars)
{
	struct config_facts facts;

	chain(chain(0, 0x50, EXPRESS), 0xb0, MSIX);
	store16(0xb2, 0xc000);
	store32(0xb4, 0x2003);
	store32(0xb8, 0x3004);
	config_space_facts(config, &facts);
	ck_assert(facts.pcie);
	ck_assert_uint_eq(facts.msix_vectors, 1);
	ck_assert_uint_eq(facts.msix_table_bar, 3);
	ck_assert_uint_eq(facts.msix_pba_bar, 4);
	store16(0xb2, 0xffff);
	config_space_facts(config, &facts);
	ck_assert_uint_eq(facts.msix_vectors, 2048);
}
END_TEST

START_TEST(the_low_bits_of_a_pointer_are_reserved)
{
	struct config_facts facts;

	chain(0, 0x50, MSI);
	config[0x34] = 0x53;
	config[0x51] = 0x61;
	config[0x60] = EXPRESS;
	config_space_facts(config, &facts);
	ck_assert_uint_eq(facts.msi_vectors, 1);
	ck_assert(facts.pcie);
}
END_TEST

START_TEST(loops_end)
{
	struct config_facts facts;

	/* To itself, and around two others. */
	chain(chain(0, 0x40, MSI), 0x40, MSI);
	config_space_facts(config, &facts);
	ck_assert_uint_eq(facts.msi_vectors, 1);
	ck_assert_ptr_null(judge(0x80, 4));
	setup();
	uint32_t last = chain(chain(chain(0, 0x40, VENDOR), 0x60, EXPRESS), 0x80, VENDOR);
	chain(last, 0x40, VENDOR);
	config_space_facts(config, &facts);
	ck_assert(facts.pcie);
	ck_assert_ptr_null(judge(0xf0, 4));
	ck_assert_str_eq(judge(0x70, 2), "link control register");
}
END_TEST

START_TEST(cut_chains_end)
{
	struct config_facts facts;

	/* A pointer into the standard header is no capability. */
	for (uint32_t at = 0; at < 0x40; at++) {
		setup();
		chain(0, 0x40, EXPRESS);
		memset(config, MSI, 6);
		config[0x41] = (uint8_t)at;
		config_space_facts(config, &facts);
		ck_assert(facts.pcie);
		ck_assert_uint_eq(facts.msi_vectors, 0);
	}
	/* A device that has left the bus reads as ones. */
	memset(config, 0xff, size);
	config_space_facts(config, &facts);
	ck_assert_uint_eq(facts.msi_vectors, 0);
	ck_assert_uint_eq(facts.msix_vectors, 0);
	ck_assert(!facts.pcie);
}
END_TEST

START_TEST(the_longest_chain_is_walked_to_its_end)
{
	struct config_facts facts;
	uint32_t last = 0;

	for (uint32_t at = 0x40; at < 0xf0; at += 4)
		last = chain(last, at, VENDOR);
	chain(last, 0xf0, MSIX);
	store16(0xf2, 7);
	config_space_facts(config, &facts);
	ck_assert_uint_eq(facts.msix_vectors, 8);
	ck_assert_str_eq(judge(0xf0, 4), "MSI-X capability");
	ck_assert_str_eq(judge(0xf8, 4), "MSI-X capability");
}
END_TEST

START_TEST(capabilities_at_the_end_of_space)
{
	struct config_facts facts;

	/* Cut by the end: whatever is read must lie within. */
	for (uint32_t at = 0xe0; at <= 0xfc; at += 4)
		for (unsigned id = 0; id < 0x18; id++) {
			setup();
			chain(0, at, id);
			config_space_facts(config, &facts);
			for (uint32_t offset = 0x40; offset < 0x100; offset += 4)
				(void)judge(offset, 4);
		}
	setup();
	chain(0, 0xf4, MSIX);
	config_space_facts(config, &facts);
	ck_assert_uint_eq(facts.msix_vectors, 1);
	setup();
	chain(0, 0xf8, MSIX);
	config_space_facts(config, &facts);
	ck_assert_uint_eq(facts.msix_vectors, 0);
	/* What does not fit is still not to be written. */
	forbids(0xf8, 0xff, "MSI-X capability");
	/* And the chain goes on behind it. */
	chain(0xf8, 0x40, EXPRESS);
	config_space_facts(config, &facts);
	ck_assert(facts.pcie);
}
END_TEST

/* ---- forbidden ---- */

START_TEST(standard_header)
{
	for (uint32_t at = 0; at < 0x40; at++) {
		const char *name = "standard header";
		if (at == 0x0c || at == 0x0d || at == 0x3c)
			name = NULL; /* cache line size, latency timer, interrupt line */
		else if (at == 4 || at == 5)
			name = "command register";
		else if (at >= 0x10 && at < 0x28)
			name = "base address register";
		else if (at >= 0x30 && at < 0x34)
			name = "expansion ROM address";
		if (name == NULL)
			ck_assert_msg(judge(at, 1) == NULL, "byte 0x%x", at);
		else
			ck_assert_msg(judge(at, 1) != NULL, "byte 0x%x", at);
		if (name != NULL)
			ck_assert_str_eq(judge(at, 1), name);
	}
	ck_assert_str_eq(judge(0x04, 2), "command register");
	ck_assert_str_eq(judge(0x04, 4), "command register");
	ck_assert_str_eq(judge(0x06, 2), "standard header");
	ck_assert_ptr_null(judge(0x0c, 2));
	ck_assert_str_eq(judge(0x0c, 4), "standard header"); /* header type, BIST */
	ck_assert_str_eq(judge(0x0e, 2), "standard header");
	ck_assert_str_eq(judge(0x3c, 2), "standard header"); /* interrupt pin */
	ck_assert_str_eq(judge(0x3c, 4), "standard header");
	for (uint32_t at = 0x10; at < 0x28; at += 4) {
		ck_assert_str_eq(judge(at, 4), "base address register");
		ck_assert_str_eq(judge(at + 2, 2), "base address register");
	}
	ck_assert_str_eq(judge(0x28, 4), "standard header");
	ck_assert_str_eq(judge(0x2c, 4), "standard header");
	ck_assert_str_eq(judge(0x30, 4), "expansion ROM address");
	ck_assert_str_eq(judge(0x34, 4), "standard header");
	ck_assert_str_eq(judge(0x38, 4), "standard header");
}
END_TEST

START_TEST(without_capabilities_the_rest_is_the_devices_own)
{
	allows(0x40, 0xff);
	/* Bytes that look like a capability are none if no chain leads there. */
	config[0x50] = PM;
	config[0x60] = MSI;
	allows(0x40, 0xff);
}
END_TEST

static const struct {
	unsigned id;
	uint32_t length;
	const char *name;
} whole[] = {
	{ PM, 8, "power management capability" },
	{ MSI, 24, "MSI capability" },
	{ MSIX, 12, "MSI-X capability" },
	{ AF, 6, "advanced features capability (reset)" },
	{ EA, 64, "enhanced allocation capability" },
};

START_TEST(capabilities_that_are_forbidden_as_a_whole)
{
	chain(0, 0x60, whole[_i].id);
	config[0x63] = 1; /* MSI: per-vector masking, 64-bit: its longest form */
	config[0x62] = 0x80;
	forbids(0x60, 0x60 + whole[_i].length - 1, whole[_i].name);
	allows(0x40, 0x5f);
	allows(0x60 + whole[_i].length, 0xff);
}
END_TEST

/* A short form must not take along what lies behind it. */
START_TEST(a_short_msi_ends_where_it_ends)
{
	static const struct {
		unsigned control;
		uint32_t length;
	} forms[] = { { 0x0000, 10 }, { 0x0080, 14 }, { 0x0100, 20 }, { 0x0180, 24 } };

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		setup();
		chain(0, 0x60, MSI);
		store16(0x62, forms[i].control);
		forbids(0x60, 0x60 + forms[i].length - 1, "MSI capability");
	}
}
END_TEST

START_TEST(others_are_allowed)
{
	for (unsigned id = 0; id < 0x20; id++) {
		if (id == PM || id == MSI || id == MSIX || id == AF || id == EA || id == EXPRESS)
			continue;
		setup();
		chain(0, 0x60, id);
		allows(0x40, 0xff);
	}
}
END_TEST

START_TEST(express_device_and_link_control)
{
	chain(0, 0x60, EXPRESS);
	allows(0x40, 0x67);
	forbids(0x70, 0x71, "link control register");
	allows(0x6a, 0x6f);
	allows(0x72, 0xff);
}
END_TEST

START_TEST(function_level_reset_by_every_access)
{
	static const char name[] = "function level reset bit";

	chain(0, 0x60, EXPRESS);
	/* Device Control is the word at 0x68, its bit 15 the reset. */
	ck_assert_str_eq(config_space_forbidden(config, size, 0x69, 1, 0x80), name);
	ck_assert_str_eq(config_space_forbidden(config, size, 0x68, 2, 0x8000), name);
	ck_assert_str_eq(config_space_forbidden(config, size, 0x68, 4, 0x8000), name);
	ck_assert_str_eq(config_space_forbidden(config, size, 0x69, 1, 0xff), name);
	ck_assert_str_eq(config_space_forbidden(config, size, 0x68, 2, 0xffff), name);
	ck_assert_str_eq(config_space_forbidden(config, size, 0x68, 4, UINT32_MAX), name);
	/* All other bits of it, and the same bit of its neighbours, may change. */
	ck_assert_ptr_null(config_space_forbidden(config, size, 0x69, 1, 0x7f));
	ck_assert_ptr_null(config_space_forbidden(config, size, 0x68, 1, 0xff));
	ck_assert_ptr_null(config_space_forbidden(config, size, 0x68, 2, 0x7fff));
	ck_assert_ptr_null(config_space_forbidden(config, size, 0x68, 4, 0xffff7fff));
	ck_assert_ptr_null(config_space_forbidden(config, size, 0x68, 4, 0));
	ck_assert_ptr_null(config_space_forbidden(config, size, 0x6a, 2, 0xffff));
	ck_assert_ptr_null(config_space_forbidden(config, size, 0x6b, 1, 0x80));
	ck_assert_ptr_null(config_space_forbidden(config, size, 0x66, 2, 0xffff));
	ck_assert_ptr_null(config_space_forbidden(config, size, 0x67, 1, 0x80));
	ck_assert_ptr_null(config_space_forbidden(config, size, 0x64, 4, UINT32_MAX));
	ck_assert_ptr_null(config_space_forbidden(config, size, 0x6c, 4, UINT32_MAX));
}
END_TEST

START_TEST(every_capability_of_a_chain_counts)
{
	uint32_t last = chain(0, 0x40, PM);
	last = chain(last, 0x50, MSI);
	last = chain(last, 0x70, EXPRESS);
	last = chain(last, 0xb0, MSIX);
	chain(last, 0xc0, AF);
	store16(0x52, 0x0180);
	forbids(0x40, 0x47, "power management capability");
	allows(0x48, 0x4f);
	forbids(0x50, 0x67, "MSI capability");
	allows(0x68, 0x77);
	forbids(0x80, 0x81, "link control register");
	allows(0x82, 0xaf);
	forbids(0xb0, 0xbb, "MSI-X capability");
	allows(0xbc, 0xbf);
	forbids(0xc0, 0xc5, "advanced features capability (reset)");
	allows(0xc8, 0xff);
}
END_TEST

/* ---- extended space ---- */

static const struct {
	unsigned id;
	const char *name;
} far[] = {
	{ 0x0d, "access control services capability" },
	{ 0x0e, "alternative routing-ID capability" },
	{ 0x0f, "address translation services capability" },
	{ 0x10, "SR-IOV capability" },
	{ 0x13, "page request capability" },
	{ 0x15, "resizable BAR capability" },
	{ 0x1b, "PASID capability" },
	{ 0x24, "resizable BAR capability" },
};

START_TEST(extended_capabilities_reach_to_the_next)
{
	take(4096);
	extended(0x100, 0x01, 0x148); /* AER */
	extended(0x148, far[_i].id, 0x180);
	extended(0x180, 0x0b, 0);
	allows(0x40, 0x147);
	forbids(0x148, 0x17f, far[_i].name);
	allows(0x180, 0xfff);
}
END_TEST

START_TEST(the_last_extended_capability_reaches_to_the_end)
{
	take(4096);
	extended(0x100, far[_i].id, 0);
	allows(0x40, 0xff);
	forbids(0x100, 0xfff, far[_i].name);
	take(4096);
	extended(0x100, 0x01, 0xffc);
	extended(0xffc, far[_i].id, 0);
	allows(0x100, 0xffb);
	forbids(0xffc, 0xfff, far[_i].name);
}
END_TEST

START_TEST(extended_chains_may_go_back)
{
	take(4096);
	extended(0x100, 0x01, 0x300);
	extended(0x300, 0x0d, 0x200);
	extended(0x200, 0x0f, 0x400);
	extended(0x400, 0x0b, 0);
	allows(0x100, 0x1ff);
	forbids(0x200, 0x2ff, "address translation services capability");
	forbids(0x300, 0x3ff, "access control services capability");
	allows(0x400, 0xfff);
}
END_TEST

START_TEST(extended_loops_and_cut_chains_end)
{
	take(4096);
	extended(0x100, 0x01, 0x200);
	extended(0x200, 0x10, 0x100);
	forbids(0x200, 0xfff, "SR-IOV capability");
	allows(0x100, 0x1ff);
	extended(0x200, 0x10, 0x200);
	forbids(0x200, 0xfff, "SR-IOV capability");
	/* Into the first 256 bytes: the end. */
	extended(0x200, 0x0b, 0x0fc);
	allows(0x100, 0xfff);
	/* Nothing there, as zeros or as ones. */
	store32(0x100, 0);
	allows(0x100, 0xfff);
	memset(config + 0x100, 0xff, 0xf00);
	allows(0x100, 0xfff);
	/* Conventional devices have no such space; asking must not look there. */
	take(256);
	ck_assert_ptr_null(judge(0x100, 4));
	ck_assert_ptr_null(judge(0xffc, 4));
}
END_TEST

START_TEST(extended_others_are_allowed)
{
	for (unsigned id = 0; id < 0x30; id++) {
		bool forbidden = false;
		for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++)
			forbidden = forbidden || far[i].id == id;
		take(4096);
		extended(0x100, id, 0);
		ck_assert_msg((judge(0x104, 4) != NULL) == forbidden, "capability 0x%x", id);
	}
}
END_TEST

/* Whatever a device answers: no look beyond, no endless walk. */
START_TEST(noise)
{
	struct config_facts facts;

	srand(1);
	for (int round = 0; round < 40; round++) {
		take(round % 2 == 0 ? 256 : 4096);
		for (size_t i = 0; i < size; i++)
			config[i] = (uint8_t)rand();
		config[6] |= 0x10;
		config_space_facts(config, &facts);
		ck_assert_uint_le(facts.msi_vectors, 32);
		ck_assert_uint_le(facts.msix_vectors, 2048);
		ck_assert_uint_le(facts.msix_table_bar, 7);
		ck_assert_uint_le(facts.msix_pba_bar, 7);
		for (uint32_t at = 0; at < size; at += 64)
			(void)judge(at + (uint32_t)rand() % 16 * 4, 4);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config space");
	TCase *facts = tcase_create("facts");
	TCase *forbidden = tcase_create("forbidden");

	tcase_add_checked_fixture(facts, setup, teardown);
	tcase_add_checked_fixture(forbidden, setup, teardown);
	tcase_add_test(facts, no_list_no_facts);
	tcase_add_test(facts, msi_vectors_are_a_power_of_two_up_to_32);
	tcase_add_test(facts, msix_has_a_size_and_two_bars);
	tcase_add_test(facts, the_low_bits_of_a_pointer_are_reserved);
	tcase_add_test(facts, loops_end);
	tcase_add_test(facts, cut_chains_end);
	tcase_add_test(facts, the_longest_chain_is_walked_to_its_end);
	tcase_add_test(facts, capabilities_at_the_end_of_space);
	tcase_add_test(facts, noise);
	tcase_add_test(forbidden, standard_header);
	tcase_add_test(forbidden, without_capabilities_the_rest_is_the_devices_own);
	tcase_add_loop_test(forbidden, capabilities_that_are_forbidden_as_a_whole, 0,
	                    (int)(sizeof(whole) / sizeof(whole[0])));
	tcase_add_test(forbidden, a_short_msi_ends_where_it_ends);
	tcase_add_test(forbidden, others_are_allowed);
	tcase_add_test(forbidden, express_device_and_link_control);
	tcase_add_test(forbidden, function_level_reset_by_every_access);
	tcase_add_test(forbidden, every_capability_of_a_chain_counts);
	tcase_add_loop_test(forbidden, extended_capabilities_reach_to_the_next, 0,
	                    (int)(sizeof(far) / sizeof(far[0])));
	tcase_add_loop_test(forbidden, the_last_extended_capability_reaches_to_the_end, 0,
	                    (int)(sizeof(far) / sizeof(far[0])));
	tcase_add_test(forbidden, extended_chains_may_go_back);
	tcase_add_test(forbidden, extended_loops_and_cut_chains_end);
	tcase_add_test(forbidden, extended_others_are_allowed);
	suite_add_tcase(suite, facts);
	suite_add_tcase(suite, forbidden);
	return suite_run(suite);
}
