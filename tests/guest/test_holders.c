/* SPDX-License-Identifier: MIT */
/*
 * Registers that outlive their grant: kept by the client that had them, by a child, in a
 * socket. Nobody else gets the device as long as there are any. Runs as root, and is one
 * client or the other for a moment.
 */
#define _GNU_SOURCE /* seteuid */
#include "guest.h"
#include "pci.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DRIVER = 1000, OTHER = 1001 };

#define PORT "02:00.0"
/* Longer than the broker waits before it says that a device is held. */
enum { HELD_MS = 1300, UNPLUG_MS = 30000 };

static const struct hwb_acquire_request registers_wanted = { .bars = 1 };

static struct hwb_posix driver_posix, other_posix;
static struct hwb_client *const driver = &driver_posix.client;
static struct hwb_client *const other = &other_posix.client;

/* ---- two clients ---- */

static void connect_both(void)
{
	guest_connect_as(DRIVER, &driver_posix, NULL);
	guest_connect_as(OTHER, &other_posix, NULL);
}

static void disconnect_both(void)
{
	hwb_posix_close(&driver_posix);
	hwb_posix_close(&other_posix);
}

static volatile void *take(const char *address, struct example_device *device)
{
	want(HWB_OK, guest_try(driver, address, &registers_wanted, device));
	return guest_map(&device->info.regions[0], device->bar_fds[0]);
}

static void wait_state(const char *address, uint32_t wanted)
{
	guest_wait_state_of(other, address, wanted, PATIENCE_MS);
}

static void must_be_held(const char *address)
{
	struct example_device device;

	wait_state(address, HWB_DEVICE_REVOKING);
	want(HWB_BUSY, guest_try(other, address, &registers_wanted, &device));
	ck_assert_msg(strstr(why.reason, "registers of it") != NULL, "%s", why.reason);
	ck_assert_msg(strstr(why.reason, "driver") == NULL, "%s", why.reason);
	guest_pause(HELD_MS);
	ck_assert_uint_eq(guest_state(other, address), HWB_DEVICE_REVOKING);
	want(HWB_BUSY, guest_try(other, address, &registers_wanted, &device));
}

static void must_be_free(const char *address)
{
	struct example_device device;

	want(HWB_OK, guest_try(other, address, &registers_wanted, &device));
	guest_map(&device.info.regions[0], device.bar_fds[0]);
	guest_let_go(&device);
	want(HWB_OK, hwb_close(other, device.handle, &why));
}

/* Whether a read there ends a process, or, where registers stay with whoever has them, reaches
 * nothing. */
static bool dead(volatile void *registers)
{
	bool stays = !guest_has_vfio();
	int status;
	pid_t child = fork();

	ck_assert_int_ge(child, 0);
	if (child == 0) {
		signal(SIGBUS, SIG_DFL); /* a sanitizer's would end it otherwise */
		_exit(read32(registers, EDU_ID) == EDU_IDENTITY);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return stays ? WIFEXITED(status) && WEXITSTATUS(status) == 0
	             : WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS;
}

/* ---- who keeps them ---- */

START_TEST(the_client_itself)
{
	struct example_device edu;
	volatile void *registers = take(EDU, &edu);

	ck_assert(edu_alive(registers));
	ck_assert_int_eq((edu.info.device.flags & HWB_DEVICE_REVOCABLE) != 0, guest_has_vfio());
	ck_assert_int_eq((edu.info.regions[0].flags & HWB_REGION_REVOCABLE) != 0, guest_has_vfio());
	want(HWB_OK, hwb_close(driver, edu.handle, &why));
	must_be_held(EDU);
	ck_assert(dead(registers));
	if (guest_has_vfio())
		ck_assert_ptr_eq(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, edu.bar_fds[0], 0),
		                 MAP_FAILED);
	guest_let_go(&edu);
	wait_state(EDU, HWB_DEVICE_FREE);
	must_be_free(EDU);
}
END_TEST

