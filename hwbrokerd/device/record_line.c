/* SPDX-License-Identifier: MIT */
#include "device/record_line.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* How lines begin that are about memory that devices have left, and virtual functions. */
static const char estate_word[] = "estate";
static const char functions_word[] = "virtual";

/* ---- a text of one length ---- */

struct text {
	char *line;
	size_t used;
};

/* What there is to say is shorter by far: six ranges of 37 characters, four names of 32 or 64,
 * numbers. Were it not, the line would be cut, and make no sense. */
__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	int length =
	        vsnprintf(text->line + text->used, RECORD_LINE - text->used, format, arguments);
	va_end(arguments);
	text->used += (size_t)length;
	if (text->used > RECORD_LINE - 1)
		text->used = RECORD_LINE - 1;
}

static void end(struct text *text)
{
	memset(text->line + text->used, ' ', RECORD_LINE - 1 - text->used);
	text->line[RECORD_LINE - 1] = '\n';
}

void record_line_word(char line[RECORD_LINE], const char *word, size_t length)
{
	struct text text = { .line = line };

	add(&text, "%.*s", (int)length, word);
	end(&text);
}

void record_line_blank(char line[RECORD_LINE])
{
	record_line_word(line, "", 0);
}

/* Behind the word that a line begins with; NULL: it does not. */
static const char *behind(const char *line, const char *word)
{
	size_t length = strlen(word);

	return strncmp(line, word, length) == 0 ? line + length : NULL;
}

enum record_line_kind record_line_kind(const char *line)
{
	const char *estate = behind(line, estate_word);

	if (*line == '\n')
		return RECORD_LINE_BLANK;
	if (estate != NULL)
		return *estate == '\n' ? RECORD_LINE_ESTATE_ANYWHERE : RECORD_LINE_ESTATE;
	return behind(line, functions_word) != NULL ? RECORD_LINE_FUNCTIONS : RECORD_LINE_DEVICE;
}

/* ---- ranges of memory ---- */

static const char no_memory[] = " none";

static void add_range(struct text *text, const struct record_range *range)
{
	add(text, " 0x%" PRIx64 "-0x%" PRIx64, range->first, range->last);
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

static void add_ranges(struct text *text, const struct record_range *ranges, uint32_t count)
{
	bool any = false;

	for (uint32_t i = 0; i < count; i++) {
		if (ranges[i].last == 0)
			continue;
		add_range(text, &ranges[i]);
		any = true;
	}
	if (!any)
		add(text, "%s", no_memory);
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

void record_line_write_estate(char line[RECORD_LINE], const struct record_range *range)
{
	struct text text = { .line = line };

	add(&text, "%s", estate_word);
	if (range != NULL)
		add_range(&text, range);
	end(&text);
}

bool record_line_read_estate(const char *line, struct record_range *range)
{
	const char *text = behind(line, estate_word);

	text = text != NULL ? read_range(text, range) : NULL;
	return text != NULL && *text == '\n';
}

/* ---- devices ---- */

static void add_address(struct text *text, const struct hwb_pci_address *at)
{
	add(text, "%04x:%02x:%02x.%x", at->domain, at->bus, at->device, at->function);
}

/* A name is a word: "-" for none, and "/", which no driver's name has, for its blanks. */
static void add_name(struct text *text, const char *name)
{
	size_t start = text->used + 1;

	add(text, " %s", name[0] != '\0' ? name : "-");
	for (size_t i = start; i < text->used; i++)
		if (text->line[i] == ' ')
			text->line[i] = '/';
}

void record_line_write(char line[RECORD_LINE], const struct record *record)
{
	struct text text = { .line = line };

	add_address(&text, &record->address);
	add(&text, " %" PRIu64, record->instance);
	add_name(&text, record->origin.driver);
	add_name(&text, record->origin.override);
	add_name(&text, record->origin.reset);
	add_name(&text, record->client);
	add(&text, " %u %s", record->uid, record->restore ? "restore" : "keep");
	if (record->placed)
		add_ranges(&text, record->memory, HWB_BARS);
	end(&text);
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

void record_line_write_functions(char line[RECORD_LINE], const struct record_functions *functions)
{
	struct text text = { .line = line };

	add(&text, "%s ", functions_word);
	add_address(&text, &functions->address);
	add(&text, " %" PRIu64 " %s %s", functions->instance, functions->probes ? "probe" : "quiet",
	    functions->restore ? "restore" : "keep");
	end(&text);
}

bool record_line_read_functions(const char *line, struct record_functions *functions)
{
	unsigned domain, bus, device, function;
	char probes[8], back[8];
	int end = 0;

	*functions = (struct record_functions){ 0 };
	line = behind(line, functions_word);
	if (line == NULL || *line != ' ' ||
	    sscanf(line, "%x:%x:%x.%x %" SCNu64 " %7s %7s%n", &domain, &bus, &device, &function,
	           &functions->instance, probes, back, &end) != 7 ||
	    line[end] != '\n' || !take_address(&functions->address, domain, bus, device, function))
		return false;
	functions->probes = strcmp(probes, "probe") == 0;
	functions->restore = strcmp(back, "restore") == 0;
	return (functions->probes || strcmp(probes, "quiet") == 0) &&
	       (functions->restore || strcmp(back, "keep") == 0);
}
