/* SPDX-License-Identifier: MIT */
/* IO_MEM: register regions by BAR and by physical address. */
#include "guest.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int open_bar(uint32_t device, uint32_t bar, uint64_t offset, uint64_t size, uint32_t flags,
                    struct hwb_region *region, int *fd)
{
	const struct hwb_bar_request request = { bar, flags, offset, size };

	return hwb_io_mem_open_bar(guest, device, &request, region, fd, &why);
}

static int open_range(uint64_t base, uint64_t size, uint32_t flags, struct hwb_region *region,
                      int *fd)
{
	return hwb_io_mem_open(guest, base, size, flags, region, fd, &why);
}

START_TEST(whole_bar)
{
	struct example_device edu;
	volatile void *registers = guest_take_bar(EDU, 0, &edu);
	const struct hwb_region *region = &edu.info.regions[0];

	ck_assert_uint_eq(region->base, edu.info.device.bars[0].address);
	ck_assert_uint_eq(region->size, edu.info.device.bars[0].size);
	ck_assert_uint_eq(region->fd_offset, 0);
	ck_assert_uint_eq(region->flags, guest_has_vfio() ? HWB_REGION_REVOCABLE : 0);
	ck_assert(edu_alive(registers));
}
END_TEST

START_TEST(parts_of_a_bar)
{
	struct example_device edu;
	struct hwb_region region;
	volatile void *registers = guest_take_bar(EDU, 0, &edu);
	uint64_t base = edu.info.device.bars[0].address, size = edu.info.device.bars[0].size;
	int fd;

	want(HWB_OK, open_bar(edu.handle, 0, 0, 0, 0, &region, &fd));
	ck_assert_uint_eq(region.size, size);
	ck_assert(edu_alive(guest_map(&region, fd)));
	want(HWB_OK, open_bar(edu.handle, 0, 0, PAGE, 0, &region, &fd));
	ck_assert_uint_eq(region.size, PAGE);
	ck_assert(edu_alive(guest_map(&region, fd)));
	/* The liveness register alone. */
	want(HWB_OK, open_bar(edu.handle, 0, EDU_LIVENESS, 4, 0, &region, &fd));
	ck_assert_uint_eq(region.base, base + EDU_LIVENESS);
	ck_assert_uint_eq(region.size, 4);
	ck_assert_uint_eq(region.fd_offset, EDU_LIVENESS);
	write32(registers, EDU_LIVENESS, 0xfeed);
	ck_assert_uint_eq(read32(guest_map(&region, fd), 0), ~0xfeedu);
	want(HWB_OK, open_bar(edu.handle, 0, size - 1, 1, 0, &region, &fd));
	want(HWB_OK, open_bar(edu.handle, 0, size - 1, 0, 0, &region, &fd));
	ck_assert_uint_eq(region.size, 1);
}
END_TEST

START_TEST(wrong_bar_requests)
{
	const struct hwb_acquire_request nothing = { 0 };
	struct example_device edu, testdev;
	struct hwb_region region;
	int fd;

	guest_take(EDU, &nothing, &edu);
	guest_take(TESTDEV, &nothing, &testdev);
	uint64_t size = edu.info.device.bars[0].size;
	want(HWB_NOT_FOUND, open_bar(edu.handle, 1, 0, 0, 0, &region, &fd));
	want(guest_has_vfio() ? HWB_NOT_FOUND : HWB_UNSUPPORTED,
	     open_bar(edu.handle, 6, 0, 0, 0, &region, &fd));
	want(HWB_NOT_FOUND, open_bar(edu.handle, UINT32_MAX, 0, 0, 0, &region, &fd));
	want(HWB_INVALID, open_bar(edu.handle, 0, size, 0, 0, &region, &fd));
	want(HWB_INVALID, open_bar(edu.handle, 0, size, 1, 0, &region, &fd));
	want(HWB_INVALID, open_bar(edu.handle, 0, 1, size, 0, &region, &fd));
	want(HWB_INVALID, open_bar(edu.handle, 0, 0, size + 1, 0, &region, &fd));
	want(HWB_INVALID, open_bar(edu.handle, 0, UINT64_MAX, 2, 0, &region, &fd));
	want(HWB_INVALID, open_bar(edu.handle, 0, UINT64_MAX, 0, 0, &region, &fd));
	want(HWB_INVALID, open_bar(edu.handle, 0, 16, UINT64_MAX, 0, &region, &fd));
	want(HWB_UNKNOWN_FLAG, open_bar(edu.handle, 0, 0, 0, 2, &region, &fd));
	want(HWB_UNKNOWN_FLAG, open_bar(edu.handle, 0, 0, 0, 1u << 31, &region, &fd));
	/* Ports are not memory. */
	want(HWB_INVALID, open_bar(testdev.handle, 1, 0, 0, 0, &region, &fd));
	want(HWB_NO_SESSION, open_bar(0, 0, 0, 0, 0, &region, &fd));
	want(HWB_NO_SESSION, open_bar(testdev.handle + 100, 0, 0, 0, 0, &region, &fd));
	want(HWB_OK, hwb_ping(guest, &why));
}
END_TEST

