/* SPDX-License-Identifier: MIT */
/* The operator's tool: options, and a table of what it can do. */
#include "command.h"
#include "spelling.h"

#include <hwbroker/protocol.h>

#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const struct command commands[] = {
	{ "list", "devices", "devices, their drivers, states and owners", list_devices,
	  TAKES_JSON },
	{ "list", "clients", "connections and what they use", list_clients, TAKES_JSON },
	{ "list", "sessions", "what each connection has open", list_sessions, TAKES_JSON },
	{ "status", NULL, "what the daemon and the kernel offer, and what is missing", show_status,
	  TAKES_JSON },
	{ "revoke", NULL, "takes a device from whoever has it", revoke_device,
	  TAKES_DEVICE | TAKES_NOW | TAKES_JSON },
	{ "quarantine", "clear", "resets a quarantined device once more", clear_device,
	  TAKES_DEVICE | TAKES_JSON },
	{ "genode-devices", NULL, "the policy's view as Genode's ROM `devices'", genode_devices,
	  TAKES_AS },
	{ "genode-platform-info", NULL, "Genode's ROM `platform_info'", genode_platform_info,
	  TAKES_FRAMEBUFFER },
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void usage(FILE *file)
{
	fputs("Usage: hwbroker-ctl [OPTION...] COMMAND\n"
	      "Shows what the hardware broker does, and takes devices back.\n\nCommands:\n",
	      file);
	for (unsigned i = 0; i < COMMANDS; i++) {
		char words[32];
		snprintf(words, sizeof(words), "%s %s%s", commands[i].verb,
		         commands[i].object != NULL ? commands[i].object : "",
		         (commands[i].takes & TAKES_DEVICE) == 0 ? ""
		         : commands[i].object != NULL            ? " DEVICE"
		                                                 : "DEVICE");
		fprintf(file, "  %-23s %s\n", words, commands[i].about);
	}
	fputs("\nOptions:\n"
	      "  --json           print JSON for programs instead of a table\n"
	      "  --now            revoke: without the time that the policy leaves its owner\n"
	      "  --as CLIENT      genode-devices: what the policy gives that client\n"
	      "                   (default: the caller)\n"
	      "  --framebuffer ADDRESS,WIDTHxHEIGHTxBITS,PITCH\n"
	      "                   genode-platform-info: a screen for boot_fb\n"
	      "  --socket PATH    the broker's socket (default $HWBROKER_SOCKET, then\n"
	      "                   " HWB_SOCKET_PATH ")\n"
	      "  --help           print this and end\n"
	      "  --version        print the version and end\n"
	      "\nExit status: 0 done, 1 the broker refused or failed, 2 wrong usage,\n"
	      "3 no broker answers, 4 you may not. See hwbroker-ctl(1).\n",
	      file);
}

static int wrong(const char *what, const char *word, const char *const *known, unsigned count)
{
	const char *near = spelling_nearest(word, known, count);

	fprintf(stderr, "hwbroker-ctl: %s `%s'", what, word);
	if (near != NULL)
		fprintf(stderr, "; did you mean `%s'?", near);
	fputs("\nTry `hwbroker-ctl --help'.\n", stderr);
	return EXIT_WRONG_USAGE;
}

