/* SPDX-License-Identifier: MIT */
/* What generate-policy writes of things that no PCI device has: legacy ports, physical memory,
 * interrupt lines. */
#include "command.h"
#include "generate.h"
#include "policy/dangerous_memory.h"
#include "policy/dangerous_ports.h"
#include "policy/lines.h"
#include "policy/values/values.h"

#include <inttypes.h>
#include <string.h>

/* ---- the command line ---- */

static int add_ports(struct generate *what, const char *text, struct fault *fault)
{
	struct generate_ports *ports = &what->ports[what->ports_count];

	what->ports_count++;
	return value_ports(text, &ports->first, &ports->last, fault);
}

static int add_memory(struct generate *what, const char *text, struct fault *fault)
{
	struct generate_memory *memory = &what->memory[what->memory_count];

	what->memory_count++;
	return value_memory(text, &memory->first, &memory->last, fault);
}

static int add_line(struct generate *what, const char *text, struct fault *fault)
{
	return value_line(text, &what->lines[what->line_count++], fault);
}

/* Words between commas, each for `add`; `value` NULL: the option was not given. */
static int read_list(struct generate *what, const char *option, const char *value,
                     int (*add)(struct generate *, const char *, struct fault *))
{
	char list[INI_LINE_MAX + 1], *rest = list, *entry;
	struct fault fault;

	snprintf(list, sizeof(list), "%s", value != NULL ? value : "");
	for (unsigned i = 0; value != NULL && (entry = value_next(&rest)) != NULL; i++) {
		if (i == GENERATE_MOST)
			fault_set(&fault, HWB_INVALID, "takes %d at most", GENERATE_MOST);
		else if (add(what, entry, &fault) == 0)
			continue;
		fprintf(stderr, "hwbroker-ctl: --%s: %s\n", option, fault.reason);
		return -1;
	}
	return 0;
}

int generate_read_legacy(struct generate *what, const struct context *context)
{
	return read_list(what, "ports", context->ports, add_ports) == 0 &&
	                       read_list(what, "memory", context->memory, add_memory) == 0 &&
	                       read_list(what, "interrupt", context->interrupt, add_line) == 0
	               ? 0
	               : -1;
}

/* ---- the sections ---- */

/* `room`: of the section's name. */
static void put_section(FILE *out, const char *kind, int room, const struct generate *what)
{
	fprintf(out, "[%s %.*s]\nclient = %s\n", kind, room, what->client, what->client);
}

static void put_ports(FILE *out, const struct generate *what)
{
	bool force = false;

	fputs("\n# Legacy ports. One client at a time has them.\n", out);
	put_section(out, "ports", HWB_NAME_SIZE - 1, what);
	for (uint32_t i = 0; i < what->ports_count; i++) {
		const struct generate_ports *ports = &what->ports[i];
		fprintf(out, "%s0x%x", i == 0 ? "range = " : ", ", ports->first);
		if (ports->last != ports->first)
			fprintf(out, "-0x%x", ports->last);
	}
	fputc('\n', out);
	for (uint32_t i = 0; i < what->ports_count; i++) {
		const struct generate_ports *ports = &what->ports[i];
		const struct dangerous_ports *danger =
		        dangerous_ports_find(ports->first, ports->last);
		if (danger == NULL)
			continue;
		fprintf(out, "# 0x%x %s.\n",
		        danger->first > ports->first ? danger->first : ports->first,
		        danger->reason);
		force = true;
	}
	if (force)
		fputs("# Who has such a port can stop the machine, or has all of it; without this\n"
		      "# line the policy has a mistake.\n"
		      "force = yes\n",
		      out);
}

static void put_memory(FILE *out, const struct generate *what)
{
	bool force = false;

	fputs("\n# Physical memory that is of no device. One client at a time has it.\n", out);
	put_section(out, "memory", HWB_NAME_SIZE - 1, what);
	for (uint32_t i = 0; i < what->memory_count; i++)
		fprintf(out, "%s0x%" PRIx64 "-0x%" PRIx64, i == 0 ? "range = " : ", ",
		        what->memory[i].first, what->memory[i].last);
	fputs("\n# Each access is a request, which the broker carries out.\n"
	      "access = mediated\n"
	      "# For reading alone: if it is to be written, say yes.\n"
	      "write = no\n",
	      out);
	for (uint32_t i = 0; i < what->memory_count; i++) {
		const struct generate_memory *memory = &what->memory[i];
		const struct dangerous_memory *danger =
		        dangerous_memory_find(memory->first, memory->last, false);
		if (danger == NULL)
			continue;
		fprintf(out, "# 0x%" PRIx64 " %s.\n",
		        danger->first > memory->first ? danger->first : memory->first,
		        danger->reason);
		force = true;
	}
	if (force)
		fputs("# Who has it has the whole machine; without this line the policy has a\n"
		      "# mistake.\n"
		      "force = yes\n",
		      out);
}

/* The word that policies may use for it; NULL: none. */
static const char *word_of(uint32_t number)
{
	for (size_t i = 0; i < line_name_count; i++)
		if (line_names[i].number == number)
			return line_names[i].name;
	return NULL;
}

static void put_lines(FILE *out, const struct generate *what)
{
	bool force = false, serial = false;

	fputs("\n# Interrupt lines that no device has. Which driver of the host has one now, and\n"
	      "# is to be unbound: hwbroker-ctl explain CLIENT irq:NUMBER\n",
	      out);
	/* As much of the name as fits there. */
	put_section(out, "interrupt", HWB_NAME_SIZE - 3, what);
	for (uint32_t i = 0; i < what->line_count; i++) {
		const char *word = word_of(what->lines[i]);
		fputs(i == 0 ? "irq = " : ", ", out);
		if (word != NULL)
			fputs(word, out);
		else
			fprintf(out, "%u", what->lines[i]);
		serial = serial || what->lines[i] == 3 || what->lines[i] == 4;
	}
	fprintf(out,
	        "\n# Through the UIO device that has it; without one the client is told to look,\n"
	        "# so many times a second%s.\n"
	        "source = auto\n"
	        "rate = %u\n",
	        serial ? ": a serial port's buffer is small" : "", serial ? 1000u : 100u);
	for (uint32_t i = 0; i < what->line_count; i++) {
		const char *host = line_of_host(what->lines[i]);
		if (host == NULL)
			continue;
		fprintf(out, "# %u is %s.\n", what->lines[i], host);
		force = true;
	}
	if (force)
		fputs("# Two drivers of one device disturb each other; without this line the policy\n"
		      "# has a mistake.\n"
		      "force = yes\n",
		      out);
}

void generate_put_legacy(FILE *out, const struct generate *what)
{
	if (what->ports_count != 0)
		put_ports(out, what);
	if (what->memory_count != 0)
		put_memory(out, what);
	if (what->line_count != 0)
		put_lines(out, what);
}
