/* SPDX-License-Identifier: MIT */
/* Who gets which device, and when; what becomes of it in the host. */
#include "pci.h"
#include "platform_parts.h"

#include <string.h>

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

void add_getting(Suite *suite)
{
	TCase *tests = guest_case(suite, "getting");
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
}
