/* SPDX-License-Identifier: MIT */
#include "policy/lines.h"

/* As PC/AT and its successors have them. Others (5, 9 to 11) have no device of their own. */
const struct line_name line_names[] = {
	{ "timer", 0 }, { "keyboard", 1 }, { "com2", 3 },   { "com1", 4 },  { "floppy", 6 },
	{ "lpt1", 7 },  { "rtc", 8 },      { "mouse", 12 }, { "ata1", 14 }, { "ata2", 15 },
};

const size_t line_name_count = sizeof(line_names) / sizeof(line_names[0]);

/*
 * A client that is told to look at a device harms nobody by that. But these devices are the
 * host kernel's own on every PC: a policy that names one of them means a device that two
 * would drive, and is asked whether it does.
 */
const char *line_of_host(uint32_t number)
{
	switch (number) {
	case 0:
		return "the host's timer";
	case 8:
		return "the host's clock (RTC)";
	case 9:
		return "ACPI's on most PCs";
	case 13:
		return "the processor's (FPU errors)";
	default:
		return NULL;
	}
}
