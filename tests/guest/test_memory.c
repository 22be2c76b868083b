/* SPDX-License-Identifier: MIT */
/* IO_MEM of physical memory that is of no device. The suite's runner reloads the policy and
 * kills the daemon; `other' has the HPET in its policy as well. */
#define _GNU_SOURCE /* F_GET_SEALS */
#include "guest.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* IA-PC HPET specification 1.0a, 2.3: 64-bit registers. */
enum {
	HPET = 0xfed00000,
	HPET_SIZE = 0x400,
	CAPABILITIES = 0x000, /* vendor in bits 31:16 */
	COUNTER = 0x0f0,
	INTEL = 0x8086
};

/* Chipset configuration registers of the ICH9: storage where it has no function. */
enum { CHIPSET = 0xfed1c000, FORCED = 0xfed1d000, SPARE = 0x800 };

/* The end of the BIOS: a far jump, and its date. */
enum { BIOS = 0xf0000, BIOS_SIZE = 0x10000, RESET_VECTOR = 0xfff0, FAR_JUMP = 0xea };

static struct hwb_region region;
static int fd;

static int open_memory(uint64_t base, uint64_t size)
{
	return hwb_io_mem_open(guest, base, size, 0, &region, &fd, &why);
}

static struct hwb_mem_op one(uint8_t action, uint32_t offset, uint8_t width, uint64_t value)
{
	return (struct hwb_mem_op){ offset, action, width, 0, value };
}

static int run(uint32_t session, struct hwb_mem_op *op)
{
	return hwb_io_mem_batch(guest, session, op, 1, &why);
}

static uint64_t read_register(uint32_t session, uint32_t offset, uint8_t width)
{
	struct hwb_mem_op op = one(HWB_BATCH_READ, offset, width, 0);

	want(HWB_OK, run(session, &op));
	return op.value;
}

static uint32_t open_hpet(void)
{
	want(HWB_OK, open_memory(HPET, HPET_SIZE));
	ck_assert_uint_eq(region.flags,
	                  HWB_REGION_MEDIATED | HWB_REGION_READ_ONLY | HWB_REGION_REVOCABLE);
	ck_assert_int_eq(fd, -1);
	ck_assert(region.base == HPET && region.size == HPET_SIZE);
	return region.session;
}

START_TEST(the_hpet_counts)
{
	uint32_t hpet = open_hpet();
	uint64_t last = 0;
	unsigned changes = 0;

	ck_assert_uint_eq(read_register(hpet, CAPABILITIES, 8) >> 16 & 0xffff, INTEL);
	for (int i = 0; i < 20; i++) {
		uint64_t now = read_register(hpet, COUNTER, 4);
		changes += now != last;
		last = now;
		guest_pause(2);
	}
	ck_assert_uint_ge(changes, 15);
	/* A part of the range is a region of its own. */
	want(HWB_OK, open_memory(HPET + COUNTER, 8));
	ck_assert_uint_ne(read_register(region.session, 0, 4), last);
}
END_TEST

START_TEST(only_what_was_opened)
{
	uint32_t hpet = open_hpet();
	struct hwb_mem_op wrong[] = { one(HWB_BATCH_READ, HPET_SIZE, 1, 0),
		                      one(HWB_BATCH_READ, HPET_SIZE - 4, 8, 0),
		                      one(HWB_BATCH_READ, UINT32_MAX - 3, 4, 0),
		                      one(HWB_BATCH_READ, 2, 4, 0), one(HWB_BATCH_READ, 0, 3, 0) };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		want(HWB_INVALID, run(hpet, &wrong[i]));
	/* Aligned in the region, but not in memory. */
	want(HWB_OK, open_memory(HPET + 2, 8));
	struct hwb_mem_op odd = one(HWB_BATCH_READ, 0, 4, 0);
	want(HWB_INVALID, run(region.session, &odd));
	want(HWB_OK, hwb_close(guest, hpet, &why));
	struct hwb_mem_op late = one(HWB_BATCH_READ, 0, 4, 0);
	want(HWB_NO_SESSION, run(hpet, &late));
}
END_TEST

START_TEST(writing_needs_the_policy)
{
	uint32_t hpet = open_hpet();
	struct hwb_mem_op ops[] = { one(HWB_BATCH_READ, 0, 4, 0),
		                    one(HWB_BATCH_WRITE, 0x10, 4, 0) };
	uint64_t before = read_register(hpet, 0x10, 4);

	want(HWB_DENIED, hwb_io_mem_batch(guest, hpet, ops, 2, &why));
	ck_assert_ptr_nonnull(strstr(why.reason, "`write = yes'"));
	ck_assert_uint_eq(read_register(hpet, 0x10, 4), before);

	want(HWB_OK, open_memory(CHIPSET, PAGE));
	ck_assert_uint_eq(region.flags, HWB_REGION_MEDIATED | HWB_REGION_REVOCABLE);
	uint64_t there = read_register(region.session, SPARE, 4);
	struct hwb_mem_op put = one(HWB_BATCH_WRITE, SPARE, 4, there ^ 0x5aa5);
	want(HWB_OK, run(region.session, &put));
	ck_assert_uint_eq(read_register(region.session, SPARE, 4), there ^ 0x5aa5);
	ck_assert_uint_eq(read_register(region.session, SPARE, 1), (there ^ 0xa5) & 0xff);
	ck_assert_uint_eq(read_register(region.session, SPARE, 2), (there ^ 0x5aa5) & 0xffff);
	ck_assert_uint_eq(read_register(region.session, SPARE + 1, 1),
	                  (there ^ 0x5a00) >> 8 & 0xff);
	put.value = there;
	want(HWB_OK, run(region.session, &put));
}
END_TEST