START_TEST(a_descriptor_alone)
{
	struct example_device edu;

	want(HWB_OK, guest_try(driver, EDU, &registers_wanted, &edu));
	want(HWB_OK, hwb_close(driver, edu.handle, &why));
	must_be_held(EDU);
	guest_let_go(&edu);
	must_be_free(EDU);
}
END_TEST

/* Refused after it was claimed, since the group is open outside of any domain. */
START_TEST(a_neighbour_that_is_refused)
{
	struct example_device pair0, pair1;
	struct hwb_acquire_request assigned = registers_wanted;

	take(PAIR0, &pair0);
	want(HWB_OK, hwb_domain_open(driver, &assigned.domain, &why));
	want(HWB_WRONG_STATE, guest_try(driver, PAIR1, &assigned, &pair1));
	want(HWB_OK, hwb_close(driver, pair0.handle, &why));
	must_be_held(PAIR0);
	guest_let_go(&pair0);
	must_be_free(PAIR0);
}
END_TEST

START_TEST(a_client_that_has_hung_up)
{
	struct example_device edu;
	volatile void *registers = take(EDU, &edu);

	hwb_posix_close(&driver_posix);
	must_be_held(EDU);
	ck_assert(dead(registers));
	guest_let_go(&edu);
	must_be_free(EDU);
}
END_TEST

START_TEST(a_child)
{
	struct example_device edu;
	volatile void *registers = take(EDU, &edu);
	pid_t child = fork();

	ck_assert_int_ge(child, 0);
	if (child == 0) {
		pause();
		_exit(0);
	}
	ck_assert(edu_alive(registers));
	guest_let_go(&edu);
	want(HWB_OK, hwb_close(driver, edu.handle, &why));
	must_be_held(EDU);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	must_be_free(EDU);
}
END_TEST

static void put_away(int socket, int fd)
{
	union {
		struct cmsghdr header;
		unsigned char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .header = { .cmsg_len = CMSG_LEN(sizeof(int)),
		                  .cmsg_level = SOL_SOCKET,
		                  .cmsg_type = SCM_RIGHTS } };
	char byte = 0;
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part,
		                  .msg_iovlen = 1,
		                  .msg_control = control.bytes,
		                  .msg_controllen = sizeof(control.bytes) };

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	ck_assert_int_eq(sendmsg(socket, &message, 0), 1);
}

START_TEST(a_socket)
{
	struct example_device edu;
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), 0);
	take(EDU, &edu);
	put_away(ends[0], edu.bar_fds[0]);
	guest_let_go(&edu);
	want(HWB_OK, hwb_close(driver, edu.handle, &why));
	must_be_held(EDU);
	close(ends[0]);
	close(ends[1]);
	must_be_free(EDU);
}
END_TEST

/* Maps and touches without end; what it got is in memory shared with the test. */
static _Noreturn void spin(int fd, volatile unsigned *got)
{
	signal(SIGBUS, SIG_IGN); /* would not help: it ends by it */
	for (;;) {
		volatile void *at = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
		if (at == MAP_FAILED)
			continue;
		got[read32(at, EDU_ID) != EDU_IDENTITY]++;
		munmap((void *)at, PAGE);
	}
}

START_TEST(one_that_maps_again_and_again)
{
	struct example_device edu;
	volatile unsigned *got =
	        mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t children[8];

	take(EDU, &edu);
	for (int i = 0; i < 8; i++) {
		children[i] = fork();
		ck_assert_int_ge(children[i], 0);
		if (children[i] == 0)
			spin(edu.bar_fds[0], got);
	}
	for (int waited = 0; got[0] == 0; waited++) {
		ck_assert_int_lt(waited, PATIENCE_MS);
		guest_pause(1);
	}
	guest_let_go(&edu);
	want(HWB_OK, hwb_close(driver, edu.handle, &why));
	must_be_held(EDU);
	unsigned before = got[0];
	guest_pause(500);
	ck_assert_uint_eq(got[0], before);
	for (int i = 0; i < 8; i++)
		kill(children[i], SIGKILL);
	for (int i = 0; i < 8; i++)
		waitpid(children[i], NULL, 0);
	must_be_free(EDU);
}
END_TEST

