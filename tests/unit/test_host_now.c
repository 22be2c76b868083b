/* SPDX-License-Identifier: MIT */
/* What of a host changes while the daemon runs, in a tree made for it. */
#define _GNU_SOURCE
#include "kernel/host_now.h"

#include "suite.h"

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/tmp/test_host_now.XXXXXX";
static struct host host;
static struct host_now now;

static void make_folders(char *path)
{
	for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
}

static void put(const char *name, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s%s", root, name);
	make_folders(path);
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

static void take(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s%s", root, name);
	ck_assert_int_eq(remove(path), 0);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
	(void)status;
	(void)kind;
	(void)walk;
	return remove(path);
}

static void make_host(void)
{
	memcpy(root + strlen(root) - 6, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(root));
	put("/sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
	put("/sys/bus/pci/drivers/vfio-pci/bind", "");
	put("/sys/bus/pci/drivers/uio_pci_generic/bind", "");
	put("/sys/module/vfio_iommu_type1/x", "");
	put("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y\n");
	put("/dev/vfio/vfio", "");
	put("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "64\n");
	put("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "64\n");
	put("/sys/kernel/mm/hugepages/hugepages-2048kB/resv_hugepages", "0\n");
	host = (struct host){
		.backend = &kernel_vfio_group,
		.iommu = true,
		.vfio = true,
		.module = "vfio_iommu_type1",
		.node = "vfio/vfio",
	};
}

static void drop_host(void)
{
	nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void without_iommu(const struct kernel_backend *backend)
{
	host.backend = backend;
	host.iommu = false;
	host.vfio = backend != &kernel_bare;
	host.module = NULL;
	host.node = host.vfio ? "vfio/vfio" : NULL;
}

/* Whether one of the problems says this. What the machine that runs this lets programs lock is
 * none of the test's. */
static bool says(const char *text)
{
	host_now(&host, root, &now);
	for (uint32_t i = 0; i < now.problems.count; i++)
		if (strstr(now.problems.lines[i], text) != NULL)
			return true;
	return false;
}

static void is_well(void)
{
	host_now(&host, root, &now);
	for (uint32_t i = 0; i < now.problems.count; i++)
		ck_assert_msg(strstr(now.problems.lines[i], "KiB can be pinned") != NULL, "%s",
		              now.problems.lines[i]);
	ck_assert(now.vfio == host.vfio);
	ck_assert(!now.lockdown);
}

START_TEST(nothing_has_changed)
{
	is_well();
	without_iommu(&kernel_vfio_noiommu);
	is_well();
	without_iommu(&kernel_bare);
	is_well();
}
END_TEST

START_TEST(modules_come_and_go)
{
	take("/sys/bus/pci/drivers/vfio-pci/bind");
	take("/sys/bus/pci/drivers/vfio-pci");
	ck_assert(says("driver vfio-pci was unloaded"));
	ck_assert(!now.vfio);
	ck_assert(says("`modprobe vfio-pci'"));
	put("/sys/bus/pci/drivers/vfio-pci/bind", "");
	is_well();
	take("/sys/module/vfio_iommu_type1/x");
	take("/sys/module/vfio_iommu_type1");
	ck_assert(says("module vfio_iommu_type1 was unloaded"));
	put("/sys/module/vfio_iommu_type1/x", "");
	is_well();
	take("/dev/vfio/vfio");
	ck_assert(says("/dev/vfio/vfio was removed"));
	without_iommu(&kernel_bare);
	is_well();
	take("/sys/bus/pci/drivers/uio_pci_generic/bind");
	take("/sys/bus/pci/drivers/uio_pci_generic");
	ck_assert(says("`modprobe uio_pci_generic'"));
}
END_TEST

START_TEST(a_driver_that_comes_too_late)
{
	host.backend = NULL;
	host.no_driver = true;
	strcpy(host.none, "no vfio-pci driver");
	ck_assert(says("which is there now: `systemctl restart hwbrokerd'"));
	ck_assert(!says("no vfio-pci driver"));
	take("/sys/bus/pci/drivers/vfio-pci/bind");
	take("/sys/bus/pci/drivers/vfio-pci");
	ck_assert(says("no vfio-pci driver"));
}
END_TEST

START_TEST(the_kernel_is_locked_down)
{
	put("/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	ck_assert(says("locked down (none [integrity]"));
	ck_assert(now.lockdown);
	/* For good. */
	host.lockdown = true;
	take("/sys/kernel/security/lockdown");
	ck_assert(says("locked down"));
	ck_assert(now.lockdown);
	ck_assert(host_is_locked_down(&host));
}
END_TEST

START_TEST(dma_without_an_iommu)
{
	without_iommu(&kernel_bare);
	put("/proc/sys/kernel/io_uring_disabled", "1\n");
	is_well();
	put("/proc/sys/kernel/io_uring_disabled", "2\n");
	ck_assert(says("kernel.io_uring_disabled"));
	put("/proc/sys/kernel/io_uring_disabled", "0\n");
	put("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "3\n");
	is_well();
	put("/sys/kernel/mm/hugepages/hugepages-2048kB/resv_hugepages", "3\n");
	ck_assert(says("all 64 huge pages are in use"));
	put("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "0\n");
	ck_assert(says("no huge pages are set aside"));
	/* With one they are not needed. */
	host.backend = &kernel_vfio_group;
	is_well();
	/* At the start no memory stayed in place, and the problems say why. */
	without_iommu(&kernel_bare);
	host.no_pins = true;
	ck_assert(!says("huge pages"));
}
END_TEST

START_TEST(vfio_takes_no_more_without_an_iommu)
{
	without_iommu(&kernel_vfio_noiommu);
	put("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "N\n");
	ck_assert(says("enable_unsafe_noiommu_mode to Y again"));
	ck_assert(!now.vfio);
}
END_TEST

/* What was found out at the start stays, and is not all that there is room for. */
START_TEST(all_at_once)
{
	without_iommu(&kernel_vfio_noiommu);
	for (host.problems.count = 0; host.problems.count < PROBLEMS_MAX; host.problems.count++)
		snprintf(host.problems.lines[host.problems.count], PROBLEM_SIZE, "problem %u",
		         host.problems.count);
	put("/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	ck_assert(says("problem 0"));
	ck_assert_uint_eq(now.problems.count, PROBLEMS_MAX);
	ck_assert(says("locked down"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("host_now");
	TCase *tests = tcase_create("now");

	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(tests, make_host, drop_host);
	tcase_add_test(tests, nothing_has_changed);
	tcase_add_test(tests, modules_come_and_go);
	tcase_add_test(tests, a_driver_that_comes_too_late);
	tcase_add_test(tests, the_kernel_is_locked_down);
	tcase_add_test(tests, dma_without_an_iommu);
	tcase_add_test(tests, vfio_takes_no_more_without_an_iommu);
	tcase_add_test(tests, all_at_once);
	return suite_run(suite);
}
