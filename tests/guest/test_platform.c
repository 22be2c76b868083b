/* SPDX-License-Identifier: MIT */
/* PLATFORM: who sees and gets which device, configuration space, and what
 * happens to a device whose client ends or dies. */
#include "guest.h"
#include "pci.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct hwb_acquire_request nothing;

static int acquire(const char *address, uint32_t flags)
{
	struct example_device device;

	return guest_try(guest, address, &(struct hwb_acquire_request){ .flags = flags }, &device);
}

static int info(const char *address, struct hwb_device *device)
{
	const struct hwb_pci_address where = guest_address(address);

	return hwb_device_info(guest, &where, device, &why);
}

/* ---- seeing ---- */

START_TEST(list_is_what_the_policy_gives)
{
	/* tests/guest/policy/platform.conf, ascending */
	static const char *const given[] = { EDU,        E1000E,    NVME,  IVSHMEM, SDHCI,
		                             SPARE_DISK, ROOT_DISK, PAIR0, PAIR1 };
	enum { GIVEN = sizeof(given) / sizeof(given[0]), ROOM = 21 };
	struct hwb_list list = { 0 };
	struct hwb_device devices[ROOM];

	int count = hwb_device_list(guest, &list, devices, ROOM, &why);
	want(HWB_OK, count);
	ck_assert_uint_eq(list.next, 0);
	ck_assert_int_eq(count, GIVEN);
	for (int i = 0; i < GIVEN; i++) {
		const struct hwb_pci_address address = guest_address(given[i]);
		struct hwb_device one;
		ck_assert_msg(memcmp(&devices[i].address, &address, sizeof(address)) == 0,
		              "device %d is not %s", i, given[i]);
		want(HWB_OK, info(given[i], &one));
		ck_assert_mem_eq(&one, &devices[i], sizeof(one));
	}
	list = (struct hwb_list){ .next = UINT64_MAX };
	ck_assert_int_eq(hwb_device_list(guest, &list, devices, ROOM, &why), 0);
}
END_TEST

START_TEST(facts_of_a_device)
{
	struct hwb_device device;

	want(HWB_OK, info(EDU, &device));
	ck_assert_uint_eq(device.vendor, 0x1234);
	ck_assert_uint_eq(device.device, 0x11e8);
	ck_assert_uint_eq(device.bars[0].size, 1 << 20);
	ck_assert_uint_eq(device.bars[1].size, 0);
	ck_assert_uint_eq(device.msi_vectors, guest_has_vfio() ? 1 : 0);
	ck_assert_uint_eq(device.msix_vectors, 0);
	ck_assert_uint_eq(device.intx_pin, 1);
	ck_assert(guest_has_iommu() == (device.iommu_group != UINT32_MAX));
	ck_assert_uint_eq(device.flags & HWB_DEVICE_MAY_DMA, HWB_DEVICE_MAY_DMA);
	ck_assert_uint_eq(device.flags & (HWB_DEVICE_RESETS | HWB_DEVICE_PCIE | HWB_DEVICE_MINE),
	                  0);
	want(HWB_OK, info(E1000E, &device));
	ck_assert_uint_eq(device.vendor, 0x8086);
	ck_assert_uint_eq(device.device, 0x10d3);
	ck_assert_uint_eq(device.class_code, 0x020000);
	ck_assert_uint_eq(device.msix_vectors, guest_has_vfio() ? 5 : 0);
	ck_assert_uint_eq(device.flags & (HWB_DEVICE_RESETS | HWB_DEVICE_PCIE),
	                  HWB_DEVICE_RESETS | HWB_DEVICE_PCIE);
	want(HWB_OK, info(NVME, &device));
	ck_assert_uint_eq(device.class_code, 0x010802);
	ck_assert_uint_eq(device.state, HWB_DEVICE_HOST);
	want(HWB_OK, info(IVSHMEM, &device));
	ck_assert_uint_eq(device.flags & HWB_DEVICE_MAY_DMA, 0);
	ck_assert_uint_eq(device.bars[0].size, 256);
	ck_assert_uint_eq(device.bars[2].size, 1 << 20);
}
END_TEST

START_TEST(states)
{
	struct example_device edu;
	struct hwb_device device;
	struct hwb_posix second;

	guest_take(EDU, &nothing, &edu);
	ck_assert_uint_eq(edu.info.device.state, HWB_DEVICE_GRANTED);
	ck_assert_uint_ne(edu.info.device.flags & HWB_DEVICE_MINE, 0);
	want(HWB_OK, info(EDU, &device));
	ck_assert_mem_eq(&device, &edu.info.device, sizeof(device));
	struct hwb_client *client = guest_connect(&second);
	want(HWB_OK, hwb_device_info(client, &edu.info.device.address, &device, &why));
	ck_assert_uint_eq(device.state, HWB_DEVICE_GRANTED);
	ck_assert_uint_eq(device.flags & HWB_DEVICE_MINE, 0);
	hwb_posix_close(&second);
	guest_give_back(&edu);
	/* While it is reset, too. */
	want(HWB_OK, info(EDU, &device));
	ck_assert_uint_eq(device.flags & HWB_DEVICE_MINE, 0);
	guest_wait_state(EDU, HWB_DEVICE_FREE);
}
END_TEST

