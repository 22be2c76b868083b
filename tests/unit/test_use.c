/* SPDX-License-Identifier: MIT */
/*
 * What the host needs, on hosts built as trees of /sys, /proc and /dev: links
 * and files are as kernels 6.1 and 6.12 have them. What only a kernel can say,
 * that a disk is open exclusively, is tried in the virtual PC (tests/guest/use.sh).
 */
#define _GNU_SOURCE /* nftw, usleep */
#include "kernel/use.h"

#include "suite.h"

#include <check.h>
#include <ftw.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEVICE "/sys/devices/pci0000:00/0000:00:1d.0/0000:03:00.0"
#define OTHER "/sys/devices/pci0000:00/0000:00:1e.0"
#define SUBSYSTEM "/sys/devices/virtual/nvme-subsystem/nvme-subsys0"

static const struct hwb_pci_address device = { .bus = 3 };
static char root[64];
static char what[96];

/* ---- building ---- */

static void path_of(char path[512], const char *name)
{
	ck_assert_int_lt(snprintf(path, 512, "%s%s", root, name), 512);
}

static void make_parents(const char *path)
{
	char part[512];

	for (const char *slash = strchr(path + 1, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		mkdir(part, 0700);
	}
}

static void folder(const char *name)
{
	char path[512];

	path_of(path, name);
	make_parents(path);
	mkdir(path, 0700);
}

static void file(const char *name, const char *text)
{
	char path[512];

	path_of(path, name);
	make_parents(path);
	FILE *stream = fopen(path, "w");
	ck_assert_ptr_nonnull(stream);
	fputs(text, stream);
	ck_assert_int_eq(fclose(stream), 0);
}

/* As sysfs's, but absolute. */
static void link_to(const char *name, const char *target)
{
	char path[512], full[512];

	path_of(path, name);
	path_of(full, target);
	make_parents(path);
	ck_assert_int_eq(symlink(full, path), 0);
}

static void textf(char text[256], const char *format, ...) __attribute__((format(printf, 2, 3)));

static void textf(char text[256], const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	ck_assert_int_lt(vsnprintf(text, 256, format, arguments), 256);
	va_end(arguments);
}

/* A disk at that place in /sys, with its class link, number and node. */
static void disk(const char *place, const char *name, const char *number)
{
	char path[256], target[256], text[256];

	textf(target, "%s/%s", place, name);
	folder(target);
	textf(path, "/sys/class/block/%s", name);
	link_to(path, target);
	textf(path, "/sys/dev/block/%s", number);
	link_to(path, target);
	textf(path, "%s/%s/uevent", place, name);
	textf(text, "MAJOR=8\nDEVNAME=%s\nDEVTYPE=disk\n", name);
	file(path, text);
	textf(path, "%s/%s/holders", place, name);
	folder(path);
	textf(path, "%s/%s/slaves", place, name);
	folder(path);
	textf(path, "/dev/%s", name);
	file(path, "");
}

/* `upper' is made of `lower'. */
static void stack(const char *upper, const char *lower)
{
	char path[256], target[256];

	textf(path, "/sys/class/block/%s/slaves/%s", upper, lower);
	textf(target, "/sys/class/block/%s", lower);
	link_to(path, target);
	textf(path, "/sys/class/block/%s/holders/%s", lower, upper);
	textf(target, "/sys/class/block/%s", upper);
	link_to(path, target);
}

static void interface(const char *place, const char *name)
{
	char path[256], target[256];

	textf(target, "%s/net/%s", place, name);
	folder(target);
	textf(path, "/sys/class/net/%s", name);
	link_to(path, target);
}

static void over(const char *upper, const char *lower)
{
	char path[256], target[256];

	textf(path, "/sys/class/net/%s/lower_%s", upper, lower);
	textf(target, "/sys/class/net/%s", lower);
	link_to(path, target);
}

static void mount_of(const char *number, const char *source)
{
	char text[256];

	textf(text,
	      "21 1 0:20 / /proc rw - proc proc rw\n"
	      "28 1 %s / /srv/some\\040where rw,relatime shared:1 - ext4 %s rw\n",
	      number, source);
	file("/proc/1/mountinfo", text);
}

static void route(const char *name, const char *destination)
{
	char text[256];

	textf(text,
	      "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n"
	      "%s\t%s\t0202000A\t0003\t0\t0\t0\t00000000\n",
	      name, destination);
	file("/proc/net/route", text);
}

static void route6(const char *name, const char *destination, const char *length)
{
	static const char none[] = "00000000000000000000000000000000";
	static const char gateway[] = "fe800000000000000000000000000002";
	static const char numbers[] = "00000400 00000001 00000000 00000003";
	char text[512];

	snprintf(text, sizeof(text),
	         "%s 40 %s 00 %s %s       lo\n"
	         "%s %s %s 00 %s %s %8s\n",
	         none, none, none, numbers, destination, length, none, gateway, numbers, name);
	file("/proc/net/ipv6_route", text);
}

static void setup(void)
{
	strcpy(root, "/tmp/hwbroker-use-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	folder(DEVICE);
	folder(OTHER);
	link_to("/sys/bus/pci/devices/0000:03:00.0", DEVICE);
	what[0] = '\0';
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

static void teardown(void)
{
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void in_use(const char *why)
{
	ck_assert_msg(use_find(root, &device, what, sizeof(what)) != 0, "not in use");
	ck_assert_msg(strstr(what, why) != NULL, "`%s' does not say `%s'", what, why);
}

static void not_in_use(void)
{
	ck_assert_msg(use_find(root, &device, what, sizeof(what)) == 0, "%s", what);
}

/* ---- disks ---- */

START_TEST(nothing_at_all)
{
	not_in_use();
}
END_TEST

START_TEST(idle_disk)
{
	disk(DEVICE "/ata1/block", "sda", "8:0");
	disk(DEVICE "/ata1/block/sda", "sda1", "8:1");
	disk(OTHER "/ata2/block", "sdb", "8:16");
	mount_of("8:16", "/dev/sdb");
	not_in_use();
}
END_TEST

START_TEST(mounted_partition)
{
	disk(DEVICE "/ata1/block", "sda", "8:0");
	disk(DEVICE "/ata1/block/sda", "sda1", "8:1");
	mount_of("8:1", "/dev/sda1");
	in_use("file system on /srv/some");
}
END_TEST

/* Without a descriptor nothing can be looked at: then it is not said to be free. */
START_TEST(nobody_can_look)
{
	struct rlimit before, none;

	disk(DEVICE "/ata1/block", "sda", "8:0");
	ck_assert_int_eq(use_find(root, &device, what, sizeof(what)), 0);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){ .rlim_cur = 0, .rlim_max = before.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	int found = use_find(root, &device, what, sizeof(what));
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	ck_assert_int_eq(found, 1);
	ck_assert_str_eq(what, "whether it is in use cannot be told: Too many open files");
}
END_TEST

/* A user may mount what calls itself anything: it is not touched. */
START_TEST(odd_sources)
{
	disk(DEVICE "/ata1/block", "sda", "8:0");
	mount_of("0:44", "/home/user/fuse/dev/sda");
	not_in_use();
	mount_of("0:44", "/dev/../home/user/fuse/sda");
	not_in_use();
	mount_of("0:44", "sshfs#host:");
	not_in_use();
}
END_TEST

static void nvme(const char *controller)
{
	disk(SUBSYSTEM, "nvme0n1", "259:1");
	disk(SUBSYSTEM "/nvme0n1", "nvme0n1p2", "259:2");
	folder(controller);
	link_to(SUBSYSTEM "/nvme0", controller);
	link_to("/sys/class/nvme-subsystem/nvme-subsys0", SUBSYSTEM);
}

START_TEST(nvme_of_several_paths)
{
	nvme(DEVICE "/nvme/nvme0");
	not_in_use();
	mount_of("259:2", "/dev/nvme0n1p2");
	in_use("file system");
}
END_TEST

START_TEST(nvme_of_another_controller)
{
	nvme(OTHER "/nvme/nvme0");
	mount_of("259:2", "/dev/nvme0n1p2");
	not_in_use();
}
END_TEST

static void remove_node(void)
{
	char path[512];

	path_of(path, "/dev/nvme0n1");
	ck_assert_int_eq(unlink(path), 0);
}

static void *node_comes(void *unused)
{
	usleep(100000);
	file("/dev/nvme0n1", "");
	return unused;
}

static void *disk_goes(void *unused)
{
	char path[512];

	usleep(100000);
	path_of(path, "/sys/class/block/nvme0n1");
	unlink(path);
	return unused;
}

START_TEST(nvme_path_without_node)
{
	char path[512];

	nvme(DEVICE "/nvme/nvme0");
	disk(DEVICE "/nvme/nvme0", "nvme0c0n1", "259:0");
	path_of(path, "/dev/nvme0c0n1");
	ck_assert_int_eq(unlink(path), 0);
	file(DEVICE "/nvme/nvme0/nvme0c0n1/hidden", "1\n");
	not_in_use();
	file(DEVICE "/nvme/nvme0/nvme0c0n1/hidden", "0\n");
	in_use("cannot be told");
}
END_TEST

/* The kernel shows a new disk in /sys before its node is there, and takes the node first. */
START_TEST(node_that_is_late)
{
	pthread_t later;

	nvme(DEVICE "/nvme/nvme0");
	remove_node();
	ck_assert_int_eq(pthread_create(&later, NULL, node_comes, NULL), 0);
	not_in_use();
	pthread_join(later, NULL);
}
END_TEST

START_TEST(disk_that_goes)
{
	pthread_t later;

	nvme(DEVICE "/nvme/nvme0");
	remove_node();
	ck_assert_int_eq(pthread_create(&later, NULL, disk_goes, NULL), 0);
	not_in_use();
	pthread_join(later, NULL);
}
END_TEST

START_TEST(volume_on_crypt_on_nvme)
{
	nvme(DEVICE "/nvme/nvme0");
	disk("/sys/devices/virtual/block", "dm-0", "254:0");
	disk("/sys/devices/virtual/block", "dm-1", "254:1");
	stack("dm-1", "dm-0");
	stack("dm-0", "nvme0n1p2");
	in_use("dm-0 is made of its disk nvme0n1p2");
	mount_of("254:1", "/dev/mapper/vg-root");
	in_use("file system");
}
END_TEST

START_TEST(raid_that_is_not_mounted)
{
	disk(DEVICE "/ata1/block", "sda", "8:0");
	disk("/sys/devices/virtual/block", "md127", "9:127");
	stack("md127", "sda");
	in_use("md127 is made of its disk sda");
}
END_TEST

START_TEST(endless_stack)
{
	disk("/sys/devices/virtual/block", "dm-0", "254:0");
	disk("/sys/devices/virtual/block", "dm-1", "254:1");
	stack("dm-1", "dm-0");
	stack("dm-0", "dm-1");
	mount_of("254:1", "/dev/dm-1");
	not_in_use();
}
END_TEST

/* ---- the way to the network ---- */

START_TEST(default_route)
{
	interface(DEVICE, "eth0");
	not_in_use();
	route("eth0", "0000A8C0");
	not_in_use();
	route("eth0", "00000000");
	in_use("default route goes through it (eth0)");
	route("*", "00000000");
	not_in_use();
}
END_TEST

START_TEST(default_route_of_another)
{
	interface(DEVICE, "eth0");
	interface(OTHER, "eth1");
	route("eth1", "00000000");
	route6("eth1", "00000000000000000000000000000000", "00");
	not_in_use();
}
END_TEST

START_TEST(vlan_on_bridge_on_bond)
{
	interface(DEVICE, "eth0");
	interface(OTHER, "eth1");
	interface("/sys/devices/virtual", "bond0");
	interface("/sys/devices/virtual", "br0");
	interface("/sys/devices/virtual", "br0.7");
	route("br0.7", "00000000");
	over("br0.7", "br0");
	over("br0", "bond0");
	over("bond0", "eth1");
	not_in_use();
	over("bond0", "eth0");
	in_use("default route goes through it (br0.7)");
}
END_TEST

START_TEST(endless_interfaces)
{
	interface("/sys/devices/virtual", "a");
	interface("/sys/devices/virtual", "b");
	over("a", "b");
	over("b", "a");
	route("a", "00000000");
	not_in_use();
}
END_TEST

START_TEST(default_route_of_ipv6)
{
	static const struct {
		const char *destination, *length;
		bool is_default;
	} routes[] = {
		{ "00000000000000000000000000000000", "00", true },
		{ "00000000000000000000000000000000", "01", true },
		{ "20000000000000000000000000000000", "03", true },
		{ "00000000000000000000000000000000", "60", false }, /* ::/96 */
		{ "20010db8000000000000000000000000", "20", false },
		{ "fe800000000000000000000000000000", "40", false },
		{ "fc000000000000000000000000000000", "07", false },
		{ "ff000000000000000000000000000000", "08", false },
	};

	interface(DEVICE, "eth0");
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		route6("eth0", routes[i].destination, routes[i].length);
		if (routes[i].is_default)
			in_use("default route goes through it (eth0)");
		else
			not_in_use();
	}
}
END_TEST

/* ---- the console ---- */

START_TEST(screen_of_its_driver)
{
	file(DEVICE "/boot_vga", "1\n");
	not_in_use();
	folder(DEVICE "/drm/card0");
	link_to("/sys/class/drm/card0", DEVICE "/drm/card0");
	in_use("console");
	file(DEVICE "/boot_vga", "0\n");
	not_in_use();
}
END_TEST

START_TEST(screen_of_the_firmware)
{
	file(DEVICE "/boot_vga", "1\n");
	folder("/sys/devices/platform/efi-framebuffer.0/graphics/fb0");
	link_to("/sys/class/graphics/fb0", "/sys/devices/platform/efi-framebuffer.0/graphics/fb0");
	in_use("console");
}
END_TEST

START_TEST(screen_of_simpledrm)
{
	file(DEVICE "/boot_vga", "1\n");
	folder("/sys/devices/platform/simple-framebuffer.0/drm/card0");
	link_to("/sys/class/drm/card0", "/sys/devices/platform/simple-framebuffer.0/drm/card0");
	in_use("console");
}
END_TEST

START_TEST(screen_of_another)
{
	file(DEVICE "/boot_vga", "1\n");
	folder(OTHER "/drm/card0");
	link_to("/sys/class/drm/card0", OTHER "/drm/card0");
	file("/sys/class/vtconsole/vtcon0/name", "(S) dummy device\n");
	file("/sys/class/vtconsole/vtcon0/bind", "1\n");
	not_in_use();
}
END_TEST

START_TEST(screen_of_text)
{
	file(DEVICE "/boot_vga", "1\n");
	file("/sys/class/vtconsole/vtcon0/name", "(S) VGA+\n");
	file("/sys/class/vtconsole/vtcon0/bind", "0\n");
	not_in_use();
	file("/sys/class/vtconsole/vtcon0/bind", "1\n");
	in_use("console");
}
END_TEST

START_TEST(serial_console)
{
	folder(DEVICE "/tty/ttyS4");
	link_to("/sys/class/tty/ttyS4", DEVICE "/tty/ttyS4");
	folder("/sys/devices/virtual/tty/tty0");
	link_to("/sys/class/tty/tty0", "/sys/devices/virtual/tty/tty0");
	file("/sys/class/tty/console/active", "tty0\n");
	not_in_use();
	file("/sys/class/tty/console/active", "tty0 ttyS4\n");
	in_use("ttyS4");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("use");

	TCase *tests = tcase_create("disks");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, nothing_at_all);
	tcase_add_test(tests, idle_disk);
	tcase_add_test(tests, mounted_partition);
	tcase_add_test(tests, nobody_can_look);
	tcase_add_test(tests, odd_sources);
	tcase_add_test(tests, nvme_of_several_paths);
	tcase_add_test(tests, nvme_of_another_controller);
	tcase_add_test(tests, nvme_path_without_node);
	tcase_add_test(tests, node_that_is_late);
	tcase_add_test(tests, disk_that_goes);
	tcase_add_test(tests, volume_on_crypt_on_nvme);
	tcase_add_test(tests, raid_that_is_not_mounted);
	tcase_add_test(tests, endless_stack);
	suite_add_tcase(suite, tests);

	tests = tcase_create("network");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, default_route);
	tcase_add_test(tests, default_route_of_another);
	tcase_add_test(tests, vlan_on_bridge_on_bond);
	tcase_add_test(tests, endless_interfaces);
	tcase_add_test(tests, default_route_of_ipv6);
	suite_add_tcase(suite, tests);

	tests = tcase_create("console");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, screen_of_its_driver);
	tcase_add_test(tests, screen_of_the_firmware);
	tcase_add_test(tests, screen_of_simpledrm);
	tcase_add_test(tests, screen_of_another);
	tcase_add_test(tests, screen_of_text);
	tcase_add_test(tests, serial_console);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
