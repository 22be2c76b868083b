/* SPDX-License-Identifier: MIT */
/* The host around the daemon: calls that do not return, clocks that jump, a log that is
 * full, and users who try to get at it. */
#define _GNU_SOURCE /* process_vm_readv, F_SETPIPE_SZ */
#include "hostile.h"
#include "pci.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct hwb_acquire_request nothing_more = { .bars = 0 };

/* ---- a call that does not return ---- */

/* The broker's own descriptor of the one device that it has open, or a copy: as long as it
 * is there, the kernel does not let the device go. */
static int steal_device(pid_t daemon)
{
	int process = (int)syscall(SYS_pidfd_open, daemon, 0);
	char path[64], target[64];

	for (int fd = 3; fd < 200; fd++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)daemon, fd);
		ssize_t length = readlink(path, target, sizeof(target) - 1);
		target[length > 0 ? length : 0] = '\0';
		if (strstr(target, "vfio-device") == NULL)
			continue;
		int copy = (int)syscall(SYS_pidfd_getfd, process, fd, 0);
		expect(copy >= 0, "pidfd_getfd: %s", strerror(errno));
		close(process);
		return copy;
	}
	expect_failed(__FILE__, __LINE__, "a device is open", "no descriptor of VFIO's");
}

static void stuck(void)
{
	const struct hwb_acquire_request wanted = { .address = address_of(DISK) };
	int alpha = client_of(driver_uid()), omega = client_of(other_uid());
	int waiting = client_of(driver_uid());
	struct packet packet;
	struct taken edu, disk;
	char said[4096];

	take(alpha, DISK, 0, &disk);
	int device = steal_device(daemon_pid());
	/* It is to go back to the host, and waits. */
	give_back(alpha, &disk);
	wait_state(DISK, HWB_DEVICE_REVOKING);
	fill(&packet, HWB_DEVICE_ACQUIRE, 0, &wanted, sizeof(wanted));
	wire_send(waiting, packet.bytes, packet.length, NULL, 0);
	for (unsigned i = 0; i < 10; i++) {
		/* Of the same client, of others, and of another device. */
		expect(ping(alpha) == HWB_OK, "its client is not served");
		take(omega, EDU, 0, &edu);
		expect(edu_alive(edu.registers), "another device is not there");
		give_back(omega, &edu);
		pause_ms(100);
	}
	wait_state(EDU, HWB_DEVICE_FREE);
	expect(broker_status().workers_busy == 1, "%u workers are busy",
	       broker_status().workers_busy);
	expect(device_state(DISK) == HWB_DEVICE_REVOKING, "it did not wait");
	shell_text(said, sizeof(said), "hwbroker-ctl status");
	expect(strstr(said, "1 busy") != NULL, "%s", said);
	close(device);
	expect(wire_reply(waiting, &packet) && header_of(&packet)->status == HWB_OK,
	       "status %u: %s", header_of(&packet)->status, reason_of(&packet));
	close(waiting);
	wait_driver(DISK, "nvme");
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
	/* It would take the devices for those of a daemon that has died. */
	expect(shell("timeout 30 hwbrokerd --socket /tmp/hostile.sock > /tmp/hostile.log 2>&1") ==
	               1,
	       "another one has the same list");
	expect(shell("grep -q 'another hwbrokerd' /tmp/hostile.log") == 0, "it does not say why");
	shell("timeout 30 hwbrokerd --socket /tmp/hostile.sock --state /tmp/hostile.devices "
	      "> /tmp/hostile.log 2>&1 & for i in $(seq 200); do "
	      "grep -q 'ready: ' /tmp/hostile.log && break; sleep 0.1; done; kill $!; wait");
	expect(shell("grep -q 'ready: ' /tmp/hostile.log") == 0, "it did not start");
	expect(edu_alive(edu.registers), "a device was taken from its client");
	expect(bus_master(EDU), "its DMA was ended");
	pci_driver(DISK, name);
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

#define LOG "/run/hostile-log"
#define DROP_IN "/run/systemd/system/hwbrokerd.service.d/hostile.conf"

static void log_is_as_before(void)
{
	shell("rm -rf " DROP_IN " " LOG "; systemctl daemon-reload");
	restart_daemon();
}

/* A pipe that nobody reads, with room for some fifty lines: more are lost, and nothing
 * waits. */
static void log_is_full(void)
{
	struct taken board;
	char why[256], said[8192];

	expect(shell("mkfifo -m 600 " LOG "; mkdir -p $(dirname " DROP_IN ") && "
	             "printf '[Service]\nExecStart=\nExecStart=/bin/sh -c \"exec "
	             "/usr/sbin/hwbrokerd 2> " LOG "\"\n' > " DROP_IN
	             " && systemctl daemon-reload") == 0,
	       "no other log");
	int end = open(LOG, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	expect(end >= 0 && fcntl(end, F_SETPIPE_SZ, 2 * PAGE) >= 0, "pipe: %s", strerror(errno));
	atexit(log_is_as_before);
	restart_daemon();
	int fd = client_of(driver_uid());
	for (unsigned i = 0; i < 60; i++) {
		expect(try_take(fd, BOARD, &nothing_more, &board, why, sizeof(why)) == HWB_OK, "%s",
		       why);
		give_back(fd, &board);
	}
	while (read(end, said, sizeof(said)) > 0)
		;
	expect(try_take(fd, BOARD, &nothing_more, &board, why, sizeof(why)) == HWB_OK, "%s", why);
	give_back(fd, &board);
	wait_state(BOARD, HWB_DEVICE_FREE);
	ssize_t length = read(end, said, sizeof(said) - 1);
	said[length > 0 ? length : 0] = '\0';
	expect(strstr(said, "lines were lost here") != NULL, "it says: %s", said);
	expect(strstr(said, "granted to `alpha'") != NULL, "it says: %s", said);
}

const struct hostile_case host_cases[] = {
	{ 38, "a call that does not return holds up nobody else, and shows in the status", stuck,
	  AS_ROOT, 0 },
	{ 39, "what the kernel can and cannot is said by name", named, AS_ROOT, 0 },
	{ 40, "who has a session of ports has no ports, nor the broker", ports_of_the_broker, 0,
	  0 },
	{ 49, "the daemon's files are nobody else's to change", files, 0, 0 },
	{ 50, "another daemon takes nothing from this one's clients", another_daemon, AS_ROOT, 0 },
	{ 51, "the clock jumps", clock_jumps, AS_ROOT, 0 },
	{ 52, "a flood of kernel messages about a device in use", messages, AS_ROOT, 0 },
	{ 53, "a log that takes no more lines", log_is_full, AS_ROOT | RESTARTS, 0 },
	{ 0 },
};
