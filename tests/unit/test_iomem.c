/* SPDX-License-Identifier: MIT */
/* What /proc/iomem says of an address, and what that means for who wants it. */
#include "kernel/iomem.h"

#include "suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of a virtual PC with an emulated VT-d, shortened. */
static const char pc[] = "00000000-00000fff : Reserved\n"
                         "00001000-0009fbff : System RAM\n"
                         "0009fc00-0009ffff : Reserved\n"
                         "000a0000-000bffff : PCI Bus 0000:00\n"
                         "000c0000-000c99ff : Video ROM\n"
                         "000f0000-000fffff : Reserved\n"
                         "  000f0000-000fffff : System ROM\n"
                         "00100000-7ffdffff : System RAM\n"
                         "  01000000-01e01fff : Kernel code\n"
                         "7ffe0000-7fffffff : Reserved\n"
                         "80000000-8fffffff : ACPI Non-volatile Storage\n"
                         "b0000000-bfffffff : PCI MMCONFIG 0000 [bus 00-ff]\n"
                         "  b0000000-bfffffff : Reserved\n"
                         "c0000000-febfffff : PCI Bus 0000:00\n"
                         "  fd000000-fdffffff : 0000:00:01.0\n"
                         "  fea00000-feafffff : PCI Bus 0000:01\n"
                         "    fea00000-fea03fff : 10000:01:1f.7\n"
                         "fec00000-fec003ff : IOAPIC 0\n"
                         "fed00000-fed003ff : HPET 0\n"
                         "  fed00000-fed003ff : PNP0103:00\n"
                         "fed1c000-fed1ffff : Reserved\n"
                         "fed90000-fed90fff : dmar0\n"
                         "fee00000-fee00fff : Local APIC\n"
                         "100000000-17fffffff : System RAM\n";

static const struct {
	uint64_t first, last;
	bool force;
	const char *refusal; /* NULL: it may be */
} cases[] = {
	{ 0xfed00000, 0xfed003ff, false, NULL },
	{ 0xa0000, 0xbffff, false, NULL },
	{ 0xc0000, 0xfffff, false, NULL },
	{ 0x9fc00, 0x9ffff, false, NULL },
	{ 0x0, 0xfff, false, NULL },
	{ 0x200000000, 0x2ffffffff, false, NULL },
	/* RAM, forced or not. */
	{ 0x1000, 0x1000, false, "memory 0x1000 is RAM of the host (System RAM in " },
	{ 0x9fbff, 0xbffff, true, "memory 0x9fbff is RAM of the host" },
	{ 0xf0000, 0x100000, true, "memory 0x100000 is RAM of the host" },
	{ 0x1500000, 0x1500000, true, "memory 0x1500000 is RAM of the host" },
	{ 0x0, UINT64_MAX, true, "memory 0x1000 is RAM of the host" },
	{ 0xfed00000, 0x100000000, true, "memory 0x100000000 is RAM of the host" },
	/* What needs force. */
	{ 0xfd000000, 0xfd000fff, false, "memory 0xfd000000 is in a BAR of 0000:00:01.0, for" },
	{ 0xfd000000, 0xfd000fff, true, NULL },
	{ 0xfea03fff, 0xfea04000, false, "memory 0xfea03fff is in a BAR of 10000:01:1f.7, for" },
	{ 0xfea04000, 0xfea04fff, false, NULL },
	{ 0xafffffff, 0xb0000000, false, "memory 0xb0000000 (PCI MMCONFIG 0000 [bus 00-ff] in" },
	{ 0xb0000000, 0xb0000fff, true, NULL },
	{ 0x80000000, 0x80000000, false, "memory 0x80000000 (ACPI Non-volatile Storage in" },
	{ 0xfec00000, 0xfec00000, false, "memory 0xfec00000 (IOAPIC 0 in /proc/iomem) routes" },
	{ 0xfed90000, 0xfed90fff, false, "memory 0xfed90000 (dmar0 in /proc/iomem) is an IOMMU" },
	{ 0xfee00ff0, 0xfee00ff0, false, "memory 0xfee00ff0 (Local APIC in" },
};

static char path[64];

