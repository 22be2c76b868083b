/* SPDX-License-Identifier: MIT */
/*
 * Sessions of an image without a Linux around it, as its tests need them:
 *
 *   second COMMAND...  leaves a process behind, and waits to be ended; started again, it
 *                      looks whether that process is gone and what it may itself, and
 *                      becomes COMMAND
 *   kill-broker        once `second' waits, kills hwbrokerd, which only root can; started
 *                      again, it ends
 *   stop-console       stops the console's output, and ends
 */
#define _GNU_SOURCE /* getresuid */
#include "util/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>

#define LEFT_BEHIND "/tmp/left-behind"
#define KILLED "/run/killed-once"

extern char **environ;
static unsigned failures;

static void result(bool good, const char *what)
{
	printf("%s image session: %s\n", good ? "ok" : "not ok", what);
	failures += !good;
}

/* Whether /proc/self/status has the line. */
static bool status_has(const char *wanted)
{
	char line[256];
	_cleanup_file_ FILE *file = fopen("/proc/self/status", "re");

	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, wanted, strlen(wanted)) == 0 &&
		    strspn(line + strlen(wanted), " \t") == strlen(line + strlen(wanted)))
			return true;
	}
	return false;
}

static bool limited(__rlimit_resource_t resource, rlim_t value)
{
	struct rlimit limit;

	return getrlimit(resource, &limit) == 0 && limit.rlim_cur == value &&
	       limit.rlim_max == value;
}

/* Descriptors but for standard input and output, and the one that looks. */
static bool no_descriptor(void)
{
	_cleanup_dir_ DIR *directory = opendir("/proc/self/fd");
	const struct dirent *entry;

	while (directory != NULL && (entry = readdir(directory)) != NULL)
		if (entry->d_name[0] != '.' && atoi(entry->d_name) > STDERR_FILENO &&
		    atoi(entry->d_name) != dirfd(directory))
			return false;
	return directory != NULL;
}

/* Opening fails for want of rights, and for no other reason. */
static bool denied(const char *path, int flags)
{
	_cleanup_fd_ int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK, 0600);

	return fd < 0 && errno == EACCES;
}

static bool in_its_group(void)
{
	char line[256] = "";
	_cleanup_file_ FILE *file = fopen("/proc/self/cgroup", "re");

	return file != NULL && fgets(line, sizeof(line), file) != NULL &&
	       strncmp(line, "0::/session-", 12) == 0;
}

static void look_at_rights(void)
{
	char place[64] = "";

	result(status_has("Uid:\t1000\t1000\t1000\t1000"), "it is uid 1000");
	result(status_has("Gid:\t1000\t1000\t1000\t1000"), "it is gid 1000");
	result(status_has("Groups:"), "it has no further group");
	result(status_has("CapEff:\t0000000000000000"), "no capability is effective");
	result(status_has("CapPrm:\t0000000000000000"), "no capability is permitted");
	result(status_has("CapInh:\t0000000000000000"), "no capability is inheritable");
	result(status_has("CapBnd:\t0000000000000000"), "the bounding set is empty");
	result(status_has("CapAmb:\t0000000000000000"), "no capability is ambient");
	result(status_has("NoNewPrivs:\t1"), "it cannot get new privileges");
	result(status_has("SigBlk:\t0000000000000000"), "no signal is blocked");
	result(no_descriptor(), "no descriptor is inherited");
	result(environ == NULL || environ[0] == NULL, "the environment is empty");
	result(limited(RLIMIT_MEMLOCK, 8 << 20), "8 MiB may be locked");
	result(limited(RLIMIT_NOFILE, 65536), "65536 descriptors");
	result(limited(RLIMIT_NPROC, 4096), "4096 processes");
	result(limited(RLIMIT_CORE, 0), "no core dump");
	result(getcwd(place, sizeof(place)) != NULL && strcmp(place, "/session") == 0,
	       "it is in its folder");
	result(in_its_group(), "it is in its control group");
	result(kill(1, 0) != 0 && errno == EPERM, "it cannot signal init");
	result(denied("/session/new", O_WRONLY | O_CREAT), "it cannot write to its folder");
	result(denied("/run/new", O_WRONLY | O_CREAT), "it cannot write to /run");
	result(denied("/run/hwb-init/notify", O_RDONLY), "it cannot speak for hwbrokerd");
	result(denied("/dev/console", O_RDWR), "it cannot open the console anew");
	result(denied("/dev/mem", O_RDONLY), "it cannot open /dev/mem");
	result(denied("/sys/fs/cgroup/cgroup.procs", O_WRONLY), "it cannot leave its group");
	result(access("/bin/sh", F_OK) != 0 && access("/sbin/modprobe", F_OK) != 0,
	       "there is no shell and no modprobe");
}

