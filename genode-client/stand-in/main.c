/* SPDX-License-Identifier: MIT */
/*
 * A stand-in for Genode's core: a program without a C library that uses the client
 * library as core does, with core's threads, stacks and processes, and checks each
 * operation that core needs.
 */
#include "broker.h"
#include "check.h"
#include "checks.h"
#include "component.h"
#include "device.h"
#include "events.h"
#include "print.h"
#include "rom.h"
#include "start.h"
#include "system.h"
#include "thread.h"

static const struct operation {
	const char *name;
	void (*run)(void);
	bool by_name_only;
	const char *what;
} operations[] = {
	{ "hello", check_hello, false, "version, features, limits; an answer for each thread" },
	{ "devices", check_devices, false, "the list, and Genode's ROM modules of it" },
	{ "io_mem", check_io_mem, false, "registers and a framebuffer by physical address" },
	{ "ports", check_ports, false, "the interval timer by legacy ports" },
};

enum { OPERATIONS = sizeof(operations) / sizeof(operations[0]), CLOSE_RANGE = 436 };

enum { PATH_OF_PROGRAM = 31 }; /* AT_EXECFN of linux/auxvec.h */

static int usage(int status)
{
	print("Usage: hwb-stand-in all|OPERATION...\n"
	      "       hwb-stand-in list\n"
	      "Uses the broker at $HWBROKER_SOCKET, or " HWB_SOCKET_PATH ", as Genode's core\n"
	      "would, and prints a line for each check. `list' prints core's ROM modules.\n"
	      "Operations:");
	for (unsigned i = 0; i < OPERATIONS; i++)
		print("  %s: %s%s", operations[i].name, operations[i].what,
		      operations[i].by_name_only ? " (not in `all')" : "");
	return status;
}

static const struct operation *find(const char *name)
{
	for (unsigned i = 0; i < OPERATIONS; i++)
		if (same_text(operations[i].name, name))
			return &operations[i];
	return NULL;
}

static void run(const struct operation *operation)
{
	check_begin(operation->name);
	operation->run();
}

static int run_named(char **names)
{
	bool all = same_text(names[0], "all") && names[1] == NULL;

	for (unsigned i = 0; all && i < OPERATIONS; i++)
		if (!operations[i].by_name_only)
			run(&operations[i]);
	for (unsigned i = 0; !all && names[i] != NULL; i++)
		run(find(names[i]));
	print("%u checks held, %u did not", check_good(), check_bad());
	return check_bad() == 0 && check_good() != 0 ? 0 : 1;
}

static bool known(char **names)
{
	if (names[0] == NULL)
		return false;
	if (names[1] == NULL && (same_text(names[0], "all") || same_text(names[0], "list")))
		return true;
	for (unsigned i = 0; names[i] != NULL; i++)
		if (find(names[i]) == NULL)
			return false;
	return true;
}

static int list(void)
{
	const char *text = rom_devices();

	print_text(text, length_of(text));
	text = rom_platform_info();
	print_text(text, length_of(text));
	return 0;
}

static const char *variable(char **environment, const char *name)
{
	const size_t length = length_of(name);

	for (; *environment != NULL; environment++)
		if (memcmp(*environment, name, length) == 0 && (*environment)[length] == '=')
			return *environment + length + 1;
	return NULL;
}

/* The path that the kernel was told to execute; it lies behind the environment. */
static const char *executable(char **environment)
{
	while (*environment != NULL)
		environment++;
	const unsigned long *auxiliary = (const unsigned long *)(environment + 1);
	for (; auxiliary[0] != 0; auxiliary += 2)
		if (auxiliary[0] == PATH_OF_PROGRAM)
			return (const char *)auxiliary[1];
	return "";
}

int stand_in(int argc, char **argv, char **environment)
{
	if (argc == 2 && same_text(argv[1], "component"))
		return component_main();
	if (argc < 2 || !known(argv + 1))
		return usage(argc == 2 && same_text(argv[1], "--help") ? 0 : 2);
	/* What whoever started us left open is not ours to hand on. */
	system3(CLOSE_RANGE, 3, INT32_MAX, 0);
	component_program(executable(environment));
	if (!broker_connect(variable(environment, "HWBROKER_SOCKET")))
		return 1;
	events_start(broker_socket());
	entrypoints_start();
	if (!devices_list())
		print("# the policy gives us no device");
	return same_text(argv[1], "list") ? list() : run_named(argv + 1);
}
