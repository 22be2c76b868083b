/* SPDX-License-Identifier: MIT */
/* Values that speak of registers, ports and memory. */
#include "policy/values/values.h"

#include "policy/hex.h"

#include <stdlib.h>
#include <string.h>

static int take_prefixed(const char **text, size_t most, uint32_t *number)
{
	if (take_char(text, '0') != 0 || take_char(text, 'x') != 0)
		return -1;
	return take_hex(text, 1, most, number);
}

int value_ports(const char *text, uint16_t *first, uint16_t *last, struct fault *fault)
{
	const char *rest = text;
	uint32_t from = 0, to;

	/* Decimal ports are not accepted: nobody means port 61 by "61". */
	bool good = take_prefixed(&rest, 8, &from) == 0;
	to = from;
	if (good && *rest != '\0') {
		rest += strspn(rest, " \t");
		good = take_char(&rest, '-') == 0;
		rest += strspn(rest, " \t");
		good = good && take_prefixed(&rest, 8, &to) == 0 && *rest == '\0';
	}
	if (!good)
		return fault_set(fault, HWB_INVALID,
		                 "`%s' is not a range of ports; write it like 0x40-0x43, or 0x61 "
		                 "for a single port",
		                 text);
	if (from > 0xffff || to > 0xffff)
		return fault_set(fault, HWB_INVALID, "%s reaches beyond the last port, 0xffff",
		                 text);
	if (from > to)
		return fault_set(fault, HWB_INVALID, "%s ends before it begins", text);
	*first = (uint16_t)from;
	*last = (uint16_t)to;
	return 0;
}

/* 0x and 1 to 16 digits. */
static int take_address(const char **text, uint64_t *address)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	size_t length;

	if (take_char(text, '0') != 0 || take_char(text, 'x') != 0)
		return -1;
	length = strspn(*text, digits);
	if (length < 1 || length > 16)
		return -1;
	*address = strtoull(*text, NULL, 16);
	*text += length;
	return 0;
}

int value_memory(const char *text, uint64_t *first, uint64_t *last, struct fault *fault)
{
	const char *rest = text;

	bool good = take_address(&rest, first) == 0;
	*last = *first;
	if (good && *rest != '\0') {
		rest += strspn(rest, " \t");
		good = take_char(&rest, '-') == 0;
		rest += strspn(rest, " \t");
		good = good && take_address(&rest, last) == 0 && *rest == '\0';
	}
	if (!good)
		return fault_set(fault, HWB_INVALID,
		                 "`%s' is not a range of memory; write its first and its last "
		                 "address like 0xfed00000-0xfed003ff",
		                 text);
	if (*first > *last)
		return fault_set(fault, HWB_INVALID, "%s ends before it begins", text);
	return 0;
}

int value_config_mask(const char *text, struct config_mask *mask, struct fault *fault)
{
	const char *rest = text;
	uint32_t offset = 0, bits = 0;
	size_t digits = 0;

	bool good = take_prefixed(&rest, 4, &offset) == 0 && take_char(&rest, ':') == 0;
	if (good) {
		const char *start = rest;
		good = take_prefixed(&rest, 8, &bits) == 0 && *rest == '\0';
		digits = (size_t)(rest - start) - 2;
	}
	if (!good || (digits != 2 && digits != 4 && digits != 8))
		return fault_set(fault, HWB_INVALID,
		                 "`%s' is not OFFSET:MASK; write it like 0x44:0xffff, the mask "
		                 "with 2, 4 or 8 digits for a register of 1, 2 or 4 bytes",
		                 text);
	uint32_t width = (uint32_t)digits / 2;
	if (offset + width > HWB_CONFIG_SIZE)
		return fault_set(fault, HWB_INVALID,
		                 "%s reaches beyond configuration space, which ends at 0x%x", text,
		                 HWB_CONFIG_SIZE);
	if (offset % width != 0)
		return fault_set(fault, HWB_INVALID,
		                 "%s: a register of %u bytes has an offset that is a multiple of "
		                 "%u",
		                 text, width, width);
	if (bits == 0)
		return fault_set(fault, HWB_INVALID, "%s allows no bit; remove it", text);
	*mask = (struct config_mask){ .offset = offset, .width = width, .mask = bits };
	return 0;
}