START_TEST(ports_of_a_device)
{
	struct hwb_acquire_request request = { .bars = 1u << 1 };
	struct example_device board;
	unsigned char byte = 0;

	want(HWB_OK, guest_try(driver, TESTDEV, &request, &board));
	off_t at = (off_t)board.info.regions[1].fd_offset;
	ck_assert_int_eq(pread(board.bar_fds[1], &byte, 1, at), 1);
	want(HWB_OK, hwb_close(driver, board.handle, &why));
	must_be_held(TESTDEV);
	/* Nobody answers. */
	ck_assert_int_eq(pread(board.bar_fds[1], &byte, 1, at + 4), 1);
	ck_assert_uint_eq(byte, 0xff);
	guest_let_go(&board);
	must_be_free(TESTDEV);
}
END_TEST

/* ---- who has it again ---- */

START_TEST(the_same_client_at_once)
{
	struct example_device first, second;
	volatile void *registers = take(EDU, &first);

	for (int i = 0; i < 3; i++) {
		want(HWB_OK, hwb_close(driver, first.handle, &why));
		registers = take(EDU, &second);
		ck_assert(edu_alive(registers));
		guest_let_go(&first);
		first = second;
	}
	want(HWB_OK, hwb_close(driver, first.handle, &why));
	must_be_held(EDU);
	guest_let_go(&first);
	must_be_free(EDU);
}
END_TEST

/* It may try, and fail: still nobody else gets at registers that are kept. */
START_TEST(the_same_client_in_vain)
{
	struct example_device edu, again;

	take(EDU, &edu);
	want(HWB_OK, hwb_close(driver, edu.handle, &why));
	want(HWB_UNSUPPORTED,
	     guest_try(driver, EDU,
	               &(struct hwb_acquire_request){ .irq_type = HWB_IRQ_MSIX, .irq_count = 1 },
	               &again));
	want(HWB_BUSY, guest_try(other, EDU, &registers_wanted, &again));
	guest_let_go(&edu);
	must_be_free(EDU);
}
END_TEST

/* Who has lost the device has no way back to its registers by asking for it. */
START_TEST(a_client_that_may_no_longer)
{
	struct example_device edu, again;
	volatile void *registers = take(EDU, &edu);

	guest_ask_runner("policy holders-other");
	wait_state(EDU, HWB_DEVICE_REVOKING);
	want(HWB_NOT_FOUND, guest_try(driver, EDU, &registers_wanted, &again));
	must_be_held(EDU);
	ck_assert(dead(registers));
	guest_let_go(&edu);
	must_be_free(EDU);
	guest_ask_runner("policy holders");
}
END_TEST

/* Stopped, it neither hears that it is asked for the device, nor gives it up. */
START_TEST(a_client_that_is_stopped)
{
	struct hwb_posix posix;
	struct example_device edu;
	int ready[2];
	char byte = 0;

	ck_assert_int_eq(pipe(ready), 0);
	pid_t child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		guest_connect_as(DRIVER, &posix, NULL);
		want(HWB_OK, guest_try(&posix.client, EDU, &registers_wanted, &edu));
		guest_map(&edu.info.regions[0], edu.bar_fds[0]);
		byte = write(ready[1], "x", 1) == 1;
		pause();
		_exit(byte);
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	kill(child, SIGSTOP);
	guest_ask_runner("policy holders-other");
	wait_state(EDU, HWB_DEVICE_REVOKING);
	must_be_held(EDU);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	must_be_free(EDU);
	guest_ask_runner("policy holders");
}
END_TEST

static void kill_daemon(void)
{
	disconnect_both();
	guest_ask_runner("kill-daemon");
	connect_both();
}

/* ---- and the host ---- */

START_TEST(the_host_waits_too)
{
	struct example_device disk;
	char name[32];

	take(NVME, &disk);
	want(HWB_OK, hwb_close(driver, disk.handle, &why));
	must_be_held(NVME);
	pci_driver(NVME, name);
	ck_assert_str_eq(name, guest_broker_driver());
	guest_let_go(&disk);
	guest_wait_driver(NVME, "nvme");
	wait_state(NVME, HWB_DEVICE_HOST);
}
END_TEST

