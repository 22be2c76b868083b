/* SPDX-License-Identifier: MIT */
/* Ports above a device that do not redirect, on hosts built as trees of /sys and /proc. */
#define _GNU_SOURCE /* nftw */
#include "kernel/acs.h"

#include "suite.h"

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct hwb_pci_address device = { .bus = 3 };
static char root[64];
static unsigned char config[4096];

static void folder(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s%s", root, name);
	mkdir(path, 0700);
}

static void file(const char *name, const void *content, size_t size)
{
	char path[256];

	snprintf(path, sizeof(path), "%s%s", root, name);
	FILE *stream = fopen(path, "w");
	ck_assert_ptr_nonnull(stream);
	ck_assert_uint_eq(fwrite(content, 1, size, stream), size);
	fclose(stream);
}

/* A bridge with what is in `config'. */
static void bridge(const char *address)
{
	char name[128];

	snprintf(name, sizeof(name), "/sys/bus/pci/devices/%s", address);
	folder(name);
	snprintf(name, sizeof(name), "/sys/bus/pci/devices/%s/config", address);
	file(name, config, sizeof(config));
	memset(config, 0, sizeof(config));
}

/* An extended capability of this id at `at`, and where the next is. */
static void capability(unsigned at, unsigned id, unsigned next, unsigned control)
{
	config[at] = (unsigned char)id;
	config[at + 2] = (unsigned char)(next << 4);
	config[at + 3] = (unsigned char)(next >> 4);
	config[at + 6] = (unsigned char)control;
}

static void setup(void)
{
	char path[256];

	snprintf(root, sizeof(root), "/tmp/hwbroker-acs-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	folder("/sys");
	folder("/proc");
	folder("/sys/bus");
	folder("/sys/bus/pci");
	folder("/sys/bus/pci/devices");
	snprintf(path, sizeof(path), "%s/sys/bus/pci/devices/0000:03:00.0", root);
	ck_assert_int_eq(symlink("../../../devices/pci0000:00/0000:00:1c.0/0000:02:00.0/"
	                         "0000:03:00.0",
	                         path),
	                 0);
	memset(config, 0, sizeof(config));
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)status;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void teardown(void)
{
	nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void missing_is(const char *expected)
{
	char text[32] = "";
	bool missing = acs_is_missing(root, &device, text, sizeof(text));

	ck_assert(missing == (expected[0] != '\0'));
	ck_assert_str_eq(text, expected);
}

START_TEST(ports_that_redirect)
{
	capability(0x100, 1, 0x148, 0);
	capability(0x148, 0x0d, 0, 0x1d);
	bridge("0000:00:1c.0");
	capability(0x100, 0x0d, 0, 0x5f);
	bridge("0000:02:00.0");
	missing_is("");
}
END_TEST

START_TEST(one_that_has_no_acs)
{
	capability(0x100, 0x0d, 0, 0x1d);
	bridge("0000:00:1c.0");
	capability(0x100, 1, 0, 0);
	bridge("0000:02:00.0");
	missing_is("0000:02:00.0");
}
END_TEST

START_TEST(one_that_has_it_switched_off)
{
	capability(0x100, 0x0d, 0, 0x1c);
	bridge("0000:00:1c.0");
	bridge("0000:02:00.0");
	missing_is("0000:00:1c.0");
}
END_TEST

/* A switch: what its upstream port redirects is of no matter. */
START_TEST(upstream_ports_do_not_count)
{
	config[6] = 0x10;
	config[0x34] = 0x40;
	config[0x40] = 0x10;
	config[0x42] = 0x52;
	bridge("0000:00:1c.0");
	capability(0x100, 0x0d, 0, 0x1d);
	bridge("0000:02:00.0");
	missing_is("");
}
END_TEST

/* Lists that have no end, and a bridge that cannot be read. */
START_TEST(broken_ones)
{
	capability(0x100, 1, 0x100, 0);
	bridge("0000:00:1c.0");
	missing_is("0000:00:1c.0");
	capability(0x100, 0x0d, 0, 0x1d);
	file("/sys/bus/pci/devices/0000:00:1c.0/config", config, sizeof(config));
	missing_is("");
}
END_TEST

START_TEST(overrides)
{
	static const char without[] = "BOOT_IMAGE=/vmlinuz root=/dev/sda1 quiet\n";
	static const char with[] = "quiet pcie_acs_override=downstream,multifunction\n";

	ck_assert(!acs_is_overridden(root));
	file("/proc/cmdline", without, sizeof(without) - 1);
	ck_assert(!acs_is_overridden(root));
	file("/proc/cmdline", with, sizeof(with) - 1);
	ck_assert(acs_is_overridden(root));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ACS");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, ports_that_redirect);
	tcase_add_test(all, one_that_has_no_acs);
	tcase_add_test(all, one_that_has_it_switched_off);
	tcase_add_test(all, upstream_ports_do_not_count);
	tcase_add_test(all, broken_ones);
	tcase_add_test(all, overrides);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
