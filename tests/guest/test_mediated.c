/* SPDX-License-Identifier: MIT */
/*
 * Registers by request, and VFIO's descriptor of a device: `grant = mediated' and `grant =
 * device'. Runs as root, and is one client or the other for a moment.
 */
#define _GNU_SOURCE /* setresuid */
#include "guest.h"

#include <errno.h>
#include <hwbroker/registers.h>
#include <linux/io_uring.h>
#include <linux/vfio.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DRIVER = 1000, OTHER = 1001, POLLS = 8 };

static struct hwb_posix root_posix, driver_posix, other_posix;
static struct hwb_client *const root = &root_posix.client;
static struct hwb_client *const driver = &driver_posix.client;
static struct hwb_client *const other = &other_posix.client;

static void connect_all(void)
{
	guest_connect_as(0, &root_posix, NULL);
	guest_connect_as(DRIVER, &driver_posix, NULL);
	guest_connect_as(OTHER, &other_posix, NULL);
}

static void disconnect_all(void)
{
	hwb_posix_close(&driver_posix);
	hwb_posix_close(&other_posix);
	hwb_posix_close(&root_posix);
}

static void take_as(struct hwb_client *client, const char *address, uint32_t bars,
                    struct example_device *device)
{
	const struct hwb_acquire_request request = { .bars = bars };

	want(HWB_OK, guest_try(client, address, &request, device));
}

/* BAR `bar` of a device whose rule says so, by request. */
static struct hwb_registers open_mediated(const char *address, uint32_t bar,
                                          struct example_device *device)
{
	struct hwb_registers registers;

	take_as(driver, address, 1u << bar, device);
	const struct hwb_region *region = &device->info.regions[bar];
	ck_assert_uint_eq(region->flags & (HWB_REGION_MEDIATED | HWB_REGION_REVOCABLE),
	                  HWB_REGION_MEDIATED | HWB_REGION_REVOCABLE);
	ck_assert_int_eq(device->bar_fds[bar], -1);
	ck_assert_uint_ne(device->info.device.flags & HWB_DEVICE_REVOCABLE, 0);
	hwb_registers_mediated(&registers, driver, region);
	return registers;
}

static void give_back(struct hwb_client *client, const char *address,
                      const struct example_device *device)
{
	want(HWB_OK, hwb_close(client, device->handle, &why));
	guest_wait_state_of(driver, address, HWB_DEVICE_FREE, PATIENCE_MS);
}

static struct hwb_mem_op operand(uint64_t mask, uint32_t microseconds)
{
	const struct hwb_mem_operand operand = { mask, microseconds, 0 };
	struct hwb_mem_op record;

	memcpy(&record, &operand, sizeof(record));
	return record;
}

/* ---- registers by request ---- */

START_TEST(a_device_works)
{
	struct example_device edu;
	struct hwb_registers registers = open_mediated(EDU, 0, &edu);

	ck_assert_uint_eq(hwb_read32(&registers, EDU_ID) & 0xff, 0xed);
	hwb_write32(&registers, EDU_LIVENESS, 0x12345678);
	ck_assert_uint_eq(hwb_read32(&registers, EDU_LIVENESS), ~0x12345678u);
	/* It computes for a while, and says when it is done. */
	struct hwb_mem_op ops[] = {
		{ EDU_FACTORIAL, HWB_BATCH_WRITE, 4, 0, 5 },
		{ EDU_STATUS, HWB_BATCH_POLL, 4, 0, 0 },
		operand(1, 100000),
		{ EDU_FACTORIAL, HWB_BATCH_READ, 4, 0, 0 },
	};
	ck_assert_int_eq(hwb_registers_run(&registers, ops, 4, &why), 0);
	ck_assert_uint_eq(ops[3].value, 120);
	ck_assert_int_eq(registers.result, 0);
	give_back(driver, EDU, &edu);
}
END_TEST

