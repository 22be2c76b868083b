/* SPDX-License-Identifier: MIT */
#include "commands.h"

#include "options.h"

#include <limits.h>

static const char a_device[] = "the address of a device, such as 0000:00:03.0";

const struct command commands[] = {
	{ .verb = "list",
	  .object = "devices",
	  .about = "devices, their drivers, states and owners",
	  .run = list_devices,
	  .options = OPTION_JSON },
	{ .verb = "list",
	  .object = "clients",
	  .about = "connections and what they use",
	  .run = list_clients,
	  .options = OPTION_JSON },
	{ .verb = "list",
	  .object = "sessions",
	  .about = "what each connection has open",
	  .run = list_sessions,
	  .options = OPTION_JSON },
	{ .verb = "list",
	  .object = "groups",
	  .about = "IOMMU groups, and whether they can be given away",
	  .run = list_groups,
	  .options = OPTION_JSON },
	{ .verb = "show",
	  .words = "DEVICE",
	  .about = "everything about one device",
	  .run = show_device,
	  .options = OPTION_JSON,
	  .least = 1,
	  .most = 1,
	  .needs = a_device },
	{ .verb = "status",
	  .about = "what daemon and kernel offer, and what is missing",
	  .run = show_status,
	  .options = OPTION_JSON },
	{ .verb = "graph",
	  .about = "clients, devices and IOMMU groups, as Graphviz DOT",
	  .run = show_graph,
	  .options = OPTION_SVG | OPTION_JSON },
	{ .verb = "metrics", .about = "what is counted, as OpenMetrics text", .run = show_metrics },
	{ .verb = "monitor",
	  .about = "what happens, as it does",
	  .run = show_monitor,
	  .options = OPTION_JSON },
	{ .verb = "top",
	  .about = "clients and devices, live",
	  .run = show_top,
	  .options = OPTION_ONCE },
	{ .verb = "generate-policy",
	  .words = "[DEVICE...]",
	  .about = "a policy to start from, for --client NAME",
	  .run = show_generated,
	  .options = OPTION_CLIENT | OPTION_USER | OPTION_LEGACY,
	  .most = 64 },
	{ .verb = "explain",
	  .words = "CLIENT RESOURCE",
	  .about = "whether a client gets something, and why",
	  .run = explain_rules,
	  .options = OPTION_JSON,
	  .least = 2,
	  .most = 2,
	  .needs = "a client, and a device such as 0000:00:03.0, ports such as 0x60-0x64, "
	           "memory:0xfed00000-0xfed003ff, or irq:1" },
	{ .verb = "audit",
	  .words = "[DEVICE]",
	  .about = "whether devices can be given away safely",
	  .run = audit_devices,
	  .options = OPTION_JSON,
	  .most = 1 },
	{ .verb = "revoke",
	  .words = "DEVICE",
	  .about = "takes a device from whoever has it",
	  .run = revoke_device,
	  .options = OPTION_NOW | OPTION_JSON,
	  .least = 1,
	  .most = 1,
	  .needs = a_device },
	{ .verb = "release",
	  .words = "DEVICE",
	  .about = "gives a free device back to its host driver",
	  .run = release_device,
	  .options = OPTION_JSON,
	  .least = 1,
	  .most = 1,
	  .needs = a_device },
	{ .verb = "check",
	  .words = "FILE...",
	  .about = "tells mistakes in policy files, without the daemon",
	  .run = check_policies,
	  .options = OPTION_JSON,
	  .least = 1,
	  .most = UINT_MAX,
	  .needs = "a policy file" },
	{ .verb = "diff",
	  .words = "[FILE]",
	  .about = "who would gain and lose what by another policy",
	  .run = diff_policy,
	  .options = OPTION_JSON,
	  .most = 1 },
	{ .verb = "reload",
	  .about = "reads the policy again, and tells what comes of it",
	  .run = reload_rules,
	  .options = OPTION_JSON },
	{ .verb = "quarantine",
	  .object = "clear",
	  .words = "DEVICE",
	  .about = "resets a quarantined device once more",
	  .run = clear_device,
	  .options = OPTION_JSON,
	  .least = 1,
	  .most = 1,
	  .needs = a_device },
	{ .verb = "run",
	  .words = "COMMAND...",
	  .about = "a program with the client's legacy ports",
	  .run = run_program,
	  .options = OPTION_AS,
	  .least = 1,
	  .most = UINT_MAX,
	  .needs = "a command, and before it --as CLIENT" },
	{ .verb = "genode-devices",
	  .about = "the policy's view as Genode's ROM `devices'",
	  .run = genode_devices,
	  .options = OPTION_AS },
	{ .verb = "genode-platform-info",
	  .about = "Genode's ROM `platform_info'",
	  .run = genode_platform_info,
	  .options = OPTION_FRAMEBUFFER },
};

const unsigned command_count = sizeof(commands) / sizeof(commands[0]);

void commands_help(FILE *file)
{
	enum { COLUMN = 23 };

	fputs("Usage: hwbroker-ctl [OPTION...] COMMAND\n"
	      "Shows what the hardware broker does, takes devices back, loads policies.\n\nCommands:\n",
	      file);
	for (unsigned i = 0; i < command_count; i++) {
		const struct command *command = &commands[i];
		char name[64];
		int length = snprintf(name, sizeof(name), "%s%s%s%s%s", command->verb,
		                      command->object != NULL ? " " : "",
		                      command->object != NULL ? command->object : "",
		                      command->words != NULL ? " " : "",
		                      command->words != NULL ? command->words : "");
		fprintf(file, "  %-*s %s", COLUMN, name, length > COLUMN ? "\n" : "");
		fprintf(file, "%*s%s\n", length > COLUMN ? COLUMN + 3 : 0, "", command->about);
	}
	options_help(file);
	fputs("\nExit status: 0 done, 1 the broker refused or failed, 2 wrong usage,\n"
	      "3 no broker answers, 4 you may not. See hwbroker-ctl(1).\n",
	      file);
}