START_TEST(by_physical_address)
{
	struct example_device edu;
	struct hwb_region region;
	volatile void *registers = guest_take_bar(EDU, 0, &edu);
	uint64_t base = edu.info.device.bars[0].address, size = edu.info.device.bars[0].size;
	int fd;

	want(HWB_OK, open_range(base, size, 0, &region, &fd));
	ck_assert_uint_eq(region.base, base);
	ck_assert_uint_eq(region.size, size);
	ck_assert(edu_alive(guest_map(&region, fd)));
	want(HWB_OK, open_range(base + EDU_LIVENESS, 4, 0, &region, &fd));
	ck_assert_uint_eq(region.fd_offset, EDU_LIVENESS);
	write32(registers, EDU_LIVENESS, 1);
	ck_assert_uint_eq(read32(guest_map(&region, fd), 0), ~1u);
	want(HWB_OK, open_range(base + size - 1, 1, 0, &region, &fd));
}
END_TEST

START_TEST(wrong_addresses)
{
	const struct hwb_pci_address display = guest_address(DISPLAY);
	struct example_device edu;
	struct hwb_device free_device;
	struct hwb_region region;
	int fd;

	guest_take_bar(EDU, 0, &edu);
	uint64_t base = edu.info.device.bars[0].address, size = edu.info.device.bars[0].size;
	want(HWB_INVALID, open_range(base, 0, 0, &region, &fd));
	want(HWB_INVALID, open_range(base, UINT64_MAX, 0, &region, &fd));
	want(HWB_INVALID, open_range(UINT64_MAX, 2, 0, &region, &fd));
	want(HWB_NOT_FOUND, open_range(UINT64_MAX, 1, 0, &region, &fd));
	want(HWB_NOT_FOUND, open_range(base - 1, 2, 0, &region, &fd));
	want(HWB_NOT_FOUND, open_range(base, size + 1, 0, &region, &fd));
	want(HWB_NOT_FOUND, open_range(base + size, 1, 0, &region, &fd));
	want(HWB_NOT_FOUND, open_range(0, PAGE, 0, &region, &fd));          /* memory */
	want(HWB_NOT_FOUND, open_range(0xfee00000, PAGE, 0, &region, &fd)); /* interrupts */
	want(HWB_UNKNOWN_FLAG, open_range(base, size, 2, &region, &fd));
	/* Granted to this client, but not acquired. */
	want(HWB_OK, hwb_device_info(guest, &display, &free_device, &why));
	want(HWB_NOT_FOUND, open_range(free_device.bars[0].address, PAGE, 0, &region, &fd));
}
END_TEST

START_TEST(reserved_field)
{
	const struct hwb_io_mem_request request = { 0xfe000000, PAGE, 0, 1 };
	struct hwb_region region;
	struct hwb_call call = { .reply = &region, .reply_size = sizeof(region), .error = &why };
	int fd;

	call.fds = &fd;
	call.fds_max = 1;
	ck_assert_int_eq(hwb_begin(guest, &call, HWB_IO_MEM_OPEN, 0, &request, sizeof(request), -1),
	                 0);
	want(HWB_RESERVED_NOT_ZERO, hwb_finish(guest, &call));
}
END_TEST

/* A picture of one colour a line, written and read back. */
static void draw(volatile void *picture)
{
	for (uint32_t line = 0; line < 64; line++)
		for (uint32_t x = 0; x < 64; x++)
			write32(picture, (line * 64 + x) * 4, line << 16 | x);
	for (uint32_t line = 0; line < 64; line++)
		ck_assert_uint_eq(read32(picture, (line * 64 + line) * 4), line << 16 | line);
}