/* ivshmem's second BAR is memory. */
START_TEST(every_width_and_operation)
{
	enum { VALUES = 250 };
	static struct hwb_mem_op block[1 + VALUES * 8 / 16];
	struct example_device board;
	struct hwb_registers registers = open_mediated(IVSHMEM, 2, &board);
	uint64_t values[VALUES];

	hwb_write64(&registers, 0x100, 0x8877665544332211);
	for (unsigned i = 0; i < 8; i++)
		ck_assert_uint_eq(hwb_read8(&registers, 0x100 + i), 0x11 * (i + 1));
	ck_assert_uint_eq(hwb_read16(&registers, 0x102), 0x4433);
	ck_assert_uint_eq(hwb_read32(&registers, 0x104), 0x88776655);
	hwb_write8(&registers, 0x101, 0xaa);
	hwb_write16(&registers, 0x106, 0xbbbb);
	hwb_write32(&registers, 0x100 + 8, 0xcccccccc);
	ck_assert_uint_eq(hwb_read64(&registers, 0x100), 0xbbbb66554433aa11);
	ck_assert_uint_eq(hwb_read64(&registers, registers.size - 8), 0);

	for (unsigned i = 0; i < VALUES; i++)
		values[i] = UINT64_C(0x0101010101010101) * i;
	block[0] = (struct hwb_mem_op){ 0x1000, HWB_BATCH_WRITE_BLOCK, 8, 0, VALUES };
	memcpy(&block[1], values, sizeof(values));
	want(HWB_OK, hwb_registers_run(&registers, block, 1 + VALUES * 8 / 16, &why));
	memset(&block[1], 0, sizeof(values));
	block[0] = (struct hwb_mem_op){ 0x1000, HWB_BATCH_READ_BLOCK, 2, 0, 4 * VALUES };
	want(HWB_OK, hwb_registers_run(&registers, block, 1 + VALUES * 8 / 16, &why));
	ck_assert_int_eq(memcmp(&block[1], values, sizeof(values)), 0);

	struct hwb_mem_op ops[] = {
		{ 0x1008, HWB_BATCH_MODIFY, 4, 0, 0xffffffff },
		operand(0x00ff0000, 0),
		{ 0x1008, HWB_BATCH_READ_REPEAT, 4, 0, 4 },
		{ 0, 0, 0, 0, 0 },
		{ 0x1010, HWB_BATCH_WRITE_REPEAT, 8, 0, 2 },
		{ 1, 0, 0, 0, 2 },
		{ 0x1010, HWB_BATCH_READ, 8, 0, 0 },
	};
	want(HWB_OK, hwb_registers_run(&registers, ops, 7, &why));
	ck_assert_uint_eq(ops[0].value, 0x01010101);
	const uint32_t modified[4] = { 0x01ff0101, 0x01ff0101, 0x01ff0101, 0x01ff0101 };
	ck_assert_int_eq(memcmp(&ops[3], modified, 16), 0);
	ck_assert_uint_eq(ops[6].value, 2);
	ck_assert_int_eq(registers.result, 0);
	give_back(driver, IVSHMEM, &board);
}
END_TEST

