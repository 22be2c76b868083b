/* SPDX-License-Identifier: MIT */
/* PROTOCOL.md against the C structures, and its examples against the codec. */
#include "test_codec_messages.h"
#include "test_specification_lists.h"

#include "suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CELLS = 8 };

/* Opens a file of protocol/; the caller closes it. */
static FILE *source(const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", PROTOCOL_DIR, name);
	FILE *file = fopen(path, "r");
	ck_assert_msg(file != NULL, "cannot read %s", path);
	return file;
}

/* Splits "| a | `b` |" in place; cells lose blanks and backquotes at their ends.
 * Returns how many there are, 0 if the line is no table row. */
static size_t split(char *line, char *cells[CELLS])
{
	size_t count = 0;

	if (*line != '|')
		return 0;
	for (char *at = line + 1; count < CELLS; count++) {
		char *end = strchr(at, '|');
		if (end == NULL)
			break;
		char *next = end + 1;
		at += strspn(at, " `");
		while (end > at && (end[-1] == ' ' || end[-1] == '`'))
			end--;
		*end = '\0';
		cells[count] = at;
		at = next;
	}
	return count;
}

static uint64_t number(const char *text)
{
	char *end;
	uint64_t value = strtoull(text, &end, 0);

	ck_assert_msg(end != text && *end == '\0', "`%s' is not a number", text);
	return value;
}

static const struct field *find_field(const char *structure, const char *name)
{
	for (size_t i = 0; i < FIELDS; i++)
		if (strcmp(fields[i].structure, structure) == 0 &&
		    (name == NULL || strcmp(fields[i].name, name) == 0))
			return &fields[i];
	return NULL;
}

/* The lists have whatever protocol.h defines. */
START_TEST(lists_are_complete)
{
	char line[512];
	FILE *header = source("include/hwbroker/protocol.h");

	for (unsigned number_of = 1; fgets(line, sizeof(line), header) != NULL; number_of++) {
		char name[64];
		bool found = true;

		if (sscanf(line, "struct %63[a-z0-9_] {", name) == 1 && strchr(line, '{') != NULL)
			found = find_field(name, NULL) != NULL;
		else if (sscanf(line, "#define %63[A-Z0-9_] %*[0-9(]", name) == 1 ||
		         sscanf(line, " %63[A-Z0-9_] = ", name) == 1) {
			found = strncmp(name, "HWB_", 4) != 0 || strcmp(name, "HWB_PIN") == 0 ||
			        strcmp(name, "HWB_SOCKET_PATH") == 0 ||
			        strcmp(name, "HWB_PROTOCOL_H") == 0;
			for (size_t i = 0; i < CONSTANTS && !found; i++)
				found = strcmp(constants[i].name, name) == 0;
		}
		ck_assert_msg(found, "protocol.h:%u: %s is not in this test's lists", number_of,
		              name);
	}
	fclose(header);
	/* Fields in order, without gap or overlap, as large as their structure. */
	size_t end = 0;
	for (size_t i = 0; i < FIELDS; i++) {
		ck_assert_msg(fields[i].offset == end, "%s.%s: gap before it", fields[i].structure,
		              fields[i].name);
		end = fields[i].offset + fields[i].size;
		if (i + 1 == FIELDS || strcmp(fields[i].structure, fields[i + 1].structure) != 0) {
			ck_assert_msg(end == fields[i].total, "%s: bytes after %s",
			              fields[i].structure, fields[i].name);
			end = 0;
		}
	}
}
END_TEST

/* Each row `HWB_NAME` | value, and each constant has one. */
START_TEST(document_has_the_numbers)
{
	bool seen[CONSTANTS] = { false };
	bool path = false;
	char line[1024];
	char *cells[CELLS];
	FILE *document = source("PROTOCOL.md");

	while (fgets(line, sizeof(line), document) != NULL) {
		path = path || strstr(line, HWB_SOCKET_PATH) != NULL;
		if (split(line, cells) < 2 || strncmp(cells[0], "HWB_", 4) != 0)
			continue;
		size_t i = 0;
		while (i < CONSTANTS && strcmp(constants[i].name, cells[0]) != 0)
			i++;
		ck_assert_msg(i < CONSTANTS, "%s is not in protocol.h", cells[0]);
		ck_assert_msg(constants[i].value == number(cells[1]), "%s is not %s", cells[0],
		              cells[1]);
		ck_assert_msg(!seen[i], "%s is there twice", cells[0]);
		seen[i] = true;
		if (strncmp(cells[0], "HWB_STATUS_", 11) != 0 && strstr(cells[2], "yes") != NULL)
			ck_assert(hwb_status_is_final((enum hwb_status)constants[i].value));
	}
	fclose(document);
	for (size_t i = 0; i < CONSTANTS; i++)
		ck_assert_msg(seen[i], "PROTOCOL.md lacks %s", constants[i].name);
	ck_assert_msg(path, "PROTOCOL.md lacks the socket's path");
}
END_TEST

