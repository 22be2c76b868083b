/* SPDX-License-Identifier: MIT */
/* The host around the daemon: calls that do not return, clocks that jump, a log that is
 * full, and users who try to get at it. */
#define _GNU_SOURCE /* process_vm_readv */
#include "hostile.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct hwb_acquire_request nothing_more = { .bars = 0 };

/* ---- a call that does not return ---- */

/* Opened past the broker: as long as it is, the kernel lets the device not go. */
static int open_device(const char *address)
{
	char path[128], target[256];
	int api = VFIO_TYPE1v2_IOMMU;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/0000:%s/iommu_group", address);
	ssize_t length = readlink(path, target, sizeof(target) - 1);
	target[length > 0 ? length : 0] = '\0';
	const char *group = strrchr(target, '/');
	snprintf(path, sizeof(path), "/dev/vfio/%s", group != NULL ? group + 1 : "?");
	int container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	expect(container >= 0 && fd >= 0, "%s: %s", path, strerror(errno));
	snprintf(path, sizeof(path), "0000:%s", address);
	expect(ioctl(fd, VFIO_GROUP_SET_CONTAINER, &container) == 0 &&
	               ioctl(container, VFIO_SET_IOMMU, api) == 0,
	       "VFIO: %s", strerror(errno));
	int device = ioctl(fd, VFIO_GROUP_GET_DEVICE_FD, path);
	expect(device >= 0, "VFIO: %s", strerror(errno));
	close(fd);
	close(container);
	return device;
}

static void stuck(void)
{
	struct hwb_acquire_request wanted = { .address = address_of(SHARED_MEMORY) };
	int alpha = client_of(driver_uid()), omega = client_of(other_uid());
	struct pollfd answer = { .fd = client_of(driver_uid()), .events = POLLIN };
	struct packet packet;
	struct taken edu;
	char said[2048];

	expect(shell("cd /sys/bus/pci/devices/0000:" SHARED_MEMORY
	             " && echo vfio-pci > driver_override && echo 0000:" SHARED_MEMORY
	             " > /sys/bus/pci/drivers_probe") == 0,
	       "no vfio-pci");
	wait_driver(SHARED_MEMORY, "vfio-pci");
	int device = open_device(SHARED_MEMORY);
	/* Waits for the descriptor's end, with the device locked. */
	pid_t writer = shell_started("echo 1 > /sys/bus/pci/devices/0000:" SHARED_MEMORY "/remove");
	pause_ms(500);
	fill(&packet, HWB_DEVICE_ACQUIRE, 0, &wanted, sizeof(wanted));
	wire_send(answer.fd, packet.bytes, packet.length, NULL, 0);
	if (poll(&answer, 1, 500) == 1) {
		wire_reply(answer.fd, &packet);
		expect(false, "status %u: %s", header_of(&packet)->status, reason_of(&packet));
	}
	for (unsigned i = 0; i < 5; i++) {
		/* Of the same client, of others, and of another device. */
		expect(ping(alpha) == HWB_OK, "its client is not served");
		take(omega, EDU, 0, &edu);
		expect(edu_alive(edu.registers), "another device is not there");
		give_back(omega, &edu);
		expect(broker_status().workers_busy == 1, "%u workers are busy",
		       broker_status().workers_busy);
		pause_ms(100);
	}
	shell_text(said, sizeof(said), "hwbroker-ctl status");
	expect(strstr(said, "busy") != NULL, "%s", said);
	close(device);
	expect(wire_reply(answer.fd, &packet), "the connection ended");
	close_fds(packet.fds, packet.fd_count);
	close(answer.fd);
	expect(waitpid(writer, NULL, 0) == writer, "waitpid");
	shell("echo 1 > /sys/bus/pci/rescan");
	wait_state(SHARED_MEMORY, HWB_DEVICE_HOST);
}

/* ---- what the kernel can ---- */