START_TEST(wrong_ones)
{
	static struct hwb_mem_op many[HWB_MEM_OPS_MAX + 1];
	struct example_device board;
	struct hwb_registers registers = open_mediated(IVSHMEM, 2, &board);
	static const struct hwb_mem_op wrong[] = {
		{ 1, HWB_BATCH_WRITE, 2, 0, 0 },       { 4, HWB_BATCH_WRITE, 8, 0, 0 },
		{ 1 << 20, HWB_BATCH_READ, 1, 0, 0 },  { 0xfffffff8, HWB_BATCH_READ, 8, 0, 0 },
		{ 0, HWB_BATCH_READ, 3, 0, 0 },        { 0, 8, 1, 0, 0 },
		{ 0, HWB_BATCH_READ_BLOCK, 8, 0, 99 }, { 0, HWB_BATCH_POLL, 1, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct hwb_mem_op ops[] = { { 0, HWB_BATCH_WRITE, 1, 0, 0x77 }, wrong[i] };
		want(HWB_INVALID, hwb_registers_run(&registers, ops, 2, &why));
		ck_assert_uint_eq(why.field, 24 + 8 + 16);
	}
	ck_assert_uint_ne(hwb_read8(&registers, 0), 0x77);
	struct hwb_mem_op poll[] = { { 0, HWB_BATCH_POLL, 1, 0, 0 }, operand(0, 100001) };
	want(HWB_INVALID, hwb_registers_run(&registers, poll, 2, &why));
	ck_assert_int_eq(hwb_registers_run(&registers, many, HWB_MEM_OPS_MAX + 1, &why), -EINVAL);
	/* As many as fit. */
	for (unsigned i = 0; i < HWB_MEM_OPS_MAX; i++)
		many[i] = (struct hwb_mem_op){ 8 * i, HWB_BATCH_READ, 8, 0, 0 };
	want(HWB_OK, hwb_registers_run(&registers, many, HWB_MEM_OPS_MAX, &why));

	/* A part of a BAR begins where all widths can. */
	struct hwb_bar_request part = { .bar = 2, .offset = 4, .size = 8 };
	struct hwb_region region;
	int fd;
	want(HWB_INVALID, hwb_io_mem_open_bar(driver, board.handle, &part, &region, &fd, &why));
	ck_assert_uint_eq(why.field, 24 + 8);
	part.offset = 8;
	want(HWB_OK, hwb_io_mem_open_bar(driver, board.handle, &part, &region, &fd, &why));
	ck_assert_int_eq(fd, -1);
	struct hwb_mem_op in[] = { { 0, HWB_BATCH_WRITE, 8, 0, 0x5a } };
	want(HWB_OK, hwb_io_mem_batch(driver, region.session, in, 1, &why));
	ck_assert_uint_eq(hwb_read64(&registers, 8), 0x5a);
	in[0].offset = 8;
	want(HWB_INVALID, hwb_io_mem_batch(driver, region.session, in, 1, &why));
	give_back(driver, IVSHMEM, &board);
}
END_TEST

/* What a mapping would give away, with its page or its table. */
START_TEST(small_bars_and_tables)
{
	struct example_device board, disk;
	struct hwb_registers small = open_mediated(IVSHMEM, 0, &board);

	ck_assert_uint_lt(small.size, PAGE);
	hwb_write32(&small, 0, 0x5a);
	ck_assert_uint_eq(hwb_read32(&small, 0), 0x5a);
	ck_assert_int_eq(small.result, 0);
	give_back(driver, IVSHMEM, &board);

	struct hwb_registers table = open_mediated(NVME, 0, &disk);
	ck_assert_uint_ne(hwb_read32(&table, 0), UINT32_MAX);
	hwb_write32(&table, 0x2000, 0xfee00000);
	ck_assert_uint_eq(hwb_read32(&table, 0x2000), UINT32_MAX);
	ck_assert_int_eq(table.result, 0);
	want(HWB_OK, hwb_close(driver, disk.handle, &why));
	guest_wait_driver(NVME, "nvme");
}
END_TEST

/* QEMU, docs/specs/pci-testdev: the test's name is at 16. */
START_TEST(ports_of_a_bar)
{
	struct example_device board;
	struct hwb_registers registers = open_mediated(TESTDEV, 1, &board);
	uint32_t base = (uint32_t)board.info.device.bars[1].address, session;

	ck_assert_uint_ne(board.info.regions[1].flags & HWB_REGION_IO, 0);
	hwb_write8(&registers, 0, 0);
	uint32_t name = hwb_read32(&registers, 16);
	ck_assert_uint_ne(name, 0);
	ck_assert_uint_eq(hwb_read16(&registers, 18), name >> 16);
	struct hwb_mem_op wide = { 16, HWB_BATCH_READ, 8, 0, 0 };
	want(HWB_INVALID, hwb_registers_run(&registers, &wide, 1, &why));

	/* The same by number, without an instruction of the daemon's. */
	want(HWB_OK, hwb_io_port_open(driver, base + 16, 8, &session, &why));
	struct hwb_port_op in[] = { { (uint16_t)(base + 16), HWB_PORT_IN, 4, 0 } };
	want(HWB_OK, hwb_io_port_batch(driver, session, in, 1, &why));
	ck_assert_uint_eq(in[0].value, name);
	give_back(driver, TESTDEV, &board);
}
END_TEST

static uint32_t take_back(const char *address, uint32_t flags)
{
	struct hwb_revoke_request request = { .address = guest_address(address), .flags = flags };
	struct hwb_outcome_reply outcome;
	struct hwb_call call = {
		.reply = &outcome,
		.reply_size = sizeof(outcome),
		.error = &why,
	};

	want(HWB_OK, hwb_begin(root, &call, HWB_ADMIN_REVOKE, 0, &request, sizeof(request), -1));
	want(HWB_OK, hwb_finish(root, &call));
	return outcome.state;
}

START_TEST(taken_while_it_polls)
{
	static struct hwb_mem_op ops[POLLS][2];
	static struct hwb_mem_batch heads[POLLS];
	static struct hwb_call calls[POLLS];
	static struct hwb_error errors[POLLS];
	struct example_device edu, again;
	struct hwb_registers registers = open_mediated(EDU, 0, &edu);

	for (uint32_t i = 0; i < POLLS; i++) {
		ops[i][0] = (struct hwb_mem_op){ EDU_ID, HWB_BATCH_POLL, 4, 0, 0 };
		ops[i][1] = operand(0xff, HWB_BATCH_POLL_MAX);
		heads[i] = (struct hwb_mem_batch){ 2, 0 };
		calls[i] = (struct hwb_call){ .reply = &heads[i],
			                      .reply_size = sizeof(heads[i]),
			                      .tail = ops[i],
			                      .tail_size = sizeof(ops[i]),
			                      .error = &errors[i] };
		want(HWB_OK, hwb_begin(driver, &calls[i], HWB_IO_MEM_BATCH, registers.session,
		                       &heads[i], sizeof(heads[i]), -1));
	}
	double before = example_now();
	want(HWB_OK, hwb_ping(driver, &why));
	want(HWB_OK, hwb_ping(other, &why));
	ck_assert_double_lt(example_now() - before, 0.3);
	ck_assert_uint_eq(take_back(EDU, HWB_REVOKE_NOW), HWB_DEVICE_FREE);
	unsigned gone = 0;
	for (uint32_t i = 0; i < POLLS; i++)
		gone += hwb_refusal_of(hwb_finish(driver, &calls[i])) == HWB_GONE;
	ck_assert_double_lt(example_now() - before, 0.7);
	ck_assert_uint_ge(gone, POLLS / 2);
	struct hwb_mem_op read = { EDU_ID, HWB_BATCH_READ, 4, 0, 0 };
	want(HWB_GONE, hwb_registers_run(&registers, &read, 1, &why));
	/* Nothing is left of it: the next one has it at once. */
	take_as(other, EDU, 1, &again);
	give_back(other, EDU, &again);
}
END_TEST

/* ---- VFIO's descriptor ---- */

static int ask_descriptor(struct hwb_client *client, uint32_t device, int *fd)
{
	struct hwb_call call = { .fds = fd, .fds_max = 1, .error = &why };
	int result = hwb_begin(client, &call, HWB_DEVICE_FD, device, NULL, 0, -1);

	*fd = -1;
	return result != 0 ? result : hwb_finish(client, &call);
}

/* As long as somebody has its descriptor the kernel lets it neither out of its domain nor be opened
 * anew. */
START_TEST(it_stays_in_its_domain)
{
	struct hwb_acquire_request request = { .bars = 1 };
	struct example_device edu;
	uint32_t vendor = 0;

	want(HWB_OK, hwb_domain_open(driver, &request.domain, &why));
	want(HWB_OK, guest_try(driver, EDU2, &request, &edu));
	want(HWB_WRONG_STATE, hwb_domain_deassign(driver, request.domain, edu.handle, &why));
	ck_assert_ptr_nonnull(strstr(why.reason, "grant = device"));
	/* It is as before. */
	want(HWB_OK, hwb_domain_assign(driver, request.domain, edu.handle, &why));
	want(HWB_OK, hwb_config_read(driver, edu.handle, 0, 2, &vendor, &why));
	ck_assert_uint_eq(vendor, 0x1234);
	guest_let_go(&edu);
	give_back(driver, EDU2, &edu);
	want(HWB_OK, hwb_close(driver, request.domain, &why));
}
END_TEST

START_TEST(the_descriptor_of_a_device)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	struct example_device edu;
	int fd;

	take_as(driver, EDU2, 1, &edu);
	const struct hwb_region *region = &edu.info.regions[0];
	ck_assert_uint_eq(region->flags & (HWB_REGION_MEDIATED | HWB_REGION_REVOCABLE), 0);
	ck_assert_uint_eq(edu.info.device.flags & HWB_DEVICE_REVOCABLE, 0);
	volatile void *at = guest_map(region, edu.bar_fds[0]);
	ck_assert(edu_alive(at));
	want(HWB_OK, ask_descriptor(driver, edu.handle, &fd));
	ck_assert_int_eq(ioctl(fd, VFIO_DEVICE_GET_INFO, &info), 0);
	ck_assert_uint_ge(info.num_regions, VFIO_PCI_NUM_REGIONS);
	/* Of the device, and of nothing beside it. */
	ck_assert_int_ne(ioctl(fd, VFIO_GROUP_GET_STATUS, &info), 0);
	ck_assert_int_ne(ioctl(fd, VFIO_IOMMU_UNMAP_DMA, &info), 0);
	close(fd);

	struct hwb_mem_op read = { EDU_ID, HWB_BATCH_READ, 4, 0, 0 };
	want(HWB_INVALID, hwb_io_mem_batch(driver, region->session, &read, 1, &why));
	/* Assigned afterwards it would have to be closed. */
	uint32_t domain;
	want(HWB_OK, hwb_domain_open(driver, &domain, &why));
	want(HWB_WRONG_STATE, hwb_domain_assign(driver, domain, edu.handle, &why));
	guest_let_go(&edu);
	give_back(driver, EDU2, &edu);

	take_as(driver, EDU, 0, &edu);
	want(HWB_DENIED, ask_descriptor(driver, edu.handle, &fd));
	ck_assert_ptr_nonnull(strstr(why.reason, "grant = device"));
	give_back(driver, EDU, &edu);
}
END_TEST

