/* SPDX-License-Identifier: MIT */
/* Two devices of one IOMMU group, and domains. */
#include "dma.h"

static void wait_for_pair(void)
{
	struct example_device pair;

	/* In the hands of an earlier test; or still with the host, which is as well. */
	for (int waited = 0;
	     guest_try(guest, PAIR0, &(struct hwb_acquire_request){ 0 }, &pair) != 0;
	     waited += 20) {
		ck_assert_int_lt(waited, PATIENCE_MS);
		guest_pause(20);
	}
	guest_give_back(&pair);
	guest_wait_state(PAIR0, HWB_DEVICE_FREE);
}

START_TEST(group_in_one_domain)
{
	struct example_memory memory, scratch;
	struct example_device pair0, pair1;
	uint32_t domain = guest_domain();
	volatile void *first = take_edu(PAIR0, domain, &pair0);
	volatile void *second = take_edu(PAIR1, domain, &pair1);

	ck_assert_uint_eq(pair0.info.device.iommu_group, pair1.info.device.iommu_group);
	guest_alloc(domain, PAGE, &memory);
	guest_alloc(domain, PAGE, &scratch);
	ck_assert(edu_reads(first, memory.iova, memory.at, &scratch));
	ck_assert(edu_reads(second, memory.iova, memory.at, &scratch));
	guest_give_back(&pair0);
	guest_wait_state(PAIR0, HWB_DEVICE_FREE);
	ck_assert(!guest_bus_master(PAIR0));
	ck_assert(edu_writes(second, memory.iova, memory.at));
}
END_TEST

/* The IOMMU cannot tell them apart. */
START_TEST(group_in_two_domains)
{
	struct example_device pair0, pair1;
	uint32_t domain = guest_domain(), other = guest_domain();

	take_edu(PAIR0, domain, &pair0);
	want(HWB_WRONG_STATE,
	     guest_try(guest, PAIR1, &(struct hwb_acquire_request){ .domain = other }, &pair1));
	/* Nothing of it is left in the way. */
	take_edu(PAIR1, domain, &pair1);
}
END_TEST

/* What is open of the group keeps it where it is, and is left alone by a refusal. */
START_TEST(group_open_outside_of_the_domain)
{
	struct example_memory memory;
	struct example_device pair0, pair1;
	uint32_t domain = guest_domain();
	volatile void *first = guest_take_bar(PAIR0, 0, &pair0);

	guest_take_bar(PAIR1, 0, &pair1);
	guest_alloc(domain, PAGE, &memory);
	write32(first, EDU_LIVENESS, 0x12345678);
	want(HWB_WRONG_STATE, hwb_domain_assign(guest, domain, pair0.handle, &why));
	ck_assert_uint_eq(read32(first, EDU_LIVENESS), ~0x12345678u);
	guest_give_back(&pair1);
	guest_wait_state(PAIR1, HWB_DEVICE_FREE);
	want(HWB_OK, hwb_domain_assign(guest, domain, pair0.handle, &why));
	ck_assert(edu_writes(first, memory.iova, memory.at));
}
END_TEST

/* Registers alone, of both: there is no domain that they would have to share. */
START_TEST(group_without_domain)
{
	struct example_device pair0, pair1;
	volatile void *first = guest_take_bar(PAIR0, 0, &pair0);
	volatile void *second = guest_take_bar(PAIR1, 0, &pair1);

	ck_assert(edu_alive(first));
	ck_assert(edu_alive(second));
}
END_TEST

/* One does DMA, the other is looked at and brought along later. */
START_TEST(group_partly_in_a_domain)
{
	struct example_memory memory;
	struct example_device pair0, pair1;
	uint32_t domain = guest_domain(), vendor;
	volatile void *first = take_edu(PAIR0, domain, &pair0);
	volatile void *second = guest_take_bar(PAIR1, 0, &pair1);

	guest_alloc(domain, PAGE, &memory);
	want(HWB_OK, hwb_config_read(guest, pair1.handle, 0, 2, &vendor, &why));
	ck_assert(edu_writes(first, memory.iova, memory.at));
	/* It has no domain, so it may not reach memory even though its mate does. */
	ck_assert(!edu_writes(second, memory.iova, memory.at));
	want(HWB_OK, hwb_domain_assign(guest, domain, pair1.handle, &why));
	ck_assert(edu_writes(second, memory.iova, memory.at));
}
END_TEST

void add_groups(Suite *suite)
{
	if (!guest_has_pair())
		return;
	TCase *tests = guest_case(suite, "groups");
	tcase_add_checked_fixture(tests, wait_for_pair, NULL);
	tcase_add_test(tests, group_in_two_domains);
	tcase_add_test(tests, group_without_domain);
	tcase_add_test(tests, group_in_one_domain);
	tcase_add_test(tests, group_open_outside_of_the_domain);
	tcase_add_test(tests, group_partly_in_a_domain);
}
