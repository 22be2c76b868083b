/* SPDX-License-Identifier: MIT */
/* Values that say which device. */
#include "policy/class_names.h"
#include "policy/hex.h"
#include "policy/patterns.h"
#include "policy/suggest.h"
#include "policy/values/values.h"

#include <stdio.h>
#include <string.h>

/* ---- numbers with wildcards ---- */

/* A value, and which of its bits count. */
struct field {
	uint32_t value;
	uint32_t mask;
};

static void add_digit(struct field *field, char character)
{
	bool known = isxdigit((unsigned char)character) != 0;

	field->value = field->value << 4 | (known ? hex_digit(character) : 0);
	field->mask = field->mask << 4 | (known ? 0xfu : 0);
}

/* How many characters of a number there are: digits and `?', and `*' once. */
static size_t number_length(const char *text, bool *star)
{
	size_t length = 0;

	*star = false;
	for (; text[length] != '\0'; length++) {
		if (text[length] == '*' && !*star)
			*star = true;
		else if (!isxdigit((unsigned char)text[length]) && text[length] != '?')
			break;
	}
	return length;
}

/* Takes a number of `digits` digits off *text. */
static int take_field(const char **text, size_t digits, struct field *field)
{
	bool star;
	size_t length = number_length(*text, &star);
	size_t missing = digits + (star ? 1 : 0) - length;

	*field = (struct field){ 0 };
	if (length > digits + (star ? 1 : 0) || (!star && length != digits))
		return -1;
	for (size_t i = 0; i < length; i++) {
		if ((*text)[i] != '*') {
			add_digit(field, (*text)[i]);
			continue;
		}
		for (; missing > 0; missing--)
			add_digit(field, '?');
	}
	*text += length;
	return 0;
}

/* 4 to 8 digits, or `*': all. */
static int take_domain(const char **text, struct field *domain)
{
	bool star;
	size_t length = number_length(*text, &star);

	if (star && length != 1)
		return -1;
	if (!star && (length < 4 || length > 8))
		return -1;
	if (take_field(text, star ? 8 : length, domain) != 0)
		return -1;
	/* Digits that are left out are 0. */
	if (!star && length < 8)
		domain->mask |= UINT32_MAX << 4 * length;
	return 0;
}

struct address_fields {
	struct field domain, bus, device, function;
};

/* What is behind the domain. */
static int take_place(const char **text, struct address_fields *fields)
{
	if (take_field(text, 2, &fields->bus) != 0 || take_char(text, ':') != 0)
		return -1;
	if (strcmp(*text, "*") == 0) {
		(*text)++;
		return 0;
	}
	return take_field(text, 2, &fields->device) != 0 || take_char(text, '.') != 0 ||
	                       take_field(text, 1, &fields->function) != 0
	               ? -1
	               : 0;
}

int value_address(const char *text, struct match *match, struct fault *fault)
{
	struct address_fields fields = { .domain = { .mask = UINT32_MAX } };
	const char *rest = text;
	/* The domain may be left out: then there is one colon. */
	const char *colon = strchr(text, ':');
	bool with_domain = colon != NULL && strchr(colon + 1, ':') != NULL;

	if ((with_domain &&
	     (take_domain(&rest, &fields.domain) != 0 || take_char(&rest, ':') != 0)) ||
	    take_place(&rest, &fields) != 0 || *rest != '\0')
		return fault_set(fault, HWB_INVALID,
		                 "`%s' is not the address of a PCI device; write it like "
		                 "0000:03:00.0, or 0000:03:00.* for all of its functions",
		                 text);
	if (fields.device.value > 0x1f || fields.function.value > 7)
		return fault_set(fault, HWB_INVALID,
		                 "`%s' cannot be: a device number is at most 1f, a function at "
		                 "most 7",
		                 text);
	match->value[MATCH_ADDRESS] = (uint64_t)fields.domain.value << 16 |
	                              (uint64_t)fields.bus.value << 8 |
	                              (uint64_t)fields.device.value << 3 | fields.function.value;
	match->mask[MATCH_ADDRESS] =
	        (uint64_t)fields.domain.mask << 16 | (uint64_t)fields.bus.mask << 8 |
	        (uint64_t)(fields.device.mask & 0x1f) << 3 | (fields.function.mask & 7);
	return 0;
}