static int info_of_handle(uint32_t handle, const struct hwb_device_info_request *request,
                          struct hwb_device *device)
{
	struct hwb_call call = { .reply = device, .reply_size = sizeof(*device), .error = &why };

	ck_assert_int_eq(
	        hwb_begin(guest, &call, HWB_DEVICE_INFO, handle, request, sizeof(*request), -1), 0);
	return hwb_finish(guest, &call);
}

START_TEST(info_by_handle)
{
	const struct hwb_device_info_request request = { { 0 } };
	struct hwb_device_info_request reserved = { guest_address(EDU) };
	struct example_device edu;
	struct hwb_device device;

	guest_take(EDU, &nothing, &edu);
	want(HWB_OK, info_of_handle(edu.handle, &request, &device));
	ck_assert_mem_eq(&device, &edu.info.device, sizeof(device));
	want(HWB_NO_SESSION, info_of_handle(edu.handle + 1, &request, &device));
	want(HWB_NO_SESSION, info_of_handle(guest_domain(), &request, &device));
	guest_release(edu.handle);
	want(HWB_NO_SESSION, info_of_handle(edu.handle, &request, &device));
	reserved.address.reserved = 1;
	want(HWB_RESERVED_NOT_ZERO, info_of_handle(0, &reserved, &device));
}
END_TEST

/* What is another's, what is a bridge, and what is not there look the same. */
START_TEST(invisible_devices)
{
	static const char *const hidden[] = { EDU2,      DISPLAY,   "00:1f.0", "00:1f.2",
		                              "00:0a.0", "00:15.0", "ff:1f.7" };
	struct hwb_pci_address far = guest_address(EDU);
	struct hwb_device device;
	char shape[sizeof(why.reason)] = "";

	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
		want(HWB_NOT_FOUND, info(hidden[i], &device));
		char *address = strstr(why.reason, hidden[i]);
		ck_assert_ptr_nonnull(address);
		memset(address, '#', strlen(hidden[i]));
		ck_assert(i == 0 || strcmp(shape, why.reason) == 0);
		memcpy(shape, why.reason, sizeof(shape));
		want(HWB_NOT_FOUND, acquire(hidden[i], 0));
	}
	far.domain = 1;
	want(HWB_NOT_FOUND, hwb_device_info(guest, &far, &device, &why));
	far.domain = 0x10000; /* no wrapping round */
	want(HWB_NOT_FOUND, hwb_device_info(guest, &far, &device, &why));
	far.domain = 0;
	far.device = 0x20 + 3; /* nor running over into the next field */
	want(HWB_INVALID, hwb_device_info(guest, &far, &device, &why));
	far.device = 3;
	far.function = 8;
	want(HWB_INVALID, hwb_device_info(guest, &far, &device, &why));
}
END_TEST

/* ---- what the policy gives to whom ---- */

static int given(const char *client, struct hwb_device *devices, uint32_t max)
{
	static struct hwb_list list;

	list = (struct hwb_list){ 0 };
	return hwb_admin_given(guest, client, &list, devices, max, &why);
}

START_TEST(given_to_oneself)
{
	static struct hwb_list list;
	struct hwb_device seen[21], told[21];
	struct example_device edu;

	guest_take(EDU, &nothing, &edu);
	int count = hwb_device_list(guest, &list, seen, 21, &why);
	ck_assert_int_eq(given("driver", told, 21), count);
	ck_assert_mem_eq(told, seen, (size_t)count * sizeof(seen[0]));
	ck_assert_uint_ne(told[0].flags & HWB_DEVICE_MINE, 0);
}
END_TEST

START_TEST(given_to_another)
{
	const struct hwb_pci_address edu = guest_address(EDU), edu2 = guest_address(EDU2);
	struct hwb_device told[21], own;
	struct example_device device;

	guest_take(EDU, &nothing, &device);
	ck_assert_int_eq(given("other", told, 21), 2);
	ck_assert_mem_eq(&told[0].address, &edu, sizeof(edu));
	ck_assert_mem_eq(&told[1].address, &edu2, sizeof(edu2));
	ck_assert_uint_eq(told[0].flags & HWB_DEVICE_MAY_DMA, 0);
	ck_assert_uint_ne(told[1].flags & HWB_DEVICE_MAY_DMA, 0);
	/* But for that they are the same, and to be told is not to be given. */
	want(HWB_OK, info(EDU, &own));
	told[0].flags |= own.flags & (HWB_DEVICE_MAY_DMA | HWB_DEVICE_DMA_UNSAFE);
	ck_assert_mem_eq(&told[0], &own, sizeof(own));
	want(HWB_NOT_FOUND, info(EDU2, &own));
	want(HWB_NOT_FOUND, acquire(EDU2, 0));
}
END_TEST

static int given_by(const struct hwb_given_request *request)
{
	static struct hwb_list list;
	struct hwb_call call = { .reply = &list.page,
		                 .reply_size = sizeof(list.page),
		                 .error = &why };

	ck_assert_int_eq(hwb_begin(guest, &call, HWB_ADMIN_GIVEN, 0, request, sizeof(*request), -1),
	                 0);
	return hwb_finish(guest, &call);
}

