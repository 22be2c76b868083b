/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* CLONE_THREAD */
#include "kernel/privilege.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- capabilities ---- */

static uint64_t bit(unsigned capability)
{
	return (uint64_t)1 << capability;
}

static uint64_t needed(bool ports)
{
	uint64_t set = bit(CAP_SYS_ADMIN) | bit(CAP_IPC_LOCK) | bit(CAP_DAC_OVERRIDE) |
	               bit(CAP_SYS_RESOURCE) | bit(CAP_KILL);

	return ports ? set | bit(CAP_SYS_RAWIO) : set;
}

/* What a program that it started could have; it starts none (below). Without CAP_SETPCAP,
 * as in its unit, this stays what it was started with. */
static void bound(uint64_t keep)
{
	/* EINVAL: the kernel knows no more of them. */
	for (unsigned i = 0; i < 64; i++)
		if ((keep >> i & 1) == 0 && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) != 0 &&
		    errno == EINVAL)
			break;
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

static int drop_capabilities(uint64_t keep)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2];

	bound(keep);
	if (syscall(SYS_capget, &header, sets) != 0)
		return -1;
	for (unsigned i = 0; i < 2; i++) {
		sets[i].permitted &= (uint32_t)(keep >> 32 * i);
		sets[i].effective = sets[i].permitted;
		sets[i].inheritable = 0;
	}
	return syscall(SYS_capset, &header, sets) != 0 ? -1 : 0;
}

bool privilege_locks_memory(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2] = { { 0 } };

	return syscall(SYS_capget, &header, sets) == 0 &&
	       (sets[0].effective & bit(CAP_IPC_LOCK)) != 0;
}

/* ---- system calls ---- */

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE AUDIT_ARCH_AARCH64
#endif

#ifdef NATIVE

/* Whose leak check looks at the program from another process. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* What it never needs once it has started: other programs and processes, what others have
 * in their memory or tables, another view of the file system, the kernel's code, keys, clock
 * and switch, and interfaces that are large and of no use to it. */
static const unsigned refused[] = {
	SYS_execve,
	SYS_execveat,
#if !SANITIZED
	SYS_ptrace,
#endif
#ifdef __x86_64__
	SYS_fork,
	SYS_vfork,
	SYS_iopl,
	SYS_modify_ldt,
#endif
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	SYS_pidfd_getfd,
	SYS_kcmp,
	SYS_mount,
	SYS_umount2,
	SYS_pivot_root,
	SYS_chroot,
	SYS_open_tree,
	SYS_move_mount,
	SYS_fsopen,
	SYS_fsconfig,
	SYS_fsmount,
	SYS_fspick,
	SYS_mount_setattr,
	SYS_name_to_handle_at,
	SYS_open_by_handle_at,
	SYS_mknodat,
	SYS_unshare,
	SYS_setns,
	SYS_setuid,
	SYS_setgid,
	SYS_setreuid,
	SYS_setregid,
	SYS_setresuid,
	SYS_setresgid,
	SYS_setfsuid,
	SYS_setfsgid,
	SYS_setgroups,
	SYS_init_module,
	SYS_finit_module,
	SYS_delete_module,
	SYS_kexec_load,
	SYS_kexec_file_load,
	SYS_reboot,
	SYS_swapon,
	SYS_swapoff,
	SYS_acct,
	SYS_quotactl,
	SYS_vhangup,
	SYS_syslog,
	SYS_settimeofday,
	SYS_clock_settime,
	SYS_clock_adjtime,
	SYS_adjtimex,
	SYS_sethostname,
	SYS_setdomainname,
	SYS_add_key,
	SYS_request_key,
	SYS_keyctl,
	SYS_bpf,
	SYS_perf_event_open,
	SYS_userfaultfd,
	SYS_io_uring_setup,
	SYS_personality,
};

enum { REFUSED = sizeof(refused) / sizeof(refused[0]) };

/*
 * A program of the kernel's: it looks at each system call's number and says whether it is
 * made. Calls of another architecture, whose numbers are others, are not. The kernel keeps in
 * mind which numbers are always allowed, so that those cost next to nothing.
 */
static int filter_calls(bool pins)
{
	enum { HEAD = 8, TAIL = 3 };
	struct sock_filter code[HEAD + REFUSED + TAIL] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE, 0, HEAD + REFUSED + 1 - 2),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		/* x32: the same architecture, other numbers. */
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, HEAD + REFUSED + 1 - 4, 0),
		/* Threads, but no processes. What clone3() is to make cannot be seen; libc
		 * takes clone() if there is no such call. */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, HEAD + REFUSED + 2 - 5, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 2),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, HEAD + REFUSED - 8,
		         HEAD + REFUSED + (SANITIZED ? 0 : 1) - 8),
	};
	struct sock_fprog program = { .len = HEAD + REFUSED + TAIL, .filter = code };

	for (unsigned i = 0; i < REFUSED; i++) {
		/* In place of one that is allowed another is refused twice. */
		bool allowed = pins && refused[i] == SYS_io_uring_setup;
		code[HEAD + i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
		                                              allowed ? SYS_bpf : refused[i],
		                                              (uint8_t)(REFUSED - i), 0);
	}
	struct sock_filter *tail = code + HEAD + REFUSED;
	tail[0] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	tail[1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	tail[2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

#else

/* The numbers and the order of arguments are not known here: its unit has a filter, too. */
static int filter_calls(bool pins)
{
	(void)pins;
	return 0;
}

#endif

int privilege_drop(bool ports, bool pins, struct fault *fault)
{
	int result = 0;

	/* First what the filter needs of those who may not do everything. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		result = fault_errno(fault, errno, "cannot do without new privileges");
	if (drop_capabilities(needed(ports)) != 0)
		result = fault_errno(fault, errno, "cannot give capabilities up");
	if (filter_calls(pins) != 0)
		result = fault_errno(fault, errno, "cannot give system calls up");
	return result;
}
