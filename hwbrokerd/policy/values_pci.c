/* SPDX-License-Identifier: MIT */
/* Values that speak of PCI devices and of ports. */
#include "policy/values.h"

#include "policy/class_names.h"
#include "policy/suggest.h"

#include <ctype.h>
#include <string.h>

/* Takes between `least` and `most` hexadecimal digits (at most 8) off *text. */
static int take_hex(const char **text, size_t least, size_t most, uint32_t *number)
{
	size_t digits = 0;

	*number = 0;
	while (digits < most && isxdigit((unsigned char)(*text)[digits])) {
		int digit = tolower((unsigned char)(*text)[digits]);
		*number = *number << 4 | (uint32_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
		digits++;
	}
	*text += digits;
	return digits >= least ? 0 : -1;
}

static int take_char(const char **text, char character)
{
	if (**text != character)
		return -1;
	(*text)++;
	return 0;
}

static int take_prefixed(const char **text, size_t most, uint32_t *number)
{
	if (take_char(text, '0') != 0 || take_char(text, 'x') != 0)
		return -1;
	return take_hex(text, 1, most, number);
}

/* "DD.F" or "DD.*" */
static int take_slot(const char **text, uint32_t *slot, uint32_t *function, bool *any)
{
	if (take_hex(text, 2, 2, slot) != 0 || take_char(text, '.') != 0)
		return -1;
	*any = take_char(text, '*') == 0;
	return *any ? 0 : take_hex(text, 1, 1, function);
}

int value_address(const char *text, struct match *match, struct fault *fault)
{
	const char *rest = text;
	uint32_t domain = 0, bus = 0, slot = 0, function = 0;
	bool any = false;
	/* The domain may be left out: then there is one colon. */
	const char *colon = strchr(text, ':');
	bool with_domain = colon != NULL && strchr(colon + 1, ':') != NULL;

	if ((with_domain && (take_hex(&rest, 4, 8, &domain) != 0 || take_char(&rest, ':') != 0)) ||
	    take_hex(&rest, 2, 2, &bus) != 0 || take_char(&rest, ':') != 0 ||
	    take_slot(&rest, &slot, &function, &any) != 0 || *rest != '\0')
		return fault_set(fault, HWB_INVALID,
		                 "`%s' is not the address of a PCI device; write it like "
		                 "0000:03:00.0, or 0000:03:00.* for all of its functions",
		                 text);
	if (slot > 0x1f || function > 7)
		return fault_set(fault, HWB_INVALID,
		                 "`%s' cannot be: a device number is at most 1f, a function at "
		                 "most 7",
		                 text);
	match->value[MATCH_ADDRESS] = (uint64_t)domain << 16 | bus << 8 | slot << 3 | function;
	match->mask[MATCH_ADDRESS] = any ? ~7ull : UINT64_MAX;
	return 0;
}

static int pair(const char *text, uint32_t *vendor, uint32_t *device, bool *any)
{
	if (take_hex(&text, 4, 4, vendor) != 0 || take_char(&text, ':') != 0)
		return -1;
	if (any != NULL && strcmp(text, "*") == 0) {
		*any = true;
		*device = 0;
		return 0;
	}
	return take_hex(&text, 4, 4, device) == 0 && *text == '\0' ? 0 : -1;
}

int value_id(const char *text, struct match *match, struct fault *fault)
{
	uint32_t vendor = 0, device = 0;
	bool any = false;

	if (pair(text, &vendor, &device, &any) != 0)
		return fault_set(fault, HWB_INVALID,
		                 "`%s' is not a device id; write VENDOR:DEVICE with four "
		                 "hexadecimal digits each, like 8086:10d3, or 8086:* for all of a "
		                 "vendor",
		                 text);
	match->value[MATCH_IDS] |= (uint64_t)vendor << 48 | (uint64_t)device << 32;
	match->mask[MATCH_IDS] |= any ? 0xffffull << 48 : 0xffffffffull << 32;
	return 0;
}

int value_subsystem(const char *text, struct match *match, struct fault *fault)
{
	uint32_t vendor = 0, device = 0;

	if (pair(text, &vendor, &device, NULL) != 0)
		return fault_set(fault, HWB_INVALID,
		                 "`%s' is not a subsystem id; write VENDOR:DEVICE with four "
		                 "hexadecimal digits each, like 17aa:21cf",
		                 text);
	match->value[MATCH_IDS] |= (uint64_t)vendor << 16 | device;
	match->mask[MATCH_IDS] |= 0xffffffffu;
	return 0;
}

int value_class(const char *text, struct match *match, struct fault *fault)
{
	size_t length = strlen(text);
	struct suggestion suggestion;
	uint32_t code = 0;

	suggest_start(&suggestion, text);
	for (size_t i = 0; i < class_name_count; i++) {
		if (strcmp(text, class_names[i].name) == 0) {
			match->value[MATCH_CLASS] = class_names[i].code;
			match->mask[MATCH_CLASS] = class_names[i].mask;
			return 0;
		}
		suggest_consider(&suggestion, class_names[i].name);
	}
	const char *rest = text;
	if ((length != 2 && length != 4 && length != 6) ||
	    take_hex(&rest, length, length, &code) != 0)
		return fault_set(fault, HWB_INVALID,
		                 "`%s' is neither the name of a device class nor 2, 4 or 6 "
		                 "hexadecimal digits like 0200%s",
		                 text, suggest_text(&suggestion));
	uint32_t missing = 24 - 4 * (uint32_t)length;
	match->value[MATCH_CLASS] = (uint64_t)code << missing;
	match->mask[MATCH_CLASS] = 0xffffffu >> missing << missing;
	return 0;
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
