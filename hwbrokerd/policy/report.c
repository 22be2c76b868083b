/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* vasprintf */
#include "policy/report.h"

#include "policy/array.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

void report_add(struct report *report, uint32_t place, const char *format, ...)
{
	va_list arguments;
	char *text = NULL;

	if (report->count == REPORT_MAX) {
		report->untold++;
		return;
	}
	if (array_room(&report->mistakes, &report->capacity, report->count,
	               sizeof(*report->mistakes)) != 0) {
		report->out_of_memory = true;
		return;
	}
	va_start(arguments, format);
	int length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0) {
		report->out_of_memory = true;
		return;
	}
	report->mistakes[report->count] =
	        (struct mistake){ .place = place, .order = report->count, .text = text };
	report->count++;
}

void report_host(struct report *report, const struct fault *fault)
{
	static const int passing[] = { EMFILE, ENFILE, ENOMEM, EIO, EINTR, EAGAIN };

	for (unsigned i = 0; i < sizeof(passing) / sizeof(passing[0]); i++)
		report->unread = report->unread || fault->host_errno == passing[i];
}

void report_fault(struct report *report, uint32_t place, const struct fault *fault)
{
	report_host(report, fault);
	report_add(report, place, "%s", fault->reason);
}

uint32_t report_count(const struct report *report)
{
	return report->count + report->untold;
}

bool report_full(const struct report *report)
{
	return report->count == REPORT_MAX;
}

bool report_clean(const struct report *report)
{
	return report->count == 0 && !report->out_of_memory;
}

static int by_place(const void *left, const void *right)
{
	const struct mistake *a = left, *b = right;

	if (a->place != b->place)
		return a->place < b->place ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

char *report_text(struct report *report, const char *const *files)
{
	char *text = NULL;
	size_t size = 0;

	if (report->count > 0)
		qsort(report->mistakes, report->count, sizeof(*report->mistakes), by_place);
	FILE *stream = open_memstream(&text, &size);
	if (stream == NULL)
		return NULL;
	for (uint32_t i = 0; i < report->count; i++) {
		const struct mistake *mistake = &report->mistakes[i];
		const char *file = files[place_file(mistake->place)];
		uint32_t line = place_line(mistake->place);
		if (line == 0)
			fprintf(stream, "%s: %s\n", file, mistake->text);
		else
			fprintf(stream, "%s:%u: %s\n", file, line, mistake->text);
	}
	if (report->untold > 0)
		fprintf(stream, "%s: and %u more mistakes\n", files[0], report->untold);
	if (report->out_of_memory)
		fprintf(stream, "%s: out of memory\n", files[0]);
	if (fclose(stream) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

void report_release(struct report *report)
{
	for (uint32_t i = 0; i < report->count; i++)
		free(report->mistakes[i].text);
	free(report->mistakes);
	*report = (struct report){ 0 };
}
