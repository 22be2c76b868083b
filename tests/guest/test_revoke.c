/* SPDX-License-Identifier: MIT */
/*
 * Root takes devices from clients that want to keep them, and out of quarantine; and what
 * rules say of how a device is reset, and of who keeps its registers. Runs as root, and
 * is one client or the other for a moment.
 */
#define _GNU_SOURCE /* popen */
#include "events.h"
#include "pci.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DRIVER = 1000, OTHER = 1001, GRACE_MS = 2000, UNPLUG_MS = 30000 };

#define PORT "02:00.0"

static const struct hwb_acquire_request registers_wanted = { .bars = 1 };
static const struct hwb_acquire_request nothing;

static struct hwb_posix root_posix, driver_posix, other_posix;
static struct hwb_client *const root = &root_posix.client;
static struct hwb_client *const driver = &driver_posix.client;
static struct hwb_client *const other = &other_posix.client;

static void connect_all(void)
{
	heard_count = 0;
	guest_connect_as(0, &root_posix, NULL);
	guest_connect_as(DRIVER, &driver_posix, events_note);
	guest_connect_as(OTHER, &other_posix, NULL);
}

static void disconnect_all(void)
{
	hwb_posix_close(&driver_posix);
	hwb_posix_close(&other_posix);
	hwb_posix_close(&root_posix);
}

/* ---- what root asks for ---- */

struct order {
	struct hwb_call call;
	struct hwb_revoke_request revoke;
	struct hwb_outcome_reply outcome;
};

static void begin(struct hwb_client *client, struct order *order, uint16_t opcode,
                  const char *address, uint32_t flags)
{
	bool revoking = opcode == HWB_ADMIN_REVOKE;

	memset(order, 0, sizeof(*order));
	order->call.reply = &order->outcome;
	order->call.reply_size = sizeof(order->outcome);
	order->call.error = &why;
	order->revoke.address = guest_address(address);
	order->revoke.flags = flags;
	want(HWB_OK,
	     hwb_begin(client, &order->call, opcode, 0, &order->revoke,
	               revoking ? sizeof(order->revoke) : sizeof(order->revoke.address), -1));
}

static int ask(struct hwb_client *client, struct order *order, uint16_t opcode, const char *address,
               uint32_t flags)
{
	begin(client, order, opcode, address, flags);
	return hwb_finish(client, &order->call);
}

static uint32_t take_back(const char *address, uint32_t flags)
{
	struct order order;

	want(HWB_OK, ask(root, &order, HWB_ADMIN_REVOKE, address, flags));
	/* Nothing of what was noted of it before. */
	for (size_t i = strnlen(order.outcome.note, sizeof(order.outcome.note));
	     i < sizeof(order.outcome.note); i++)
		ck_assert_int_eq(order.outcome.note[i], 0);
	return order.outcome.state;
}

static void wait_listed(const char *address)
{
	const struct hwb_pci_address where = guest_address(address);
	struct hwb_device device;

	for (int waited = 0; guest_status(hwb_device_info(other, &where, &device, &why)) != HWB_OK;
	     waited += 50) {
		ck_assert_int_lt(waited, PATIENCE_MS);
		guest_pause(50);
	}
}

static void unplug(void)
{
	const struct hwb_pci_address where = guest_address(PORT);
	struct hwb_device device;

	guest_ask_runner("unplug new");
	for (int waited = 0; guest_status(hwb_device_info(other, &where, &device, &why)) == HWB_OK;
	     waited += 50) {
		ck_assert_int_lt(waited, UNPLUG_MS);
		guest_pause(50);
	}
}

static void wait_state(const char *address, uint32_t wanted)
{
	guest_wait_state_of(other, address, wanted, PATIENCE_MS);
}

/* The first line of a device's attribute, as the kernel has it. */
static void read_attribute(const char *address, const char *name, char *text, int size)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/0000:%s/%s", address, name);
	FILE *file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	if (fgets(text, size, file) == NULL)
		text[0] = '\0';
	fclose(file);
	text[strcspn(text, "\n")] = '\0';
}

static void must_be_reset_by(const char *address, const char *wanted)
{
	char text[64];

	read_attribute(address, "reset_method", text, sizeof(text));
	ck_assert_str_eq(text, wanted);
}