START_TEST(write_combined)
{
	const struct hwb_acquire_request request = { .bars = 1 | 4, .wc = 1 | 4 };
	struct example_device display;
	struct hwb_region region;
	int fd;

	guest_take(DISPLAY, &request, &display);
	ck_assert((display.info.device.bars[0].flags & HWB_BAR_PREFETCHABLE) != 0);
	ck_assert_uint_eq(display.info.regions[0].flags & HWB_REGION_WC, HWB_REGION_WC);
	draw(guest_map(&display.info.regions[0], display.bar_fds[0]));
	/* Registers with side effects are not combined, whoever asks; they are granted. */
	ck_assert_uint_eq(display.info.regions[2].flags & HWB_REGION_WC, 0);
	guest_map(&display.info.regions[2], display.bar_fds[2]);
	want(HWB_OK, open_bar(display.handle, 0, PAGE, PAGE, HWB_IO_MEM_WC, &region, &fd));
	ck_assert_uint_eq(region.flags & HWB_REGION_WC, HWB_REGION_WC);
	want(HWB_OK,
	     open_range(display.info.device.bars[0].address, PAGE, HWB_IO_MEM_WC, &region, &fd));
	ck_assert_uint_eq(region.flags & HWB_REGION_WC, HWB_REGION_WC);
	want(HWB_OK, open_bar(display.handle, 0, 0, 0, 0, &region, &fd));
	ck_assert_uint_eq(region.flags & HWB_REGION_WC, 0);
}
END_TEST

START_TEST(all_bars)
{
	const struct hwb_acquire_request request = { .flags = HWB_ACQUIRE_ALL_BARS };
	struct example_device device;

	guest_take(DISPLAY, &request, &device);
	for (uint32_t bar = 0; bar < HWB_BARS; bar++)
		ck_assert_int_eq(device.info.regions[bar].session != 0, bar == 0 || bar == 2);
	guest_take(E1000E, &request, &device);
	for (uint32_t bar = 0; bar < HWB_BARS; bar++)
		ck_assert_int_eq(device.info.regions[bar].session != 0, bar <= 3);
	ck_assert_uint_eq(device.info.regions[2].flags, HWB_REGION_IO);
	ck_assert_uint_eq(device.info.device.bars[3].flags & HWB_BAR_MSIX_TABLE,
	                  HWB_BAR_MSIX_TABLE);
	for (uint32_t bar = 0; bar <= 3; bar++)
		ck_assert_uint_eq(device.info.regions[bar].base,
		                  device.info.device.bars[bar].address);
	/* Device status register of the 82574: its reserved bit 31 reads 0, link modes 1. */
	ck_assert_uint_ne(read32(guest_map(&device.info.regions[0], device.bar_fds[0]), 8),
	                  UINT32_MAX);
}
END_TEST

START_TEST(wrong_bar_masks)
{
	struct example_device device;

	want(HWB_INVALID,
	     guest_try(guest, EDU, &(struct hwb_acquire_request){ .bars = 1u << 6 }, &device));
	want(HWB_INVALID,
	     guest_try(guest, EDU, &(struct hwb_acquire_request){ .bars = UINT32_MAX }, &device));
	want(HWB_INVALID,
	     guest_try(guest, EDU, &(struct hwb_acquire_request){ .wc = 1u << 31 }, &device));
	want(HWB_NOT_FOUND,
	     guest_try(guest, EDU, &(struct hwb_acquire_request){ .bars = 1 | 2 }, &device));
	/* None of these left the device taken. */
	guest_take(EDU, &(struct hwb_acquire_request){ .bars = 1 }, &device);
}
END_TEST

START_TEST(io_bar_as_descriptor)
{
	const struct hwb_acquire_request request = { .bars = 1 | 2 };
	struct example_device testdev;
	char letter = 0;

	guest_take(TESTDEV, &request, &testdev);
	ck_assert_uint_eq(testdev.info.regions[1].flags, HWB_REGION_IO);
	ck_assert_int_eq(
	        pread(testdev.bar_fds[1], &letter, 1, (off_t)testdev.info.regions[1].fd_offset), 1);
	ck_assert_ptr_eq(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, testdev.bar_fds[1], 0),
	                 MAP_FAILED);
	guest_map(&testdev.info.regions[0], testdev.bar_fds[0]);
}
END_TEST