/* ---- numbers or names ---- */

/* The whole text as a number of four digits. */
static bool is_number(const char *text, struct field *field)
{
	return take_field(&text, 4, field) == 0 && *text == '\0';
}

/* As many write it elsewhere, and no name begins so. */
static bool is_prefixed(const char *text)
{
	return text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
}

static int refuse_prefix(const char *text, struct fault *fault)
{
	return fault_set(fault, HWB_INVALID,
	                 "`%s': numbers of devices are written without `0x'; did you mean `%s'?",
	                 text, text + 2);
}

static int take_vendor(const char *text, struct pci_ids *ids, struct field *field,
                       struct fault *fault)
{
	if (is_number(text, field))
		return 0;
	if (is_prefixed(text))
		return refuse_prefix(text, fault);
	field->mask = 0xffff;
	return pci_ids_vendor(ids, text, &field->value, fault);
}

static int take_device(const char *text, bool subsystem, const struct field *vendor,
                       struct pci_ids *ids, struct field *field, struct fault *fault)
{
	if (is_number(text, field))
		return 0;
	if (is_prefixed(text))
		return refuse_prefix(text, fault);
	if (vendor->mask != 0xffff)
		return fault_set(fault, HWB_INVALID,
		                 "`%s' is a name, for which the vendor must be one", text);
	field->mask = 0xffff;
	return (subsystem ? pci_ids_subsystem : pci_ids_device)(ids, vendor->value, text,
	                                                        &field->value, fault);
}

/* "VVVV:DDDD" to 32 bits, and which of them count. */
static int take_pair(const char *text, bool subsystem, struct pci_ids *ids, uint64_t *value,
                     uint64_t *mask, struct fault *fault)
{
	struct field vendor, device;
	char name[INI_LINE_MAX + 1];
	const char *colon = strchr(text, ':');

	if (colon == NULL)
		return fault_set(fault, HWB_INVALID,
		                 "`%s' is not %s id; write VENDOR:DEVICE with four hexadecimal "
		                 "digits each, like %s for all of a vendor, or with the names that "
		                 "lspci shows",
		                 text, subsystem ? "a subsystem" : "a device",
		                 subsystem ? "17aa:21cf, or 17aa:*" : "8086:10d3, or 8086:*");
	snprintf(name, sizeof(name), "%.*s", (int)(colon - text), text);
	if (take_vendor(name, ids, &vendor, fault) != 0 ||
	    take_device(colon + 1, subsystem, &vendor, ids, &device, fault) != 0)
		return -1;
	*value = (uint64_t)vendor.value << 16 | device.value;
	*mask = (uint64_t)vendor.mask << 16 | device.mask;
	return 0;
}

int value_id(const char *text, struct match *match, struct pci_ids *ids, struct fault *fault)
{
	uint64_t value = 0, mask = 0;

	if (take_pair(text, false, ids, &value, &mask, fault) != 0)
		return -1;
	match->value[MATCH_IDS] |= value << 32;
	match->mask[MATCH_IDS] |= mask << 32;
	return 0;
}

int value_subsystem(const char *text, struct match *match, struct pci_ids *ids, struct fault *fault)
{
	uint64_t value = 0, mask = 0;

	if (take_pair(text, true, ids, &value, &mask, fault) != 0)
		return -1;
	match->value[MATCH_IDS] |= value;
	match->mask[MATCH_IDS] |= mask;
	return 0;
}

/* ---- classes ---- */

static void set_class(struct match *match, uint32_t value, uint32_t mask)
{
	match->value[MATCH_CLASS] = value;
	match->mask[MATCH_CLASS] = mask;
}