START_TEST(given_to_nobody)
{
	static const char *const names[] = { "", "Driver", "driver ", "drive",
		                             "nobody-of-the-longest-name-yet1" };
	struct hwb_given_request request = { .client = "driver" };
	struct hwb_device told[21];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		want(HWB_NOT_FOUND, given(names[i], told, 21));
		ck_assert_uint_eq(why.field, 32);
		ck_assert_msg(strstr(why.reason, "hwbroker.conf") != NULL, "%s", why.reason);
	}
	request.client[31] = 'x'; /* something behind the zero */
	want(HWB_INVALID, given_by(&request));
	ck_assert_uint_eq(why.field, 32);
	memset(request.client, 'x', sizeof(request.client)); /* no zero */
	want(HWB_INVALID, given_by(&request));
	request = (struct hwb_given_request){ .cursor = UINT64_MAX, .client = "driver" };
	want(HWB_OK, given_by(&request));
}
END_TEST

/* ---- getting ---- */

START_TEST(one_owner_at_a_time)
{
	struct example_device edu, again;
	struct hwb_posix second;
	struct hwb_client *client = guest_connect(&second);

	guest_take(EDU, &nothing, &edu);
	want(HWB_BUSY, guest_try(guest, EDU, &nothing, &again));
	want(HWB_BUSY, guest_try(client, EDU, &nothing, &again));
	want(HWB_BUSY, acquire(EDU, HWB_ACQUIRE_NO_WAIT));
	guest_release(edu.handle);
	want(HWB_OK, guest_try(client, EDU, &nothing, &again));
	want(HWB_BUSY, guest_try(guest, EDU, &nothing, &edu));
	hwb_posix_close(&second);
}
END_TEST

START_TEST(wrong_acquires)
{
	struct example_device device;
	struct hwb_acquire_request request = { .address = guest_address(EDU) };
	struct hwb_acquire_reply reply;
	uint32_t handle, count;
	int fds[HWB_FDS_MAX];

	want(HWB_UNKNOWN_FLAG, acquire(EDU, 1u << 3));
	want(HWB_UNKNOWN_FLAG, acquire(EDU, 1u << 31));
	request.address.reserved = 1;
	want(HWB_RESERVED_NOT_ZERO,
	     hwb_device_acquire(guest, &request, &handle, &reply, fds, &count, &why));
	want(HWB_NO_SESSION,
	     guest_try(guest, EDU, &(struct hwb_acquire_request){ .domain = 77 }, &device));
	guest_take(EDU, &nothing, &device);
}
END_TEST

START_TEST(group_mate_of_another)
{
	struct example_device pair0, pair1;
	struct hwb_posix second;
	struct hwb_client *client = guest_connect(&second);

	guest_take(PAIR0, &nothing, &pair0);
	want(HWB_BUSY, guest_try(client, PAIR1, &nothing, &pair1));
	guest_take(PAIR1, &nothing, &pair1);
	guest_give_back(&pair0);
	guest_wait_state(PAIR0, HWB_DEVICE_FREE);
	want(HWB_BUSY, guest_try(client, PAIR0, &nothing, &pair0));
	guest_give_back(&pair1);
	guest_wait_state(PAIR1, HWB_DEVICE_FREE);
	want(HWB_OK, guest_try(client, PAIR0, &nothing, &pair0));
	want(HWB_BUSY, guest_try(guest, PAIR1, &nothing, &pair1));
	hwb_posix_close(&second);
}
END_TEST

/* A driver that starts anew finds its other function still being put to rest. */
START_TEST(waits_for_the_group)
{
	struct example_device pair0, pair1;
	struct hwb_posix second;
	struct hwb_client *client = guest_connect(&second);

	want(HWB_OK, guest_try(client, PAIR0, &(struct hwb_acquire_request){ .bars = 1 }, &pair0));
	want(HWB_OK, hwb_close(client, pair0.handle, &why));
	want(HWB_OK, guest_try(guest, PAIR1, &nothing, &pair1));
	hwb_posix_close(&second);
}
END_TEST

