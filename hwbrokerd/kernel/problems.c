/* SPDX-License-Identifier: MIT */
#include "kernel/problems.h"

#include <stdarg.h>
#include <stdio.h>

void problems_add(struct problems *problems, const char *format, ...)
{
	va_list arguments;

	if (problems->count == PROBLEMS_MAX)
		return;
	va_start(arguments, format);
	vsnprintf(problems->lines[problems->count++], PROBLEM_SIZE, format, arguments);
	va_end(arguments);
}