static void take(struct hwb_client *client, const char *address, struct example_device *device)
{
	want(HWB_OK, guest_try(client, address, &registers_wanted, device));
}

/* ---- taken ---- */

START_TEST(asked_and_given_back)
{
	struct example_device edu;
	struct order order;

	take(driver, EDU, &edu);
	begin(root, &order, HWB_ADMIN_REVOKE, EDU, 0);
	uint32_t event = events_hear(&driver_posix, EDU, HWB_CHANGE_ASKED_BACK, 0, PATIENCE_MS);
	ck_assert_uint_eq(heard[event].grace_ms, GRACE_MS);
	ck_assert_uint_eq(heard[event].handle, edu.handle);
	ck_assert(!hwb_done(root, &order.call));
	guest_let_go(&edu);
	want(HWB_OK, hwb_close(driver, edu.handle, &why));
	want(HWB_OK, hwb_finish(root, &order.call));
	ck_assert_uint_eq(order.outcome.state, HWB_DEVICE_FREE);
	ck_assert_uint_eq((unsigned char)order.outcome.note[0], 0);
}
END_TEST

START_TEST(not_given_back)
{
	struct example_device edu;
	uint32_t value;

	take(driver, EDU, &edu);
	close(edu.bar_fds[0]);
	ck_assert_uint_eq(take_back(EDU, 0), HWB_DEVICE_FREE);
	events_hear(&driver_posix, EDU, HWB_CHANGE_REVOKED, 0, PATIENCE_MS);
	want(HWB_GONE, hwb_config_read(driver, edu.handle, 0, 2, &value, &why));
	take(other, EDU, &edu);
	close(edu.bar_fds[0]);
}
END_TEST

START_TEST(with_registers_kept)
{
	struct example_device edu, again;
	struct order order;

	take(driver, EDU, &edu);
	volatile void *registers = guest_map(&edu.info.regions[0], edu.bar_fds[0]);
	ck_assert(registers != NULL);
	want(HWB_OK, ask(root, &order, HWB_ADMIN_REVOKE, EDU, HWB_REVOKE_NOW));
	ck_assert_uint_eq(order.outcome.state, HWB_DEVICE_REVOKING);
	ck_assert_msg(strstr(order.outcome.note, "`driver' (pid ") != NULL, "%s",
	              order.outcome.note);
	/* Known by now: answered at once. */
	want(HWB_OK, ask(root, &order, HWB_ADMIN_REVOKE, EDU, 0));
	ck_assert_uint_eq(order.outcome.state, HWB_DEVICE_REVOKING);
	want(HWB_BUSY, guest_try(other, EDU, &registers_wanted, &again));
	guest_let_go(&edu);
	wait_state(EDU, HWB_DEVICE_FREE);
}
END_TEST

START_TEST(at_once)
{
	struct example_device edu;
	uint32_t value;

	take(driver, EDU, &edu);
	close(edu.bar_fds[0]);
	ck_assert_uint_eq(take_back(EDU, HWB_REVOKE_NOW), HWB_DEVICE_FREE);
	events_hear(&driver_posix, EDU, HWB_CHANGE_REVOKED, 0, PATIENCE_MS);
	for (uint32_t i = 0; i < heard_count; i++)
		ck_assert_uint_ne(heard[i].change, HWB_CHANGE_ASKED_BACK);
	want(HWB_GONE, hwb_config_read(driver, edu.handle, 0, 2, &value, &why));
}
END_TEST

START_TEST(while_it_is_asked_for)
{
	struct example_device edu;
	struct order slow, fast;

	take(driver, EDU, &edu);
	close(edu.bar_fds[0]);
	begin(root, &slow, HWB_ADMIN_REVOKE, EDU, 0);
	want(HWB_OK, ask(root, &fast, HWB_ADMIN_REVOKE, EDU, HWB_REVOKE_NOW));
	want(HWB_OK, hwb_finish(root, &slow.call));
	ck_assert_uint_eq(fast.outcome.state, HWB_DEVICE_FREE);
	ck_assert_uint_eq(slow.outcome.state, HWB_DEVICE_FREE);
}
END_TEST