static void wait_port(bool there)
{
	for (int waited = 0; (access("/sys/bus/pci/devices/0000:" PORT, F_OK) == 0) != there;
	     waited += 50) {
		ck_assert_int_lt(waited, UNPLUG_MS);
		guest_pause(50);
	}
}

static void wait_listed(void)
{
	const struct hwb_pci_address where = guest_address(PORT);
	struct hwb_device device;

	for (int waited = 0; guest_status(hwb_device_info(other, &where, &device, &why)) != HWB_OK;
	     waited += 50) {
		ck_assert_int_lt(waited, PATIENCE_MS);
		guest_pause(50);
	}
}

/* The mapping of a device that was unplugged would show the next one in its place. */
START_TEST(a_device_that_left)
{
	struct example_device edu, next;

	guest_ask_runner("plug {\"driver\":\"edu\",\"id\":\"new\",\"bus\":\"port0\"}");
	wait_port(true);
	wait_listed();
	volatile void *old = take(PORT, &edu);
	ck_assert(edu_alive(old));
	want(HWB_OK, hwb_close(driver, edu.handle, &why));
	must_be_held(PORT);
	guest_ask_runner("unplug new");
	wait_port(false);
	guest_ask_runner("plug {\"driver\":\"edu\",\"id\":\"new\",\"bus\":\"port0\"}");
	wait_port(true);
	wait_listed();
	if (!guest_has_vfio()) {
		/* Nobody takes them from who has them, and they end with him. */
		want(HWB_UNSUPPORTED, guest_try(other, PORT, &registers_wanted, &next));
		ck_assert_msg(strstr(why.reason, "of a device that was where") != NULL, "%s",
		              why.reason);
		must_be_free(EDU);
		kill_daemon();
		want(HWB_UNSUPPORTED, guest_try(other, PORT, &registers_wanted, &next));
		must_be_free(EDU);
		guest_let_go(&edu);
		guest_ask_runner("unplug new");
		wait_port(false);
		return;
	}
	want(HWB_OK, guest_try(other, PORT, &registers_wanted, &next));
	ck_assert_uint_eq(next.info.regions[0].base, edu.info.regions[0].base);
	volatile void *registers = guest_map(&next.info.regions[0], next.bar_fds[0]);
	ck_assert(edu_alive(registers));
	ck_assert(dead(old));
	ck_assert(edu_alive(registers));
	guest_let_go(&edu);
	guest_let_go(&next);
	want(HWB_OK, hwb_close(other, next.handle, &why));
	guest_ask_runner("unplug new");
	wait_port(false);
}
END_TEST

/* ---- a daemon that is killed ---- */

static void driver_override(const char *address, char name[32])
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/0000:%s/driver_override", address);
	FILE *file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	ck_assert_ptr_nonnull(fgets(name, 32, file));
	fclose(file);
}

static void must_be_the_hosts(const char *address, const char *host_driver)
{
	char name[32];

	guest_wait_driver(address, host_driver);
	wait_state(address, HWB_DEVICE_HOST);
	driver_override(address, name);
	ck_assert_str_eq(name, "(null)\n");
}

START_TEST(killed_while_devices_are_granted)
{
	struct hwb_acquire_request request = { .flags = 0 };
	struct example_device edu, disk;

	want(HWB_OK, hwb_domain_open(driver, &request.domain, &why));
	want(HWB_OK, guest_try(driver, EDU, &request, &edu));
	want(HWB_OK, guest_try(driver, NVME, &registers_wanted, &disk));
	guest_let_go(&disk);
	ck_assert(guest_bus_master(EDU));
	kill_daemon();
	must_be_the_hosts(NVME, "nvme");
	wait_state(EDU, HWB_DEVICE_FREE);
	ck_assert(!guest_bus_master(EDU));
	must_be_free(EDU);
}
END_TEST

