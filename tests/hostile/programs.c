/* SPDX-License-Identifier: MIT */
/* Programs that end while something of them goes on: a unit's, and the one that gives ports. */
#include "hostile.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TESTS "/usr/libexec/hwbroker/tests"

/* ---- a unit that stops ---- */

#define UNIT "hwbtest-59"
#define ELSEWHERE "/sys/fs/cgroup/hwbtest-elsewhere"
/* Only as that unit one is alpha. */
#define BY_UNIT                                                                       \
	"[client alpha]\nunit = " UNIT ".service\n\n[client omega]\nuser = other\n\n" \
	"[device edu]\nclient = alpha, omega\naddress = 00:03.0\nreset = none\nrevoke = 1\n"

/* What whoever has the connection answers to; the ends of two pipes. */
struct line {
	int ask[2], answer[2];
};

/* Whether a process of `group` has it from now on. */
static void move(pid_t process, const char *group)
{
	expect(shell("echo %d > %s/cgroup.procs", (int)process, group) == 0, "not moved to %s",
	       group);
}

static void say(const struct line *line, char what)
{
	expect(write(line->answer[1], &what, 1) == 1, "nobody listens");
}

static char heard(const struct line *line)
{
	char what = 0;

	expect(read(line->answer[0], &what, 1) == 1, "nobody answers");
	return what;
}

static char asked(const struct line *line, char what)
{
	expect(write(line->ask[1], &what, 1) == 1, "nobody is there");
	return heard(line);
}

/* With the connection, as often as it is asked: whether it is served, and its device there. */
static void go_on(int fd, struct taken *edu, const struct line *line)
{
	char what;

	while (read(line->ask[0], &what, 1) == 1) {
		bool good = what == 'p'   ? ping(fd) == HWB_OK
		            : what == 'd' ? edu_alive(edu->registers)
		                          : is_dead(edu->registers);
		say(line, good ? 'y' : 'n');
	}
	_exit(0);
}

/* In the unit: connects, takes a device, and leaves both to a child that is elsewhere. */
static void be_of_the_unit(const struct line *line)
{
	struct taken edu;
	char go;

	expect(read(line->ask[0], &go, 1) == 1, "nobody asks");
	/* So long it has to be there where the kernel does not keep who connected. */
	pause_ms(2500);
	become(driver_uid());
	int fd = client();
	take(fd, EDU, 0, &edu);
	pid_t child = fork();
	if (child == 0)
		go_on(fd, &edu, line);
	expect(child > 0, "fork: %s", strerror(errno));
	expect(write(line->answer[1], &child, sizeof(child)) == sizeof(child), "nobody listens");
	for (;;)
		pause();
}

static bool unit_is_gone(void)
{
	return shell("systemctl -q is-active " UNIT) != 0;
}

static int ask_for_edu(uid_t user)
{
	const struct hwb_acquire_request wanted = { .flags = HWB_ACQUIRE_NO_WAIT };
	struct taken edu;
	char why[256];
	int fd = client_of(user), status = try_take(fd, EDU, &wanted, &edu, why, sizeof(why));

	expect(strstr(why, "alpha") == NULL, "it is told of the other: %s", why);
	close(fd);
	return status;
}