/* The card has a function level reset, which lasts: 100 ms by the specification. */
START_TEST(waits_for_a_reset_or_not)
{
	struct hwb_acquire_request request = { .address = guest_address(E1000E), .bars = 1 };
	struct hwb_acquire_reply reply;
	struct example_device network;
	int fds[HWB_FDS_MAX];
	struct hwb_call close_call = { .error = &why }, busy = { .error = &why };
	struct hwb_call patient = { .reply = &reply, .reply_size = sizeof(reply), .error = &why };

	guest_take(E1000E, &(struct hwb_acquire_request){ .bars = 1 }, &network);
	busy.reply = patient.reply;
	busy.reply_size = patient.reply_size;
	busy.fds = patient.fds = fds;
	busy.fds_max = patient.fds_max = HWB_FDS_MAX;
	request.flags = HWB_ACQUIRE_NO_WAIT;
	ck_assert_int_eq(hwb_begin(guest, &close_call, HWB_CLOSE, network.handle, NULL, 0, -1), 0);
	ck_assert_int_eq(
	        hwb_begin(guest, &busy, HWB_DEVICE_ACQUIRE, 0, &request, sizeof(request), -1), 0);
	request.flags = 0;
	ck_assert_int_eq(
	        hwb_begin(guest, &patient, HWB_DEVICE_ACQUIRE, 0, &request, sizeof(request), -1),
	        0);
	want(HWB_OK, hwb_finish(guest, &close_call));
	want(HWB_BUSY, hwb_finish(guest, &busy));
	/* Nobody else waits with it. */
	want(HWB_OK, hwb_ping(guest, &why));
	want(HWB_OK, hwb_finish(guest, &patient));
	ck_assert_uint_eq(patient.fd_count, 1);
	ck_assert_uint_ne(read32(guest_map(&reply.regions[0], fds[0]), 8), UINT32_MAX);
}
END_TEST

/* Two wait for the same device: one gets it, the other hears that it is gone again. */
START_TEST(two_wait_for_one_device)
{
	struct example_device network;
	struct hwb_acquire_request request = { .address = guest_address(E1000E) };
	struct hwb_acquire_reply replies[2];
	struct hwb_call calls[2];
	int fds[2][HWB_FDS_MAX], results[2];

	guest_take(E1000E, &(struct hwb_acquire_request){ .bars = 1 }, &network);
	guest_release(network.handle);
	for (int i = 0; i < 2; i++) {
		calls[i] = (struct hwb_call){ .reply = &replies[i],
			                      .reply_size = sizeof(replies[i]),
			                      .fds = fds[i],
			                      .fds_max = HWB_FDS_MAX,
			                      .error = &why };
		ck_assert_int_eq(hwb_begin(guest, &calls[i], HWB_DEVICE_ACQUIRE, 0, &request,
		                           sizeof(request), -1),
		                 0);
	}
	for (int i = 0; i < 2; i++)
		results[i] = hwb_finish(guest, &calls[i]);
	ck_assert_int_ne(results[0] == 0, results[1] == 0);
	want(HWB_BUSY, results[0] == 0 ? results[1] : results[0]);
}
END_TEST

START_TEST(host_driver_without_take)
{
	char before[32], after[32];

	pci_driver(SDHCI, before);
	ck_assert_str_ne(before, "");
	want(HWB_DENIED, acquire(SDHCI, 0));
	pci_driver(SDHCI, after);
	ck_assert_str_eq(before, after);
	guest_wait_state(SDHCI, HWB_DEVICE_HOST);
	want(HWB_DENIED, acquire(SDHCI, 0));
}
END_TEST

/* `take' alone does not take what the machine stands on. */
START_TEST(mounted_disk)
{
	char driver[32];

	want(HWB_DENIED, acquire(ROOT_DISK, 0));
	ck_assert_msg(strstr(why.reason, "file system") != NULL, "%s", why.reason);
	pci_driver(ROOT_DISK, driver);
	ck_assert_str_eq(driver, "virtio-pci");
	guest_wait_state(ROOT_DISK, HWB_DEVICE_HOST);
}
END_TEST

static void take_and_give_back(const char *address, const char *host_driver)
{
	struct example_device device;

	guest_wait_driver(address, host_driver);
	guest_take(address, &nothing, &device);
	guest_wait_driver(address, guest_broker_driver());
	guest_release(device.handle);
	guest_wait_driver(address, host_driver);
	guest_wait_state(address, HWB_DEVICE_HOST);
}

START_TEST(restored_to_the_host)
{
	take_and_give_back(NVME, "nvme");
	take_and_give_back(NVME, "nvme");
	take_and_give_back(SPARE_DISK, "virtio-pci");
}
END_TEST

/* A request that is wrong in itself does not disturb the host. */
START_TEST(a_refusal_leaves_the_host_alone)
{
	struct example_device device;
	char driver[32];

	guest_wait_driver(NVME, "nvme");
	want(HWB_INVALID,
	     guest_try(guest, NVME, &(struct hwb_acquire_request){ .bars = 64 }, &device));
	pci_driver(NVME, driver);
	ck_assert_str_eq(driver, "nvme");
	guest_wait_state(NVME, HWB_DEVICE_HOST);
}
END_TEST

START_TEST(kept_without_restore)
{
	struct example_device network;

	guest_take(E1000E, &nothing, &network);
	guest_give_back(&network);
	guest_wait_state(E1000E, HWB_DEVICE_FREE);
	guest_wait_driver(E1000E, guest_broker_driver());
}
END_TEST

/* Registers that share their page with others' come only by the rule's word. */
START_TEST(partial_page_refused)
{
	struct example_device device;
	struct hwb_region region;
	const struct hwb_bar_request bar = { 0 };
	int fd;

	want(HWB_UNSAFE,
	     guest_try(guest, IVSHMEM, &(struct hwb_acquire_request){ .bars = 1 }, &device));
	guest_take(IVSHMEM, &(struct hwb_acquire_request){ .flags = HWB_ACQUIRE_ALL_BARS },
	           &device);
	ck_assert_uint_eq(device.info.regions[0].session, 0);
	ck_assert_uint_ne(device.info.regions[2].session, 0);
	want(HWB_UNSAFE, hwb_io_mem_open_bar(guest, device.handle, &bar, &region, &fd, &why));
	want(HWB_UNSAFE, hwb_io_mem_open(guest, device.info.device.bars[0].address, 256, 0, &region,
	                                 &fd, &why));
}
END_TEST