/* Who has the descriptor beside the client that it was given to. */
enum keeper {
	NOBODY,
	CHILD,
	STRANGER, /* of another session, and of a PID namespace of its own */
	MAPPING,  /* a child that has closed it */
	RING,     /* the same, with io_uring */
	SOCKET,   /* nobody yet: it is in a queue */
};

static void send_fd(int socket, int fd)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .header = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	char byte = 0;
	struct iovec part = { &byte, 1 };
	const struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	ck_assert_int_eq(sendmsg(socket, &message, 0), 1);
}

/* Sends its number, as we see it, and waits until it is ended. */
static __attribute__((noreturn)) void keep(int pipe_in, pid_t number)
{
	ck_assert_int_eq(write(pipe_in, &number, sizeof(number)), sizeof(number));
	close(pipe_in);
	for (;;)
		pause();
}

static __attribute__((noreturn)) void keep_in_ring(int pipe_in, int fd)
{
	struct io_uring_params none = { 0 };
	int ring = (int)syscall(SYS_io_uring_setup, 1, &none);

	ck_assert_int_ge(ring, 0);
	ck_assert_int_eq(syscall(SYS_io_uring_register, ring, IORING_REGISTER_FILES, &fd, 1), 0);
	close(fd);
	keep(pipe_in, getpid());
}