static void make(const char *text)
{
	strcpy(path, "/tmp/test_iomem.XXXXXX");
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

START_TEST(whose_it_is)
{
	struct fault fault = { .status = HWB_OK };

	make(pc);
	int result =
	        iomem_check(path, cases[_i].first, cases[_i].last, false, cases[_i].force, &fault);
	unlink(path);
	ck_assert_msg((result == 0) == (cases[_i].refusal == NULL), "%s", fault.reason);
	if (cases[_i].refusal == NULL)
		return;
	ck_assert_int_eq((int)fault.status, HWB_UNSAFE);
	ck_assert_msg(strncmp(fault.reason, cases[_i].refusal, strlen(cases[_i].refusal)) == 0,
	              "%s", fault.reason);
}
END_TEST

START_TEST(an_hpet_is_to_be_read)
{
	struct fault fault = { .status = HWB_OK };

	make(pc);
	ck_assert_int_eq(iomem_check(path, 0xfed000f0, 0xfed000f7, false, false, &fault), 0);
	ck_assert_int_eq(iomem_check(path, 0xfed000f0, 0xfed000f7, true, true, &fault), 0);
	ck_assert_int_eq(iomem_check(path, 0xfed1c000, 0xfed1cfff, true, false, &fault), 0);
	ck_assert_int_eq(iomem_check(path, 0xfed000f0, 0xfed000f7, true, false, &fault), -1);
	unlink(path);
	ck_assert_int_eq((int)fault.status, HWB_UNSAFE);
	ck_assert_ptr_nonnull(
	        strstr(fault.reason, "memory 0xfed000f0 (HPET 0 in /proc/iomem) writes"));
	ck_assert_ptr_nonnull(strstr(fault.reason, "grants it to be written to"));
}
END_TEST

/* As who may not know sees it: then nothing is given. */
START_TEST(without_the_right_to_know_nothing_is_given)
{
	struct fault fault;

	make("00000000-00000000 : Reserved\n00000000-00000000 : System RAM\n"
	     "00000000-00000000 : HPET 0\n");
	ck_assert_int_eq(iomem_check(path, 0xfed00000, 0xfed003ff, false, true, &fault), -1);
	ck_assert_int_eq((int)fault.status, HWB_UNSUPPORTED);
	ck_assert_ptr_nonnull(strstr(fault.reason, "does not say where RAM is"));
	unlink(path);
	ck_assert_int_eq(iomem_check(path, 0xfed00000, 0xfed003ff, false, true, &fault), -1);
	ck_assert_int_eq((int)fault.status, HWB_HOST_ERROR);
	make("nothing of the kind\n12\nx-y : z\n");
	ck_assert_int_eq(iomem_check(path, 0xfed00000, 0xfed003ff, false, true, NULL), -1);
	unlink(path);
}
END_TEST

static int claims_in(const char *text, struct iomem_claim claims[2])
{
	make(text);
	int count = iomem_claims(path, claims, 2);
	unlink(path);
	return count;
}

START_TEST(claims)
{
	struct iomem_claim found[2];

	/* A BAR without a driver; a bridge's window; a claim of the second half alone, and of a
	 * whole BAR; one as deep as the one that it is in, by the indentation. */
	ck_assert_int_eq(claims_in("c0000000-febfffff : PCI Bus 0000:00\n"
	                           "  d0000000-d0000fff : 0000:00:01.0\n"
	                           "  d0001000-d0001fff : 0000:00:02.0\n"
	                           "    d0001800-d0001fff : half\n"
	                           "  d1000000-d1ffffff : PCI Bus 0000:01\n"
	                           "    d1000000-d1003fff : 0000:01:00.0\n"
	                           "      d1000000-d1003fff : nvme\n"
	                           "    d1008000-d1008fff : 0000:01:00.1\n"
	                           "    d1008000-d10080ff : e1000e\n"
	                           "    d1009000-d1009fff : 0000:01:00.2\n"
	                           "      d1009000-d1009fff : more than there is room for\n",
	                           found),
	                 2);
	ck_assert_str_eq(found[0].name, "0000:01:00.0");
	ck_assert_uint_eq(found[0].first, 0xd1000000);
	ck_assert_str_eq(found[1].name, "0000:01:00.1");
	ck_assert_uint_eq(found[1].first, 0xd1008000);
	ck_assert_int_eq(claims_in(pc, found), 0);
	/* Without the right to know. */
	ck_assert_int_eq(claims_in("00000000-00000000 : PCI Bus 0000:00\n"
	                           "  00000000-00000000 : 0000:00:01.0\n"
	                           "    00000000-00000000 : nvme\n",
	                           found),
	                 -1);
	ck_assert_int_eq(iomem_claims("/nowhere", found, 2), -1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("iomem");
	TCase *tests = tcase_create("all");

	tcase_add_loop_test(tests, whose_it_is, 0, (int)(sizeof(cases) / sizeof(cases[0])));
	tcase_add_test(tests, an_hpet_is_to_be_read);
	tcase_add_test(tests, without_the_right_to_know_nothing_is_given);
	tcase_add_test(tests, claims);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