/* ---- second ---- */

/* A process that is no longer ours, and ends by no signal but SIGKILL. */
static _Noreturn void leave_behind(void)
{
	setsid();
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	for (;;)
		pause();
}

static int first_life(void)
{
	_cleanup_file_ FILE *file = fopen(LEFT_BEHIND ".new", "we");
	pid_t pid = fork();

	if (pid == 0)
		leave_behind();
	if (file == NULL || pid < 0 || fprintf(file, "%d\n", (int)pid) < 0 || fflush(file) != 0 ||
	    rename(LEFT_BEHIND ".new", LEFT_BEHIND) != 0) {
		result(false, "it can leave a process behind");
		return EXIT_FAILURE;
	}
	puts("image session: waits to be ended");
	fflush(stdout);
	for (;;)
		pause();
}

/* The process that was left behind; 0 if there was none yet. */
static pid_t left_behind(void)
{
	char text[16] = "";
	_cleanup_file_ FILE *file = fopen(LEFT_BEHIND, "re");

	return file != NULL && fgets(text, sizeof(text), file) != NULL ? atoi(text) : 0;
}

static int second(char **command)
{
	pid_t pid = left_behind();

	if (pid <= 0)
		return first_life();
	/* EPERM would be a process of another user that has its number now. */
	result(kill(pid, 0) != 0 && errno == ESRCH, "what the first one left behind is gone");
	look_at_rights();
	printf("image session: %u failures\n", failures);
	fflush(stdout);
	execv(command[0], command);
	printf("not ok image session: cannot execute %s: %s\n", command[0], strerror(errno));
	return EXIT_FAILURE;
}

/* ---- kill-broker ---- */

static pid_t find_broker(void)
{
	_cleanup_dir_ DIR *directory = opendir("/proc");
	const struct dirent *entry;

	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		char path[300], name[32] = "";
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		_cleanup_file_ FILE *file = fopen(path, "re");
		if (file != NULL && fgets(name, sizeof(name), file) != NULL &&
		    strcmp(name, "hwbrokerd\n") == 0)
			return atoi(entry->d_name);
	}
	return 0;
}

static int kill_broker(void)
{
	const struct timespec moment = { .tv_nsec = 10 * 1000000L };

	if (access(KILLED, F_OK) == 0)
		return EXIT_SUCCESS;
	while (access(LEFT_BEHIND, F_OK) != 0)
		nanosleep(&moment, NULL);
	_cleanup_fd_ int fd = open(KILLED, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	pid_t broker = find_broker();
	result(fd >= 0 && broker > 0 && kill(broker, SIGKILL) == 0, "root kills hwbrokerd");
	fflush(stdout);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "second") == 0)
		return second(argv + 2);
	if (argc == 2 && strcmp(argv[1], "kill-broker") == 0)
		return kill_broker();
	if (argc == 2 && strcmp(argv[1], "stop-console") == 0)
		return tcflow(STDOUT_FILENO, TCOOFF) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	fputs("Usage: image-session second COMMAND...|kill-broker|stop-console\n", stderr);
	return 2;
}
