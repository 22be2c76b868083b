/* SPDX-License-Identifier: MIT */
/*
 * Limits, force, and a policy that is replaced under a connected client. The
 * suite's runner replaces it on request, as root.
 */
#define _GNU_SOURCE /* F_SEAL_SHRINK */
#include "guest.h"
#include "pci.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* policy/policy.conf */
enum { CONNECTIONS = 3, SESSIONS = 4, VECTORS = 2, MIB = 1 << 20 };

static const struct hwb_acquire_request nothing;

/* ---- reloading ---- */

static uint32_t policies; /* EVENT_POLICYs that the watching connection saw */

static void count_policies(void *context, const struct hwb_header *header, const void *body)
{
	(void)context;
	(void)body;
	policies += header->opcode == HWB_EVENT_POLICY;
}

/* Puts policy/NAME.conf into force, whatever the daemon thinks of it. */
static void reload(const char *name)
{
	char action[64];

	snprintf(action, sizeof(action), "policy %s", name);
	guest_ask_runner(action);
}

static void reload_back(void)
{
	reload("policy");
}

static bool listed(const char *address)
{
	const struct hwb_pci_address where = guest_address(address);
	struct hwb_device device;

	return guest_status(hwb_device_info(guest, &where, &device, &why)) == HWB_OK;
}

/* ---- limits ---- */

START_TEST(connections)
{
	struct hwb_posix more[CONNECTIONS];

	for (int i = 0; i < CONNECTIONS - 1; i++)
		guest_connect(&more[i]);
	want(HWB_NOT_ADMITTED, hwb_posix_open(&more[CONNECTIONS - 1], NULL, NULL, NULL, &why));
	ck_assert_msg(strstr(why.reason, "connections") != NULL, "%s", why.reason);
	/* Those that are open do not suffer; one that ends makes room. */
	want(HWB_OK, hwb_ping(guest, &why));
	want(HWB_OK, hwb_ping(&more[0].client, &why));
	hwb_posix_close(&more[0]);
	for (int waited = 0; hwb_posix_open(&more[0], NULL, NULL, NULL, &why) != 0; waited += 20) {
		ck_assert_int_lt(waited, PATIENCE_MS);
		guest_pause(20);
	}
	for (int i = 0; i < CONNECTIONS - 1; i++)
		hwb_posix_close(&more[i]);
}
END_TEST

START_TEST(sessions)
{
	uint32_t handles[SESSIONS], one_more;
	char driver[32];
	struct example_device edu;

	ck_assert_uint_eq(guest->hello.sessions_max, SESSIONS);
	for (int i = 0; i < SESSIONS - 1; i++)
		want(HWB_OK, hwb_io_port_open(guest, 0x40, 1, &handles[i], &why));
	/* A device and its BAR are two, and come together or not at all: nor is the
	 * host disturbed for nothing. */
	want(HWB_QUOTA, guest_try(guest, NVME, &(struct hwb_acquire_request){ .bars = 1 }, &edu));
	pci_driver(NVME, driver);
	ck_assert_str_eq(driver, "nvme");
	want(HWB_OK, hwb_io_port_open(guest, 0x40, 1, &handles[SESSIONS - 1], &why));
	want(HWB_QUOTA, hwb_io_port_open(guest, 0x40, 1, &one_more, &why));
	want(HWB_OK, hwb_close(guest, handles[0], &why));
	want(HWB_OK, hwb_close(guest, handles[1], &why));
	guest_take(EDU, &(struct hwb_acquire_request){ .bars = 1 }, &edu);
	want(HWB_QUOTA, hwb_io_port_open(guest, 0x40, 1, &one_more, &why));
}
END_TEST

START_TEST(vectors)
{
	struct example_device disk;
	struct hwb_acquire_request request = {
		.domain = guest_domain(),
		.irq_type = HWB_IRQ_MSIX,
		.irq_count = VECTORS + 1,
	};

	want(HWB_QUOTA, guest_try(guest, NVME, &request, &disk));
	request.irq_count = VECTORS;
	guest_take(NVME, &request, &disk);
	ck_assert_uint_eq(disk.info.interrupt.vectors, VECTORS);
}
END_TEST