/* ---- configuration space ---- */

static int read_config(uint32_t device, uint32_t offset, uint32_t width)
{
	uint32_t value;

	return hwb_config_read(guest, device, offset, width, &value, &why);
}

static uint32_t config(uint32_t device, uint32_t offset, uint32_t width)
{
	uint32_t value = 0;

	want(HWB_OK, hwb_config_read(guest, device, offset, width, &value, &why));
	return value;
}

static int write_config(uint32_t device, uint32_t offset, uint32_t width, uint32_t value)
{
	return hwb_config_write(guest, device, offset, width, value, &why);
}

/* Writes what differs in the bits `flip`: without a difference nothing is asked. */
static int flip_config(uint32_t device, uint32_t offset, uint32_t width, uint32_t flip)
{
	return write_config(device, offset, width, config(device, offset, width) ^ flip);
}

START_TEST(reading_config_space)
{
	struct example_device edu, network;

	guest_take(EDU, &nothing, &edu);
	guest_take(E1000E, &nothing, &network);
	ck_assert_uint_eq(config(edu.handle, 0, 4), 0x11e81234);
	ck_assert_uint_eq(config(edu.handle, 0, 2), 0x1234);
	ck_assert_uint_eq(config(edu.handle, 2, 2), 0x11e8);
	ck_assert_uint_eq(config(edu.handle, 0, 1), 0x34);
	ck_assert_uint_eq(config(edu.handle, 3, 1), 0x11);
	ck_assert_uint_eq(config(network.handle, 0, 4), 0x10d38086);
	for (uint32_t width = 0; width <= 8; width++)
		if (width != 1 && width != 2 && width != 4)
			want(HWB_INVALID, read_config(edu.handle, 0, width));
	want(HWB_INVALID, read_config(edu.handle, 0, UINT16_MAX));
	/* Misaligned, and so across two registers. */
	want(HWB_INVALID, read_config(edu.handle, 1, 2));
	want(HWB_INVALID, read_config(edu.handle, 3, 2));
	for (uint32_t offset = 1; offset < 4; offset++)
		want(HWB_INVALID, read_config(edu.handle, offset, 4));
	/* Ends at 256 for a conventional device, at 4096 for PCI Express. */
	want(HWB_OK, read_config(edu.handle, 255, 1));
	want(HWB_OK, read_config(edu.handle, 252, 4));
	want(HWB_INVALID, read_config(edu.handle, 254, 4));
	want(HWB_INVALID, read_config(edu.handle, 256, 1));
	want(HWB_INVALID, read_config(edu.handle, 256, 4));
	want(HWB_OK, read_config(network.handle, 256, 4));
	want(HWB_OK, read_config(network.handle, 4092, 4));
	want(HWB_INVALID, read_config(network.handle, 4096, 4));
	want(HWB_INVALID, read_config(network.handle, 4096, 1));
	want(HWB_INVALID, read_config(network.handle, 65532, 4));
	want(HWB_INVALID, read_config(network.handle, 65535, 1));
	want(HWB_NO_SESSION, read_config(0, 0, 4));
	want(HWB_NO_SESSION, read_config(guest_domain(), 0, 4));
	guest_release(edu.handle);
	want(HWB_NO_SESSION, read_config(edu.handle, 0, 4));
}
END_TEST

START_TEST(value_in_a_read)
{
	const struct hwb_config_access access = { 0, 4, 1 };
	struct hwb_config_access answer;
	struct hwb_call call = { .reply = &answer, .reply_size = sizeof(answer), .error = &why };
	struct example_device edu;

	guest_take(EDU, &nothing, &edu);
	ck_assert_int_eq(
	        hwb_begin(guest, &call, HWB_CONFIG_READ, edu.handle, &access, sizeof(access), -1),
	        0);
	want(HWB_RESERVED_NOT_ZERO, hwb_finish(guest, &call));
}
END_TEST

/* What is sent first is done first, be it answered or not. */
START_TEST(a_read_behind_a_write)
{
	struct hwb_config_access put = { .offset = 0x0c, .width = 1 }, got, read;
	struct example_device edu;
	struct hwb_call write_call = { .reply = &read, .reply_size = sizeof(read), .error = &why };
	struct hwb_call read_call = { .reply = &got, .reply_size = sizeof(got), .error = &why };

	guest_take(EDU, &nothing, &edu);
	for (uint32_t value = 1; value <= 50; value++) {
		put.value = value & 0xf;
		want(HWB_OK, hwb_begin(guest, &write_call, HWB_CONFIG_WRITE, edu.handle, &put,
		                       sizeof(put), -1));
		put.value = 0;
		want(HWB_OK, hwb_begin(guest, &read_call, HWB_CONFIG_READ, edu.handle, &put,
		                       sizeof(put), -1));
		want(HWB_OK, hwb_finish(guest, &write_call));
		want(HWB_OK, hwb_finish(guest, &read_call));
		ck_assert_uint_eq(got.value, value & 0xf);
	}
}
END_TEST

