/* SPDX-License-Identifier: MIT */
/* Values that speak of interrupt lines. */
#include "policy/lines.h"
#include "policy/suggest.h"
#include "policy/values/values.h"

#include <stdio.h>
#include <string.h>

int value_line(const char *text, uint32_t *number, struct fault *fault)
{
	struct suggestion suggestion;
	uint64_t value;

	if (text[0] != '\0' && text[strspn(text, "0123456789")] == '\0') {
		if (value_number(text, 0, LINES - 1, &value, fault) != 0)
			return -1;
		*number = (uint32_t)value;
		if (value == LINE_CASCADE)
			return fault_set(fault, HWB_INVALID,
			                 "interrupt 2 joins the two interrupt controllers: no "
			                 "device has it");
		return 0;
	}
	suggest_start(&suggestion, text);
	for (size_t i = 0; i < line_name_count; i++) {
		if (strcmp(line_names[i].name, text) == 0) {
			*number = line_names[i].number;
			return 0;
		}
		suggest_consider(&suggestion, line_names[i].name);
	}
	return fault_set(fault, HWB_INVALID,
	                 "`%s' is neither an interrupt line, 0 to 15, nor the name of one%s", text,
	                 suggest_text(&suggestion));
}

int value_source(const char *text, enum policy_source *source, struct fault *fault)
{
	static const char *const names[] = {
		[POLICY_SOURCE_AUTO] = "auto",
		[POLICY_SOURCE_UIO] = "uio",
		[POLICY_SOURCE_POLL] = "poll",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], text) == 0) {
			*source = (enum policy_source)i;
			return 0;
		}
	return fault_set(fault, HWB_INVALID, "`%s' is neither `auto' nor `uio' nor `poll'", text);
}

int value_uio(const char *text, char uio[POLICY_UIO_SIZE], struct fault *fault)
{
	size_t length = strlen(text);

	if (length == 0 || length >= POLICY_UIO_SIZE)
		return fault_set(fault, HWB_INVALID,
		                 "the name of a UIO device has 1 to %u characters",
		                 POLICY_UIO_SIZE - 1);
	if (strpbrk(text, "/ \t") != NULL)
		return fault_set(fault, HWB_INVALID,
		                 "`%s' is no name of a UIO device; write what "
		                 "/sys/class/uio/uio*/name says",
		                 text);
	snprintf(uio, POLICY_UIO_SIZE, "%s", text);
	return 0;
}
