/* SPDX-License-Identifier: MIT */
/*
 * Ports by instructions, for suite `run'.
 *
 *     ports-probe read PORT       prints what it reads
 *     ports-probe counts          reads the timer, and says whether it counts
 *     ports-probe hold FILE       reads a port and writes to the file, again and again
 *     ports-probe hide FILE       the same, in a grandchild of another session
 *     ports-probe alarm COMMAND...
 *                                 executes it with an alarm a second later
 *     ports-probe trace COMMAND...
 *                                 starts it as a debugger does
 *     ports-probe setcap FILE     as setcap(8), which the guest has not
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

enum { CHANNEL0 = 0x40, CONTROL = 0x43 };

static void pause_ms(long milliseconds)
{
	const struct timespec pause = { .tv_nsec = milliseconds * 1000000L };

	nanosleep(&pause, NULL);
}

static unsigned count(void)
{
	outb(0, CONTROL); /* latch */
	unsigned low = inb(CHANNEL0);
	return low | (unsigned)inb(CHANNEL0) << 8;
}

static int counts(void)
{
	unsigned changes = 0, last = count();

	for (unsigned i = 0; i < 16; i++) {
		pause_ms(3);
		unsigned now = count();
		changes += now != last;
		last = now;
	}
	puts(changes > 8 ? "counts" : "stands");
	return changes > 8 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int trace(char **words)
{
	pid_t program = fork();
	int status;

	if (program == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		execvp(words[0], words);
		_exit(127);
	}
	while (waitpid(program, &status, 0) == program && WIFSTOPPED(status))
		ptrace(PTRACE_CONT, program, NULL, NULL);
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

static int hold(const char *path)
{
	FILE *file = fopen(path, "a");

	while (file != NULL) {
		fprintf(file, "%u\n", inb(CHANNEL0));
		fflush(file);
		pause_ms(20);
	}
	return EXIT_FAILURE;
}

static int hide(const char *path)
{
	if (fork() != 0)
		return EXIT_SUCCESS;
	setsid();
	if (fork() != 0)
		_exit(EXIT_SUCCESS);
	return hold(path);
}

/* linux/capability.h: struct vfs_cap_data, revision 2; permitted, and not effective. */
static int setcap(const char *path)
{
	const uint32_t data[] = { 0x02000000, 1u << 17, 0, 0, 0 };

	if (setxattr(path, "security.capability", data, sizeof(data), 0) == 0)
		return EXIT_SUCCESS;
	perror(path);
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "counts") == 0)
		return counts();
	if (strcmp(what, "trace") == 0 && argc > 2)
		return trace(argv + 2);
	if (strcmp(what, "alarm") == 0 && argc > 2) {
		alarm(1);
		return execvp(argv[2], argv + 2) == 0 ? EXIT_SUCCESS : 127;
	}
	if (argc != 3)
		return 2;
	if (strcmp(what, "read") == 0)
		return printf("0x%02x\n", inb((uint16_t)strtoul(argv[2], NULL, 0))) < 0;
	if (strcmp(what, "hold") == 0)
		return hold(argv[2]);
	if (strcmp(what, "hide") == 0)
		return hide(argv[2]);
	return strcmp(what, "setcap") == 0 ? setcap(argv[2]) : 2;
}