/* Of this kernel; tests/guest/degraded.sh boots poorer ones and has the same number. */
static void named(void)
{
	struct hwb_status_reply status = broker_status();
	const uint32_t all = HWB_STATUS_IOMMU | HWB_STATUS_INTERRUPT_REMAPPING | HWB_STATUS_VFIO |
	                     HWB_STATUS_STRICT_DEVMEM;

	expect((status.flags & all) == all, "flags 0x%x", status.flags);
	expect((status.flags & HWB_STATUS_LOCKDOWN) == 0, "flags 0x%x", status.flags);
	expect(status.text_length == 0, "it has a problem with this host");
	/* A refusal of the policy's is none of the kernel's. */
	int fd = client_of(driver_uid());
	const struct hwb_io_port_request ports = { .base = 0x2e8, .count = 1 };
	expect(request(fd, HWB_IO_PORT_OPEN, 0, &ports, sizeof(ports)) == HWB_DENIED, "ports");
}

/* ---- users ---- */

static bool ends_by(int signal_number, void (*act)(void))
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		act();
		_exit(0);
	}
	expect(child > 0 && waitpid(child, &status, 0) == child, "waitpid");
	return WIFSIGNALED(status) && WTERMSIG(status) == signal_number;
}

static void read_timer(void)
{
	(void)inb(0x40);
}

static bool opens(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* A session of ports opens them to the broker, not to its client; and the broker is not
 * the client's to look into. */
static void ports_of_the_broker(void)
{
	const struct hwb_io_port_request timer = { .base = 0x40, .count = 4 };
	int fd = client();
	char text[64];

	expect(request(fd, HWB_IO_PORT_OPEN, 0, &timer, sizeof(timer)) == HWB_OK, "the timer");
	expect(ends_by(SIGSEGV, read_timer), "a client reaches ports by itself");
	expect(ioperm(0x40, 4, 1) != 0 && errno == EPERM, "a client opens ports");
	shell_text(text, sizeof(text), "systemctl show --property=MainPID --value hwbrokerd");
	int daemon = atoi(text);
	expect(daemon > 1, "no daemon");
	expect(ptrace(PTRACE_SEIZE, daemon, NULL, NULL) != 0 && errno == EPERM, "it is traced");
	struct iovec here = { .iov_base = text, .iov_len = 1 };
	struct iovec there = { .iov_base = (void *)0x400000, .iov_len = 1 };
	expect(process_vm_readv(daemon, &here, 1, &there, 1, 0) < 0 && errno == EPERM,
	       "its memory is read");
	expect(kill(daemon, SIGHUP) != 0 && errno == EPERM, "it is signalled");
	static const char *const files[] = { "mem", "fd/0", "environ", "maps", "exe" };
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(text, sizeof(text), "/proc/%d/%s", daemon, files[i]);
		expect(!opens(text, O_RDONLY), "%s can be read", text);
	}
}

static void files(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = HWB_SOCKET_PATH };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	expect(unlink(HWB_SOCKET_PATH) != 0, "its socket is removed");
	expect(rename(HWB_SOCKET_PATH, "/tmp/hostile.sock") != 0, "its socket is moved");
	expect(bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0, "its place is taken");
	expect(chmod(HWB_SOCKET_PATH, 0) != 0, "its socket is closed to others");
	expect(!opens("/run/hwbroker/devices", O_RDONLY), "what it has written down is read");
	expect(!opens("/run/hwbroker/devices", O_WRONLY), "what it has written down is written");
	expect(open("/run/hwbroker/devices.new", O_WRONLY | O_CREAT, 0600) < 0,
	       "it is forestalled");
	expect(!opens("/etc/hwbroker/hwbroker.conf", O_WRONLY), "the policy is written");
	expect(rename("/etc/hwbroker/hwbroker.conf", "/etc/hwbroker/x") != 0, "it is moved");
	expect_service();
}

