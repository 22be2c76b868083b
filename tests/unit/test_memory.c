/* SPDX-License-Identifier: MIT */
/* Which descriptors of a client may be pinned, tried with real ones. */
#define _GNU_SOURCE /* memfd_create */
#include "kernel/memory/memory.h"

#include "suite.h"
#include "util/cleanup.h"

#include <check.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

enum { PAGE = MEMORY_PAGE, PAGES = 8 };

static struct fault fault;

static int memfd(int seals)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, PAGES * PAGE), 0);
	if (seals != 0)
		ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

/* Another open of the same memory, with other rights. */
static int reopen(int fd, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int again = open(path, flags | O_CLOEXEC);
	ck_assert_int_ge(again, 0);
	return again;
}

static enum hwb_status judge(int fd, uint64_t offset, uint64_t size, bool device_writes)
{
	uint32_t page_size = 0;

	fault = (struct fault){ 0 };
	if (memory_check(fd, offset, size, device_writes, &page_size, &fault) != 0) {
		ck_assert_str_ne(fault.reason, "");
		return fault.status;
	}
	ck_assert_uint_eq(page_size, PAGE);
	return HWB_OK;
}

static void refused_as_no_memfd(int fd)
{
	ck_assert_uint_eq(judge(fd, 0, PAGE, false), HWB_BAD_FD);
	ck_assert_ptr_nonnull(strstr(fault.reason, "not a memfd"));
	ck_assert_uint_eq(judge(fd, 0, PAGE, true), HWB_BAD_FD);
}

/* ---- memfds ---- */

START_TEST(sealed_memfds_are_fine)
{
	static const int seals[] = { F_SEAL_SHRINK, F_SEAL_SHRINK | F_SEAL_GROW,
		                     F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL };

	for (size_t i = 0; i < sizeof(seals) / sizeof(seals[0]); i++) {
		_cleanup_fd_ int fd = memfd(seals[i]);
		ck_assert_uint_eq(judge(fd, 0, PAGES * PAGE, false), HWB_OK);
		ck_assert_uint_eq(judge(fd, 0, PAGES * PAGE, true), HWB_OK);
	}
}
END_TEST

START_TEST(unsealed_memfds_are_refused)
{
	_cleanup_fd_ int fd = memfd(0);
	_cleanup_fd_ int growing = memfd(F_SEAL_GROW | F_SEAL_SEAL);
	_cleanup_fd_ int unsealable = memfd_create("test", MFD_CLOEXEC);

	ck_assert_uint_eq(judge(fd, 0, PAGE, false), HWB_BAD_FD);
	/* The sentence says what to do. */
	ck_assert_ptr_nonnull(strstr(fault.reason, "F_ADD_SEALS, F_SEAL_SHRINK"));
	ck_assert_uint_eq(judge(growing, 0, PAGE, false), HWB_BAD_FD);
	ck_assert_int_eq(ftruncate(unsealable, PAGE), 0);
	ck_assert_uint_eq(judge(unsealable, 0, PAGE, false), HWB_BAD_FD);
}
END_TEST

START_TEST(write_sealed_memfds_are_for_reading)
{
	_cleanup_fd_ int sealed = memfd(F_SEAL_SHRINK | F_SEAL_WRITE);
	_cleanup_fd_ int future = memfd(F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE);

	ck_assert_uint_eq(judge(sealed, 0, PAGE, false), HWB_OK);
	ck_assert_uint_eq(judge(sealed, 0, PAGE, true), HWB_BAD_FD);
	ck_assert_ptr_nonnull(strstr(fault.reason, "sealed against writing"));
	ck_assert_uint_eq(judge(future, 0, PAGE, false), HWB_OK);
	ck_assert_uint_eq(judge(future, 0, PAGE, true), HWB_BAD_FD);
}
END_TEST

START_TEST(rights_are_those_of_the_descriptor)
{
	_cleanup_fd_ int fd = memfd(F_SEAL_SHRINK);
	_cleanup_fd_ int reading = reopen(fd, O_RDONLY);
	_cleanup_fd_ int both = reopen(fd, O_RDWR);
	_cleanup_fd_ int writing = reopen(fd, O_WRONLY);

	ck_assert_uint_eq(judge(reading, 0, PAGE, false), HWB_OK);
	ck_assert_uint_eq(judge(reading, 0, PAGE, true), HWB_BAD_FD);
	ck_assert_ptr_nonnull(strstr(fault.reason, "not open for writing"));
	ck_assert_uint_eq(judge(both, 0, PAGE, true), HWB_OK);
	ck_assert_uint_eq(judge(writing, 0, PAGE, false), HWB_BAD_FD);
	ck_assert_uint_eq(judge(writing, 0, PAGE, true), HWB_BAD_FD);
}
END_TEST

