/* SPDX-License-Identifier: MIT */
/* What is written down for the next daemon, and drivers that are not where they were. */
#include "hostile.h"
#include "pci.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define STATE "/run/hwbroker/devices"
#define SMALL "/run/hostile-state"
#define DROP_IN "/run/systemd/system/hwbrokerd.service.d/hostile.conf"
#define UIO "uio_pci_generic"

static const struct hwb_acquire_request nothing_more = { .bars = 0 };

static bool overridden(const char *address)
{
	return shell("grep -qv '(null)' /sys/bus/pci/devices/0000:%s/driver_override", address) ==
	       0;
}

/* The host's devices come back to their drivers, whoever has them meanwhile. */
static void drivers(void)
{
	struct taken disk, edu;
	char why[256];
	int fd = client_of(driver_uid());

	expect(try_take(fd, DISK, &nothing_more, &disk, why, sizeof(why)) == HWB_OK, "%s", why);
	expect(overridden(DISK), "it is not overridden while it is a client's");
	kill_daemon();
	close(fd);
	wait_driver(DISK, "nvme");
	expect(!overridden(DISK), "the override is left behind");

	/* Somebody gives a device that is a client's to another driver. */
	fd = client_of(driver_uid());
	take(fd, EDU, 0, &edu);
	expect(shell("modprobe " UIO) == 0, "no " UIO);
	pid_t writer = shell_started("echo " UIO " > /sys/bus/pci/devices/0000:" EDU
	                             "/driver_override; echo 0000:" EDU
	                             " > /sys/bus/pci/drivers/vfio-pci/unbind; echo 0000:" EDU
	                             " > /sys/bus/pci/drivers_probe");
	expect(waitpid(writer, NULL, 0) == writer, "waitpid");
	wait_driver(EDU, UIO);
	expect(is_dead(edu.registers), "the client still reaches it");
	let_go(&edu);
	int status = try_take(fd, EDU, &nothing_more, &edu, why, sizeof(why));
	expect(status == HWB_DENIED && strstr(why, UIO) != NULL, "status %d: %s", status, why);
	expect(shell("cd /sys/bus/pci/devices/0000:" EDU " && echo 0000:" EDU
	             " > driver/unbind && echo > driver_override") == 0,
	       "cannot undo it");
	close(fd);
	fd = client_of(driver_uid());
	take(fd, EDU, 0, &edu);
	give_back(fd, &edu);
}

/* As fast as can be: a limit on starts would be met. */
static void killed_again_and_again(void)
{
	for (unsigned i = 0; i < 12; i++)
		kill_daemon();
}

/* Each is what an attacker, a fault, or another version may have left. */
static const char *const states[] = {
	"printf 'hwbrokerd devices 1\\n0000:00:03.0 1 - - alpha 1000 keep\\n' > " STATE,
	"printf 'hwbrokerd devices 3\\n../../../etc 1 - - - - 0 keep\\n' > " STATE,
	"head -c 100000 /dev/zero > " STATE,
	"printf cut | dd of=" STATE " bs=1 seek=700 conv=notrunc 2> /dev/null",
	"chown driver " STATE,
	"chmod 666 " STATE,
	"mv " STATE " /run/hwbroker/real; ln -s real " STATE,
	"rm " STATE "; mkfifo -m 600 " STATE,
	"rm " STATE,
};

/* Fails closed: what was somebody's reaches no memory, and is nobody else's as long as the
 * former owner could reach it. */
static void wrong_states(void)
{
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		struct taken edu, others;
		char why[256];
		int alpha = client_of(driver_uid());
		take(alpha, EDU, open_domain(alpha), &edu);
		expect(shell("%s", states[i]) == 0, "%s", states[i]);
		kill_daemon();
		expect(!bus_master(EDU), "%s: it reaches memory", states[i]);
		int omega = client_of(other_uid());
		int status = try_take(omega, EDU, &nothing_more, &others, why, sizeof(why));
		expect(status == HWB_BUSY || is_dead(edu.registers),
		       "%s: two have it (status %d, %s)", states[i], status, why);
		if (status == HWB_OK)
			give_back(omega, &others);
		let_go(&edu);
		take(omega, EDU, 0, &others);
		give_back(omega, &others);
		wait_state(EDU, HWB_DEVICE_FREE);
		close(alpha);
		close(omega);
	}
}

