/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* close_range, pipe2, setresuid */
#include "process.h"

#include "cgroup.h"
#include "notify.h"
#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum { WORDS_MAX = 64, BROKER_FILES = 524288 };

/* Numbers of linux/capability.h: what hwbrokerd.service names, too. */
enum {
	DAC_OVERRIDE = 1,
	KILL = 5,
	IPC_LOCK = 14,
	SYS_MODULE = 16,
	SYS_RAWIO = 17,
	SYS_ADMIN = 21,
	SYS_RESOURCE = 24
};
static const uint64_t broker_capabilities = 1ull << DAC_OVERRIDE | 1ull << KILL | 1ull << IPC_LOCK |
                                            1ull << SYS_MODULE | 1ull << SYS_RAWIO |
                                            1ull << SYS_ADMIN | 1ull << SYS_RESOURCE;

/* ---- in the child: each returns NULL, or what cannot be done, with errno ---- */

/* Standard input and output of its own: whoever shares an open file can make it block. */
static const char *open_console(void)
{
	/* O_NONBLOCK: a serial line may wait for the other side otherwise. */
	int fd = open("/dev/console", O_RDWR | O_NOCTTY | O_NONBLOCK);

	if (fd >= 0 && fcntl(fd, F_SETFL, O_RDWR) != 0)
		return "make the console block";
	if (fd < 0)
		fd = open("/dev/null", O_RDWR);
	if (fd < 0)
		return "open /dev/console or /dev/null";
	for (int standard = STDIN_FILENO; standard <= STDERR_FILENO; standard++)
		if (dup2(fd, standard) < 0)
			return "make the console its standard input and output";
	/* The pipe by which the child says what fails is one of them. */
	return close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC) == 0 ? NULL
	                                                                     : "close descriptors";
}

static const char *keep_capabilities(uint64_t kept)
{
	for (unsigned long number = 0; prctl(PR_CAPBSET_READ, number, 0, 0, 0) >= 0; number++)
		if ((number >= 64 || (kept >> number & 1) == 0) &&
		    prctl(PR_CAPBSET_DROP, number, 0, 0, 0) != 0)
			return "drop capabilities";
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
		return "drop ambient capabilities";
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? NULL : "set no_new_privs";
}

static const char *limit(int resource, rlim_t value, const char *failure)
{
	const struct rlimit both = { .rlim_cur = value, .rlim_max = value };

	return setrlimit((__rlimit_resource_t)resource, &both) == 0 ? NULL : failure;
}

/* When memory runs out, its clients go first: it would take every device with it. */
static void outlive_others(void)
{
	static const char score[] = "-900";
	_cleanup_fd_ int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		ssize_t written = write(fd, score, strlen(score));
		(void)written; /* it runs without, too */
	}
}

static const char *become_broker(void)
{
	const char *failure = NULL;

	outlive_others();
	umask(0077);
	if ((failure = limit(RLIMIT_MEMLOCK, RLIM_INFINITY, "raise RLIMIT_MEMLOCK")) == NULL &&
	    (failure = limit(RLIMIT_NOFILE, BROKER_FILES, "raise RLIMIT_NOFILE")) == NULL)
		failure = keep_capabilities(broker_capabilities);
	return failure;
}

static const char *set_limits(const struct config_session *session)
{
	const char *failure = NULL;

	if ((failure = limit(RLIMIT_MEMLOCK, session->memlock, "set RLIMIT_MEMLOCK")) == NULL &&
	    (failure = limit(RLIMIT_NOFILE, session->files, "set RLIMIT_NOFILE")) == NULL &&
	    (failure = limit(RLIMIT_NPROC, session->processes, "set RLIMIT_NPROC")) == NULL)
		failure = limit(RLIMIT_CORE, 0, "set RLIMIT_CORE");
	return failure;
}

static const char *become_session(const struct config_session *session)
{
	const char *failure = NULL;

	/* ENOENT: a kernel without control groups, which init has told. */
	int error = cgroup_enter(session->name);
	if (error != 0 && error != ENOENT) {
		errno = error;
		return "enter its control group";
	}
	umask(0077);
	if ((failure = set_limits(session)) != NULL || (failure = keep_capabilities(0)) != NULL)
		return failure;
	if (setgroups(0, NULL) != 0 ||
	    setresgid(session->group, session->group, session->group) != 0 ||
	    setresuid(session->user, session->user, session->user) != 0)
		return "become its user";
	return chdir(session->directory) == 0 ? NULL : "enter its directory";
}

/* ---- both sides ---- */

/* What the child says of itself if it cannot become the program. The text is the same in
 * parent and child, which is a copy. */
struct misfortune {
	const char *what;
	int error;
};

static void split(char *text, char **words)
{
	char *rest = NULL;
	size_t count = 0;

	for (char *word = strtok_r(text, " \t", &rest); word != NULL && count < WORDS_MAX - 1;
	     word = strtok_r(NULL, " \t", &rest))
		words[count++] = word;
	words[count] = NULL;
}

static _Noreturn void run(const char *command, const struct config_session *session, int report)
{
	static char *const broker_environment[] = { "NOTIFY_SOCKET=" NOTIFY_PATH,
		                                    "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	static char *const no_environment[] = { NULL };
	char text[CONFIG_TEXT], *words[WORDS_MAX];
	struct misfortune misfortune = { 0 };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	snprintf(text, sizeof(text), "%s", command);
	split(text, words);
	misfortune.what = open_console();
	if (misfortune.what == NULL)
		misfortune.what = session != NULL ? become_session(session) : become_broker();
	if (misfortune.what == NULL) {
		execve(text, words, session != NULL ? no_environment : broker_environment);
		misfortune.what = "execute it";
	}
	misfortune.error = errno;
	ssize_t written = write(report, &misfortune, sizeof(misfortune));
	_exit(written == (ssize_t)sizeof(misfortune) ? 126 : 127);
}

static pid_t start(const char *command, const struct config_session *session, struct fault *fault)
{
	struct misfortune misfortune;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return fault_errno(fault, errno, "`%s': cannot make a pipe", command);
	_cleanup_fd_ int near = ends[0];
	pid_t process = fork();
	if (process == 0)
		run(command, session, ends[1]);
	close_fd(ends[1]);
	if (process < 0)
		return fault_errno(fault, errno, "`%s': cannot make a process", command);
	ssize_t length = read(near, &misfortune, sizeof(misfortune));
	/* The end of the pipe: the program runs. The child, otherwise, is reaped by init as all
	 * others are. */
	if (length != (ssize_t)sizeof(misfortune))
		return process;
	return fault_errno(fault, misfortune.error, "`%s': cannot %s%s%s", command, misfortune.what,
	                   session != NULL ? " in " : "",
	                   session != NULL ? session->directory : "");
}

pid_t process_start_broker(const char *command, struct fault *fault)
{
	return start(command, NULL, fault);
}

pid_t process_start_session(const struct config_session *session, struct fault *fault)
{
	return start(session->command, session, fault);
}

bool process_dying(pid_t process)
{
	char path[64], target[8];

	/* The kernel lets go of a program's memory before its descriptors. */
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)process);
	return readlink(path, target, sizeof(target)) < 0;
}