START_TEST(offsets_and_sizes)
{
	_cleanup_fd_ int fd = memfd(F_SEAL_SHRINK);
	static const struct {
		uint64_t offset, size;
		enum hwb_status status;
	} cases[] = {
		{ 0, PAGE, HWB_OK },
		{ PAGE, (PAGES - 1) * PAGE, HWB_OK },
		{ (PAGES - 1) * PAGE, PAGE, HWB_OK },
		{ 0, (PAGES + 1) * PAGE, HWB_INVALID },
		{ PAGE, PAGES * PAGE, HWB_INVALID },
		{ PAGES * PAGE, PAGE, HWB_INVALID },
		{ (PAGES + 1) * PAGE, PAGE, HWB_INVALID },
		{ 1, PAGE, HWB_INVALID },
		{ PAGE / 2, PAGE, HWB_INVALID },
		{ 0, PAGE - 1, HWB_INVALID },
		{ 0, PAGE + 1, HWB_INVALID },
		{ 0, UINT64_MAX, HWB_INVALID },
		{ 0, UINT64_MAX - PAGE + 1, HWB_INVALID },
		{ PAGE, UINT64_MAX - PAGE + 1, HWB_INVALID },
		{ UINT64_MAX - PAGE + 1, PAGE, HWB_INVALID },
		{ UINT64_MAX - PAGE + 1, 2 * PAGE, HWB_INVALID },
		{ UINT64_MAX, PAGE, HWB_INVALID },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(judge(fd, cases[i].offset, cases[i].size, true) == cases[i].status,
		              "0x%" PRIx64 " bytes at 0x%" PRIx64 ": %s", cases[i].size,
		              cases[i].offset, fault.reason);
}
END_TEST

START_TEST(a_crooked_end_is_out)
{
	_cleanup_fd_ int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ck_assert_int_eq(ftruncate(fd, PAGE + 100), 0);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	ck_assert_uint_eq(judge(fd, 0, PAGE, false), HWB_OK);
	ck_assert_uint_eq(judge(fd, 0, PAGE + 100, false), HWB_INVALID);
	ck_assert_uint_eq(judge(fd, 0, 2 * PAGE, false), HWB_INVALID);
	ck_assert_uint_eq(judge(fd, PAGE, PAGE, false), HWB_INVALID);
}
END_TEST

START_TEST(an_empty_memfd_has_no_room)
{
	_cleanup_fd_ int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	ck_assert_uint_eq(judge(fd, 0, PAGE, false), HWB_INVALID);
}
END_TEST

/* ---- everything else ---- */

START_TEST(pipes_and_sockets)
{
	int pipes[2], sockets[2];

	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
	for (int i = 0; i < 2; i++) {
		refused_as_no_memfd(pipes[i]);
		refused_as_no_memfd(sockets[i]);
		close(pipes[i]);
		close(sockets[i]);
	}
	_cleanup_fd_ int event = eventfd(0, EFD_CLOEXEC);
	refused_as_no_memfd(event);
}
END_TEST

START_TEST(devices_files_and_folders)
{
	static const char *const paths[] = { "/dev/null", "/dev/zero", "/", "/proc/self/status",
		                             "/proc/self/exe" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		_cleanup_fd_ int fd = open(paths[i], O_RDONLY | O_CLOEXEC);
		ck_assert_int_ge(fd, 0);
		refused_as_no_memfd(fd);
	}
}
END_TEST

/* A file of a disk is no memfd; one of a tmpfs is memory, but never sealed. */
START_TEST(regular_files)
{
	char path[] = "/tmp/test_memory-XXXXXX";
	_cleanup_fd_ int fd = mkostemp(path, O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	unlink(path);
	ck_assert_int_eq(ftruncate(fd, PAGES * PAGE), 0);
	ck_assert_uint_eq(judge(fd, 0, PAGE, false), HWB_BAD_FD);
	ck_assert_uint_eq(judge(fd, 0, PAGE, true), HWB_BAD_FD);
	char shared[] = "/dev/shm/test_memory-XXXXXX";
	_cleanup_fd_ int memory = mkostemp(shared, O_CLOEXEC);
	if (memory < 0)
		return;
	unlink(shared);
	ck_assert_int_eq(ftruncate(memory, PAGES * PAGE), 0);
	ck_assert_uint_eq(judge(memory, 0, PAGE, false), HWB_BAD_FD);
}
END_TEST

START_TEST(descriptors_without_rights_or_file)
{
	_cleanup_fd_ int fd = memfd(F_SEAL_SHRINK);
	_cleanup_fd_ int path = reopen(fd, O_PATH);

	refused_as_no_memfd(path);
	refused_as_no_memfd(-1);
	int closed = memfd(F_SEAL_SHRINK);
	close(closed);
	refused_as_no_memfd(closed);
}
END_TEST

/* ---- memory of our own ---- */

START_TEST(new_memory_is_sealed_allocated_and_zero)
{
	static const char zeros[PAGE];
	char page[PAGE];
	struct stat status;
	_cleanup_fd_ int fd = -1;

	ck_assert_int_eq(memory_new(PAGES * PAGE, PAGE, &fd, &fault), 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_eq(fstat(fd, &status), 0);
	ck_assert_int_eq(status.st_size, PAGES * PAGE);
	ck_assert_int_eq(status.st_blocks, PAGES * PAGE / 512);
	for (int i = 0; i < PAGES; i++) {
		ck_assert_int_eq(read(fd, page, PAGE), PAGE);
		ck_assert_mem_eq(page, zeros, PAGE);
	}
	ck_assert_int_ne(ftruncate(fd, PAGE), 0);
	ck_assert_int_ne(ftruncate(fd, 2 * PAGES * PAGE), 0);
	/* It passes the check that memory of clients has to. */
	ck_assert_uint_eq(judge(fd, 0, PAGES * PAGE, true), HWB_OK);
}
END_TEST

START_TEST(prompt_memory_is_the_same_or_none)
{
	struct stat status;
	_cleanup_fd_ int fd = -1;

	ck_assert(!memory_new_promptly(1ull << 60, &fd));
	ck_assert_int_eq(fd, -1);
	if (!memory_new_promptly(PAGES * PAGE, &fd))
		return; /* this host is short of it */
	ck_assert_int_eq(fcntl(fd, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	ck_assert_int_eq(fstat(fd, &status), 0);
	ck_assert_int_eq(status.st_blocks, PAGES * PAGE / 512);
}
END_TEST

START_TEST(impossible_sizes_fail_and_leak_nothing)
{
	static const uint64_t sizes[] = { UINT64_MAX - PAGE + 1, 1ull << 63, 0 };
	int before = dup(0);

	close(before);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		int fd = -1;
		fault = (struct fault){ 0 };
		ck_assert_int_eq(memory_new(sizes[i], PAGE, &fd, &fault), -1);
		ck_assert_int_eq(fd, -1);
		ck_assert_uint_ne(fault.status, HWB_OK);
	}
	int after = dup(0);
	ck_assert_int_eq(after, before);
	close(after);
}
END_TEST

/* Few hosts have such pages free: then it must say how to get some. */
START_TEST(huge_pages_or_a_hint)
{
	_cleanup_fd_ int fd = -1;
	uint32_t page_size = 0;

	fault = (struct fault){ 0 };
	if (memory_new(MEMORY_HUGE_PAGE, MEMORY_HUGE_PAGE, &fd, &fault) == 0) {
		ck_assert_int_eq(memory_check(fd, 0, MEMORY_HUGE_PAGE, true, &page_size, &fault),
		                 0);
		ck_assert_uint_eq(page_size, MEMORY_HUGE_PAGE);
		ck_assert_int_eq(memory_check(fd, 0, PAGE, true, &page_size, &fault), -1);
		ck_assert_uint_eq(fault.status, HWB_INVALID);
	} else {
		ck_assert_int_eq(fd, -1);
		ck_assert(fault.status == HWB_NO_MEMORY || fault.host_errno != 0);
		ck_assert_ptr_nonnull(strstr(fault.reason, "2 MiB"));
	}
}
END_TEST

/* ---- what the host can spare ---- */

START_TEST(the_host_keeps_some)
{
	ck_assert_int_eq(memory_reserve(UINT64_MAX, &fault), -1);
	ck_assert_uint_eq(fault.status, HWB_NO_MEMORY);
	ck_assert_int_eq(memory_reserve(1ull << 50, &fault), -1);
	ck_assert_int_eq(memory_reserve(PAGE, &fault), 0);
	memory_settle(PAGE);
	ck_assert_int_eq(memory_reserve(0, &fault), 0);
}
END_TEST

/* What is under way counts, until it is settled: some time the next does not fit. */
START_TEST(reservations_add_up)
{
	const uint64_t piece = 1ull << 28;
	uint64_t pieces = 0;

	while (memory_reserve(piece, &fault) == 0)
		pieces++;
	ck_assert_uint_eq(fault.status, HWB_NO_MEMORY);
	ck_assert_int_eq(memory_reserve(2 * piece, &fault), -1);
	for (uint64_t i = 0; i < pieces; i++)
		memory_settle(piece);
	if (pieces > 4) {
		ck_assert_int_eq(memory_reserve(2 * piece, &fault), 0);
		memory_settle(2 * piece);
	}
}
END_TEST

static uint64_t bytes_of(int fd)
{
	struct stat status;

	ck_assert_int_eq(fstat(fd, &status), 0);
	return (uint64_t)status.st_blocks * 512;
}

static int populate(int fd, uint64_t offset, uint64_t size)
{
	void *memory = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, (off_t)offset);

	ck_assert_ptr_ne(memory, MAP_FAILED);
	int result = memory_populate(fd, memory, size, &fault);
	munmap(memory, size);
	return result;
}

START_TEST(pages_that_are_missing)
{
	_cleanup_fd_ int fd = memfd(F_SEAL_SHRINK);

	ck_assert_int_eq(populate(fd, PAGE, PAGE), 0);
	ck_assert_uint_eq(bytes_of(fd), PAGE);
	ck_assert_int_eq(populate(fd, 0, PAGES * PAGE), 0);
	ck_assert_uint_eq(bytes_of(fd), PAGES * PAGE);
	ck_assert_int_eq(populate(fd, 0, PAGES * PAGE), 0);
	ck_assert_uint_eq(bytes_of(fd), PAGES * PAGE);
}
END_TEST

/* For those that are not there, whatever else the memfd has. */
START_TEST(pages_that_the_host_cannot_give)
{
	_cleanup_fd_ int fd = memfd(F_SEAL_SHRINK);
	_cleanup_fd_ int hiding = memfd(F_SEAL_SHRINK);

	ck_assert_int_eq(
	        fallocate(hiding, FALLOC_FL_KEEP_SIZE, (off_t)PAGES * PAGE, (off_t)PAGES * PAGE),
	        0);
	ck_assert_uint_eq(bytes_of(hiding), PAGES * PAGE);
	/* As if calls that are under way had more than any host has. */
	const uint64_t lot = 1ull << 50;
	memory_settle(-lot);
	ck_assert_int_eq(populate(fd, 0, PAGES * PAGE), -1);
	ck_assert_uint_eq(fault.status, HWB_NO_MEMORY);
	ck_assert_uint_eq(bytes_of(fd), 0);
	fault = (struct fault){ 0 };
	ck_assert_int_eq(populate(hiding, 0, PAGES * PAGE), -1);
	ck_assert_uint_eq(fault.status, HWB_NO_MEMORY);
	ck_assert_uint_eq(bytes_of(hiding), PAGES * PAGE);
	memory_settle(lot);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("memory");
	TCase *memfds = tcase_create("memfds");
	TCase *others = tcase_create("others");
	TCase *ours = tcase_create("ours");

	tcase_add_test(memfds, sealed_memfds_are_fine);
	tcase_add_test(memfds, unsealed_memfds_are_refused);
	tcase_add_test(memfds, write_sealed_memfds_are_for_reading);
	tcase_add_test(memfds, rights_are_those_of_the_descriptor);
	tcase_add_test(memfds, offsets_and_sizes);
	tcase_add_test(memfds, a_crooked_end_is_out);
	tcase_add_test(memfds, an_empty_memfd_has_no_room);
	tcase_add_test(others, pipes_and_sockets);
	tcase_add_test(others, devices_files_and_folders);
	tcase_add_test(others, regular_files);
	tcase_add_test(others, descriptors_without_rights_or_file);
	tcase_add_test(ours, new_memory_is_sealed_allocated_and_zero);
	tcase_add_test(ours, impossible_sizes_fail_and_leak_nothing);
	tcase_add_test(ours, prompt_memory_is_the_same_or_none);
	tcase_add_test(ours, huge_pages_or_a_hint);
	tcase_add_test(ours, the_host_keeps_some);
	tcase_add_test(ours, reservations_add_up);
	tcase_add_test(ours, pages_that_are_missing);
	tcase_add_test(ours, pages_that_the_host_cannot_give);
	suite_add_tcase(suite, memfds);
	suite_add_tcase(suite, others);
	suite_add_tcase(suite, ours);
	return suite_run(suite);
}