static __attribute__((noreturn)) void keep_far_away(int pipe_in)
{
	setsid();
	ck_assert_int_eq(unshare(CLONE_NEWUSER | CLONE_NEWPID), 0);
	pid_t child = fork();
	if (child == 0)
		for (;;)
			pause();
	ck_assert_int_eq(write(pipe_in, &child, sizeof(child)), sizeof(child));
	_exit(0);
}

/* Its child, which has nothing of the broker's but the descriptor, or a mapping of it. */
static __attribute__((noreturn)) void keep_as(enum keeper how, int pipe_in, int fd, void *at)
{
	if (how == STRANGER)
		keep_far_away(pipe_in);
	if (how == MAPPING)
		close(fd);
	else
		munmap(at, PAGE);
	if (how == RING)
		keep_in_ring(pipe_in, fd);
	keep(pipe_in, getpid());
}

/* A client that has it, and somebody else who may get it; each waits until it is ended. */
static pid_t start_holder(int pipe_in, enum keeper how, int socket)
{
	static struct hwb_posix posix;
	struct example_device edu;
	pid_t child = fork();

	ck_assert_int_ge(child, 0);
	if (child != 0)
		return child;
	ck_assert_int_eq(setresuid(DRIVER, DRIVER, DRIVER), 0);
	want(HWB_OK, hwb_posix_open(&posix, NULL, NULL, NULL, &why));
	take_as(&posix.client, EDU2, 1, &edu);
	int fd = edu.bar_fds[0];
	void *at =
	        mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, (off_t)edu.info.regions[0].fd_offset);
	ck_assert_ptr_ne(at, MAP_FAILED);
	if (how == SOCKET)
		send_fd(socket, fd);
	if (how == NOBODY || how == SOCKET)
		keep(pipe_in, 0);
	if (fork() == 0) {
		close(posix.socket);
		close(socket);
		keep_as(how, pipe_in, fd, at);
	}
	for (;;)
		pause();
}