START_TEST(killed_while_registers_are_mapped)
{
	struct example_device edu, disk, again;
	volatile void *registers = take(EDU, &edu);

	take(NVME, &disk);
	kill_daemon();
	must_be_held(EDU);
	must_be_held(NVME);
	ck_assert(dead(registers));
	/* Who had it has it again. */
	ck_assert(edu_alive(take(EDU, &again)));
	want(HWB_OK, hwb_close(driver, again.handle, &why));
	guest_let_go(&again);
	must_be_held(EDU);
	guest_let_go(&edu);
	guest_let_go(&disk);
	must_be_the_hosts(NVME, "nvme");
	must_be_free(EDU);
}
END_TEST

START_TEST(killed_twice)
{
	struct example_device disk;

	take(NVME, &disk);
	kill_daemon();
	kill_daemon();
	must_be_held(NVME);
	guest_let_go(&disk);
	must_be_the_hosts(NVME, "nvme");
}
END_TEST

static void end_well(int signal)
{
	(void)signal;
	_exit(0);
}

/* Takes a device and gives it back without end, until its connection ends with the daemon,
 * or, if the next one goes on with that, until it is told to. */
static _Noreturn void take_and_give(void)
{
	struct hwb_posix posix;
	struct hwb_error reason;
	struct hwb_acquire_request request = { .address = guest_address(NVME), .bars = 1 };
	struct hwb_acquire_reply reply;
	int fds[HWB_FDS_MAX];
	uint32_t handle, count;

	signal(SIGTERM, end_well);
	if (seteuid(DRIVER) != 0 || hwb_posix_open(&posix, NULL, NULL, NULL, &reason) != 0)
		_exit(1);
	for (;;) {
		count = 0;
		int result = hwb_device_acquire(&posix.client, &request, &handle, &reply, fds,
		                                &count, &reason);
		for (uint32_t i = 0; i < count; i++)
			close(fds[i]);
		if (result != 0 || hwb_close(&posix.client, handle, &reason) != 0)
			_exit(hwb_refusal_of(result) == HWB_OK ? 0 : 1);
	}
}

/* At whatever step of taking a device from its host driver, and of giving it back. */
START_TEST(killed_at_any_step)
{
	int status;

	for (int i = 0; i < 8; i++) {
		pid_t child = fork();
		ck_assert_int_ge(child, 0);
		if (child == 0)
			take_and_give();
		guest_pause(i * 53);
		kill_daemon();
		kill(child, SIGTERM);
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		ck_assert_int_eq(status, 0);
		must_be_the_hosts(NVME, "nvme");
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("holders");
	TCase *tests = tcase_create("holders");

	tcase_add_checked_fixture(tests, connect_both, disconnect_both);
	tcase_set_timeout(tests, 2 * UNPLUG_MS / 1000);
	suite_add_tcase(suite, tests);
	tcase_add_test(tests, the_client_itself);
	tcase_add_test(tests, a_descriptor_alone);
	if (guest_has_pair())
		tcase_add_test(tests, a_neighbour_that_is_refused);
	tcase_add_test(tests, a_client_that_has_hung_up);
	tcase_add_test(tests, a_child);
	tcase_add_test(tests, a_socket);
	tcase_add_test(tests, one_that_maps_again_and_again);
	tcase_add_test(tests, ports_of_a_device);
	tcase_add_test(tests, the_same_client_at_once);
	tcase_add_test(tests, the_same_client_in_vain);
	tcase_add_test(tests, a_client_that_may_no_longer);
	tcase_add_test(tests, a_client_that_is_stopped);
	tcase_add_test(tests, the_host_waits_too);
	tcase_add_test(tests, a_device_that_left);
	tests = tcase_create("killed daemon");
	tcase_add_checked_fixture(tests, connect_both, disconnect_both);
	/* Each start of the service has systemd make its filters, which takes its time here. */
	tcase_set_timeout(tests, 4 * UNPLUG_MS / 1000);
	suite_add_tcase(suite, tests);
	tcase_add_test(tests, killed_while_devices_are_granted);
	tcase_add_test(tests, killed_while_registers_are_mapped);
	tcase_add_test(tests, killed_twice);
	tcase_add_test(tests, killed_at_any_step);
	return guest_run(suite);
}
