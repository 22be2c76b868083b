/* SPDX-License-Identifier: MIT */
/* What VGA cards had before there were BARs: where it is, whose it is, and how it is reached. */
#include "session/memory/vga.h"

#include "suite.h"

#include <check.h>
#include <string.h>

static uint32_t seen_bar, seen_width;
static uint64_t seen_at, seen_value;
static unsigned seen;

static int bar_read(struct kernel_device *device, uint32_t bar, uint64_t offset, uint32_t width,
                    uint64_t *value, struct fault *fault)
{
	(void)device;
	(void)fault;
	seen_bar = bar;
	seen_at = offset;
	seen_width = width;
	seen++;
	*value = 0x5a;
	return 0;
}

static int bar_write(struct kernel_device *device, uint32_t bar, uint64_t offset, uint32_t width,
                     uint64_t value, struct fault *fault)
{
	uint64_t before;

	bar_read(device, bar, offset, width, &before, fault);
	seen_value = value;
	return 0;
}

static int vga(struct kernel_device *device, struct fault *fault)
{
	(void)device;
	(void)fault;
	return 0;
}

static const struct kernel_backend with_vga = {
	.name = "with VGA",
	.bar_read = bar_read,
	.bar_write = bar_write,
	.vga = vga,
};
static const struct kernel_backend without = { .name = "without" };

static struct device network, card;
static struct device_session has_network, has_card;
static struct session *items[] = { &has_network.session, &has_card.session };
static struct broker broker;
static struct peer peer;

static void setup(void)
{
	memset(&network, 0, sizeof(network));
	memset(&card, 0, sizeof(card));
	pthread_mutex_init(&card.exposed.lock, NULL);
	card.exposed.opened = (struct kernel_device *)&card; /* some device */
	network.facts.class_code = 0x020000;
	card.facts.class_code = 0x030000;
	has_network.session.kind = has_card.session.kind = HWB_SESSION_DEVICE;
	has_network.device = &network;
	has_card.device = &card;
	broker = (struct broker){ .host.backend = &with_vga };
	peer = (struct peer){ .broker = &broker, .sessions = { .items = items, .count = 2 } };
	seen = 0;
}

START_TEST(where_it_is)
{
	ck_assert(vga_has_memory(0xa0000, 0x20000));
	ck_assert(vga_has_memory(0xbffff, 1));
	ck_assert(!vga_has_memory(0xa0000, 0x20001));
	ck_assert(!vga_has_memory(0x9ffff, 2));
	ck_assert(!vga_has_memory(0xc0000, 1));
	ck_assert(!vga_has_memory(0xa0000, UINT64_MAX));
	ck_assert(vga_has_ports(0x3b0, 0x30));
	ck_assert(vga_has_ports(0x3bb, 1));
	ck_assert(vga_has_ports(0x3c0, 0x20));
	ck_assert(!vga_has_ports(0x3bc, 4));
	ck_assert(!vga_has_ports(0x3bf, 2));
	ck_assert(!vga_has_ports(0x3af, 2));
	ck_assert(!vga_has_ports(0x3c0, 0x21));
	ck_assert(!vga_has_ports(0x3e0, 1));
	ck_assert(!vga_has_ports(0x3c0, UINT32_MAX));
}
END_TEST

START_TEST(whose_it_is)
{
	ck_assert_ptr_eq(vga_owner(&peer), &has_card);
	card.facts.class_code = 0x038000; /* a display that never was one */
	ck_assert_ptr_null(vga_owner(&peer));
	card.facts.class_code = 0x030000;
	has_card.session.kind = HWB_SESSION_IRQ;
	ck_assert_ptr_null(vga_owner(&peer));
	has_card.session.kind = HWB_SESSION_DEVICE;
	broker.host.backend = &without;
	ck_assert_ptr_null(vga_owner(&peer));
	broker.host.backend = NULL;
	ck_assert_ptr_null(vga_owner(&peer));
}
END_TEST

START_TEST(the_window)
{
	struct hwb_region region = { .base = 0xb8000, .size = 0x1000 };
	struct mediated_reach reach;
	uint64_t value;

	struct batch_window window = vga_memory_window(&reach, &peer, &card, &region);
	ck_assert(window.base == 0 && window.size == 0x1000 && window.aligned);
	ck_assert_int_eq(window.read(&window, 0x10, 8, &value, NULL), 0);
	ck_assert(value == 0x5a && seen_bar == KERNEL_VGA && seen_at == 0xb8010 && seen_width == 8);
	ck_assert_int_eq(window.write(&window, 0xfff, 1, 0x77, NULL), 0);
	ck_assert(seen_at == 0xb8fff && seen_value == 0x77);
	region.flags = HWB_REGION_READ_ONLY;
	window = vga_memory_window(&reach, &peer, &card, &region);
	ck_assert_ptr_null(window.write);
}
END_TEST

START_TEST(the_ports)
{
	struct mediated_reach reach;
	struct fault fault;
	uint64_t value;

	struct batch_window window = vga_ports_window(&reach, &peer, &card, 0x3b0, 0x30);
	ck_assert(window.base == 0x3b0 && window.size == 0x30 && window.widest == 4);
	ck_assert_int_eq(window.read(&window, 0x3da, 1, &value, &fault), 0);
	ck_assert(value == 0x5a && seen_bar == KERNEL_VGA && seen_at == 0x3da);
	ck_assert_int_eq(window.write(&window, 0x3ba, 2, 1, &fault), 0);
	ck_assert_int_eq(window.write(&window, 0x3c0, 4, 1, &fault), 0);
	ck_assert_uint_eq(seen, 3);
	/* A parallel port's. */
	ck_assert_int_eq(window.read(&window, 0x3bc, 1, &value, &fault), -1);
	ck_assert_int_eq(fault.status, HWB_INVALID);
	ck_assert_int_eq(window.write(&window, 0x3bf, 2, 1, &fault), -1);
	ck_assert_int_eq(window.write(&window, 0x3bb, 2, 1, &fault), -1);
	ck_assert_uint_eq(seen, 3);
}
END_TEST

START_TEST(once_it_is_closed)
{
	struct hwb_region region = { .base = 0xa0000, .size = 0x1000 };
	struct mediated_reach reach;
	struct fault fault;
	uint64_t value;

	struct batch_window window = vga_memory_window(&reach, &peer, &card, &region);
	card.exposed.opened = NULL;
	ck_assert_int_eq(window.read(&window, 0, 4, &value, &fault), -1);
	ck_assert_int_eq(fault.status, HWB_GONE);
	ck_assert_uint_eq(seen, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("vga");
	TCase *tests = tcase_create("vga");

	tcase_add_checked_fixture(tests, setup, NULL);
	tcase_add_test(tests, where_it_is);
	tcase_add_test(tests, whose_it_is);
	tcase_add_test(tests, the_window);
	tcase_add_test(tests, the_ports);
	tcase_add_test(tests, once_it_is_closed);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
