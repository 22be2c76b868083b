/* SPDX-License-Identifier: MIT */
#include "options.h"

#include "spelling.h"

#include <hwbroker/protocol.h>

#include <getopt.h>
#include <string.h>

/* What the context has of each; the order is that of the table. */
enum which {
	JSON,
	NOW,
	AS,
	SVG,
	ONCE,
	CLIENT,
	USER,
	PORTS,
	MEMORY,
	INTERRUPT,
	FRAMEBUFFER,
	SOCKET,
	HELP,
	VERSION,
	COUNT
};

const struct option_about options[] = {
	[JSON] = { "json", NULL, OPTION_JSON, "print JSON for programs instead of a table" },
	[NOW] = { "now", NULL, OPTION_NOW,
	          "revoke: without the time that the policy leaves its owner" },
	[AS] = { "as", "CLIENT", OPTION_AS,
	         "genode-devices: what the policy gives that client\n"
	         "(default: the caller); run: who the caller is" },
	[SVG] = { "svg", NULL, OPTION_SVG, "graph: the drawing itself" },
	[ONCE] = { "once", NULL, OPTION_ONCE, "top: one frame, also where there is no terminal" },
	[CLIENT] = { "client", "NAME", OPTION_CLIENT,
	             "generate-policy: what the client is to be called" },
	[USER] = { "user", "USER", OPTION_USER,
	           "generate-policy: whose processes it is\n(default: the user of that name)" },
	[PORTS] = { "ports", "RANGE,...", OPTION_LEGACY,
	            "generate-policy: legacy ports: 0x60,0x64 or 0x40-0x43" },
	[MEMORY] = { "memory", "RANGE,...", OPTION_LEGACY,
	             "generate-policy: memory of no device, such as\n0xfed00000-0xfed003ff" },
	[INTERRUPT] = { "interrupt", "LINE,...", OPTION_LEGACY,
	                "generate-policy: lines of the PC: 1,12 or keyboard,mouse" },
	[FRAMEBUFFER] = { "framebuffer", "ADDRESS,WIDTHxHEIGHTxBITS,PITCH", OPTION_FRAMEBUFFER,
	                  "genode-platform-info: a screen for boot_fb" },
	[SOCKET] = { "socket", "PATH", 0,
	             "the broker's socket (default $HWBROKER_SOCKET, then\n" HWB_SOCKET_PATH ")" },
	[HELP] = { "help", NULL, 0, "print this and end" },
	[VERSION] = { "version", NULL, 0, "print the version and end" },
};

const unsigned option_count = sizeof(options) / sizeof(options[0]);

static void set(struct context *context, enum which which, const char *argument)
{
	switch (which) {
	case JSON:
		context->json = true;
		break;
	case NOW:
		context->now = true;
		break;
	case AS:
		context->as = argument;
		break;
	case SVG:
		context->svg = true;
		break;
	case ONCE:
		context->once = true;
		break;
	case CLIENT:
		context->client = argument;
		break;
	case USER:
		context->user = argument;
		break;
	case PORTS:
		context->ports = argument;
		break;
	case MEMORY:
		context->memory = argument;
		break;
	case INTERRUPT:
		context->interrupt = argument;
		break;
	case FRAMEBUFFER:
		context->framebuffer = argument;
		break;
	case SOCKET:
		context->socket = argument;
		break;
	case HELP:
	case VERSION:
	case COUNT:
		break;
	}
}

/* Whether the first word is `run': from the first word behind that, all belongs to the
 * command that it runs. Otherwise options may stand behind words. */
static bool is_run(int argc, char **argv, const struct option *known)
{
	int option;

	opterr = 0;
	optind = 0;
	do
		option = getopt_long(argc, argv, "+", known, NULL);
	while (option != -1 && option != '?');
	bool run = option == -1 && optind < argc && strcmp(argv[optind], "run") == 0;
	opterr = 1;
	optind = 0; /* glibc: begin anew */
	return run;
}

/* For `--jsno'; getopt has said that there is none. */
static void suggest_option(const char *word, int known)
{
	const char *names[COUNT], *near;
	char name[64];

	if (known != 0 || word == NULL || strncmp(word, "--", 2) != 0)
		return;
	for (unsigned i = 0; i < COUNT; i++)
		names[i] = options[i].name;
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="), word + 2);
	near = spelling_nearest(name, names, COUNT);
	if (near != NULL)
		fprintf(stderr, "hwbroker-ctl: did you mean `--%s'?\n", near);
}

int options_read(int argc, char **argv, struct context *context, unsigned *given, int *status)
{
	struct option known[COUNT + 1] = { { 0 } };
	int option;

	_Static_assert(sizeof(options) / sizeof(options[0]) == COUNT, "one name for each");
	for (int i = 0; i < COUNT; i++)
		known[i] = (struct option){ options[i].name,
			                    options[i].argument != NULL ? required_argument
			                                                : no_argument,
			                    NULL, 'A' + i };
	*given = 0;
	*status = EXIT_OK;
	/* In what getopt says, however it was called. */
	if (argc > 0)
		argv[0] = (char *)"hwbroker-ctl";
	const bool run = is_run(argc, argv, known);
	bool behind = false; /* the word `run' */
	for (;;) {
		option = getopt_long(argc, argv, run ? "+" : "", known, NULL);
		if (option == -1 && run && !behind) {
			behind = true;
			optind++;
			continue;
		}
		if (option == -1)
			break;
		if (option < 'A' || option >= 'A' + COUNT) {
			suggest_option(argv[optind - 1], optopt);
			fputs("Try `hwbroker-ctl --help'.\n", stderr);
			*status = EXIT_WRONG_USAGE;
			return -1;
		}
		enum which which = (enum which)(option - 'A');
		if (which == HELP) {
			commands_help(context->out);
			return -1;
		}
		if (which == VERSION) {
			fputs("hwbroker-ctl " HWBROKER_VERSION "\n", context->out);
			return -1;
		}
		*given |= options[which].bit;
		set(context, which, optarg);
	}
	/* In place of what stood before its command, `run' itself at least. */
	if (run)
		argv[--optind] = (char *)"run";
	return optind;
}

bool options_fit(const struct command *command, unsigned given)
{
	for (unsigned i = 0; i < option_count; i++)
		if ((options[i].bit & given & ~command->options) != 0) {
			fprintf(stderr,
			        "hwbroker-ctl: `%s' does not take --%s\n"
			        "Try `hwbroker-ctl --help'.\n",
			        command->verb, options[i].name);
			return false;
		}
	return true;
}

void options_help(FILE *file)
{
	enum { COLUMN = 19 };

	fputs("\nOptions:\n", file);
	for (unsigned i = 0; i < option_count; i++) {
		int used = fprintf(file, "  --%s%s%s", options[i].name,
		                   options[i].argument != NULL ? " " : "",
		                   options[i].argument != NULL ? options[i].argument : "");
		if (used >= COLUMN) {
			fputc('\n', file);
			used = 0;
		}
		fprintf(file, "%*s", COLUMN - used, "");
		for (const char *at = options[i].about; *at != '\0'; at++) {
			fputc(*at, file);
			if (*at == '\n')
				fprintf(file, "%*s", COLUMN, "");
		}
		fputc('\n', file);
	}
}
