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
#include <stdlib.h>
#include <string.h>

/* ---- the command line ---- */

enum { RANGE_SIZE = 48 };

/* As the policy has them; the length. */
static int write_ports(char text[RANGE_SIZE], const struct generate_ports *ports)
{
	return ports->first == ports->last
	               ? snprintf(text, RANGE_SIZE, "0x%x", ports->first)
	               : snprintf(text, RANGE_SIZE, "0x%x-0x%x", ports->first, ports->last);
}

static int write_memory(char text[RANGE_SIZE], const struct generate_memory *memory)
{
	return snprintf(text, RANGE_SIZE, "0x%" PRIx64 "-0x%" PRIx64, memory->first, memory->last);
}

/* A policy that names one twice has a mistake. */
static int is_twice(const char *text, struct fault *fault)
{
	return fault_set(fault, HWB_INVALID, "%s, or a part of it, is named twice", text);
}

static int add_ports(struct generate *what, const char *text, struct fault *fault)
{
	struct generate_ports *ports = &what->ports[what->ports_count];
	char written[RANGE_SIZE];

	if (value_ports(text, &ports->first, &ports->last, fault) != 0)
		return -1;
	for (uint32_t i = 0; i < what->ports_count; i++)
		if (what->ports[i].first <= ports->last && ports->first <= what->ports[i].last)
			return is_twice(text, fault);
	what->ports_count++;
	return write_ports(written, ports);
}

static int add_memory(struct generate *what, const char *text, struct fault *fault)
{
	struct generate_memory *memory = &what->memory[what->memory_count];
	char written[RANGE_SIZE];

	if (value_memory(text, &memory->first, &memory->last, fault) != 0)
		return -1;
	for (uint32_t i = 0; i < what->memory_count; i++)
		if (what->memory[i].first <= memory->last && memory->first <= what->memory[i].last)
			return is_twice(text, fault);
	what->memory_count++;
	return write_memory(written, memory);
}

/* All there are fit into a line. */
static int add_line(struct generate *what, const char *text, struct fault *fault)
{
	uint32_t *line = &what->lines[what->line_count];

	if (value_line(text, line, fault) != 0)
		return -1;
	for (uint32_t i = 0; i < what->line_count; i++)
		if (what->lines[i] == *line)
			return is_twice(text, fault);
	what->line_count++;
	return 0;
}

/* Words between commas, each for `add`, which returns its length in the one line that they are to
 * become; `value` NULL: the option was not given. */
static int read_list(struct generate *what, const char *option, const char *value,
                     int (*add)(struct generate *, const char *, struct fault *))
{
	char *list = value != NULL ? strdup(value) : NULL, *rest = list, *entry;
	struct fault fault = { 0 };
	int length = (int)strlen("range = "), more = 0;

	if (value != NULL && list == NULL)
		fault_set(&fault, HWB_NO_MEMORY, "no memory");
	for (unsigned i = 0; list != NULL && more >= 0 && (entry = value_next(&rest)) != NULL;
	     i++) {
		if (i == GENERATE_MOST)
			more = fault_set(&fault, HWB_INVALID, "takes %d at most", GENERATE_MOST);
		else
			more = add(what, entry, &fault);
		length += more + (i == 0 ? 0 : (int)strlen(", "));
		if (more >= 0 && length > INI_LINE_MAX)
			more = fault_set(&fault, HWB_INVALID,
			                 "more than a line of the policy has room for; write a "
			                 "second section for the rest");
	}
	free(list);
	if (fault.reason[0] == '\0')
		return 0;
	fprintf(stderr, "hwbroker-ctl: --%s: %s\n", option, fault.reason);
	return -1;
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
	char range[RANGE_SIZE];
	bool force = false;

	fputs("\n# Legacy ports. One client at a time has them.\n", out);
	put_section(out, "ports", HWB_NAME_SIZE - 1, what);
	for (uint32_t i = 0; i < what->ports_count; i++) {
		write_ports(range, &what->ports[i]);
		fprintf(out, "%s%s", i == 0 ? "range = " : ", ", range);
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
	char range[RANGE_SIZE];
	bool force = false;

	fputs("\n# Physical memory that is of no device. One client at a time has it.\n", out);
	put_section(out, "memory", HWB_NAME_SIZE - 1, what);
	for (uint32_t i = 0; i < what->memory_count; i++) {
		write_memory(range, &what->memory[i]);
		fprintf(out, "%s%s", i == 0 ? "range = " : ", ", range);
	}
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
