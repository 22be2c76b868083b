/* SPDX-License-Identifier: MIT */
/*
 * What suites in shell need a program for. Each prints `at it' once it is.
 *
 *   act hold ADDRESS SECONDS   has a device so long
 *   act ask ADDRESS TIMES      asks for one that it is not given, and says how often it was
 *                              refused
 *   act block FILE SECONDS     whoever opens the file waits so long in the kernel (root)
 */
#include "example.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <unistd.h>

static void at_it(void)
{
	puts("at it");
	fflush(stdout);
}

static void hold(const char *device, unsigned seconds)
{
	struct example example;
	struct example_device taken;
	const struct hwb_acquire_request request = { .flags = 0 };

	example_start(&example, "act");
	struct hwb_pci_address address = example_find(&example, device, 0, 0);
	example_acquire(&example, &address, &request, &taken);
	at_it();
	sleep(seconds);
}

static void ask(const char *device, unsigned times)
{
	struct example example;
	struct hwb_acquire_request request = { .flags = 0 };
	struct hwb_acquire_reply reply;
	int fds[HWB_FDS_MAX];
	uint32_t handle, count;
	unsigned refused = 0;

	example_start(&example, "act");
	request.address = example_find(&example, device, 0, 0);
	at_it();
	for (unsigned i = 0; i < times; i++)
		refused += hwb_device_acquire(example.client, &request, &handle, &reply, fds,
		                              &count, &example.error) != 0;
	printf("%u of %u were refused\n", refused, times);
}

/* An open of it is to be permitted by us, who say nothing; when we end it is. */
static int block(const char *path, unsigned seconds)
{
	int fd = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY);

	if (fd < 0 || fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN_PERM, AT_FDCWD, path) != 0) {
		perror(path);
		return EXIT_FAILURE;
	}
	at_it();
	sleep(seconds);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	unsigned number = argc == 4 ? (unsigned)atoi(argv[3]) : 0;

	if (argc == 4 && strcmp(argv[1], "hold") == 0)
		hold(argv[2], number);
	else if (argc == 4 && strcmp(argv[1], "ask") == 0)
		ask(argv[2], number);
	else if (argc == 4 && strcmp(argv[1], "block") == 0)
		return block(argv[2], number);
	else
		return fputs("Usage: act hold|ask|block WHAT NUMBER\n", stderr), EXIT_FAILURE;
	return EXIT_SUCCESS;
}