/* A slow request and a quick one behind it: which is answered first? */
static bool quick_overtakes(uint32_t domain)
{
	const struct hwb_dma_alloc_request memory = {
		.size = 32 * MIB,
		.flags = HWB_DMA_DEVICE_READS | HWB_DMA_PAGES_4K,
	};
	struct hwb_dma_reply reply;
	int fd = -1;
	struct hwb_call slow = {
		.reply = &reply, .reply_size = sizeof(reply), .fds = &fd, .fds_max = 1
	};
	struct hwb_call quick = { .error = &why };

	slow.error = &why;
	want(HWB_OK, hwb_begin(guest, &slow, HWB_DMA_ALLOC, domain, &memory, sizeof(memory), -1));
	want(HWB_OK, hwb_begin(guest, &quick, HWB_PING, 0, NULL, 0, -1));
	want(HWB_OK, hwb_finish(guest, &quick));
	bool overtaken = slow.done == 0;
	want(HWB_OK, hwb_finish(guest, &slow));
	close(fd);
	want(HWB_OK, hwb_dma_unmap(guest, domain, reply.iova, &why));
	return overtaken;
}

/* With one request in flight at a time they are answered in turn. */
START_TEST(requests)
{
	uint32_t domain = guest_domain();

	ck_assert_uint_eq(guest->hello.requests_max, 1);
	for (int i = 0; i < 5; i++)
		ck_assert(!quick_overtakes(domain));
}
END_TEST

START_TEST(more_requests)
{
	uint32_t domain = guest_domain();

	reload("policy-generous");
	ck_assert(quick_overtakes(domain));
}
END_TEST

/* ---- force ---- */

/* The suite's runner has mounted it. */
START_TEST(force_takes_a_mounted_disk)
{
	struct example_device disk;
	char driver[32];

	guest_take(SPARE_DISK, &nothing, &disk);
	pci_driver(SPARE_DISK, driver);
	ck_assert_str_eq(driver, "vfio-pci");
	guest_give_back(&disk);
	guest_wait_state(SPARE_DISK, HWB_DEVICE_HOST);
	pci_driver(SPARE_DISK, driver);
	ck_assert_str_eq(driver, "virtio-pci");
}
END_TEST

/* The kernel does not open such a group, and says but a number. */
START_TEST(group_with_a_bridge_in_use)
{
	static const char bridge[] = "00:1f.0", sata[] = "00:1f.2";
	struct example_device device;
	char driver[32];

	pci_driver(bridge, driver);
	ck_assert_str_eq(driver, "lpc_ich");
	want(HWB_UNSAFE, guest_try(guest, sata, &nothing, &device));
	ck_assert_msg(strstr(why.reason, bridge) != NULL && strstr(why.reason, driver) != NULL,
	              "%s", why.reason);
	guest_wait_state(sata, HWB_DEVICE_HOST);
	pci_driver(sata, driver);
	ck_assert_str_eq(driver, "ahci");
}
END_TEST

/* ---- another policy ---- */

START_TEST(more_devices)
{
	struct hwb_posix watching;
	struct example_device edu2;
	uint32_t handle;

	policies = 0;
	want(HWB_OK, hwb_posix_open(&watching, NULL, count_policies, NULL, &why));
	ck_assert(!listed(EDU2));
	ck_assert(listed(NVME));
	reload("policy-generous");
	while (policies == 0)
		ck_assert_int_ge(hwb_receive_one(&watching.client), 0);
	ck_assert(listed(EDU2));
	ck_assert(!listed(NVME));
	guest_take(EDU2, &nothing, &edu2);
	for (int i = 0; i < 2 * SESSIONS; i++)
		want(HWB_OK, hwb_io_port_open(guest, 0x40, 1, &handle, &why));
	hwb_posix_close(&watching);
}
END_TEST