START_TEST(wrong_writes)
{
	struct example_device edu;

	guest_take(EDU, &nothing, &edu);
	want(HWB_INVALID, write_config(edu.handle, 0x0c, 3, 0));
	want(HWB_INVALID, write_config(edu.handle, 0x0c, 0, 0));
	want(HWB_INVALID, write_config(edu.handle, 0x0d, 2, 0));
	want(HWB_INVALID, write_config(edu.handle, 0x0e, 4, 0));
	want(HWB_INVALID, write_config(edu.handle, 0x0c, 1, 0x100));
	want(HWB_INVALID, write_config(edu.handle, 0x0c, 2, 0x10000));
	want(HWB_INVALID, write_config(edu.handle, 256, 1, 0));
	want(HWB_INVALID, write_config(edu.handle, 65535, 1, 0));
	want(HWB_NO_SESSION, write_config(edu.handle + 9, 0x0c, 1, 0));
}
END_TEST

/* The rule names bits 3:0 of the cache line size. */
START_TEST(writes_that_the_rule_names)
{
	struct example_device edu, network;

	guest_take(EDU, &nothing, &edu);
	want(HWB_OK, write_config(edu.handle, 0x0c, 1, config(edu.handle, 0x0c, 1) & 0xf0));
	want(HWB_OK, flip_config(edu.handle, 0x0c, 1, 0x05));
	ck_assert_uint_eq(config(edu.handle, 0x0c, 1) & 0xf, 5);
	want(HWB_DENIED, flip_config(edu.handle, 0x0c, 1, 0x10));
	want(HWB_DENIED, flip_config(edu.handle, 0x0c, 1, 0x15));
	ck_assert_uint_eq(config(edu.handle, 0x0c, 1) & 0xf, 5);
	/* A wider access touches the latency timer, of which no mask speaks. */
	want(HWB_DENIED, flip_config(edu.handle, 0x0c, 2, 0x000f));
	want(HWB_DENIED, flip_config(edu.handle, 0x0c, 2, 0x0100));
	ck_assert_uint_eq(config(edu.handle, 0x0c, 1) & 0xf, 5);
	want(HWB_DENIED, flip_config(edu.handle, 0x0d, 1, 0x01));
	/* The refusal says which key to set. */
	ck_assert_ptr_nonnull(strstr(why.reason, "config_write"));
	guest_take(E1000E, &nothing, &network);
	want(HWB_OK, write_config(network.handle, 0x3c, 1, 0x0b));
	ck_assert_uint_eq(config(network.handle, 0x3c, 1), 0x0b);
	/* Writing what is there already is a write: it clears some bits. */
	want(HWB_OK, flip_config(edu.handle, 0x0c, 1, 0));
	want(HWB_DENIED, flip_config(edu.handle, 0x0d, 1, 0));
	want(HWB_DENIED, flip_config(network.handle, 0x04, 2, 0));
	want(HWB_DENIED, flip_config(network.handle, 0x06, 2, 0));
}
END_TEST

START_TEST(writes_are_denied_by_default)
{
	struct example_device disk;

	guest_take(NVME, &nothing, &disk);
	want(HWB_DENIED, flip_config(disk.handle, 0x0c, 1, 0x01));
	want(HWB_DENIED, flip_config(disk.handle, 0x3c, 1, 0x01));
	want(HWB_DENIED, flip_config(disk.handle, 0x04, 2, 0x04));
	for (uint32_t offset = 0x40; offset < 0x1000; offset += 4)
		want(HWB_DENIED, flip_config(disk.handle, offset, 4, 1));
}
END_TEST