static void end_small_state(void)
{
	shell("rm -rf " DROP_IN
	      "; systemctl daemon-reload; systemctl start systemd-journald.socket "
	      "systemd-journald-dev-log.socket systemd-journald; umount -l " SMALL);
	restart_daemon();
}

/* What cannot be written down is not taken. */
static void full(void)
{
	struct packet packet;
	struct hwb_acquire_request wanted = { .address = address_of(DISK) };
	struct taken disk;
	char name[32], why[256];

	atexit(end_small_state);
	expect(shell("mkdir -p " SMALL " $(dirname " DROP_IN ") && "
	             "mount -t tmpfs -o size=8k,mode=700 none " SMALL " && "
	             "printf '[Service]\\nReadWritePaths=" SMALL "\\nExecStart=\\n"
	             "ExecStart=/usr/sbin/hwbrokerd --state " SMALL "/devices\\n' > " DROP_IN
	             " && systemctl daemon-reload") == 0,
	       "no place");
	/* Once it is there a line more costs no space before the page is full. */
	shell("head -c 100000 /dev/zero > " SMALL "/full 2> /dev/null");
	restart_daemon();
	int fd = client_of(driver_uid());
	for (unsigned i = 0; i < 3; i++) {
		fill(&packet, HWB_DEVICE_ACQUIRE, 0, &wanted, sizeof(wanted));
		int status = wire_exchange(fd, &packet);
		expect(status == HWB_HOST_ERROR, "status %d: %s", status, reason_of(&packet));
		expect(((const struct hwb_refusal *)body_of(&packet))->host_errno == 28,
		       "not ENOSPC: %s", reason_of(&packet));
		pci_driver(DISK, name);
		expect(strcmp(name, "nvme") == 0, "it is with `%s'", name);
		expect(!overridden(DISK), "it is overridden");
	}
	expect(shell("rm " SMALL "/full") == 0, "rm");
	expect(try_take(fd, DISK, &nothing_more, &disk, why, sizeof(why)) == HWB_OK, "%s", why);
	give_back(fd, &disk);
	wait_driver(DISK, "nvme");

	/* Nobody takes what it logs. */
	expect(shell("systemctl stop systemd-journald.socket systemd-journald-dev-log.socket "
	             "systemd-journald-audit.socket systemd-journald 2> /dev/null") == 0,
	       "the journal stays");
	pid_t daemon = daemon_pid();
	for (unsigned i = 0; i < 15; i++) {
		int broken = client_of(driver_uid());
		fill(&packet, HWB_PING, 0, NULL, 0);
		wire_send(broken, packet.bytes, 1, NULL, 0);
		close(broken);
		expect(try_take(fd, BOARD, &nothing_more, &disk, why, sizeof(why)) == HWB_OK, "%s",
		       why);
		give_back(fd, &disk);
	}
	expect(daemon_pid() == daemon, "the daemon is another process");
}

const struct hostile_case state_cases[] = {
	{ 35, "drivers are where they were after a crash; another's are left alone", drivers,
	  AS_ROOT | RESTARTS, 0 },
	{ 36, "a daemon that finds nonsense about the one before it gives nothing away",
	  wrong_states, AS_ROOT | RESTARTS, 120 },
	{ 54, "a daemon that is killed again and again is started as often", killed_again_and_again,
	  AS_ROOT | RESTARTS, 120 },
	{ 37, "no space for what is to be written down, and no log", full, AS_ROOT | RESTARTS, 0 },
	{ 0 },
};
