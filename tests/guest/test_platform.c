/* SPDX-License-Identifier: MIT */
/* PLATFORM: who sees which device. What else there is of it is in platform_*.c. */
#include "platform_parts.h"

#include <string.h>

const struct hwb_acquire_request nothing;

int acquire(const char *address, uint32_t flags)
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
	add_getting(suite);
	add_config_space(suite);
	add_ending(suite);
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
