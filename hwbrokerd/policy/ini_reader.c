/* SPDX-License-Identifier: MIT */
#include "policy/ini_reader.h"

#include "policy/safe_file.h"
#include "policy/text.h"
#include "util/cleanup.h"

#include <ini.h>
#include <string.h>

struct reader {
	const char *at;
	const char *end;
	uint32_t place; /* of the line that was taken last */
	bool crlf_told;
	const struct ini_sink *sink;
	struct report *report;
};

static bool is_blank(char character)
{
	return character == ' ' || character == '\t';
}

static const char *skip_blanks(const char *text)
{
	while (is_blank(*text))
		text++;
	return text;
}

/* As inih sees it: `;` behind a blank begins a comment. */
static const char *find_comment(const char *text)
{
	const char *at = text;
	while (*at != '\0' && !(*at == ';' && at > text && is_blank(at[-1])))
		at++;
	return at;
}

/* Copies the trimmed text between two places. */
static void copy_trimmed(char *to, const char *from, const char *end)
{
	while (from < end && is_blank(*from))
		from++;
	while (end > from && is_blank(end[-1]))
		end--;
	memcpy(to, from, (size_t)(end - from));
	to[end - from] = '\0';
}

/* Takes the next line out of the file, without its end. */
static size_t take_line(struct reader *reader, const char **line)
{
	const char *newline = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));
	const char *end = newline != NULL ? newline : reader->end;

	*line = reader->at;
	reader->at = newline != NULL ? newline + 1 : reader->end;
	reader->place++;
	if (end > *line && end[-1] == '\r') {
		end--;
		/* One such line means all of them: say it once. */
		if (!reader->crlf_told)
			report_add(reader->report, reader->place,
			           "line ends in CR LF; convert the file to plain newlines "
			           "(dos2unix)");
		reader->crlf_told = true;
	}
	return (size_t)(end - *line);
}

static bool check_text(struct reader *reader, const char *line, size_t length)
{
	struct fault fault;

	if (length > INI_LINE_MAX) {
		report_add(reader->report, reader->place,
		           "line has %zu bytes, at most %d are possible; shorten it", length,
		           INI_LINE_MAX);
		return false;
	}
	if (text_check(line, length, &fault) != 0) {
		report_fault(reader->report, reader->place, &fault);
		return false;
	}
	return true;
}

static bool read_header(struct reader *reader, const char *line)
{
	char header[INI_LINE_MAX + 1];
	const char *close = strchr(line, ']');
	const char *comment = find_comment(line);

	if (close == NULL || close > comment) {
		report_add(reader->report, reader->place,
		           "section header is not closed; end it with `]'");
		return false;
	}
	const char *rest = skip_blanks(close + 1);
	if (*rest != '\0' && *rest != ';' && *rest != '#') {
		report_add(reader->report, reader->place,
		           "`%s' behind the section header; put it on a line of its own", rest);
		return false;
	}
	copy_trimmed(header, line + 1, close);
	reader->sink->section(reader->sink->context, reader->place, header);
	return true;
}

static bool check_key(struct reader *reader, const char *line)
{
	char key[INI_LINE_MAX + 1], value[INI_LINE_MAX + 1];
	const char *comment = find_comment(line);
	const char *mark = line + strcspn(line, "=:");

	if (mark >= comment) {
		copy_trimmed(key, line, comment);
		report_add(reader->report, reader->place, "`%s' has no value; write `key = value'",
		           key);
		return false;
	}
	copy_trimmed(key, line, mark);
	if (*mark == ':') {
		report_add(reader->report, reader->place,
		           "`:' behind `%s'; keys and values are separated by `='", key);
		return false;
	}
	if (key[0] == '\0') {
		report_add(reader->report, reader->place, "no key before `='");
		return false;
	}
	copy_trimmed(value, mark + 1, find_comment(mark + 1));
	if (value[0] == '\0' || value[0] == ';' || value[0] == '#') {
		report_add(reader->report, reader->place,
		           "`%s' has no value; remove the line to get its default", key);
		return false;
	}
	const char *hash = strchr(value + 1, '#');
	if (hash != NULL && is_blank(hash[-1])) {
		report_add(reader->report, reader->place,
		           "`%s' would be part of the value of `%s'; a comment behind a value "
		           "begins with ` ;'",
		           hash, key);
		return false;
	}
	return true;
}

/* Whether inih may have this line. */
static bool check_line(struct reader *reader, const char *line)
{
	const char *start = skip_blanks(line);

	if (*start == '\0' || *start == ';' || *start == '#')
		return false;
	if (start > line) {
		report_add(reader->report, reader->place,
		           "`%s' is indented, which would make it part of the line above; begin it "
		           "in the first column",
		           start);
		return false;
	}
	if (*line != '[')
		return check_key(reader, line);
	if (read_header(reader, line))
		return true;
	reader->sink->section(reader->sink->context, reader->place, NULL);
	return false;
}

/* inih's fgets(): one line of the file per call, an empty one for what inih
 * must not see, so that nothing is lost and line numbers hold. */
static char *next_line(char *buffer, int size, void *stream)
{
	struct reader *reader = stream;
	const char *line;

	if (reader->at == reader->end)
		return NULL;
	size_t length = take_line(reader, &line);
	uint32_t before = report_count(reader->report);
	bool text = check_text(reader, line, length);
	if (text && length < (size_t)size) {
		memcpy(buffer, line, length);
		buffer[length] = '\0';
		if (check_line(reader, buffer))
			return buffer;
	} else if (length > 0 && line[0] == '[') {
		reader->sink->section(reader->sink->context, reader->place, NULL);
	}
	if (reader->sink->unread != NULL && report_count(reader->report) != before)
		reader->sink->unread(reader->sink->context);
	buffer[0] = '\0';
	return buffer;
}

static int on_key(void *user, const char *section, const char *key, const char *value)
{
	const struct reader *reader = user;
	(void)section; /* cut after 49 bytes; the sink has the whole header */

	reader->sink->key(reader->sink->context, reader->place, key, value);
	return 1;
}

void ini_read_text(const char *text, size_t size, uint32_t file, const struct ini_sink *sink,
                   struct report *report)
{
	static const char mark[] = "\xef\xbb\xbf";
	struct reader reader = {
		.at = text,
		.end = text + size,
		.place = place_of(file, 0),
		.sink = sink,
		.report = report,
	};

	if (size >= 3 && memcmp(text, mark, 3) == 0) {
		report_add(report, place_of(file, 1),
		           "file begins with a byte order mark; save it as UTF-8 without one");
		reader.at += 3;
	}
	int bad_line = ini_parse_stream(next_line, &reader, on_key, &reader);
	/* Not reached unless this host's inih was built with other rules. */
	if (bad_line != 0)
		report_add(report, place_of(file, bad_line > 0 ? (uint32_t)bad_line : 0),
		           "the INI library of this host cannot read this");
}

void ini_read_file(const char *path, uint32_t file, const struct ini_sink *sink,
                   struct report *report)
{
	_cleanup_free_ char *text = NULL;
	struct fault fault;
	size_t size = 0;

	if (safe_file_read(path, SAFE_FILE_MAX, &text, &size, &fault) != 0)
		report_fault(report, place_of(file, 0), &fault);
	else
		ini_read_text(text, size, file, sink, report);
}