/* Who asked is gone before the answer. */
START_TEST(root_hangs_up)
{
	struct example_device edu;
	struct order order;

	take(driver, EDU, &edu);
	close(edu.bar_fds[0]);
	begin(root, &order, HWB_ADMIN_REVOKE, EDU, 0);
	events_hear(&driver_posix, EDU, HWB_CHANGE_ASKED_BACK, 0, PATIENCE_MS);
	hwb_posix_close(&root_posix);
	wait_state(EDU, HWB_DEVICE_FREE);
	guest_connect_as(0, &root_posix, NULL);
}
END_TEST

/* What its port reports, not what the client did. */
START_TEST(it_fails)
{
	static const struct hwb_acquire_request bar4_wanted = { .bars = 1 << 4 };
	struct example_device port;
	uint32_t value;

	guest_ask_runner(
	        "plug {\"driver\":\"virtio-rng-pci\",\"id\":\"new\",\"bus\":\"port0\",\"aer\":true}");
	wait_listed(PORT);
	want(HWB_OK, guest_try(driver, PORT, &bar4_wanted, &port));
	close(port.bar_fds[4]);
	guest_ask_runner("fail " PORT " new");
	events_hear(&driver_posix, PORT, HWB_CHANGE_REVOKED, 0, PATIENCE_MS);
	want(HWB_GONE, hwb_config_read(driver, port.handle, 0, 2, &value, &why));
	wait_state(PORT, HWB_DEVICE_FREE);
	want(HWB_OK, guest_try(other, PORT, &bar4_wanted, &port));
	close(port.bar_fds[4]);
	want(HWB_OK, hwb_close(other, port.handle, &why));
	wait_state(PORT, HWB_DEVICE_FREE);
	unplug();
}
END_TEST

START_TEST(refused)
{
	struct order order;

	want(HWB_WRONG_STATE, ask(root, &order, HWB_ADMIN_REVOKE, EDU, 0));
	want(HWB_NOT_FOUND, ask(root, &order, HWB_ADMIN_REVOKE, "00:1e.0", 0));
	want(HWB_NOT_FOUND, ask(root, &order, HWB_ADMIN_CLEAR, "00:1e.0", 0));
	want(HWB_WRONG_STATE, ask(root, &order, HWB_ADMIN_CLEAR, EDU, 0));
	want(HWB_DENIED, ask(driver, &order, HWB_ADMIN_REVOKE, EDU, 0));
	want(HWB_DENIED, ask(driver, &order, HWB_ADMIN_CLEAR, EDU, 0));
}
END_TEST

START_TEST(by_the_tool)
{
	struct example_device edu;
	char text[256];

	take(driver, EDU, &edu);
	close(edu.bar_fds[0]);
	FILE *tool = popen("hwbroker-ctl revoke --now --json " EDU, "r");
	ck_assert_ptr_nonnull(tool);
	size_t length = fread(text, 1, sizeof(text) - 1, tool);
	text[length] = '\0';
	ck_assert_int_eq(pclose(tool), 0);
	ck_assert_msg(strstr(text, "\"address\": \"0000:00:03.0\"") != NULL, "%s", text);
	ck_assert_msg(strstr(text, "\"state\": \"free\"") != NULL, "%s", text);
	ck_assert_msg(strstr(text, "\"note\": null") != NULL, "%s", text);
}
END_TEST

/* ---- who keeps registers where the rule says `holders = end' ---- */

static pid_t start_keeper(struct hwb_posix *posix)
{
	int told[2];
	char c;

	ck_assert_int_eq(pipe(told), 0);
	pid_t child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		struct example_device port;
		ck_assert_int_eq(setresuid(DRIVER, DRIVER, DRIVER), 0);
		want(HWB_OK, hwb_posix_open(posix, NULL, NULL, NULL, &why));
		take(&posix->client, PORT, &port);
		guest_map(&port.info.regions[0], port.bar_fds[0]);
		ck_assert_int_eq(write(told[1], "x", 1), 1);
		for (;;)
			pause();
	}
	close(told[1]);
	ck_assert_int_eq(read(told[0], &c, 1), 1);
	close(told[0]);
	return child;
}