/* The rule names them, and still. */
START_TEST(registers_that_are_never_written)
{
	enum { E1000E_MSIX = 0xa0, E1000E_PM = 0xc8, E1000E_MSI = 0xd0, E1000E_EXPRESS = 0xe0 };
	struct example_device edu, network;

	guest_take(EDU, &nothing, &edu);
	guest_take(E1000E, &nothing, &network);
	want(HWB_DENIED, flip_config(edu.handle, 0x00, 2, 0x0001));      /* vendor */
	want(HWB_DENIED, flip_config(edu.handle, 0x04, 2, 0x0004));      /* bus master */
	want(HWB_DENIED, flip_config(edu.handle, 0x04, 2, 0x0002));      /* memory */
	want(HWB_DENIED, flip_config(edu.handle, 0x05, 1, 0x04));        /* INTx disable */
	want(HWB_DENIED, flip_config(edu.handle, 0x10, 4, 0x10000000));  /* BAR 0 */
	want(HWB_DENIED, write_config(edu.handle, 0x10, 4, UINT32_MAX)); /* sizing it */
	ck_assert_uint_eq(config(edu.handle, 0x40, 1), 0x05);
	want(HWB_DENIED, flip_config(edu.handle, 0x42, 2, 0x0001)); /* MSI enable */
	ck_assert_uint_eq(config(network.handle, E1000E_MSIX, 1), 0x11);
	want(HWB_DENIED, flip_config(network.handle, E1000E_MSIX + 2, 2, 0x8000));
	ck_assert_uint_eq(config(network.handle, E1000E_PM, 1), 0x01);
	want(HWB_DENIED, flip_config(network.handle, E1000E_PM + 4, 2, 0x0003));
	ck_assert_uint_eq(config(network.handle, E1000E_MSI, 1), 0x05);
	want(HWB_DENIED, flip_config(network.handle, E1000E_MSI + 2, 2, 0x0001));
	ck_assert_uint_eq(config(network.handle, E1000E_EXPRESS, 1), 0x10);
	/* Function level reset; relaxed ordering beside it is the rule's to give. */
	want(HWB_DENIED, flip_config(network.handle, E1000E_EXPRESS + 8, 2, 0x8000));
	want(HWB_DENIED, flip_config(network.handle, E1000E_EXPRESS + 8, 2, 0x8010));
	want(HWB_OK, flip_config(network.handle, E1000E_EXPRESS + 8, 2, 0x0010));
	/* Link control belongs to both ends. */
	want(HWB_DENIED, flip_config(network.handle, E1000E_EXPRESS + 0x10, 2, 0x0040));
	ck_assert(!guest_bus_master(EDU));
	ck_assert(!guest_bus_master(E1000E));
}
END_TEST

/* ---- ending ---- */

struct seen {
	uint32_t changes[8];
	struct hwb_pci_address address;
	uint32_t session;
	uint32_t count;
};

static void note_event(void *context, const struct hwb_header *header, const void *body)
{
	struct seen *seen = context;
	const struct hwb_device_event *event = body;

	if (header->opcode != HWB_EVENT_DEVICE || seen->count == 8)
		return;
	seen->address = event->address;
	seen->session = header->session;
	seen->changes[seen->count++] = event->change;
}

START_TEST(told_when_it_is_free)
{
	struct seen seen = { .count = 0 };
	struct hwb_posix second;
	struct example_device edu;

	want(HWB_OK, hwb_posix_open(&second, NULL, note_event, &seen, &why));
	want(HWB_OK,
	     guest_try(&second.client, EDU, &(struct hwb_acquire_request){ .bars = 1 }, &edu));
	ck_assert_uint_eq(seen.count, 0);
	guest_let_go(&edu);
	want(HWB_OK, hwb_close(&second.client, edu.handle, &why));
	while (seen.count == 0)
		ck_assert_int_ge(hwb_receive_one(&second.client), 0);
	ck_assert_uint_eq(seen.changes[0], HWB_CHANGE_FREED);
	ck_assert_uint_eq(seen.session, edu.handle);
	ck_assert_mem_eq(&seen.address, &edu.info.device.address, sizeof(seen.address));
	hwb_posix_close(&second);
}
END_TEST

/* A domain and memory in it by a second connection, its device at work. */
static void child_works(int ready)
{
	struct example_device edu;
	struct example_memory memory;
	const char go = 'g';

	guest_open(); /* its own: the parent's socket is not shared with intent */
	uint32_t domain = guest_domain();
	const struct hwb_acquire_request request = {
		.flags = HWB_ACQUIRE_IRQ_ENABLE,
		.domain = domain,
		.bars = 1,
		.irq_type = HWB_IRQ_MSI,
		.irq_count = 1,
	};
	guest_take(EDU, &request, &edu);
	volatile void *registers = guest_map(&edu.info.regions[0], edu.bar_fds[0]);
	guest_alloc(domain, PAGE, &memory);
	for (int round = 0;; round++) {
		write64(registers, EDU_DMA_SOURCE, EDU_BUFFER);
		write64(registers, EDU_DMA_TARGET, memory.iova);
		write64(registers, EDU_DMA_COUNT, EDU_TRANSFER);
		write64(registers, EDU_DMA_COMMAND, EDU_DMA_RUN | EDU_DMA_TO_MEMORY | EDU_DMA_IRQ);
		if (round == 1)
			ck_assert_int_eq(write(ready, &go, 1), 1);
		ck_assert_uint_ne(example_wait(edu.irq_fds[0], PATIENCE_MS), 0);
		write32(registers, EDU_IRQ_ACK, read32(registers, EDU_IRQ_STATUS));
	}
}

static void start_child(pid_t *child)
{
	int pipes[2];
	char go;

	ck_assert_int_eq(pipe(pipes), 0);
	*child = fork();
	ck_assert_int_ge(*child, 0);
	if (*child == 0) {
		close(pipes[0]);
		child_works(pipes[1]);
		_exit(EXIT_FAILURE);
	}
	close(pipes[1]);
	ck_assert_int_eq(read(pipes[0], &go, 1), 1);
	close(pipes[0]);
}

