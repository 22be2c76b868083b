/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* syscall */
#include "system.h"

#include "say.h"
#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>

struct file_system {
	const char *type;
	const char *target;
	const char *options;
	unsigned long flags;
};

static const struct file_system file_systems[] = {
	{ "devtmpfs", "/dev", "mode=0755", MS_NOSUID | MS_NOEXEC },
	{ "proc", "/proc", "", MS_NOSUID | MS_NODEV | MS_NOEXEC },
	{ "sysfs", "/sys", "", MS_NOSUID | MS_NODEV | MS_NOEXEC },
	{ "cgroup2", "/sys/fs/cgroup", "", MS_NOSUID | MS_NODEV | MS_NOEXEC },
	{ "tmpfs", "/run", "mode=0755,size=16m", MS_NOSUID | MS_NODEV },
	{ "tmpfs", "/tmp", "mode=1777,size=64m", MS_NOSUID | MS_NODEV },
};

void system_mount(void)
{
	for (size_t i = 0; i < sizeof(file_systems) / sizeof(file_systems[0]); i++) {
		const struct file_system *entry = &file_systems[i];
		mkdir(entry->target, 0755);
		if (mount(entry->type, entry->target, entry->type, entry->flags, entry->options) !=
		    0)
			say("cannot mount %s on %s: %s; is it in the kernel?", entry->type,
			    entry->target, strerror(errno));
	}
	/* Where hwbrokerd listens. */
	mkdir("/run/hwbroker", 0755);
}

static int load(const struct config_module *module)
{
	_cleanup_fd_ int fd = open(module->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 ||
	    (syscall(SYS_finit_module, fd, module->parameters, 0) != 0 && errno != EEXIST))
		return errno;
	return 0;
}

static const char *advice(int error)
{
	switch (error) {
	case ENOENT:
		return "; hwbroker-mkimage --module puts it into the image, with what it needs";
	case ENOEXEC:
		return "; it is not of this kernel, or compressed";
	case EKEYREJECTED:
	case EPERM:
		return "; this kernel takes only modules that its maker has signed";
	default:
		return "";
	}
}

unsigned system_load_modules(const struct config *config, const char *file)
{
	unsigned failed = 0;

	for (uint32_t i = 0; i < config->module_count; i++) {
		const struct config_module *module = &config->modules[i];
		int error = load(module);
		if (error == 0)
			continue;
		say("%s:%u: cannot load %s: %s%s", file, module->line, module->path,
		    strerror(error), advice(error));
		failed++;
	}
	return failed;
}

void system_end(enum end_action action)
{
	/* Nobody is left but what did not belong to a session. */
	kill(-1, SIGKILL);
	sync();
	say_flush();
	reboot(action == END_REBOOT ? RB_AUTOBOOT : RB_POWER_OFF);
	say("the kernel refuses to %s: %s", end_action_name(action), strerror(errno));
}
