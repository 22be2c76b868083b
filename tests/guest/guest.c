/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memfd_create */
#include "guest.h"

#include "pci.h"
#include "suite.h"

#include <hwbroker/codec.h>

#include <dirent.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* One test of an emulated PC, with a transfer of edu's lasting 100 ms. */
enum { TEST_SECONDS = 60 };

static struct hwb_posix connection;
static struct mapping {
	void *at;
	size_t size;
	int fd; /* that it was made of; -1: is unmapped */
} mappings[64];
static unsigned mapping_count;
struct hwb_client *const guest = &connection.client;
struct hwb_error why;

/* ---- connections ---- */

void guest_open(void)
{
	want(HWB_OK, hwb_posix_open(&connection, NULL, NULL, NULL, &why));
}

void guest_close(void)
{
	hwb_posix_close(&connection);
}

void guest_connect_as(uid_t user, struct hwb_posix *posix, hwb_event_handler on_event)
{
	ck_assert_int_eq(seteuid(user), 0);
	want(HWB_OK, hwb_posix_open(posix, NULL, on_event, NULL, &why));
	ck_assert_int_eq(seteuid(0), 0);
}

struct hwb_client *guest_connect(struct hwb_posix *posix)
{
	want(HWB_OK, hwb_posix_open(posix, NULL, NULL, NULL, &why));
	return &posix->client;
}

int guest_status(int result)
{
	if (result >= 0)
		return HWB_OK;
	int status = (int)hwb_refusal_of(result);
	if (status == HWB_OK)
		return -1;
	ck_assert_msg(why.status == (uint32_t)status && why.reason[0] != '\0',
	              "the refusal %s came without a sentence", guest_status_name(status));
	return status;
}

const char *guest_status_name(int status)
{
	return status < 0 ? "a dead connection" : hwb_status_name((uint32_t)status);
}

/* ---- devices ---- */

struct hwb_pci_address guest_address(const char *text)
{
	unsigned bus, device, function;

	ck_assert_int_eq(sscanf(text, "%2x:%2x.%1x", &bus, &device, &function), 3);
	return (struct hwb_pci_address){ 0, (uint8_t)bus, (uint8_t)device, (uint8_t)function, 0 };
}

int guest_try(struct hwb_client *client, const char *address,
              const struct hwb_acquire_request *request, struct example_device *device)
{
	struct hwb_acquire_request whole = *request;
	int fds[HWB_FDS_MAX];
	uint32_t count = 0, next = 0;

	whole.address = guest_address(address);
	memset(device, 0, sizeof(*device));
	int result = hwb_device_acquire(client, &whole, &device->handle, &device->info, fds, &count,
	                                &why);
	if (result < 0)
		return result;
	for (uint32_t bar = 0; bar < HWB_BARS; bar++) {
		const struct hwb_region *region = &device->info.regions[bar];
		bool granted = region->session != 0 && (region->flags & HWB_REGION_MEDIATED) == 0;
		ck_assert_msg(!granted || next < count, "%s: no descriptor for BAR %u", address,
		              bar);
		device->bar_fds[bar] = granted ? fds[next++] : -1;
	}
	device->irq_count = device->info.interrupt.fds;
	for (uint32_t i = 0; i < device->irq_count; i++)
		device->irq_fds[i] = fds[next++];
	device->unmask_fd = device->info.interrupt.type == HWB_IRQ_INTX ? fds[next++] : -1;
	ck_assert_msg(next == count, "%s: %u descriptors came, %u are announced", address, count,
	              next);
	return result;
}

void guest_take(const char *address, const struct hwb_acquire_request *request,
                struct example_device *device)
{
	want(HWB_OK, guest_try(guest, address, request, device));
}

volatile void *guest_take_bar(const char *address, uint32_t bar, struct example_device *device)
{
	const struct hwb_acquire_request request = { .bars = 1u << bar };

	guest_take(address, &request, device);
	return guest_map(&device->info.regions[bar], device->bar_fds[bar]);
}

volatile void *guest_map(const struct hwb_region *region, int fd)
{
	/* A mapping starts at a page; the region may not. */
	uint64_t within = region->fd_offset % PAGE;
	unsigned char *at = mmap(NULL, within + region->size, PROT_READ | PROT_WRITE, MAP_SHARED,
	                         fd, (off_t)(region->fd_offset - within));

	ck_assert_msg(at != MAP_FAILED, "cannot map 0x%llx bytes from 0x%llx of a region",
	              (unsigned long long)region->size, (unsigned long long)region->fd_offset);
	ck_assert_uint_lt(mapping_count, sizeof(mappings) / sizeof(mappings[0]));
	mappings[mapping_count++] = (struct mapping){ at, within + region->size, fd };
	return at + within;
}

