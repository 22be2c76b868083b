/* SPDX-License-Identifier: MIT */
#include "print.h"

#include "lock.h"
#include "system.h"

#include <stdint.h>

enum { LINE_SIZE = 512 };

struct output {
	char *to;
	size_t size;
	size_t used;
};

static void put(struct output *output, char c)
{
	if (output->used + 1 < output->size)
		output->to[output->used++] = c;
}

static void put_number(struct output *output, uint64_t value, unsigned base, unsigned width,
                       char fill)
{
	char digits[20];
	unsigned count = 0;

	do {
		digits[count++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value != 0);
	while (width-- > count)
		put(output, fill);
	while (count-- > 0)
		put(output, digits[count]);
}

static void put_text(struct output *output, const char *text)
{
	while (*text != '\0')
		put(output, *text++);
}

static void put_signed(struct output *output, int value, unsigned width, char fill)
{
	if (value < 0)
		put(output, '-');
	put_number(output, (uint64_t)(value < 0 ? -(int64_t)value : value), 10, width, fill);
}

void format_list(char *to, size_t size, const char *how, va_list arguments)
{
	struct output output = { to, size, 0 };

	for (; *how != '\0'; how++) {
		char fill = ' ';
		unsigned width = 0;

		if (*how != '%') {
			put(&output, *how);
			continue;
		}
		if (*++how == '0')
			fill = *how++;
		if (*how >= '1' && *how <= '9')
			width = (unsigned)(*how++ - '0');
		int wide = *how == 'l';
		how += wide;
		if (*how == 's')
			put_text(&output, va_arg(arguments, const char *));
		else if (*how == 'c')
			put(&output, (char)va_arg(arguments, int));
		else if (*how == 'd')
			put_signed(&output, va_arg(arguments, int), width, fill);
		else if (*how == 'u' || *how == 'x')
			put_number(&output,
			           wide ? va_arg(arguments, unsigned long)
			                : va_arg(arguments, unsigned),
			           *how == 'u' ? 10 : 16, width, fill);
		else
			put(&output, *how);
	}
	to[output.used] = '\0';
}

void format(char *to, size_t size, const char *how, ...)
{
	va_list arguments;

	va_start(arguments, how);
	format_list(to, size, how, arguments);
	va_end(arguments);
}

void print_text(const char *text, size_t length)
{
	while (length != 0) {
		long written = system3(SYS_write, 1, at(text), (long)length);
		if (written == -EINTR)
			continue;
		if (written <= 0)
			return;
		text += written;
		length -= (size_t)written;
	}
}

void print(const char *how, ...)
{
	static struct lock lock;
	static char line[LINE_SIZE]; /* not on an entrypoint's stack */
	va_list arguments;

	lock_acquire(&lock);
	va_start(arguments, how);
	format_list(line, sizeof(line) - 1, how, arguments);
	va_end(arguments);
	size_t length = length_of(line);
	line[length] = '\n';
	print_text(line, length + 1);
	lock_release(&lock);
}

size_t length_of(const char *text)
{
	size_t length = 0;

	while (text[length] != '\0')
		length++;
	return length;
}

bool same_text(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

bool contains(const char *text, const char *part)
{
	size_t length = length_of(part);

	for (; *text != '\0'; text++) {
		size_t same = 0;
		while (same < length && text[same] == part[same])
			same++;
		if (same == length)
			return true;
	}
	return length == 0;
}