START_TEST(its_process_is_ended)
{
	static struct hwb_posix posix;
	struct example_device port;
	int status;

	guest_ask_runner("plug {\"driver\":\"edu\",\"id\":\"new\",\"bus\":\"port0\"}");
	wait_listed(PORT);
	pid_t child = start_keeper(&posix);
	kill(child, SIGSTOP);
	take_back(PORT, HWB_REVOKE_NOW);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	wait_state(PORT, HWB_DEVICE_FREE);
	take(other, PORT, &port);
	guest_let_go(&port);
	want(HWB_OK, hwb_close(other, port.handle, &why));
	wait_state(PORT, HWB_DEVICE_FREE);
	unplug();
}
END_TEST

/* ---- devices that cannot be reset ---- */

/* A device that cannot be reset, once. */
static void use_up(struct hwb_client *client, const char *address)
{
	struct example_device device;

	want(HWB_OK, guest_try(client, address, &nothing, &device));
	/* So that it is open, and not only taken. */
	uint32_t value;
	want(HWB_OK, hwb_config_read(client, device.handle, 0, 2, &value, &why));
	want(HWB_OK, hwb_close(client, device.handle, &why));
	wait_state(address, HWB_DEVICE_QUARANTINED);
}

static void clear(const char *address, uint32_t state)
{
	struct order order;

	want(HWB_OK, ask(root, &order, HWB_ADMIN_CLEAR, address, 0));
	ck_assert_uint_eq(order.outcome.state, state);
}

static void another_daemon(void)
{
	disconnect_all();
	guest_ask_runner("kill-daemon");
	connect_all();
}

START_TEST(no_reset)
{
	struct example_device board;

	use_up(driver, TESTDEV);
	want(HWB_UNSAFE, guest_try(other, TESTDEV, &nothing, &board));
	ck_assert_msg(strstr(why.reason, "no way to reset") != NULL, "%s", why.reason);
	ck_assert_msg(strstr(why.reason, "reset = none") != NULL, "%s", why.reason);
	clear(TESTDEV, HWB_DEVICE_FREE);
	use_up(other, TESTDEV);
	clear(TESTDEV, HWB_DEVICE_FREE);
}
END_TEST

/* Registers of it reach nothing, and in quarantine it is only when there are none. */
START_TEST(no_reset_and_registers_kept)
{
	struct example_device board;
	struct order order;

	take(driver, TESTDEV, &board);
	want(HWB_OK, ask(root, &order, HWB_ADMIN_REVOKE, TESTDEV, HWB_REVOKE_NOW));
	ck_assert_uint_eq(order.outcome.state, HWB_DEVICE_REVOKING);
	ck_assert_ptr_eq(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, board.bar_fds[0], 0), MAP_FAILED);
	close(board.bar_fds[0]);
	wait_state(TESTDEV, HWB_DEVICE_QUARANTINED);
	clear(TESTDEV, HWB_DEVICE_FREE);
}
END_TEST

START_TEST(no_reset_and_a_killed_daemon)
{
	use_up(driver, TESTDEV);
	another_daemon();
	wait_state(TESTDEV, HWB_DEVICE_QUARANTINED);
	clear(TESTDEV, HWB_DEVICE_FREE);
}
END_TEST

/* Writes are on their way when they are answered. */
static void wait_override(const char *wanted)
{
	char override[32];

	for (int waited = 0;; waited += 20) {
		read_attribute(SPARE_DISK, "driver_override", override, sizeof(override));
		if (strcmp(override, wanted) == 0)
			return;
		ck_assert_msg(waited < PATIENCE_MS, "the override is `%s'", override);
		guest_pause(20);
	}
}

/* Of a device that is still leaving its driver, which has no name any more, the kernel takes
 * this for done. */
static void probe_spare(const char *wanted)
{
	char now[32] = "";

	for (int waited = 0; strcmp(now, wanted) != 0; waited += 20) {
		ck_assert_msg(waited < PATIENCE_MS, "its driver is `%s', not `%s'", now, wanted);
		if (waited % 500 == 0)
			guest_ask_runner("write /sys/bus/pci/drivers_probe 0000:" SPARE_DISK);
		guest_pause(20);
		pci_driver(SPARE_DISK, now);
	}
}

