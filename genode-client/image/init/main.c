/* SPDX-License-Identifier: MIT */
/* The first process of a machine that is there for hwbrokerd and one session. */
#define _GNU_SOURCE /* signalfd */
#include "notify.h"
#include "say.h"
#include "supervise.h"
#include "system.h"
#include "util/cleanup.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>

#define CONFIG_FILE "/etc/hwbroker/init.conf"

enum { EXIT_USAGE = 2, EXIT_CONFIG = 78 };

static const char usage[] =
        "Usage: hwb-init --check FILE\n"
        "Checks the configuration of an image without a Linux around it. Without arguments\n"
        "it is the first process of such an image. See hwb-init(8), hwbroker-mkimage(1).\n";

static int64_t milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Whether the file has no mistake; each is said. */
static bool read_config(struct config *config, const char *file)
{
	struct report report = { 0 };

	config_read_file(config, file, &report);
	bool clean = report_clean(&report);
	_cleanup_free_ char *text = report_text(&report, &file);
	say_lines(text != NULL ? text : "out of memory");
	report_release(&report);
	return clean;
}

static int check(const char *file)
{
	static struct config config;

	if (!read_config(&config, file))
		return EXIT_CONFIG;
	printf("%s: %u modules, %u sessions, no mistake\n", file, config.module_count,
	       config.session_count);
	return EXIT_SUCCESS;
}

/* ---- the first process ---- */

/* Signals that init hears, as a descriptor. */
static int watch_signals(void)
{
	static const int heard[] = { SIGCHLD, SIGTERM, SIGINT, SIGPWR };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(heard) / sizeof(heard[0]); i++)
		sigaddset(&set, heard[i]);
	sigprocmask(SIG_SETMASK, &set, NULL);
	/* From now on Ctrl-Alt-Del is SIGINT, and not the end at once. */
	reboot(RB_DISABLE_CAD);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void take_signals(struct supervisor *self, int fd)
{
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGINT)
			supervise_end(self, END_REBOOT);
		else if (info.ssi_signo != SIGCHLD)
			supervise_end(self, END_POWEROFF);
	}
	/* One signal may stand for many children, and for those of others that ended. */
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		supervise_exited(self, pid, status, milliseconds());
}

static void take_messages(struct supervisor *self, int fd)
{
	bool ready;

	while (notify_take(fd, self->broker.pid, &ready))
		if (ready)
			supervise_ready(self, milliseconds());
}

static int time_left(int64_t wake)
{
	int64_t left = wake == SUPERVISE_NEVER ? -1 : wake - milliseconds();

	if (wake != SUPERVISE_NEVER && left < 0)
		return 0;
	return left > INT32_MAX ? INT32_MAX : (int)left;
}

static void supervise(struct supervisor *self, int signals, int messages)
{
	struct pollfd fds[] = {
		{ .fd = signals, .events = POLLIN },
		{ .fd = messages, .events = POLLIN },
	};

	while (!self->over) {
		int64_t wake = supervise_step(self, milliseconds());
		if (self->over)
			break;
		poll(fds, sizeof(fds) / sizeof(fds[0]), time_left(wake));
		/* First what it said, then how it ended. */
		take_messages(self, messages);
		take_signals(self, signals);
	}
}

static _Noreturn void be_init(void)
{
	static struct config config;
	static struct supervisor self = { .config = &config, .file = CONFIG_FILE };
	struct utsname name = { 0 };

	system_mount();
	say_open();
	uname(&name);
	say("version " HWBROKER_VERSION ", Linux %s", name.release);
	int signals = watch_signals();
	int messages = notify_open();
	if (signals < 0 || messages < 0)
		say("cannot listen to the broker or to signals: %s", strerror(errno));
	if (!read_config(&config, CONFIG_FILE)) {
		say("the configuration has mistakes: nothing is started; repair it, and make the "
		    "image anew");
		/* No session may run by a configuration that is not understood. */
		config.session_count = 0;
		self.broker.done = true;
		supervise_failed(&self);
	} else {
		unsigned failed = system_load_modules(&config, CONFIG_FILE);
		say("%u of %u kernel modules are loaded", config.module_count - failed,
		    config.module_count);
	}
	supervise(&self, signals, messages);
	system_end(self.action);
	/* PID 1 must not end. */
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	/* The kernel passes words of its command line that it does not know. */
	if (getpid() == 1)
		be_init();
	if (argc == 3 && strcmp(argv[1], "--check") == 0)
		return check(argv[2]);
	bool help = argc == 2 && strcmp(argv[1], "--help") == 0;
	fputs(usage, help ? stdout : stderr);
	return help ? EXIT_SUCCESS : EXIT_USAGE;
}