START_TEST(its_holder_is_ended)
{
	struct example_device edu;
	int ready[2], status;
	pid_t unused;

	ck_assert_int_eq(pipe(ready), 0);
	pid_t holder = start_holder(ready[1], NOBODY, -1);
	ck_assert_int_eq(read(ready[0], &unused, sizeof(unused)), sizeof(unused));
	kill(holder, SIGSTOP);
	want(HWB_BUSY, guest_try(other, EDU2, &(struct hwb_acquire_request){ 0 }, &edu));
	double before = example_now();
	take_back(EDU2, 0);
	ck_assert_int_eq(waitpid(holder, &status, 0), holder);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	/* Its time was a second. */
	ck_assert_double_ge(example_now() - before, 0.9);
	guest_wait_state_of(driver, EDU2, HWB_DEVICE_FREE, PATIENCE_MS);
	take_as(other, EDU2, 1, &edu);
	volatile void *at = guest_map(&edu.info.regions[0], edu.bar_fds[0]);
	ck_assert(edu_alive(at));
	guest_let_go(&edu);
	give_back(other, EDU2, &edu);
}
END_TEST

/* The one who had it is ended, which is all that can be done. */
static void revoke_from(enum keeper how, int queue[2], pid_t *keeper)
{
	int ready[2], status;

	ck_assert_int_eq(pipe(ready), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, queue), 0);
	pid_t holder = start_holder(ready[1], how, queue[1]);
	close(queue[1]);
	ck_assert_int_eq(read(ready[0], keeper, sizeof(*keeper)), sizeof(*keeper));
	close(ready[0]);
	close(ready[1]);
	take_back(EDU2, HWB_REVOKE_NOW);
	ck_assert_int_eq(waitpid(holder, &status, 0), holder);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* It gave it to somebody who is not ours to end: nobody else gets the device. Not even the
 * former, as the old one would reach the device that it gets. */
static void must_be_kept(enum keeper how)
{
	const struct hwb_acquire_request now = { .flags = HWB_ACQUIRE_NO_WAIT };
	struct example_device edu;

	ck_assert_msg(guest_state(driver, EDU2) == HWB_DEVICE_REVOKING, "kept as %d: %u", how,
	              guest_state(driver, EDU2));
	want(HWB_BUSY, guest_try(other, EDU2, &now, &edu));
	want(HWB_BUSY, guest_try(driver, EDU2, &now, &edu));
	ck_assert(!guest_bus_master(EDU2));
	ck_assert_int_eq(system("hwbroker-ctl list devices | grep -q 'still has the descriptor'"),
	                 0);
}