static bool is_word(const char *word, const char *const *words, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

static unsigned add_word(const char **words, unsigned count, const char *word)
{
	if (!is_word(word, words, count))
		words[count++] = word;
	return count;
}

static void print_words(const char *const *words, unsigned count)
{
	fputs("needs one of: ", stderr);
	for (unsigned i = 0; i < count; i++)
		fprintf(stderr, "%s%s", i == 0 ? "" : ", ", words[i]);
}

/* How many words are behind those that name the command; -1: they name another one. */
static int words_behind(const struct command *command, int argc, char **argv)
{
	if (command->object == NULL)
		return argc - 1;
	return argc >= 2 && strcmp(command->object, argv[1]) == 0 ? argc - 2 : -1;
}

static const struct command *find(int argc, char **argv, int *status)
{
	const char *words[COMMANDS];
	char what[32];
	unsigned count = 0;
	bool verb_known = false, device_missing = false;

	for (unsigned i = 0; i < COMMANDS; i++) {
		const struct command *command = &commands[i];
		if (strcmp(command->verb, argv[0]) != 0)
			continue;
		verb_known = true;
		int behind = words_behind(command, argc, argv);
		bool takes_device = (command->takes & TAKES_DEVICE) != 0;
		if (behind == (takes_device ? 1 : 0))
			return command;
		device_missing = device_missing || (takes_device && behind == 0);
		if (command->object != NULL)
			count = add_word(words, count, command->object);
	}
	if (!verb_known) {
		for (unsigned i = 0; i < COMMANDS; i++)
			count = add_word(words, count, commands[i].verb);
		*status = wrong("no such command", argv[0], words, count);
	} else if (argc > 1 && argc < 3 && count != 0 && !is_word(argv[1], words, count)) {
		snprintf(what, sizeof(what), "`%.16s' knows no", argv[0]);
		*status = wrong(what, argv[1], words, count);
	} else {
		fprintf(stderr, "hwbroker-ctl: `%s' ", argv[0]);
		if (argc == 1 && count != 0)
			print_words(words, count);
		else
			fputs(device_missing ? "needs the address of a device, such as 0000:00:03.0"
			                     : "has words behind it that make no sense",
			      stderr);
		fputs("\nTry `hwbroker-ctl --help'.\n", stderr);
		*status = EXIT_WRONG_USAGE;
	}
	return NULL;
}

/* Whether the command has all of the options that were given. */
static bool options_fit(const struct command *command, const struct context *context)
{
	const char *wrong_option = NULL;

	if (context->json && (command->takes & TAKES_JSON) == 0)
		wrong_option = "--json";
	if (context->as != NULL && (command->takes & TAKES_AS) == 0)
		wrong_option = "--as";
	if (context->now && (command->takes & TAKES_NOW) == 0)
		wrong_option = "--now";
	if (context->framebuffer != NULL && (command->takes & TAKES_FRAMEBUFFER) == 0)
		wrong_option = "--framebuffer";
	if (wrong_option != NULL)
		fprintf(stderr, "hwbroker-ctl: `%s' does not take %s\nTry `hwbroker-ctl --help'.\n",
		        command->verb, wrong_option);
	return wrong_option == NULL;
}

/* Columns of the terminal; 0: not one, so nothing is cut. */
static unsigned terminal_width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return 0;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col != 0 ? size.ws_col : 80;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "socket", required_argument, NULL, 's' },
		{ "as", required_argument, NULL, 'a' },
		{ "now", no_argument, NULL, 'n' },
		{ "framebuffer", required_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	struct context context = { .out = stdout };
	int option, status = EXIT_OK;

	setlocale(LC_CTYPE, "C.UTF-8");
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'j':
			context.json = true;
			break;
		case 's':
			context.socket = optarg;
			break;
		case 'a':
			context.as = optarg;
			break;
		case 'n':
			context.now = true;
			break;
		case 'f':
			context.framebuffer = optarg;
			break;
		case 'h':
			usage(stdout);
			return EXIT_OK;
		case 'V':
			puts("hwbroker-ctl " HWBROKER_VERSION);
			return EXIT_OK;
		default:
			fputs("Try `hwbroker-ctl --help'.\n", stderr);
			return EXIT_WRONG_USAGE;
		}
	}
	if (optind == argc) {
		usage(stderr);
		return EXIT_WRONG_USAGE;
	}
	if (strcmp(argv[optind], "help") == 0) {
		usage(stdout);
		return EXIT_OK;
	}
	const struct command *command = find(argc - optind, argv + optind, &status);
	if (command == NULL)
		return status;
	if (!options_fit(command, &context))
		return EXIT_WRONG_USAGE;
	context.width = terminal_width();
	context.device = argv[argc - 1];
	return command->run(&context);
}