void guest_let_go(struct example_device *device)
{
	for (uint32_t bar = 0; bar < HWB_BARS; bar++) {
		int fd = device->bar_fds[bar];
		for (unsigned i = 0; fd >= 0 && i < mapping_count; i++) {
			if (mappings[i].fd != fd)
				continue;
			munmap(mappings[i].at, mappings[i].size);
			mappings[i].fd = -1;
		}
		if (fd >= 0)
			close(fd);
		device->bar_fds[bar] = -1;
	}
}

void guest_release(uint32_t handle)
{
	want(HWB_OK, hwb_close(guest, handle, &why));
}

void guest_give_back(struct example_device *device)
{
	guest_let_go(device);
	guest_release(device->handle);
}

/* ---- memory ---- */

uint32_t guest_domain(void)
{
	uint32_t domain = 0;

	want(HWB_OK, hwb_domain_open(guest, &domain, &why));
	return domain;
}

void guest_alloc(uint32_t domain, uint64_t size, struct example_memory *memory)
{
	const struct hwb_dma_alloc_request request = {
		.size = size,
		.limit = UINT32_MAX,
		.flags = HWB_DMA_DEVICE_READS | HWB_DMA_DEVICE_WRITES,
	};
	struct hwb_dma_reply reply;

	want(HWB_OK, hwb_dma_alloc(guest, domain, &request, &reply, &memory->fd, &why));
	memory->iova = reply.iova;
	memory->size = reply.size;
	memory->at = mmap(NULL, reply.size, PROT_READ | PROT_WRITE, MAP_SHARED, memory->fd, 0);
	ck_assert_ptr_ne(memory->at, MAP_FAILED);
}