static void move_spare(const char *from, const char *override, const char *to)
{
	char action[96];

	snprintf(action, sizeof(action), "write /sys/bus/pci/drivers/%s/unbind 0000:" SPARE_DISK,
	         from);
	guest_ask_runner(action);
	guest_wait_driver(SPARE_DISK, "");
	snprintf(action, sizeof(action),
	         "write /sys/bus/pci/devices/0000:" SPARE_DISK "/driver_override %s", override);
	guest_ask_runner(action);
	wait_override(override[0] != '\0' ? override : "(null)");
	probe_spare(to);
}

/* Nobody takes it from its driver, but it is as little to be given as any other. */
START_TEST(of_an_administrator_and_a_killed_daemon)
{
	move_spare("virtio-pci", "vfio-pci", "vfio-pci");
	use_up(driver, SPARE_DISK);
	another_daemon();
	wait_state(SPARE_DISK, HWB_DEVICE_QUARANTINED);
	clear(SPARE_DISK, HWB_DEVICE_HOST);
	another_daemon();
	wait_state(SPARE_DISK, HWB_DEVICE_HOST);
	guest_wait_driver(SPARE_DISK, "vfio-pci");
	move_spare("vfio-pci", "", "virtio-pci");
}
END_TEST

/* ---- ways of resetting ---- */

START_TEST(by_the_way_of_the_rule)
{
	struct example_device disk;

	must_be_reset_by(NVME, "flr");
	want(HWB_OK, guest_try(other, NVME, &nothing, &disk));
	must_be_reset_by(NVME, "");
	want(HWB_OK, hwb_close(other, disk.handle, &why));
	wait_state(NVME, HWB_DEVICE_HOST);
	must_be_reset_by(NVME, "flr");
	want(HWB_OK, guest_try(driver, NVME, &nothing, &disk));
	must_be_reset_by(NVME, "flr");
	want(HWB_OK, hwb_close(driver, disk.handle, &why));
	wait_state(NVME, HWB_DEVICE_HOST);
}
END_TEST

START_TEST(by_a_way_that_it_has_not)
{
	struct example_device card;

	want(HWB_UNSUPPORTED, guest_try(driver, E1000E, &nothing, &card));
	ck_assert_msg(strstr(why.reason, "`bus flr'") != NULL, "%s", why.reason);
	ck_assert_msg(strstr(why.reason, "offers pm") != NULL, "%s", why.reason);
	guest_wait_driver(E1000E, "e1000e");
	must_be_reset_by(E1000E, "pm");
}
END_TEST

START_TEST(a_killed_daemon_had_changed_it)
{
	struct example_device disk;

	want(HWB_OK, guest_try(other, NVME, &nothing, &disk));
	must_be_reset_by(NVME, "");
	another_daemon();
	guest_wait_driver(NVME, "nvme");
	must_be_reset_by(NVME, "flr");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("revoke");
	TCase *tests = tcase_create("revoke");

	tcase_add_checked_fixture(tests, connect_all, disconnect_all);
	tcase_set_timeout(tests, 60);
	suite_add_tcase(suite, tests);
	tcase_add_test(tests, asked_and_given_back);
	tcase_add_test(tests, not_given_back);
	tcase_add_test(tests, with_registers_kept);
	tcase_add_test(tests, at_once);
	tcase_add_test(tests, while_it_is_asked_for);
	tcase_add_test(tests, root_hangs_up);
	tcase_add_test(tests, it_fails);
	tcase_add_test(tests, refused);
	tcase_add_test(tests, by_the_tool);
	tcase_add_test(tests, its_process_is_ended);
	tcase_add_test(tests, no_reset);
	tcase_add_test(tests, no_reset_and_registers_kept);
	tcase_add_test(tests, by_the_way_of_the_rule);
	tcase_add_test(tests, by_a_way_that_it_has_not);
	tests = tcase_create("killed daemon");
	tcase_add_checked_fixture(tests, connect_all, disconnect_all);
	tcase_set_timeout(tests, 60);
	suite_add_tcase(suite, tests);
	tcase_add_test(tests, no_reset_and_a_killed_daemon);
	tcase_add_test(tests, of_an_administrator_and_a_killed_daemon);
	tcase_add_test(tests, a_killed_daemon_had_changed_it);
	return guest_run(suite);
}