/* The policy may promise more than there is: the host keeps what it needs. */
START_TEST(more_memory_than_the_host_has)
{
	const uint64_t much = 8ull << 30;
	const struct hwb_dma_alloc_request made = { .size = much, .flags = HWB_DMA_DEVICE_READS };
	const struct hwb_dma_map_request brought = { .size = much, .flags = HWB_DMA_DEVICE_READS };
	struct hwb_acquire_request request = { .bars = 1 };
	struct example_device edu;
	struct hwb_dma_reply reply;
	int fd;

	reload("policy-generous");
	request.domain = guest_domain();
	want(HWB_NO_MEMORY, hwb_dma_alloc(guest, request.domain, &made, &reply, &fd, &why));
	guest_take(EDU, &request, &edu);
	fd = guest_memfd(much, 0, F_SEAL_SHRINK);
	want(HWB_NO_MEMORY, hwb_dma_map(guest, request.domain, &brought, fd, &reply, &why));
	close(fd);
	/* Before there is a device, nothing is pinned: then the device is refused. */
	guest_give_back(&edu);
	guest_wait_state(EDU, HWB_DEVICE_FREE);
	fd = guest_memfd(much, 0, F_SEAL_SHRINK);
	want(HWB_OK, hwb_dma_map(guest, request.domain, &brought, fd, &reply, &why));
	close(fd);
	want(HWB_NO_MEMORY, guest_try(guest, EDU, &request, &edu));
	want(HWB_OK, hwb_dma_unmap(guest, request.domain, reply.iova, &why));
	guest_take(EDU, &request, &edu);
}
END_TEST

/* What is open stays so for the time that its rule grants; what is asked for now is
 * judged by the new policy. */
START_TEST(fewer_devices)
{
	const struct hwb_acquire_request request = { .domain = guest_domain(), .bars = 1 };
	const struct hwb_dma_alloc_request more = { .size = PAGE, .flags = HWB_DMA_DEVICE_READS };
	struct example_device edu, again;
	struct example_memory memory;
	struct hwb_dma_reply reply;
	uint32_t handle;
	int fd;

	guest_take(EDU, &request, &edu);
	volatile void *registers = guest_map(&edu.info.regions[0], edu.bar_fds[0]);
	guest_alloc(request.domain, PAGE, &memory);
	reload("policy-mean");
	ck_assert(!listed(EDU));
	want(HWB_NOT_FOUND, guest_try(guest, EDU, &nothing, &again));
	want(HWB_DENIED, hwb_io_port_open(guest, 0x40, 1, &handle, &why));
	want(HWB_QUOTA, hwb_domain_open(guest, &handle, &why));
	want(HWB_QUOTA, hwb_dma_alloc(guest, request.domain, &more, &reply, &fd, &why));
	ck_assert(edu_alive(registers));
	ck_assert(edu_writes(registers, memory.iova, memory.at));
	want(HWB_OK, hwb_dma_unmap(guest, request.domain, memory.iova, &why));
	guest_release(edu.handle);
	want(HWB_NOT_FOUND, guest_try(guest, EDU, &nothing, &again));
}
END_TEST

/* Those that are given stay, and what goes need not be asked for. */
START_TEST(fewer_ports)
{
	struct hwb_port_op latch = { .port = 0x43, .width = 1, .action = HWB_PORT_OUT };
	uint32_t ports, again;

	want(HWB_OK, hwb_io_port_open(guest, 0x40, 4, &ports, &why));
	want(HWB_OK, hwb_io_port_open(guest, 0x40, 1, &again, &why));
	reload("policy-generous");
	want(HWB_OK, hwb_io_port_batch(guest, ports, &latch, 1, &why));
	reload("policy-mean");
	want(HWB_GONE, hwb_io_port_batch(guest, ports, &latch, 1, &why));
	want(HWB_GONE, hwb_io_port_batch(guest, again, &latch, 1, &why));
	want(HWB_OK, hwb_close(guest, ports, &why));
	want(HWB_NO_SESSION, hwb_close(guest, ports, &why));
	reload("policy");
	want(HWB_GONE, hwb_io_port_batch(guest, again, &latch, 1, &why));
	want(HWB_OK, hwb_io_port_open(guest, 0x40, 4, &ports, &why));
	want(HWB_OK, hwb_io_port_batch(guest, ports, &latch, 1, &why));
}
END_TEST

