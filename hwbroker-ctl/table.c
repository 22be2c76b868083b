/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* vasprintf, wcwidth */
#include "table.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

enum { GAP = 2, NARROWEST = 8 };

struct table {
	unsigned columns;
	size_t cells;
	size_t capacity;
	char **texts;
};

/* Bytes and columns of the next character; bad UTF-8 counts as one `?'. */
static size_t next_character(const char *text, unsigned *width)
{
	mbstate_t state = { 0 };
	wchar_t character;
	size_t bytes = mbrtowc(&character, text, strlen(text), &state);

	if (bytes == 0 || bytes == (size_t)-1 || bytes == (size_t)-2) {
		*width = 1;
		return 1;
	}
	int columns = wcwidth(character);
	*width = columns < 0 ? 1 : (unsigned)columns;
	return bytes;
}

static unsigned text_width(const char *text)
{
	unsigned total = 0, width;

	while (*text != '\0') {
		text += next_character(text, &width);
		total += width;
	}
	return total;
}

/* Unicode's overrides of direction make text read as something else. */
static bool is_direction(wchar_t character)
{
	return (character >= 0x202a && character <= 0x202e) ||
	       (character >= 0x2066 && character <= 0x2069) || character == 0x200e ||
	       character == 0x200f;
}

void table_make_printable(char *text)
{
	mbstate_t state = { 0 };

	while (*text != '\0') {
		wchar_t character;
		size_t bytes = mbrtowc(&character, text, strlen(text), &state);
		if (bytes == (size_t)-1 || bytes == (size_t)-2 || wcwidth(character) < 0 ||
		    is_direction(character)) {
			*text = '?';
			memset(&state, 0, sizeof(state));
			/* The rest of a control character of several bytes, too. */
			for (size_t i = 1; bytes < 5 && i < bytes; i++)
				text[i] = '?';
			bytes = 1;
		}
		text += bytes;
	}
}

static void add(struct table *table, char *text)
{
	if (table->cells == table->capacity) {
		size_t capacity = table->capacity == 0 ? 64 : table->capacity * 2;
		char **more = realloc(table->texts, capacity * sizeof(char *));
		if (more == NULL) {
			free(text);
			return;
		}
		table->texts = more;
		table->capacity = capacity;
	}
	table->texts[table->cells++] = text;
}

struct table *table_new(unsigned columns, const char *const *headings)
{
	struct table *table = calloc(1, sizeof(*table));

	if (table == NULL)
		return NULL;
	table->columns = columns;
	for (unsigned i = 0; i < columns; i++)
		add(table, strdup(headings[i]));
	return table;
}

void table_free(struct table *table)
{
	for (size_t i = 0; table != NULL && i < table->cells; i++)
		free(table->texts[i]);
	if (table != NULL)
		free(table->texts);
	free(table);
}

void table_cell(struct table *table, const char *format, ...)
{
	char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	int length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0)
		text = NULL;
	if (length == 0) {
		free(text);
		text = strdup("-");
	}
	if (text != NULL)
		table_make_printable(text);
	add(table, text);
}

static void measure(const struct table *table, unsigned *widths, unsigned limit)
{
	unsigned total = 0;

	for (size_t i = 0; i < table->cells; i++) {
		unsigned width = table->texts[i] == NULL ? 0 : text_width(table->texts[i]);
		if (width > widths[i % table->columns])
			widths[i % table->columns] = width;
	}
	for (unsigned i = 0; i < table->columns; i++)
		total += widths[i] + (i != 0 ? GAP : 0);
	while (limit != 0 && total > limit) {
		unsigned widest = 0;
		for (unsigned i = 1; i < table->columns; i++)
			if (widths[i] > widths[widest])
				widest = i;
		if (widths[widest] <= NARROWEST)
			break;
		widths[widest]--;
		total--;
	}
}

/* Prints at most `width` columns and returns how many. */
static unsigned print_cell(const char *text, unsigned width, FILE *out)
{
	unsigned used = 0, next;
	bool cut = text_width(text) > width;

	while (*text != '\0') {
		size_t bytes = next_character(text, &next);
		if (used + next > width - (cut ? 1 : 0))
			break;
		fwrite(text, 1, bytes, out);
		text += bytes;
		used += next;
	}
	if (cut) {
		fputs("\xe2\x80\xa6", out); /* an ellipsis */
		used++;
	}
	return used;
}

void table_print(const struct table *table, FILE *out, unsigned width)
{
	unsigned *widths = calloc(table->columns, sizeof(*widths));

	if (widths == NULL)
		return;
	measure(table, widths, width);
	for (size_t i = 0; i < table->cells; i++) {
		unsigned column = (unsigned)(i % table->columns);
		const char *text = table->texts[i] == NULL ? "?" : table->texts[i];
		unsigned used = print_cell(text, widths[column], out);
		if (column + 1 == table->columns) {
			fputc('\n', out);
			continue;
		}
		for (; used < widths[column] + GAP; used++)
			fputc(' ', out);
	}
	free(widths);
}
