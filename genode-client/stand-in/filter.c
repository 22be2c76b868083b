/* SPDX-License-Identifier: MIT */
/*
 * The system calls that Genode's components are left with, or fewer; any other ends
 * the process. Not among them: ioctl, socket, connect, pread, pwrite.
 */
#include "component.h"
#include "system.h"

#include <stddef.h>
#include <sys/prctl.h>

/* linux/filter.h and linux/bpf_common.h */
struct instruction {
	uint16_t code;
	uint8_t if_true;
	uint8_t if_false;
	uint32_t value;
};

struct program {
	uint16_t length;
	const struct instruction *instructions;
};

enum { LOAD_WORD = 0x20, JUMP_EQUAL = 0x15, RETURN = 0x06 };

/* linux/seccomp.h, linux/audit.h */
enum { MODE_FILTER = 1, DATA_NUMBER = 0, DATA_ARCH = 4 };
static const uint32_t kill_process = 0x80000000u, allow = 0x7fff0000u, x86_64 = 0xc000003eu;

static const uint16_t allowed[] = {
	SYS_read,          SYS_write,     SYS_close,       SYS_mmap,      SYS_munmap,
	SYS_recvmsg,       SYS_sendmsg,   SYS_futex,       SYS_exit,      SYS_exit_group,
	SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_nanosleep,
};

bool filter_install(void)
{
	enum { ALLOWED = sizeof(allowed) / sizeof(allowed[0]), HEAD = 4 };
	struct instruction instructions[HEAD + ALLOWED + 2] = {
		{ LOAD_WORD, 0, 0, DATA_ARCH },
		{ JUMP_EQUAL, 1, 0, x86_64 },
		{ RETURN, 0, 0, kill_process },
		{ LOAD_WORD, 0, 0, DATA_NUMBER },
	};
	const struct program program = { HEAD + ALLOWED + 2, instructions };

	for (unsigned i = 0; i < ALLOWED; i++)
		instructions[HEAD + i] =
		        (struct instruction){ JUMP_EQUAL, (uint8_t)(ALLOWED - i), 0, allowed[i] };
	instructions[HEAD + ALLOWED] = (struct instruction){ RETURN, 0, 0, kill_process };
	instructions[HEAD + ALLOWED + 1] = (struct instruction){ RETURN, 0, 0, allow };
	return system6(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0) == 0 &&
	       system3(SYS_seccomp, MODE_FILTER, 0, at(&program)) == 0;
}