/* "0200", or six digits with wildcards. */
static bool is_class_number(const char *text, struct match *match)
{
	const size_t length = strlen(text);
	const bool wild = pattern_is_wild(text);
	struct field field;

	if ((!wild && length != 2 && length != 4 && length != 6) ||
	    take_field(&text, wild ? 6 : length, &field) != 0 || *text != '\0')
		return false;
	uint32_t missing = wild ? 0 : 24 - 4 * (uint32_t)length;
	set_class(match, field.value << missing, field.mask << missing);
	return true;
}

int value_class(const char *text, struct match *match, struct pci_ids *ids, struct fault *fault)
{
	struct suggestion suggestion;
	uint32_t code, digits;

	suggest_start(&suggestion, text);
	for (size_t i = 0; i < class_name_count; i++) {
		if (strcmp(text, class_names[i].name) == 0) {
			set_class(match, class_names[i].code, class_names[i].mask);
			return 0;
		}
		suggest_consider(&suggestion, class_names[i].name);
	}
	if (is_class_number(text, match))
		return 0;
	if (is_prefixed(text))
		return refuse_prefix(text, fault);
	/* Names of pci.ids begin with a capital letter, and one of ours that is misspelt needs
	 * no more than our list. */
	if (suggestion.best != NULL || !isupper((unsigned char)text[0]))
		return fault_set(fault, HWB_INVALID,
		                 "`%s' is neither the name of a device class nor 2, 4 or 6 "
		                 "hexadecimal digits like 0200%s",
		                 text, suggest_text(&suggestion));
	if (pci_ids_class(ids, text, &code, &digits, fault) != 0)
		return -1;
	uint32_t missing = 24 - 4 * digits;
	set_class(match, code << missing, 0xffffffu >> missing << missing);
	return 0;
}

/* ---- names and paths of the kernel ---- */

int value_slot(char *pattern, struct fault *fault)
{
	if (strchr(pattern, '/') != NULL)
		return fault_set(fault, HWB_INVALID,
		                 "`%s' is not the name of a slot; /sys/bus/pci/slots has them",
		                 pattern);
	pattern_normalise(pattern);
	return 0;
}

int value_driver(char *pattern, struct fault *fault)
{
	if (strchr(pattern, '/') != NULL)
		return fault_set(fault, HWB_INVALID,
		                 "`%s' is not the name of a driver; write it like e1000e, or "
		                 "virtio* for all that begin so",
		                 pattern);
	if (strlen(pattern) >= HWB_NAME_SIZE)
		return fault_set(fault, HWB_INVALID,
		                 "`%s' is too long: a driver's name has at most %d characters",
		                 pattern, HWB_NAME_SIZE - 1);
	pattern_normalise(pattern);
	return 0;
}

int value_path(char *pattern, struct fault *fault)
{
	if (strncmp(pattern, "/sys/devices/", strlen("/sys/devices/")) != 0 && pattern[0] != '*')
		return fault_set(
		        fault, HWB_INVALID,
		        "`%s' is no device's path; it begins with /sys/devices/ (`readlink "
		        "-f /sys/bus/pci/devices/ADDRESS' shows it) or `*'",
		        pattern);
	pattern_normalise(pattern);
	return 0;
}

int value_physical(const char *text, char pattern[INI_LINE_MAX + 8], struct fault *fault)
{
	struct match unused = { 0 };

	if (value_address(text, &unused, fault) != 0)
		return -1;
	/* With the domain, of four digits as long as they suffice; and all digits are small. */
	const char *colon = strchr(text, ':');
	bool with_domain = strchr(colon + 1, ':') != NULL;
	while (with_domain && text[0] == '0' && colon - text > 4)
		text++;
	snprintf(pattern, INI_LINE_MAX + 8, "%s%s", with_domain ? "" : "0000:", text);
	for (char *at = pattern; *at != '\0'; at++)
		*at = (char)tolower((unsigned char)*at);
	pattern_normalise(pattern);
	return 0;
}