START_TEST(one_who_was_given_it_keeps_it_from_others)
{
	static const enum keeper keepers[] = { CHILD, STRANGER, MAPPING, RING, SOCKET };
	const enum keeper how = keepers[_i];
	struct example_device edu;
	pid_t keeper;
	int queue[2];

	revoke_from(how, queue, &keeper);
	guest_pause(how == CHILD ? 1500 : 400);
	must_be_kept(how);
	if (keeper != 0)
		kill(keeper, SIGKILL);
	close(queue[0]);
	guest_wait_state_of(driver, EDU2, HWB_DEVICE_FREE, PATIENCE_MS);
	take_as(other, EDU2, 1, &edu);
	guest_let_go(&edu);
	give_back(other, EDU2, &edu);
}
END_TEST

/* Bus mastering and decoding on, as whoever has the descriptor may. */
static void switch_on(int fd)
{
	struct vfio_region_info config = {
		.argsz = sizeof(config),
		.index = VFIO_PCI_CONFIG_REGION_INDEX,
	};
	uint16_t command = 0x6;

	ck_assert_int_eq(ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, &config), 0);
	ck_assert_int_eq(pwrite(fd, &command, sizeof(command), (off_t)config.offset + 4),
	                 sizeof(command));
}

/* A child of one that is ended goes on with all that there was: ends with 0 if the device reached
 * the memory before, and does not afterwards. */
static __attribute__((noreturn)) void keep_using(int pipe_in, int go)
{
	const struct hwb_dma_alloc_request wanted = { .size = PAGE,
		                                      .flags = HWB_DMA_DEVICE_WRITES };
	struct hwb_acquire_request request = { .bars = 1 };
	struct example_device edu;
	struct hwb_dma_reply buffer;
	struct hwb_posix posix;
	int memory;
	char byte;

	ck_assert_int_eq(setresuid(DRIVER, DRIVER, DRIVER), 0);
	want(HWB_OK, hwb_posix_open(&posix, NULL, NULL, NULL, &why));
	want(HWB_OK, hwb_domain_open(&posix.client, &request.domain, &why));
	want(HWB_OK, guest_try(&posix.client, EDU2, &request, &edu));
	want(HWB_OK, hwb_dma_alloc(&posix.client, request.domain, &wanted, &buffer, &memory, &why));
	volatile void *registers = guest_map(&edu.info.regions[0], edu.bar_fds[0]);
	void *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	ck_assert_ptr_ne(at, MAP_FAILED);
	bool before = edu_writes(registers, buffer.iova, at);
	pid_t child = fork();
	if (child != 0) {
		ck_assert_int_eq(write(pipe_in, &child, sizeof(child)), sizeof(child));
		for (;;)
			pause();
	}
	close(posix.socket);
	ck_assert_int_eq(read(go, &byte, 1), 1);
	switch_on(edu.bar_fds[0]);
	_exit(before && !edu_writes(registers, buffer.iova, at) ? 0 : 1);
}

START_TEST(what_is_kept_reaches_no_memory)
{
	int ready[2], go[2], status;
	pid_t keeper;

	ck_assert_int_eq(pipe(ready), 0);
	ck_assert_int_eq(pipe(go), 0);
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	pid_t holder = fork();
	if (holder == 0)
		keep_using(ready[1], go[0]);
	ck_assert_int_eq(read(ready[0], &keeper, sizeof(keeper)), sizeof(keeper));
	take_back(EDU2, HWB_REVOKE_NOW);
	ck_assert_int_eq(waitpid(holder, &status, 0), holder);
	guest_pause(400);
	ck_assert_uint_eq(guest_state(driver, EDU2), HWB_DEVICE_REVOKING);
	ck_assert_int_eq(write(go[1], "", 1), 1);
	ck_assert_int_eq(waitpid(keeper, &status, 0), keeper);
	ck_assert_int_eq(status, 0);
	guest_wait_state_of(driver, EDU2, HWB_DEVICE_FREE, PATIENCE_MS);
	ck_assert(!guest_bus_master(EDU2));
}
END_TEST

/* ---- a restart ---- */