START_TEST(what_is_not_given)
{
	want(HWB_NOT_FOUND, open_memory(HPET + 0x1000, 0x400));
	ck_assert_ptr_nonnull(strstr(why.reason, "no [memory] section"));
	want(HWB_NOT_FOUND, open_memory(0xfee00000, 0x1000));
	want(HWB_DENIED, open_memory(HPET, HPET_SIZE + 1));
	want(HWB_DENIED, open_memory(HPET - 1, 2));
	want(HWB_INVALID, open_memory(HPET, 0));
	want(HWB_INVALID, open_memory(UINT64_MAX, 2));
	want(HWB_UNSAFE, open_memory(0x1000000, 0x1000));
	ck_assert_ptr_nonnull(strstr(why.reason, "is RAM of the host"));
	want(HWB_UNSAFE, open_memory(0xb0000000, 0x1000));
	ck_assert_ptr_nonnull(strstr(why.reason, "configures every PCI device"));
	/* The window, the ROMs, and both. */
	want(HWB_INVALID, open_memory(0xa0000, 0x60000));
	want(HWB_INVALID, open_memory(0xbffff, 2));
	want(HWB_OK, open_memory(0xa0000, 0x20000));
	want(HWB_OK, open_memory(0xbffff, 1));
}
END_TEST

START_TEST(roms_are_copies)
{
	struct stat facts;
	uint32_t first;

	want(HWB_OK, open_memory(BIOS, BIOS_SIZE));
	ck_assert_uint_eq(region.flags, HWB_REGION_COPY | HWB_REGION_READ_ONLY);
	ck_assert_uint_eq(region.fd_offset, 0);
	ck_assert(fstat(fd, &facts) == 0 && facts.st_size == BIOS_SIZE);
	ck_assert_int_eq(fcntl(fd, F_GET_SEALS),
	                 F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	ck_assert_ptr_eq(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
	ck_assert_int_eq(pwrite(fd, &facts, 1, 0), -1);
	const unsigned char *bios = mmap(NULL, BIOS_SIZE, PROT_READ, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(bios, MAP_FAILED);
	ck_assert_uint_eq(bios[RESET_VECTOR], FAR_JUMP);
	ck_assert(bios[RESET_VECTOR + 7] == '/' && bios[RESET_VECTOR + 10] == '/');
	memcpy(&first, bios + 1, sizeof(first));
	/* It begins where it was asked for. */
	want(HWB_OK, open_memory(BIOS + 1, sizeof(first)));
	uint32_t again = 0;
	ck_assert_int_eq(pread(fd, &again, sizeof(again), 0), sizeof(again));
	ck_assert_uint_eq(again, first);
	struct hwb_mem_op op = one(HWB_BATCH_READ, 0, 1, 0);
	want(HWB_INVALID, run(region.session, &op));
}
END_TEST

START_TEST(one_owner_at_a_time)
{
	struct hwb_posix second;
	struct hwb_client *other = guest_connect(&second);
	uint32_t hpet = open_hpet();

	want(HWB_OK, open_memory(HPET, 8));
	want(HWB_OK, open_memory(BIOS, BIOS_SIZE));
	want(HWB_BUSY, hwb_io_mem_open(other, HPET + COUNTER, 8, 0, &region, &fd, &why));
	want(HWB_OK, hwb_io_mem_open(other, BIOS, BIOS_SIZE, 0, &region, &fd, &why));
	want(HWB_OK, hwb_close(guest, hpet, &why));
	want(HWB_OK, hwb_io_mem_open(other, HPET + COUNTER, 8, 0, &region, &fd, &why));
	want(HWB_BUSY, hwb_io_mem_open(other, HPET, 16, 0, &region, &fd, &why));
	hwb_posix_close(&second);
}
END_TEST

START_TEST(a_descriptor_if_it_is_forced)
{
	want(HWB_OK, open_memory(FORCED, PAGE));
	ck_assert_uint_eq(region.flags, HWB_REGION_DEV_MEM | HWB_REGION_READ_ONLY);
	ck_assert_uint_eq(region.fd_offset, FORCED);
	volatile uint32_t *registers =
	        mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, (off_t)region.fd_offset);
	ck_assert_ptr_ne((void *)registers, MAP_FAILED);
	(void)registers[0];
	ck_assert_ptr_eq(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, FORCED),
	                 MAP_FAILED);
	/* As the manual warns. */
	volatile uint32_t *hpet = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, HPET);
	ck_assert_ptr_ne((void *)hpet, MAP_FAILED);
	ck_assert_uint_eq(hpet[0] >> 16, INTEL);
	/* But for RAM. */
	ck_assert_ptr_eq(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0x1000000), MAP_FAILED);
}
END_TEST