/* Each "Layout `hwb_x`, N bytes:" (or "... layout") and the rows below it: offset, size, field. */
START_TEST(document_has_the_layouts)
{
	bool seen[FIELDS] = { false };
	char line[1024];
	char *cells[CELLS];
	char structure[64] = "";
	FILE *document = source("PROTOCOL.md");

	while (fgets(line, sizeof(line), document) != NULL) {
		const char *layout = strstr(line, "ayout `hwb_");
		unsigned bytes;

		if (layout != NULL) {
			ck_assert_int_eq(
			        sscanf(layout, "ayout `%63[a-z_]`, %u bytes:", structure, &bytes),
			        2);
			const struct field *any = find_field(structure, NULL);
			ck_assert_msg(any != NULL, "%s is not in protocol.h", structure);
			ck_assert_msg(any->total == bytes, "%s is %zu bytes", structure,
			              any->total);
			continue;
		}
		if (line[0] == '#')
			structure[0] = '\0';
		if (structure[0] == '\0' || split(line, cells) < 4 ||
		    strspn(cells[0], "0123456789") != strlen(cells[0]))
			continue;
		const struct field *field = find_field(structure, cells[2]);
		ck_assert_msg(field != NULL, "%s has no field %s", structure, cells[2]);
		ck_assert_msg(field->offset == number(cells[0]) && field->size == number(cells[1]),
		              "%s.%s is at %zu, %zu bytes", structure, cells[2], field->offset,
		              field->size);
		ck_assert_msg(!seen[field - fields], "%s.%s is there twice", structure, cells[2]);
		seen[field - fields] = true;
	}
	fclose(document);
	for (size_t i = 0; i < FIELDS; i++)
		ck_assert_msg(seen[i], "PROTOCOL.md lacks %s.%s", fields[i].structure,
		              fields[i].name);
}
END_TEST

/* Size of the structure that a cell of the table of opcodes begins with. */
static size_t size_of_cell(const char *cell)
{
	char name[64];

	if (sscanf(cell, "%63[a-z_]", name) != 1)
		return 0;
	const struct field *field = find_field(name, NULL);
	ck_assert_msg(field != NULL, "%s is not in protocol.h", name);
	return field->total;
}

/* "1-2", or "0-1": none with a region that is mediated, which one of zeros is not. */
static uint64_t number_of_fds(const char *cell)
{
	char *end;
	uint64_t least = strtoull(cell, &end, 10);

	return least == 0 && *end == '-' ? number(end + 1) : least;
}

/* The table of opcodes against the messages above: bodies, handles, descriptors. */
START_TEST(document_has_the_opcodes)
{
	size_t rows = 0;
	char line[1024];
	char *cells[CELLS];
	FILE *document = source("PROTOCOL.md");

	while (fgets(line, sizeof(line), document) != NULL) {
		if (split(line, cells) != 7 || strncmp(cells[0], "HWB_", 4) != 0)
			continue;
		ck_assert_str_eq(cells[0] + 4, hwb_opcode_name((uint32_t)number(cells[1])));
		for (size_t i = 0; i < MESSAGES; i++) {
			const struct message *message = &messages[i];
			if (message->opcode != number(cells[1]))
				continue;
			ck_assert_int_eq(message->takes == NO_HANDLE, strcmp(cells[2], "0") == 0);
			ck_assert_uint_eq(message->size, size_of_cell(cells[3]));
			ck_assert_uint_eq(message->reply, size_of_cell(cells[4]));
			ck_assert_uint_eq(message->fds, number(cells[5]));
			const char *record = strchr(cells[4], '+');
			if (message->record != 0)
				ck_assert_uint_eq(message->record, size_of_cell(record + 2));
			if (message->reply_fds != 0)
				ck_assert_uint_eq(message->reply_fds, number_of_fds(cells[6]));
			rows++;
		}
	}
	fclose(document);
	ck_assert_uint_eq(rows, MESSAGES);
}
END_TEST

/* Each ```hex request and ```hex answer passes the codec. */
START_TEST(document_has_good_examples)
{
	unsigned examples = 0;
	char line[1024];
	FILE *document = source("PROTOCOL.md");

	while (fgets(line, sizeof(line), document) != NULL) {
		bool request = strcmp(line, "```hex request\n") == 0;
		struct draft draft = { .length = 0 };

		if (!request && strcmp(line, "```hex answer\n") != 0)
			continue;
		while (fgets(line, sizeof(line), document) != NULL && line[0] != '`') {
			char *at = line;
			ck_assert_uint_eq(strtoul(at, &at, 16), draft.length);
			while (*at != '\n') {
				draft.bytes[draft.length++] = (unsigned char)strtoul(at, &at, 16);
				ck_assert(draft.length < ROOM);
			}
		}
		draft.fds = draft.bytes[22];
		expect(request ? hwb_check_request : hwb_check_answer, &draft, HWB_OK, 0);
		examples++;
	}
	fclose(document);
	ck_assert_uint_ge(examples, 8);
}
END_TEST
int main(void)
{
	Suite *suite = suite_create("specification");
	TCase *document = tcase_create("PROTOCOL.md");

	tcase_add_test(document, lists_are_complete);
	tcase_add_test(document, document_has_the_numbers);
	tcase_add_test(document, document_has_the_layouts);
	tcase_add_test(document, document_has_the_opcodes);
	tcase_add_test(document, document_has_good_examples);
	suite_add_tcase(suite, document);
	return suite_run(suite);
}
