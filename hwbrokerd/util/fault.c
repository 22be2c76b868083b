/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* strerrordesc_np: thread-safe, unlike strerror */
#include "util/fault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int fill(struct fault *fault, enum hwb_status status, int error, const char *format,
                va_list arguments) __attribute__((format(printf, 4, 0)));

static int fill(struct fault *fault, enum hwb_status status, int error, const char *format,
                va_list arguments)
{
	if (fault == NULL)
		return -1;
	fault->status = status;
	fault->host_errno = error;
	int length = vsnprintf(fault->reason, sizeof(fault->reason), format, arguments);
	if (error != 0 && length >= 0 && (size_t)length < sizeof(fault->reason))
		snprintf(fault->reason + length, sizeof(fault->reason) - (size_t)length, ": %s",
		         strerrordesc_np(error) ? strerrordesc_np(error) : "unknown error");
	return -1;
}

int fault_set(struct fault *fault, enum hwb_status status, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fill(fault, status, 0, format, arguments);
	va_end(arguments);
	return -1;
}

int fault_errno(struct fault *fault, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fill(fault, error == ENOMEM ? HWB_NO_MEMORY : HWB_HOST_ERROR, error, format, arguments);
	va_end(arguments);
	return -1;
}
