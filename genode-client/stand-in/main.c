/* SPDX-License-Identifier: MIT */
/*
 * A stand-in for Genode's core: a program without a C library that uses the client
 * library as core does, with core's threads, stacks and processes, and checks each
 * operation that core needs.
 */
#include "bench.h"
#include "broker.h"
#include "check.h"
#include "checks.h"
#include "component.h"
#include "device.h"
#include "events.h"
#include "forever.h"
#include "print.h"
#include "rom.h"
#include "start.h"
#include "system.h"
#include "thread.h"

#include <string.h>

static const struct operation {
	const char *name;
	void (*run)(void);
	bool by_name_only;
	const char *what;
} operations[] = {
	{ "hello", check_hello, false, "version, features, limits; an answer for each thread" },
	{ "devices", check_devices, false, "the list, and Genode's ROM modules of it" },
	{ "io_mem", check_io_mem, false, "registers and a framebuffer by physical address" },
	{ "config", check_config, false, "configuration space, filtered, and its shadow page" },
	{ "ports", check_ports, false, "the interval timer by legacy ports" },
	{ "io_bar", check_io_bar, false, "an I/O BAR by number and as a descriptor" },
	{ "irq", check_irq, false, "the interrupt pin: enable, acknowledge, close" },
	{ "messages", check_messages, false, "MSI and MSI-X" },
	{ "domain", check_domain, false, "a domain before its devices; assign, deassign" },
	{ "dma", check_dma, false, "memory mapped and unmapped, core's and the broker's" },
	{ "components", check_components, false, "what a component inherits and may do" },
	{ "threads", check_threads, false, "all threads at once, on small stacks" },
	{ "reset", check_reset, false, "no thread waits for another's reset" },
	{ "policy", check_policy, true, "waits until the operator replaces the policy" },
};

enum { OPERATIONS = sizeof(operations) / sizeof(operations[0]), CLOSE_RANGE = 436 };

enum { PATH_OF_PROGRAM = 31 }; /* AT_EXECFN of linux/auxvec.h */

static int usage(int status)
{
	print("Usage: hwb-stand-in all|OPERATION...\n"
	      "       hwb-stand-in list|dma-forever|acquire-forever\n"
	      "       hwb-stand-in bench ping|io-mem|irq-open|irq-ack|dma|interrupts COUNT\n"
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

static int list(void)
{
	const char *text = rom_devices();

	print_text(text, length_of(text));
	text = rom_platform_info();
	print_text(text, length_of(text));
	return 0;
}

static unsigned number(const char *text)
{
	unsigned value = 0;

	for (; *text >= '0' && *text <= '9' && value < 100000000; text++)
		value = value * 10 + (unsigned)(*text - '0');
	return *text == '\0' ? value : 0;
}

static const struct command {
	const char *name;
	int (*run)(void);
} commands[] = {
	{ "list", list },
	{ "dma-forever", dma_forever },
	{ "acquire-forever", acquire_forever },
};

static const struct command *find_command(char **names)
{
	for (unsigned i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (same_text(commands[i].name, names[0]) && names[1] == NULL)
			return &commands[i];
	return NULL;
}

static bool is_bench(char **names)
{
	return same_text(names[0], "bench") && names[1] != NULL && bench_knows(names[1]) &&
	       names[2] != NULL && number(names[2]) >= 10 && names[3] == NULL;
}

static bool known(char **names)
{
	if (find_command(names) != NULL || is_bench(names) ||
	    (same_text(names[0], "all") && names[1] == NULL))
		return true;
	for (unsigned i = 0; names[i] != NULL; i++)
		if (find(names[i]) == NULL)
			return false;
	return true;
}

static int obey(char **names)
{
	if (is_bench(names))
		return bench(names[1], number(names[2]));
	check_begin(names[0]);
	return find_command(names) != NULL ? find_command(names)->run() : run_named(names);
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
	events_start();
	entrypoints_start();
	if (!devices_list())
		print("# the policy gives us no device");
	return obey(argv + 1);
}