int guest_memfd(uint64_t size, unsigned flags, int seals)
{
	int fd = memfd_create("guest", MFD_CLOEXEC | MFD_ALLOW_SEALING | flags);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
	if (seals != 0)
		ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

/* ---- looking at the machine ---- */

uint32_t guest_state(struct hwb_client *client, const char *address)
{
	const struct hwb_pci_address where = guest_address(address);
	struct hwb_device device;

	want(HWB_OK, hwb_device_info(client, &where, &device, &why));
	return device.state;
}

void guest_wait_state_of(struct hwb_client *client, const char *address, uint32_t state,
                         int patience_ms)
{
	uint32_t now;

	for (int waited = 0; (now = guest_state(client, address)) != state; waited += 20) {
		ck_assert_msg(waited < patience_ms, "%s is in state %u, not in %u", address, now,
		              state);
		guest_pause(20);
	}
}

void guest_wait_state(const char *address, uint32_t state)
{
	guest_wait_state_of(guest, address, state, 3 * PATIENCE_MS);
}

bool guest_bus_master(const char *address)
{
	int command = pci_command(address);

	ck_assert_int_ge(command, 0);
	return (command & PCI_BUS_MASTER) != 0;
}

void guest_wait_driver(const char *address, const char *wanted)
{
	char driver[32];

	for (int waited = 0;; waited += 20) {
		pci_driver(address, driver);
		if (strcmp(driver, wanted) == 0)
			return;
		ck_assert_msg(waited < 2 * PATIENCE_MS, "%s has driver `%s', not `%s'", address,
		              driver, wanted);
		guest_pause(20);
	}
}

bool guest_remaps_interrupts(void)
{
	char line[4096];
	bool found = false;
	FILE *file = fopen("/proc/interrupts", "re");

	/* Asked outside of tests too, so it asserts nothing. */
	while (file != NULL && !found && fgets(line, sizeof(line), file) != NULL)
		found = strstr(line, " IR-") != NULL || strstr(line, " ITS-") != NULL;
	if (file != NULL)
		fclose(file);
	return found;
}

bool guest_has_iommu(void)
{
	const struct dirent *entry = NULL;
	DIR *folder = opendir("/sys/class/iommu");

	while (folder != NULL && (entry = readdir(folder)) != NULL && entry->d_name[0] == '.')
		continue;
	if (folder != NULL)
		closedir(folder);
	return entry != NULL;
}

bool guest_has_vfio(void)
{
	char mode = 'N';
	FILE *file = fopen("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "re");

	if (file != NULL && fread(&mode, 1, 1, file) != 1)
		mode = 'N';
	if (file != NULL)
		fclose(file);
	return guest_has_iommu() || mode == 'Y';
}

const char *guest_broker_driver(void)
{
	return guest_has_vfio() ? "vfio-pci" : "uio_pci_generic";
}

bool guest_has_pair(void)
{
#ifdef __aarch64__
	return false;
#else
	return guest_has_iommu();
#endif
}

void guest_ask_runner(const char *action)
{
	char answer[8] = "";
	FILE *ask = fopen("/run/hwbroker-tests/ask", "w");

	ck_assert_ptr_nonnull(ask);
	fprintf(ask, "%s\n", action);
	fclose(ask);
	int fd = open("/run/hwbroker-tests/answer", O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_gt(read(fd, answer, sizeof(answer) - 1), 0);
	close(fd);
	ck_assert_msg(strncmp(answer, "done", 4) == 0, "%s: the runner says `%s'", action, answer);
}

void guest_pause(int milliseconds)
{
	const struct timespec pause = { milliseconds / 1000, milliseconds % 1000 * 1000000L };

	nanosleep(&pause, NULL);
}

int guest_open_fds(void)
{
	int count = 0;
	DIR *directory = opendir("/proc/self/fd");

	ck_assert_ptr_nonnull(directory);
	while (readdir(directory) != NULL)
		count++;
	closedir(directory);
	return count;
}

/* ---- edu ---- */

bool edu_alive(volatile void *edu)
{
	static uint32_t number = 0x12345678;

	number = number * 5 + 1;
	write32(edu, EDU_LIVENESS, number);
	return (read32(edu, EDU_ID) & 0xff) == 0xed && read32(edu, EDU_LIVENESS) == ~number;
}

static void transfer(volatile void *edu, uint64_t from, uint64_t to, uint32_t direction)
{
	write64(edu, EDU_DMA_SOURCE, from);
	write64(edu, EDU_DMA_TARGET, to);
	write64(edu, EDU_DMA_COUNT, EDU_TRANSFER);
	write64(edu, EDU_DMA_COMMAND, direction | EDU_DMA_RUN);
	for (int waited = 0; (read32(edu, EDU_DMA_COMMAND) & EDU_DMA_RUN) != 0; waited += 10) {
		ck_assert_msg(waited < PATIENCE_MS, "the device does not end its transfer");
		guest_pause(10);
	}
}

void edu_fetch(volatile void *edu, uint64_t iova)
{
	transfer(edu, iova, EDU_BUFFER, 0);
}

void edu_store(volatile void *edu, uint64_t iova)
{
	transfer(edu, EDU_BUFFER, iova, EDU_DMA_TO_MEMORY);
}

static void fill(unsigned char *at, unsigned seed)
{
	for (unsigned i = 0; i < EDU_TRANSFER; i++)
		at[i] = (unsigned char)(i * 7 + (i >> 8) + seed);
}

static unsigned next_seed(void)
{
	static unsigned seed;

	return ++seed;
}

bool edu_reads(volatile void *edu, uint64_t iova, void *memory, struct example_memory *scratch)
{
	fill(memory, next_seed());
	memset(scratch->at, 0, EDU_TRANSFER);
	edu_fetch(edu, iova);
	edu_store(edu, scratch->iova);
	return memcmp(memory, scratch->at, EDU_TRANSFER) == 0;
}

/* Whatever the device's buffer holds, one of two backgrounds differs from it. */
bool edu_writes(volatile void *edu, uint64_t iova, void *memory)
{
	static const int background[] = { 0x3c, 0xc3 };
	bool changed = false;

	for (int i = 0; i < 2 && !changed; i++) {
		memset(memory, background[i], EDU_TRANSFER);
		edu_store(edu, iova);
		for (int at = 0; at < EDU_TRANSFER; at++)
			changed = changed || ((unsigned char *)memory)[at] != background[i];
	}
	return changed;
}

/* ---- Check ---- */

TCase *guest_case(Suite *suite, const char *name)
{
	TCase *tests = tcase_create(name);

	tcase_add_checked_fixture(tests, guest_open, guest_close);
	tcase_set_timeout(tests, TEST_SECONDS);
	suite_add_tcase(suite, tests);
	return tests;
}

int guest_run(Suite *suite)
{
	/* Each test is a line of the log, as `run' has it. */
	setenv("CK_VERBOSITY", "verbose", 0);
	return suite_run(suite);
}