START_TEST(the_list)
{
	static const struct hwb_memory_range wanted[] = {
		{ 0xa0000, 0x60000, 0, 0 },
		{ 0x1000000, 0x1000, 0, 0 },
		{ 0xb0000000, 0x1000, 0, 0 },
		{ HPET, HPET_SIZE, 0, 0 },
		{ CHIPSET, PAGE, HWB_MEMORY_WRITE, 0 },
		{ FORCED, PAGE, HWB_MEMORY_FD, 0 },
	};
	enum { COUNT = sizeof(wanted) / sizeof(wanted[0]) };
	struct hwb_list list = { 0 };
	struct hwb_memory_range ranges[COUNT + 1];

	ck_assert_int_eq(hwb_io_mem_list(guest, &list, ranges, COUNT + 1, &why), COUNT);
	ck_assert_mem_eq(ranges, wanted, sizeof(wanted));
	ck_assert_int_eq(hwb_io_mem_list(guest, &list, ranges, 1, &why), 0);
}
END_TEST

START_TEST(another_policy_takes_it)
{
	struct hwb_posix second;
	struct hwb_client *other = guest_connect(&second);
	uint32_t hpet = open_hpet();
	struct hwb_region chipset, forced;

	want(HWB_OK, hwb_io_mem_open(guest, CHIPSET, PAGE, 0, &chipset, &fd, &why));
	want(HWB_OK, hwb_io_mem_open(guest, FORCED, PAGE, 0, &forced, &fd, &why));
	guest_ask_runner("policy memory_gone");
	struct hwb_mem_op op = one(HWB_BATCH_READ, 0, 4, 0);
	want(HWB_GONE, run(hpet, &op));
	/* It may be read still, but not on the terms on which it was opened. */
	want(HWB_GONE, run(chipset.session, &op));
	want(HWB_OK, hwb_close(guest, hpet, &why));
	want(HWB_NO_SESSION, run(hpet, &op));
	want(HWB_OK, open_memory(CHIPSET, PAGE));
	ck_assert_uint_ne(region.flags & HWB_REGION_READ_ONLY, 0);
	guest_ask_runner("policy memory");
	/* What is out there is nobody else's, and what was taken by the same policy is. */
	want(HWB_BUSY, hwb_io_mem_open(other, FORCED, PAGE, 0, &region, &fd, &why));
	want(HWB_OK, hwb_io_mem_open(other, HPET, HPET_SIZE, 0, &region, &fd, &why));
	hwb_posix_close(&second);
}
END_TEST

START_TEST(it_outlives_the_daemon)
{
	uint32_t hpet = open_hpet();
	struct hwb_region forced;

	want(HWB_OK, hwb_io_mem_open(guest, FORCED, PAGE, 0, &forced, &fd, &why));
	want(HWB_OK, open_memory(BIOS, BIOS_SIZE));
	guest_pause(1000);
	guest_ask_runner("kill-daemon");
	ck_assert_uint_eq(read_register(hpet, CAPABILITIES, 8) >> 16 & 0xffff, INTEL);
	struct hwb_mem_op put = one(HWB_BATCH_WRITE, 0, 4, 0);
	want(HWB_DENIED, run(hpet, &put));
	struct hwb_posix second;
	struct hwb_client *other = guest_connect(&second);
	want(HWB_BUSY, hwb_io_mem_open(other, HPET, 8, 0, &region, &fd, &why));
	want(HWB_BUSY, hwb_io_mem_open(other, FORCED, 8, 0, &region, &fd, &why));
	want(HWB_OK, hwb_close(guest, forced.session, &why));
	want(HWB_OK, hwb_close(guest, hpet, &why));
	want(HWB_OK, hwb_io_mem_open(other, HPET, 8, 0, &region, &fd, &why));
	hwb_posix_close(&second);
}
END_TEST

/* For a kernel that is locked down: degraded.sh. */
START_TEST(locked_down)
{
	want(HWB_UNSUPPORTED, open_memory(HPET, HPET_SIZE));
	ck_assert_ptr_nonnull(strstr(why.reason, "it is locked down, as with Secure Boot"));
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("memory");
	TCase *all = guest_case(suite, "memory");

	if (argc > 1 && strcmp(argv[1], "--locked-down") == 0) {
		tcase_add_test(all, locked_down);
		return guest_run(suite);
	}
	tcase_add_test(all, the_hpet_counts);
	tcase_add_test(all, only_what_was_opened);
	tcase_add_test(all, writing_needs_the_policy);
	tcase_add_test(all, what_is_not_given);
	tcase_add_test(all, roms_are_copies);
	tcase_add_test(all, one_owner_at_a_time);
	tcase_add_test(all, a_descriptor_if_it_is_forced);
	tcase_add_test(all, the_list);
	tcase_add_test(all, another_policy_takes_it);
	tcase_add_test(all, it_outlives_the_daemon);
	return guest_run(suite);
}