/* A connection of a client that is no more can use and close the devices that it has. */
START_TEST(another_name)
{
	struct hwb_port_op latch = { .port = 0x43, .width = 1, .action = HWB_PORT_OUT };
	struct hwb_posix fresh;
	struct example_device edu, taken;
	uint32_t ports, value;

	guest_take(EDU, &nothing, &edu);
	want(HWB_OK, hwb_io_port_open(guest, 0x40, 4, &ports, &why));
	reload("policy-renamed");
	want(HWB_DENIED, guest_try(guest, EDU, &nothing, &taken));
	want(HWB_GONE, hwb_io_port_batch(guest, ports, &latch, 1, &why));
	want(HWB_OK, hwb_config_read(guest, edu.handle, 0, 2, &value, &why));
	ck_assert_uint_eq(value, 0x1234);
	guest_connect(&fresh);
	ck_assert_str_eq(fresh.client.hello.client, "somebody");
	want(HWB_BUSY, guest_try(&fresh.client, EDU, &nothing, &taken));
	want(HWB_OK, hwb_io_port_open(&fresh.client, 0x40, 4, &value, &why));
	guest_release(ports);
	guest_release(edu.handle);
	want(HWB_OK, guest_try(&fresh.client, EDU, &nothing, &taken));
	want(HWB_OK, hwb_io_port_open(&fresh.client, 0x40, 4, &value, &why));
	hwb_posix_close(&fresh);
}
END_TEST

START_TEST(mistakes)
{
	struct example_device edu;
	uint32_t handle;

	guest_take(EDU, &nothing, &edu);
	reload("policy-broken");
	ck_assert(listed(EDU));
	for (int i = 1; i < SESSIONS; i++)
		want(HWB_OK, hwb_io_port_open(guest, 0x40, 1, &handle, &why));
	guest_release(edu.handle);
	guest_take(EDU, &nothing, &edu);
}
END_TEST

/* The installed daemon looks into policy.d. */
START_TEST(drop_in)
{
	struct example_device edu2;

	ck_assert(!listed(EDU2));
	reload("policy policy-drop-in");
	ck_assert(listed(EDU2));
	ck_assert(listed(NVME));
	guest_take(EDU2, &nothing, &edu2);
	want(HWB_DENIED, hwb_config_write(guest, edu2.handle, 0x80, 1, 1, &why));
	ck_assert_msg(strstr(why.reason, "[device edu2] (/etc/hwbroker/policy.d/"
	                                 "policy-drop-in.conf:2)") != NULL,
	              "%s", why.reason);
	guest_release(edu2.handle);
	reload("policy");
	ck_assert(!listed(EDU2));
}
END_TEST

START_TEST(mistake_in_a_drop_in)
{
	reload("policy-mean policy-broken-drop-in");
	ck_assert(listed(EDU));
	reload("policy-mean");
	ck_assert(!listed(EDU));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy");
	TCase *tests = guest_case(suite, "limits");

	tcase_add_test(tests, connections);
	tcase_add_test(tests, sessions);
	tcase_add_test(tests, vectors);
	tcase_add_test(tests, requests);
	tests = guest_case(suite, "force");
	tcase_add_test(tests, force_takes_a_mounted_disk);
	tcase_add_test(tests, group_with_a_bridge_in_use);
	tests = guest_case(suite, "reload");
	tcase_add_checked_fixture(tests, NULL, reload_back);
	tcase_add_test(tests, more_requests);
	tcase_add_test(tests, more_devices);
	tcase_add_test(tests, more_memory_than_the_host_has);
	tcase_add_test(tests, fewer_devices);
	tcase_add_test(tests, fewer_ports);
	tcase_add_test(tests, another_name);
	tcase_add_test(tests, mistakes);
	tcase_add_test(tests, drop_in);
	tcase_add_test(tests, mistake_in_a_drop_in);
	return guest_run(suite);
}
