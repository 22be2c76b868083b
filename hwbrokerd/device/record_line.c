/* SPDX-License-Identifier: MIT */
#include "device/record_line.h"

#include <inttypes.h>
#include <string.h>

/* ---- ranges of memory ---- */

static const char no_memory[] = " none";

static void write_range(FILE *file, const struct record_range *range)
{
	fprintf(file, " 0x%" PRIx64 "-0x%" PRIx64, range->first, range->last);
}

/* What begins with a blank; NULL: it is no range. */
static const char *read_range(const char *text, struct record_range *range)
{
	int end = 0;

	if (sscanf(text, " 0x%" SCNx64 "-0x%" SCNx64 "%n", &range->first, &range->last, &end) !=
	            2 ||
	    range->last < range->first || range->last == 0)
		return NULL;
	return text + end;
}

static void write_ranges(FILE *file, const struct record_range *ranges, uint32_t count)
{
	bool any = false;

	for (uint32_t i = 0; i < count; i++) {
		if (ranges[i].last == 0)
			continue;
		write_range(file, &ranges[i]);
		any = true;
	}
	if (!any)
		fputs(no_memory, file);
}

/* The rest of a line; a daemon that did not write them down has left nothing. */
static bool read_ranges(const char *text, struct record *record)
{
	uint32_t count = 0;

	record->placed = *text != '\n';
	if (strncmp(text, no_memory, sizeof(no_memory) - 1) == 0)
		text += sizeof(no_memory) - 1;
	else
		while (*text == ' ' && count < HWB_BARS) {
			text = read_range(text, &record->memory[count++]);
			if (text == NULL)
				return false;
		}
	return *text == '\n';
}

void record_line_write_range(FILE *file, const struct record_range *range)
{
	write_range(file, range);
	fputc('\n', file);
}

bool record_line_read_range(const char *text, struct record_range *range)
{
	text = read_range(text, range);
	return text != NULL && *text == '\n';
}

/* ---- devices ---- */

/* A name is a word: "-" for none, and "/", which no driver's name has, for its blanks. */
static void write_name(FILE *file, const char *name)
{
	fputc(' ', file);
	for (const char *at = name[0] != '\0' ? name : "-"; *at != '\0'; at++)
		fputc(*at == ' ' ? '/' : *at, file);
}

void record_line_write(FILE *file, const struct record *record)
{
	const struct hwb_pci_address *at = &record->address;

	fprintf(file, "%04x:%02x:%02x.%x %" PRIu64, at->domain, at->bus, at->device, at->function,
	        record->instance);
	write_name(file, record->origin.driver);
	write_name(file, record->origin.override);
	write_name(file, record->origin.reset);
	write_name(file, record->client);
	fprintf(file, " %u %s", record->uid, record->restore ? "restore" : "keep");
	if (record->placed)
		write_ranges(file, record->memory, HWB_BARS);
	fputc('\n', file);
}

/* False: there is no such function. */
static bool take_address(struct hwb_pci_address *address, unsigned domain, unsigned bus,
                         unsigned device, unsigned function)
{
	*address = (struct hwb_pci_address){
		.domain = domain,
		.bus = (uint8_t)bus,
		.device = (uint8_t)device,
		.function = (uint8_t)function,
	};
	return bus <= 0xff && device <= 31 && function <= 7;
}

static void take_name(const char *word, char *name, size_t size)
{
	snprintf(name, size, "%s", strcmp(word, "-") == 0 ? "" : word);
	for (char *at = name; *at != '\0'; at++)
		if (*at == '/')
			*at = ' ';
}

_Static_assert(HWB_NAME_SIZE == 32, "record_line_read() reads names of up to 31 bytes");
_Static_assert(BIND_RESET_SIZE == 64, "and ways to reset of up to 63");

bool record_line_read(const char *line, struct record *record)
{
	unsigned domain, bus, device, function;
	char driver[HWB_NAME_SIZE], override[HWB_NAME_SIZE], client[HWB_NAME_SIZE], back[8];
	char reset[BIND_RESET_SIZE];
	int end = 0;

	*record = (struct record){ 0 };
	if (sscanf(line, "%x:%x:%x.%x %" SCNu64 " %31s %31s %63s %31s %" SCNu32 " %7s%n", &domain,
	           &bus, &device, &function, &record->instance, driver, override, reset, client,
	           &record->uid, back, &end) != 11 ||
	    !read_ranges(line + end, record) ||
	    !take_address(&record->address, domain, bus, device, function))
		return false;
	take_name(driver, record->origin.driver, HWB_NAME_SIZE);
	take_name(override, record->origin.override, HWB_NAME_SIZE);
	take_name(reset, record->origin.reset, BIND_RESET_SIZE);
	take_name(client, record->client, HWB_NAME_SIZE);
	record->restore = strcmp(back, "restore") == 0;
	return record->restore || strcmp(back, "keep") == 0;
}

void record_line_write_functions(FILE *file, const struct record_functions *functions)
{
	const struct hwb_pci_address *at = &functions->address;

	fprintf(file, "%04x:%02x:%02x.%x %" PRIu64 " %s %s\n", at->domain, at->bus, at->device,
	        at->function, functions->instance, functions->probes ? "probe" : "quiet",
	        functions->restore ? "restore" : "keep");
}

bool record_line_read_functions(const char *line, struct record_functions *functions)
{
	unsigned domain, bus, device, function;
	char probes[8], back[8];
	int end = 0;

	*functions = (struct record_functions){ 0 };
	if (sscanf(line, "%x:%x:%x.%x %" SCNu64 " %7s %7s%n", &domain, &bus, &device, &function,
	           &functions->instance, probes, back, &end) != 7 ||
	    line[end] != '\n' || !take_address(&functions->address, domain, bus, device, function))
		return false;
	functions->probes = strcmp(probes, "probe") == 0;
	functions->restore = strcmp(back, "restore") == 0;
	return (functions->probes || strcmp(probes, "quiet") == 0) &&
	       (functions->restore || strcmp(back, "keep") == 0);
}
