/* SPDX-License-Identifier: MIT */
#include "findings.h"

#include "json_build.h"
#include "table.h"

#include <string.h>

void findings_place(const struct hwb_finding *finding, char text[192])
{
	size_t used = 0;

	text[0] = '\0';
	if (finding->rule[0] != '\0')
		used = (size_t)snprintf(text, 192, "[%.39s]", finding->rule);
	if (finding->file[0] != '\0')
		used += (size_t)snprintf(text + used, 192 - used, "%s%.127s", used != 0 ? " " : "",
		                         finding->file);
	if (finding->line != 0)
		snprintf(text + used, 192 - used, ":%u", finding->line);
	table_make_printable(text);
}

void findings_hang(FILE *out, unsigned indent, unsigned width, const char *text, size_t size)
{
	char copy[512];
	char *rest = NULL;
	unsigned used = indent;

	snprintf(copy, sizeof(copy), "%.*s", (int)size, text);
	table_make_printable(copy);
	for (const char *word = strtok_r(copy, " ", &rest); word != NULL;
	     word = strtok_r(NULL, " ", &rest)) {
		unsigned length = (unsigned)strlen(word);
		if (width != 0 && used != indent && used + 1 + length > width) {
			fprintf(out, "\n%*s", (int)indent, "");
			used = indent;
		}
		used += (unsigned)fprintf(out, "%s%s", used != indent ? " " : "", word);
	}
	fputc('\n', out);
}

void findings_wrap(FILE *out, unsigned indent, unsigned width, const char *text, size_t size)
{
	fprintf(out, "%*s", (int)indent, "");
	findings_hang(out, indent, width, text, size);
}

json_t *findings_json(const struct hwb_finding *finding, const char *const levels[3])
{
	json_t *object = json_object();

	json_set(object, "code", json_text(finding->code, sizeof(finding->code)));
	json_set(object, "level", json_string(finding->level < 3 ? levels[finding->level] : "?"));
	json_set(object, "text", json_text(finding->text, sizeof(finding->text)));
	json_set(object, "rule", json_text(finding->rule, sizeof(finding->rule)));
	json_set(object, "file", json_text(finding->file, sizeof(finding->file)));
	json_set(object, "line",
	         finding->line != 0 ? json_integer((json_int_t)finding->line) : json_null());
	return object;
}
