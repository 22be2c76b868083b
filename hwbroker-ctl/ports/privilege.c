/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "privilege.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

/* As capget(2) has them; libcap would be a library more that runs with the capability. */
enum { VERSION_3 = 0x20080522, SYS_RAWIO = 17, LAST_POSSIBLE = 63 };

struct head {
	uint32_t version;
	int pid;
};

struct sets {
	uint32_t effective, permitted, inheritable;
};

static bool put(uint32_t effective, uint32_t permitted)
{
	struct head head = { VERSION_3, 0 };
	struct sets sets[2] = { { effective, permitted, 0 } };

	return syscall(SYS_capset, &head, sets) == 0;
}

/* The kernel gives a program no capability while somebody may look into it that has none. */
static bool is_traced(void)
{
	char line[128];
	int tracer = 0;
	FILE *status = fopen("/proc/self/status", "re");

	while (status != NULL && fgets(line, sizeof(line), status) != NULL)
		if (sscanf(line, "TracerPid: %d", &tracer) == 1)
			break;
	if (status != NULL)
		fclose(status);
	return tracer != 0;
}

static const char *why_not(void)
{
	struct statvfs where;

	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		return "whoever started it has set no_new_privs, with which no program gets a "
		       "capability.\nIn a unit of systemd: NoNewPrivileges=no, and none of the "
		       "settings that imply it";
	if (prctl(PR_CAPBSET_READ, SYS_RAWIO, 0, 0, 0) == 0)
		return "CAP_SYS_RAWIO is not in the bounding set of whoever started it.\nIn a unit "
		       "of systemd: CapabilityBoundingSet=CAP_SYS_RAWIO";
	if (statvfs("/proc/self/exe", &where) == 0 && (where.f_flag & ST_NOSUID) != 0)
		return "its file system is mounted with `nosuid', where capabilities of files do "
		       "not count";
	if (is_traced())
		return "it is being traced (strace, gdb), and gets none then.\nTrace the program "
		       "instead: hwbroker-ctl run --as CLIENT -- strace COMMAND";
	return "its file has not got it, or this is a user namespace.\nAs root: "
	       "setcap cap_sys_rawio+p " HWBROKER_PORTS_PATH;
}

bool privilege_is_there(void)
{
	struct head head = { VERSION_3, 0 };
	struct sets sets[2] = { { 0 } };

	if (syscall(SYS_capget, &head, sets) == 0 && (sets[0].permitted & 1u << SYS_RAWIO) != 0)
		return true;
	fprintf(stderr, "hwbroker-ctl: run: hwbroker-ports has no capability to give ports: %s\n",
	        why_not());
	return false;
}

bool privilege_raise(void)
{
	return put(1u << SYS_RAWIO, 1u << SYS_RAWIO);
}

bool privilege_drop(void)
{
	/* The bounding set can only be emptied by who has CAP_SETPCAP, which root has;
	 * without it, no_new_privs does the same. */
	for (int capability = 0; capability <= LAST_POSSIBLE; capability++)
		if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0)
			break;
	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0 && put(0, 0) &&
	       prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}