/* Killed between the start of a transfer and its interrupt, three times. */
START_TEST(client_is_killed)
{
	const struct hwb_acquire_request request = { .bars = 1 };
	struct example_device edu;
	pid_t child;

	for (int i = 0; i < 3; i++) {
		start_child(&child);
		guest_open();
		want(HWB_BUSY, guest_try(guest, EDU, &request, &edu));
		ck_assert(guest_bus_master(EDU));
		kill(child, SIGKILL);
		ck_assert_int_eq(waitpid(child, NULL, 0), child);
		guest_wait_state(EDU, HWB_DEVICE_FREE);
		ck_assert(!guest_bus_master(EDU));
		guest_take(EDU, &request, &edu);
		ck_assert(edu_alive(guest_map(&edu.info.regions[0], edu.bar_fds[0])));
		guest_give_back(&edu);
		guest_wait_state(EDU, HWB_DEVICE_FREE);
		guest_close();
	}
}
END_TEST

/* The next client asks at once, and is served as soon as the device is at rest. */
START_TEST(next_client_at_once)
{
	struct example_device edu;
	struct example_memory memory, scratch;
	pid_t child;

	start_child(&child);
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	guest_open();
	uint32_t domain = guest_domain();
	guest_take(EDU, &(struct hwb_acquire_request){ .domain = domain, .bars = 1 }, &edu);
	volatile void *registers = guest_map(&edu.info.regions[0], edu.bar_fds[0]);
	guest_alloc(domain, PAGE, &memory);
	guest_alloc(domain, PAGE, &scratch);
	/* edu has no reset: what its last client started may still run. */
	guest_pause(300);
	ck_assert(edu_alive(registers));
	ck_assert(edu_reads(registers, memory.iova, memory.at, &scratch));
	guest_close();
}
END_TEST

/* ---- a machine that does not remap interrupts ---- */

START_TEST(nothing_without_remapping)
{
	struct example_device device;
	struct hwb_device facts;
	uint32_t domain = guest_domain();

	want(HWB_OK, info(NVME, &facts));
	want(HWB_UNSAFE,
	     guest_try(guest, NVME, &(struct hwb_acquire_request){ .bars = 1 }, &device));
	want(HWB_UNSAFE,
	     guest_try(guest, EDU, &(struct hwb_acquire_request){ .domain = domain, .bars = 1 },
	               &device));
	want(HWB_OK, hwb_ping(guest, &why));
	/* Neither is kept, whatever its rule says of restoring: it was not given. */
	guest_wait_driver(NVME, "nvme");
	want(HWB_UNSAFE,
	     guest_try(guest, E1000E, &(struct hwb_acquire_request){ .bars = 1 }, &device));
	guest_wait_driver(E1000E, "e1000e");
	want(HWB_OK, info(E1000E, &facts));
	ck_assert_uint_eq(facts.state, HWB_DEVICE_HOST);
}
END_TEST

static void add_cases(Suite *suite)
{
	TCase *tests = guest_case(suite, "seeing");

	tcase_add_test(tests, list_is_what_the_policy_gives);
	tcase_add_test(tests, facts_of_a_device);
	tcase_add_test(tests, states);
	tcase_add_test(tests, info_by_handle);
	tcase_add_test(tests, invisible_devices);
	tests = guest_case(suite, "given");
	tcase_add_test(tests, given_to_oneself);
	tcase_add_test(tests, given_to_another);
	tcase_add_test(tests, given_to_nobody);
	tests = guest_case(suite, "getting");
	tcase_add_test(tests, one_owner_at_a_time);
	tcase_add_test(tests, wrong_acquires);
	if (guest_has_pair())
		tcase_add_test(tests, group_mate_of_another);
	if (guest_has_pair())
		tcase_add_test(tests, waits_for_the_group);
	tcase_add_test(tests, waits_for_a_reset_or_not);
	tcase_add_test(tests, two_wait_for_one_device);
	tcase_add_test(tests, host_driver_without_take);
	tcase_add_test(tests, mounted_disk);
	tcase_add_test(tests, restored_to_the_host);
	tcase_add_test(tests, a_refusal_leaves_the_host_alone);
	tcase_add_test(tests, kept_without_restore);
	tcase_add_test(tests, partial_page_refused);
	tests = guest_case(suite, "config space");
	tcase_add_test(tests, reading_config_space);
	tcase_add_test(tests, value_in_a_read);
	tcase_add_test(tests, a_read_behind_a_write);
	tcase_add_test(tests, wrong_writes);
	tcase_add_test(tests, writes_that_the_rule_names);
	tcase_add_test(tests, writes_are_denied_by_default);
	tcase_add_test(tests, registers_that_are_never_written);
	tests = guest_case(suite, "ending");
	tcase_add_test(tests, told_when_it_is_free);
	if (!guest_has_vfio())
		return;
	/* These connect themselves, after the fork, and have messages for interrupts. */
	tests = tcase_create("death");
	tcase_set_timeout(tests, 60);
	suite_add_tcase(suite, tests);
	tcase_add_test(tests, client_is_killed);
	tcase_add_test(tests, next_client_at_once);
}

int main(void)
{
	Suite *suite = suite_create("platform");

	if (guest_remaps_interrupts() || !guest_has_iommu())
		add_cases(suite);
	else
		tcase_add_test(guest_case(suite, "no remapping"), nothing_without_remapping);
	return guest_run(suite);
}
