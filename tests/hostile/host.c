/* SPDX-License-Identifier: MIT */
/* The daemon and the host of the hostile cases, as root sees them. */
#define _GNU_SOURCE /* pipe2 */
#include "hostile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define POLICY "/etc/hwbroker/hwbroker.conf"
#define USUAL_POLICY "/usr/libexec/hwbroker/tests/hostile.conf"

/* ---- commands ---- */

static pid_t start(const char *command, int output)
{
	pid_t child = fork();

	expect(child >= 0, "fork: %s", strerror(errno));
	if (child != 0)
		return child;
	if (output >= 0)
		dup2(output, STDOUT_FILENO);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

static int wait_for(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		expect(errno == EINTR, "waitpid: %s", strerror(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int shell(const char *format, ...)
{
	char command[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	fflush(stdout);
	return wait_for(start(command, -1));
}

pid_t shell_started(const char *format, ...)
{
	char command[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	fflush(stdout);
	return start(command, -1);
}

void shell_text(char *text, size_t size, const char *format, ...)
{
	char command[1024], rest[512];
	va_list arguments;
	size_t used = 0;
	ssize_t got;
	int ends[2];

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	fflush(stdout);
	expect(pipe2(ends, O_CLOEXEC) == 0, "pipe: %s", strerror(errno));
	pid_t child = start(command, ends[1]);
	close(ends[1]);
	while (used < size - 1 && (got = read(ends[0], text + used, size - 1 - used)) > 0)
		used += (size_t)got;
	while (read(ends[0], rest, sizeof(rest)) > 0)
		;
	text[used] = '\0';
	close(ends[0]);
	wait_for(child);
}

/* ---- the daemon ---- */

struct hwb_status_reply broker_status(void)
{
	struct packet packet;
	struct hwb_status_reply reply;
	int fd = client_of(0);

	fill(&packet, HWB_ADMIN_STATUS, 0, NULL, 0);
	expect(wire_exchange(fd, &packet) == HWB_OK, "no status: %s", reason_of(&packet));
	memcpy(&reply, body_of(&packet), sizeof(reply));
	close(fd);
	return reply;
}

pid_t daemon_pid(void)
{
	return (pid_t)broker_status().pid;
}

unsigned daemon_fds(pid_t daemon)
{
	char path[64];
	unsigned count = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)daemon);
	DIR *directory = opendir(path);
	expect(directory != NULL, "%s: %s", path, strerror(errno));
	while (readdir(directory) != NULL)
		count++;
	closedir(directory);
	return count - 2; /* `.' and `..' */
}

unsigned daemon_free_fd(pid_t daemon)
{
	char path[64];
	unsigned fd = 0;

	do
		snprintf(path, sizeof(path), "/proc/%d/fd/%u", (int)daemon, fd++);
	while (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
	return fd - 1;
}

bool any_device(bool (*check)(const struct hwb_admin_device *device))
{
	struct hwb_list_request wanted = { 0 };
	struct packet packet;
	bool found = false;
	int fd = client_of(0);

	do {
		const struct hwb_list_reply *head = body_of(&packet);
		fill(&packet, HWB_ADMIN_DEVICES, 0, &wanted, sizeof(wanted));
		expect(wire_exchange(fd, &packet) == HWB_OK, "no list: %s", reason_of(&packet));
		wanted.cursor = head->next;
		for (uint32_t i = 0; i < head->count; i++)
			found = found ||
			        check((const struct hwb_admin_device *)((const char *)(head + 1) +
			                                                i * head->record_size));
	} while (wanted.cursor != 0);
	close(fd);
	return found;
}

unsigned daemon_ticks(pid_t daemon)
{
	char path[64];
	unsigned long user, system;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)daemon);
	FILE *file = fopen(path, "re");
	/* proc(5): utime and stime are fields 14 and 15. */
	expect(file != NULL && fscanf(file,
	                              "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u "
	                              "%*u %lu %lu",
	                              &user, &system) == 2,
	       "%s", path);
	fclose(file);
	return (unsigned)(user + system);
}

static pid_t limited;
static int limited_resource;

void lift_limit(void)
{
	struct rlimit limit;

	if (limited == 0 ||
	    prlimit(limited, (enum __rlimit_resource)limited_resource, NULL, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	prlimit(limited, (enum __rlimit_resource)limited_resource, &limit, NULL);
	limited = 0;
}

void limit_daemon(int resource, uint64_t soft)
{
	struct rlimit limit;

	limited = daemon_pid();
	limited_resource = resource;
	atexit(lift_limit);
	expect(prlimit(limited, (enum __rlimit_resource)resource, NULL, &limit) == 0, "prlimit");
	limit.rlim_cur = soft;
	expect(prlimit(limited, (enum __rlimit_resource)resource, &limit, NULL) == 0, "prlimit: %s",
	       strerror(errno));
}

unsigned logged(const char *text)
{
	char count[32];

	shell_text(
	        count, sizeof(count),
	        "journalctl --sync; journalctl -u hwbrokerd --no-pager -o cat | grep -cF -- '%s'",
	        text);
	return (unsigned)atoi(count);
}

static pid_t killed;

static bool is_another(void)
{
	char text[64];

	shell_text(text, sizeof(text),
	           "systemctl show --property=MainPID --value hwbrokerd; "
	           "systemctl is-active hwbrokerd");
	return atoi(text) != 0 && atoi(text) != killed && strstr(text, "\nactive") != NULL;
}

void kill_daemon(void)
{
	killed = daemon_pid();
	kill(killed, SIGKILL);
	expect(within(is_another), "no other daemon is started");
}

void restart_daemon(void)
{
	expect(shell("systemctl restart hwbrokerd") == 0, "the daemon does not start");
}

bool within(bool (*check)(void))
{
	int64_t end = now_ms() + 10000;

	while (!check()) {
		if (now_ms() > end)
			return false;
		pause_ms(50);
	}
	return true;
}

/* ---- the policy ---- */

/* All connections are told once it is in force. */
static void reload(void)
{
	int fd = client_of(0);
	struct packet packet;

	kill(daemon_pid(), SIGHUP);
	do
		expect(wire_receive(fd, &packet), "the daemon is gone");
	while (header_of(&packet)->opcode != HWB_EVENT_POLICY);
	close(fd);
}

void policy_install(const char *text)
{
	FILE *file = fopen(POLICY ".new", "we");

	expect(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0 &&
	               chmod(POLICY ".new", 0644) == 0 && rename(POLICY ".new", POLICY) == 0,
	       "cannot write the policy: %s", strerror(errno));
	reload();
}

void policy_restore(void)
{
	expect(shell("install -m 644 " USUAL_POLICY " " POLICY) == 0, "no policy");
	reload();
}