START_TEST(kept_over_a_restart)
{
	struct example_device edu, edu2, again;
	struct hwb_registers registers = open_mediated(EDU, 0, &edu);

	hwb_write32(&registers, EDU_LIVENESS, 0x12345678);
	take_as(driver, EDU2, 1, &edu2);
	volatile void *at = guest_map(&edu2.info.regions[0], edu2.bar_fds[0]);
	guest_ask_runner("restart-daemon");
	ck_assert_uint_eq(hwb_read32(&registers, EDU_LIVENESS), ~0x12345678u);
	ck_assert_int_eq(registers.result, 0);
	ck_assert(edu_alive(at));
	/* Root's connection was none of a client. */
	hwb_posix_close(&root_posix);
	guest_connect_as(0, &root_posix, NULL);
	give_back(driver, EDU, &edu);
	want(HWB_OK, hwb_close(driver, edu2.handle, &why));
	guest_pause(300);
	ck_assert_uint_eq(guest_state(driver, EDU2), HWB_DEVICE_REVOKING);
	guest_let_go(&edu2);
	guest_wait_state_of(driver, EDU2, HWB_DEVICE_FREE, PATIENCE_MS);
	take_as(other, EDU2, 0, &again);
	give_back(other, EDU2, &again);
}
END_TEST

/* With iommufd a device's descriptor is authority over its domain, without an IOMMU over all of
 * memory: it is passed to nobody. */
START_TEST(no_descriptor_to_pass_on)
{
	struct example_device device;
	/* With nobody, or free as a suite before this one left it. */
	uint32_t before = guest_state(driver, EDU2);

	want(HWB_UNSUPPORTED,
	     guest_try(driver, EDU2, &(struct hwb_acquire_request){ .bars = 1 }, &device));
	ck_assert_ptr_nonnull(strstr(why.reason, "`grant = mediated' does without"));
	guest_wait_state_of(driver, EDU2, before, PATIENCE_MS);
	/* And is not missed by who asks for nothing else. */
	take_as(driver, EDU, 1, &device);
	give_back(driver, EDU, &device);
}
END_TEST

/* ---- all the while others are given as ever ---- */

START_TEST(split_beside_them)
{
	struct example_device board;
	struct hwb_mem_op read = { 0, HWB_BATCH_READ, 4, 0, 0 };

	take_as(driver, SDHCI, 1, &board);
	ck_assert_uint_eq(board.info.regions[0].flags & HWB_REGION_MEDIATED, 0);
	ck_assert_int_ge(board.bar_fds[0], 0);
	want(HWB_INVALID, hwb_io_mem_batch(driver, board.info.regions[0].session, &read, 1, &why));
	guest_let_go(&board);
	want(HWB_OK, hwb_close(driver, board.handle, &why));
	guest_wait_driver(SDHCI, "sdhci-pci");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mediated");
	TCase *tests = tcase_create("by request");

	tcase_add_checked_fixture(tests, connect_all, disconnect_all);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, a_device_works);
	tcase_add_test(tests, every_width_and_operation);
	tcase_add_test(tests, wrong_ones);
	tcase_add_test(tests, small_bars_and_tables);
	tcase_add_test(tests, ports_of_a_bar);
	tcase_add_test(tests, taken_while_it_polls);
	suite_add_tcase(suite, tests);
	tests = tcase_create("descriptor");
	tcase_add_checked_fixture(tests, connect_all, disconnect_all);
	tcase_set_timeout(tests, 60);
	const bool lent = system("hwbroker-ctl status --json | grep -q '\"vfio-group\"'") == 0;
	if (lent) {
		tcase_add_test(tests, the_descriptor_of_a_device);
		tcase_add_test(tests, it_stays_in_its_domain);
		tcase_add_test(tests, its_holder_is_ended);
		tcase_add_loop_test(tests, one_who_was_given_it_keeps_it_from_others, 0, 5);
		tcase_add_test(tests, what_is_kept_reaches_no_memory);
	} else {
		tcase_add_test(tests, no_descriptor_to_pass_on);
	}
	suite_add_tcase(suite, tests);
	tests = tcase_create("split");
	tcase_add_checked_fixture(tests, connect_all, disconnect_all);
	tcase_set_timeout(tests, 60);
	if (lent)
		tcase_add_test(tests, kept_over_a_restart);
	tcase_add_test(tests, split_beside_them);
	suite_add_tcase(suite, tests);
	return guest_run(suite);
}