/* Smaller than a page, allowed by the rule: the region must start where the
 * BAR does, which need not be where the page does. */
START_TEST(partial_page_allowed)
{
	struct example_device device;
	/* SD Host Controller specification 3.00, 2.2.26: capabilities at 0x40. */
	enum { SDHCI_CAPABILITIES = 0x40, IVSHMEM_INTERRUPT_MASK = 0 };
	volatile void *registers = guest_take_bar(IVSHMEM, 0, &device);

	ck_assert_uint_eq(device.info.device.bars[0].size, 256);
	ck_assert_uint_ne(device.info.device.bars[0].flags & HWB_BAR_PARTIAL_PAGE, 0);
	uint64_t place = device.info.device.bars[0].address;
	write32(registers, IVSHMEM_INTERRUPT_MASK, 0x1234567);
	ck_assert_msg(read32(registers, IVSHMEM_INTERRUPT_MASK) == 0x1234567,
	              "BAR 0 at 0x%llx is not where the region (fd_offset 0x%llx) says",
	              (unsigned long long)place,
	              (unsigned long long)device.info.regions[0].fd_offset);
	registers = guest_take_bar(SDHCI, 0, &device);
	place = device.info.device.bars[0].address;
	uint32_t capabilities = read32(registers, SDHCI_CAPABILITIES);
	ck_assert_msg(capabilities != 0 && capabilities != UINT32_MAX,
	              "BAR 0 at 0x%llx is not where the region (fd_offset 0x%llx) says: 0x%x",
	              (unsigned long long)place,
	              (unsigned long long)device.info.regions[0].fd_offset, capabilities);
}
END_TEST

START_TEST(shared_memory_bar)
{
	struct example_device device;
	volatile unsigned char *memory = guest_take_bar(IVSHMEM, 2, &device);

	for (uint32_t at = 0; at < device.info.regions[2].size; at += PAGE)
		memory[at] = (unsigned char)(at >> 12);
	for (uint32_t at = 0; at < device.info.regions[2].size; at += PAGE)
		ck_assert_uint_eq(memory[at], at >> 12 & 0xff);
}
END_TEST

/* Interrupts are remapped here, so forged messages reach nobody. */
START_TEST(bar_with_msix_table)
{
	struct example_device disk;
	volatile void *registers = guest_take_bar(NVME, 0, &disk);

	ck_assert_uint_ne(disk.info.device.bars[0].flags & HWB_BAR_MSIX_TABLE, 0);
	/* NVM Express 1.4, 3.1.2: the version is 1.something. */
	ck_assert_uint_eq(read32(registers, 8) >> 16, 1);
}
END_TEST

/* While its host driver, which has only just got it back, still sets it up. */
START_TEST(taken_again_at_once)
{
	enum { TIMES = 24 };
	struct example_device disk;

	for (int i = 0; i < TIMES; i++) {
		volatile void *registers = guest_take_bar(NVME, 0, &disk);
		ck_assert_uint_eq(read32(registers, 8) >> 16, 1);
		munmap((void *)registers, disk.info.regions[0].size);
		close(disk.bar_fds[0]);
		guest_release(disk.handle);
		/* Later each time, in steps of what nvme needs for all of it. */
		guest_pause(i * 5);
	}
}
END_TEST

START_TEST(closing)
{
	const struct hwb_acquire_request request = { .bars = 1 };
	struct example_device edu;
	struct hwb_region region;
	int fd;

	guest_take(EDU, &request, &edu);
	want(HWB_OK, open_bar(edu.handle, 0, 0, 0, 0, &region, &fd));
	/* A region is no device. */
	want(HWB_NO_SESSION, open_bar(region.session, 0, 0, 0, 0, &region, &fd));
	guest_release(region.session);
	want(HWB_NO_SESSION, hwb_close(guest, region.session, &why));
	want(HWB_OK, open_bar(edu.handle, 0, 0, 0, 0, &region, &fd));
	guest_release(edu.handle);
	/* Its regions went with it. */
	want(HWB_NO_SESSION, hwb_close(guest, region.session, &why));
	want(HWB_NO_SESSION, hwb_close(guest, edu.info.regions[0].session, &why));
	want(HWB_NO_SESSION, hwb_close(guest, edu.handle, &why));
	want(HWB_NO_SESSION, open_bar(edu.handle, 0, 0, 0, 0, &region, &fd));
	want(HWB_NOT_FOUND, open_range(edu.info.device.bars[0].address, PAGE, 0, &region, &fd));
	want(HWB_NO_SESSION, hwb_close(guest, 0, &why));
}
END_TEST