/* By root, of whom nobody is safe; but not by mistake. */
static void another_daemon(void)
{
	struct taken edu, disk;
	char name[32], why[256];
	int fd = client_of(driver_uid());

	take(fd, EDU, open_domain(fd), &edu);
	expect(try_take(fd, DISK, &nothing_more, &disk, why, sizeof(why)) == HWB_OK, "%s", why);
	expect(shell("timeout 5 hwbrokerd > /tmp/hostile.log 2>&1") == 1, "another one serves");
	expect(shell("grep -q 'another hwbrokerd' /tmp/hostile.log") == 0, "it does not say why");
	expect(shell("runuser -u driver -- timeout 5 hwbrokerd > /dev/null 2>&1") == 1,
	       "a user's serves");
	/* Elsewhere, it would put devices away that are in use here. */
	shell("timeout 3 hwbrokerd --socket /tmp/hostile.sock > /tmp/hostile.log 2>&1");
	expect(edu_alive(edu.registers), "a device was taken from its client");
	expect(bus_master(EDU), "its DMA was ended");
	driver_of(DISK, name);
	expect(strcmp(name, "vfio-pci") == 0, "it is with `%s'", name);
	expect(ping(fd) == HWB_OK, "the connection is not served on");
	give_back(fd, &disk);
	wait_driver(DISK, "nvme");
	let_go(&edu);
}

/* ---- clock, kernel messages, log ---- */

static void clock_jumps(void)
{
	int fd = client_of(driver_uid()), silent = wire_open();

	for (unsigned i = 0; i < 6; i++) {
		shell("date -s '%s' > /dev/null", i % 2 == 0 ? "+10 years" : "-10 years");
		expect(ping(fd) == HWB_OK, "a client is not served");
		expect(!wire_ended(silent, 500), "a deadline is over before its time");
	}
	expect(wire_ended(silent, 4 * PROMPT_MS), "a deadline never ends");
}

/* As the kernel tells of devices, of one that is in use. */
static void messages(void)
{
	struct taken edu;
	int fd = client_of(driver_uid());
	pid_t daemon = daemon_pid();

	take(fd, EDU, 0, &edu);
	unsigned before = daemon_ticks(daemon);
	int64_t start = now_ms();
	pid_t writer = shell_started("for i in $(seq 5000); do echo change > "
	                             "/sys/bus/pci/devices/0000:" EDU "/uevent; done");
	while (waitpid(writer, NULL, WNOHANG) == 0) {
		expect(ping(fd) == HWB_OK, "the connection is not served on");
		pause_ms(20);
	}
	unsigned ticks = daemon_ticks(daemon) - before;
	expect(ticks < (now_ms() - start) / 20 + 50, "%u ticks in %d ms", ticks,
	       (int)(now_ms() - start));
	expect(edu_alive(edu.registers), "the device is not there any more");
	give_back(fd, &edu);
}

static void journal_goes_on(void)
{
	shell("systemctl kill --signal=CONT systemd-journald");
}

/* The journal is stopped, and its socket full: lines are lost, and nothing waits. */
static void log_is_full(void)
{
	struct taken board;
	char why[256];
	int fd = client_of(driver_uid());

	expect(shell("systemctl kill --signal=STOP systemd-journald") == 0, "no journal");
	atexit(journal_goes_on);
	for (unsigned i = 0; i < 400; i++) {
		expect(try_take(fd, BOARD, &nothing_more, &board, why, sizeof(why)) == HWB_OK, "%s",
		       why);
		give_back(fd, &board);
	}
	journal_goes_on();
	shell("journalctl --sync");
	expect(try_take(fd, BOARD, &nothing_more, &board, why, sizeof(why)) == HWB_OK, "%s", why);
	give_back(fd, &board);
	expect(logged("lines were lost here") > 0, "it never was full");
}

const struct hostile_case host_cases[] = {
	{ 38, "a call that does not return holds up nobody else, and shows in the status", stuck,
	  AS_ROOT, 0 },
	{ 39, "what the kernel can and cannot is said by name", named, AS_ROOT, 0 },
	{ 40, "who has a session of ports has no ports, nor the broker", ports_of_the_broker, 0,
	  0 },
	{ 50, "the daemon's files are nobody else's to change", files, 0, 0 },
	{ 51, "another daemon takes nothing from this one's clients", another_daemon, AS_ROOT, 0 },
	{ 52, "the clock jumps", clock_jumps, AS_ROOT, 0 },
	{ 53, "a flood of kernel messages about a device in use", messages, AS_ROOT, 0 },
	{ 54, "a log that takes no more lines", log_is_full, AS_ROOT, 0 },
	{ 0 },
};
