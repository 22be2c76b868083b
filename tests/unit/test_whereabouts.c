/* SPDX-License-Identifier: MIT */
/* From what sysfs says of a device to its path and its slot. */
#include "device/whereabouts.h"

#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const char *path_of(const char *link)
{
	static char path[WHEREABOUTS_PATH];

	memset(path, 'x', sizeof(path));
	whereabouts_path(link, path);
	return path;
}

START_TEST(paths)
{
	char link[400] = "../../../devices/pci0000:00";

	ck_assert_str_eq(path_of("../../../devices/pci0000:00/0000:00:03.0"),
	                 "/sys/devices/pci0000:00/0000:00:03.0");
	ck_assert_str_eq(path_of(""), "");
	ck_assert_str_eq(path_of("/etc/passwd"), "");
	ck_assert_str_eq(path_of("../../../device/x"), "");
	/* One that does not fit is none: half of it would be another's. */
	while (strlen(link) < 300)
		strcat(link, "/0000:00:03.0");
	ck_assert_str_eq(path_of(link), "");
}
END_TEST

static struct slot slots[] = {
	{ "40", "0000:02:00" }, { "41", "0000:03" }, { "7", "0000:00:0b" }, { "none", "" }
};
static const struct slots all = { slots, 4, 4 };

static const char *slot_of(const char *path)
{
	static char slot[WHEREABOUTS_SLOT];

	memset(slot, 'x', sizeof(slot));
	whereabouts_slot(path, &all, slot);
	return slot;
}

START_TEST(slots_of_devices)
{
	ck_assert_str_eq(slot_of("/sys/devices/pci0000:00/0000:00:0a.0/0000:02:00.1"), "40");
	ck_assert_str_eq(slot_of("/sys/devices/pci0000:00/0000:00:0a.0/0000:02:01.0"), "");
	ck_assert_str_eq(slot_of("/sys/devices/pci0000:00/0000:00:0a.0/0000:03:1f.0"), "41");
	ck_assert_str_eq(slot_of("/sys/devices/pci0000:00/0000:00:0b.0"), "7");
	/* Behind a switch on a card; the nearest one that is in a slot. */
	ck_assert_str_eq(slot_of("/sys/devices/pci0000:00/0000:00:0b.0/0000:02:00.0/0000:09:02.0"),
	                 "40");
	ck_assert_str_eq(slot_of("/sys/devices/pci0000:00/0000:00:0b.0/0000:09:02.0"), "7");
	ck_assert_str_eq(slot_of("/sys/devices/pci0000:03/0000:04:00.0"), "");
	ck_assert_str_eq(slot_of(""), "");
}
END_TEST

START_TEST(what_is_not_there_is_none)
{
	struct whereabouts whereabouts = { 0 };
	struct policy_traits traits = whereabouts_traits(&whereabouts);

	ck_assert_ptr_null(traits.slot);
	ck_assert_ptr_null(traits.driver);
	ck_assert_ptr_null(traits.path);
	whereabouts_driver(&whereabouts, "e1000e");
	ck_assert_str_eq(whereabouts_traits(&whereabouts).driver, "e1000e");
	whereabouts_driver(&whereabouts, "");
	ck_assert_ptr_null(whereabouts_traits(&whereabouts).driver);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("whereabouts");
	TCase *tests = tcase_create("whereabouts");

	tcase_add_test(tests, paths);
	tcase_add_test(tests, slots_of_devices);
	tcase_add_test(tests, what_is_not_there_is_none);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