START_TEST(handles_are_a_connection_s_own)
{
	const struct hwb_acquire_request request = { .bars = 1 };
	const struct hwb_bar_request bar = { 0 };
	struct example_device edu;
	struct hwb_region region;
	struct hwb_posix second;
	int fd;

	guest_take(EDU, &request, &edu);
	struct hwb_client *client = guest_connect(&second);
	want(HWB_NO_SESSION, hwb_io_mem_open_bar(client, edu.handle, &bar, &region, &fd, &why));
	want(HWB_NO_SESSION, hwb_close(client, edu.handle, &why));
	want(HWB_NOT_FOUND,
	     hwb_io_mem_open(client, edu.info.device.bars[0].address, PAGE, 0, &region, &fd, &why));
	hwb_posix_close(&second);
}
END_TEST

START_TEST(session_limit)
{
	const struct hwb_acquire_request request = { .bars = 1 };
	struct example_device edu, testdev;
	struct hwb_region region;
	uint32_t limit = guest->hello.sessions_max;
	int fd;

	ck_assert_uint_eq(limit, 24);
	guest_take(EDU, &request, &edu); /* two of them */
	for (uint32_t i = 2; i < limit; i++) {
		want(HWB_OK, open_bar(edu.handle, 0, 0, PAGE, 0, &region, &fd));
		close(fd);
	}
	want(HWB_QUOTA, open_bar(edu.handle, 0, 0, PAGE, 0, &region, &fd));
	want(HWB_QUOTA, guest_try(guest, TESTDEV, &request, &testdev));
	guest_release(region.session);
	/* Room for the device, not for its BAR as well: all or nothing. */
	want(HWB_QUOTA, guest_try(guest, TESTDEV, &request, &testdev));
	want(HWB_OK, open_bar(edu.handle, 0, 0, PAGE, 0, &region, &fd));
	want(HWB_QUOTA, open_bar(edu.handle, 0, 0, PAGE, 0, &region, &fd));
	guest_release(edu.handle);
	/* The refused one is free, once it was brought to rest. */
	guest_take(TESTDEV, &request, &testdev);
}
END_TEST

START_TEST(refusals_keep_no_descriptors)
{
	const struct hwb_acquire_request request = { .bars = 1 };
	struct example_device edu;
	struct hwb_region region;
	int fd;

	guest_take(EDU, &request, &edu);
	int before = guest_open_fds();
	for (int i = 0; i < 100; i++)
		want(HWB_NOT_FOUND, open_bar(edu.handle, 3, 0, 0, 0, &region, &fd));
	ck_assert_int_eq(guest_open_fds(), before);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("io_mem");
	TCase *tests = guest_case(suite, "by BAR");

	tcase_add_test(tests, whole_bar);
	tcase_add_test(tests, parts_of_a_bar);
	tcase_add_test(tests, wrong_bar_requests);
	tcase_add_test(tests, all_bars);
	tcase_add_test(tests, wrong_bar_masks);
	tcase_add_test(tests, write_combined);
	tcase_add_test(tests, io_bar_as_descriptor);
	tcase_add_test(tests, partial_page_allowed);
	tcase_add_test(tests, shared_memory_bar);
	tcase_add_test(tests, bar_with_msix_table);
	tcase_add_test(tests, taken_again_at_once);
	tests = guest_case(suite, "by address");
	tcase_add_test(tests, by_physical_address);
	tcase_add_test(tests, wrong_addresses);
	tcase_add_test(tests, reserved_field);
	tests = guest_case(suite, "sessions");
	tcase_add_test(tests, closing);
	tcase_add_test(tests, handles_are_a_connection_s_own);
	tcase_add_test(tests, session_limit);
	tcase_add_test(tests, refusals_keep_no_descriptors);
	return guest_run(suite);
}