/* The connection is who connected, as long as that can be known. */
static void unit_stops(void)
{
	struct line line;
	char group[512], go = 'g';
	int status = HWB_BUSY;
	pid_t child;

	policy_install(BY_UNIT);
	shell("mkdir -p " ELSEWHERE);
	expect(shell("systemd-run --quiet --collect --unit=" UNIT " --uid=driver sleep 600") == 0,
	       "no unit");
	shell_text(group, sizeof(group),
	           "printf /sys/fs/cgroup; systemctl show -P ControlGroup " UNIT);
	group[strcspn(group, "\n")] = '\0';
	expect(pipe(line.ask) == 0 && pipe(line.answer) == 0, "pipe: %s", strerror(errno));
	pid_t member = fork();
	if (member == 0)
		be_of_the_unit(&line);
	move(member, group);
	expect(write(line.ask[1], &go, 1) == 1, "it is gone");
	expect(read(line.answer[0], &child, sizeof(child)) == sizeof(child), "it has no device");
	move(child, ELSEWHERE);
	expect(shell("systemctl stop " UNIT) == 0 && within(unit_is_gone), "it does not stop");
	waitpid(member, NULL, 0);
	expect(access(group, F_OK) != 0, "%s is still there", group);

	expect(asked(&line, 'p') == 'y' && asked(&line, 'd') == 'y', "it does not go on");
	expect(ask_for_edu(other_uid()) == HWB_BUSY, "another one gets its device");
	/* One of its user's, which is no process of the unit, is nobody. */
	expect(shell("setpriv --reuid=driver --regid=driver --clear-groups " TESTS "/take " EDU
	             " < /dev/null > /dev/null 2>&1") != 0,
	       "its user is the client without the unit");
	/* It is known already. */
	expect(shell("hwbroker-ctl reload > /dev/null") == 0, "reload");
	expect(asked(&line, 'p') == 'y' && asked(&line, 'd') == 'y', "a reload takes it");
	/* And now by nobody: the next daemon takes the device, in its way. */
	restart_daemon();
	for (unsigned i = 0; i < 100 && asked(&line, 'x') == 'n'; i++)
		pause_ms(100);
	expect(asked(&line, 'x') == 'y', "who cannot be known keeps a device");
	kill(child, SIGKILL);
	for (unsigned i = 0; i < 100 && (status = ask_for_edu(other_uid())) != HWB_OK; i++)
		pause_ms(100);
	expect(status == HWB_OK, "another one does not get it then: status %d", status);
	shell("rmdir " ELSEWHERE);
	policy_restore();
}

/* ---- `hwbroker-ctl run' ---- */

#define HELPER "/usr/libexec/hwbroker/hwbroker-ports"
#define BEAT "/tmp/hostile-60"

static off_t beats(void)
{
	struct stat status;

	return stat(BEAT, &status) == 0 ? status.st_size : 0;
}

/* Until another one has them: as soon as the broker knows. */
static void get_ports(int fd)
{
	const struct hwb_io_port_request timer = { .base = 0x40, .count = 4 };
	int64_t end = now_ms() + PROMPT_MS;
	struct packet packet;

	for (;;) {
		fill(&packet, HWB_IO_PORT_OPEN, 0, &timer, sizeof(timer));
		int status = wire_exchange(fd, &packet);
		if (status == HWB_OK)
			break;
		expect(status == HWB_BUSY, "status %d: %s", status, reason_of(&packet));
		expect(now_ms() < end, "the ports are nobody's any more");
		pause_ms(20);
	}
	uint32_t handle = header_of(&packet)->session;
	/* Only now: who has them is to be the only one. */
	off_t before = beats();
	pause_ms(100);
	expect(beats() == before, "the program goes on with the ports of another");
	expect(request(fd, HWB_CLOSE, handle, NULL, 0) == HWB_OK, "CLOSE");
}

/* At moments from before it has asked for ports until its program has used them for long. */
static void helper_is_killed(void)
{
	enum { ROUNDS = 24, STEP_MS = 25 };
	int omega = client_of(other_uid());
	unsigned held = 0;

	expect(shell(TESTS "/ports-probe setcap " HELPER) == 0, "no capability for " HELPER);
	for (unsigned round = 0; round < ROUNDS; round++) {
		expect(shell("install -o driver -m 600 /dev/null " BEAT) == 0, "no " BEAT);
		pid_t helper = shell_started("exec setpriv --reuid=driver --regid=driver "
		                             "--clear-groups hwbroker-ctl run --as alpha -- " TESTS
		                             "/ports-probe hold " BEAT);
		pause_ms((int)round * STEP_MS);
		/* The last ones have the ports for sure. */
		for (unsigned i = 0; i < 200 && round >= ROUNDS - 2 && beats() == 0; i++)
			pause_ms(50);
		kill(helper, SIGKILL);
		waitpid(helper, NULL, 0);
		held += beats() != 0;
		get_ports(omega);
	}
	expect(held >= 2 && held < ROUNDS, "%u of %u had the ports: nothing is shown", held,
	       ROUNDS);
	close(omega);
	unlink(BEAT);
}

const struct hostile_case program_cases[] = {
	{ 59, "a unit stops while a process of it goes on elsewhere with its connection",
	  unit_stops, AS_ROOT | RESTARTS, 120 },
	{ 60, "who runs a program with ports is killed at any moment: ports and program end",
	  helper_is_killed, AS_ROOT, 120 },
	{ 0 },
};
