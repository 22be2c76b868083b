/* SPDX-License-Identifier: MIT */
#include "policy/values/values.h"

#include "policy/ini_reader.h"
#include "policy/patterns.h"
#include "policy/suggest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

char *value_next(char **rest)
{
	char *entry = *rest;

	if (entry == NULL)
		return NULL;
	char *comma = strchr(entry, ',');
	*rest = comma != NULL ? comma + 1 : NULL;
	if (comma != NULL)
		*comma = '\0';
	entry += strspn(entry, " \t");
	size_t length = strlen(entry);
	while (length > 0 && (entry[length - 1] == ' ' || entry[length - 1] == '\t'))
		entry[--length] = '\0';
	return entry;
}

/* The decimal digits that the text begins with; -1 if they overflow. */
static int take_digits(const char **text, uint64_t *number)
{
	const char *at = *text;

	*number = 0;
	for (; isdigit((unsigned char)*at); at++) {
		if (__builtin_mul_overflow(*number, 10u, number) ||
		    __builtin_add_overflow(*number, (uint64_t)(*at - '0'), number))
			return -1;
	}
	*text = at;
	return 0;
}

static bool all_digits(const char *text)
{
	return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

int value_number(const char *text, uint64_t min, uint64_t max, uint64_t *number,
                 struct fault *fault)
{
	const char *rest = text;

	if (!all_digits(text))
		return fault_set(fault, HWB_INVALID,
		                 "`%s' is not a whole number; write one from %llu to %llu", text,
		                 (unsigned long long)min, (unsigned long long)max);
	if (take_digits(&rest, number) != 0 || *number < min || *number > max)
		return fault_set(fault, HWB_INVALID, "%s is not within %llu to %llu", text,
		                 (unsigned long long)min, (unsigned long long)max);
	return 0;
}

int value_size(const char *text, uint64_t min, uint64_t max, uint64_t *size, struct fault *fault)
{
	static const char units[] = "KMGT";
	const char *rest = text + strspn(text, "0123456789");
	const char *unit = *rest != '\0' ? strchr(units, toupper((unsigned char)*rest)) : NULL;
	const char *end = unit != NULL ? rest + 1 : rest;
	uint64_t factor = unit != NULL ? 1ull << 10 * (unit - units + 1) : 1;

	if (rest == text || *end != '\0')
		return fault_set(fault, HWB_INVALID,
		                 "`%s' is not a size; write bytes, or a number with K, M, G or T, "
		                 "like 256M",
		                 text);
	rest = text;
	if (take_digits(&rest, size) != 0 || __builtin_mul_overflow(*size, factor, size) ||
	    *size < min || *size > max)
		return fault_set(fault, HWB_INVALID, "%s is not within %llu to %llu bytes", text,
		                 (unsigned long long)min, (unsigned long long)max);
	return 0;
}

/* What may have been meant: other words for it, or the same with a slip. */
static void suggest_boolean(struct suggestion *suggestion, const char *text)
{
	static const char *const other[][2] = {
		{ "true", "yes" }, { "on", "yes" }, { "1", "yes" },   { "enable", "yes" },
		{ "false", "no" }, { "off", "no" }, { "0", "no" },    { "disable", "no" },
		{ "y", "yes" },    { "n", "no" },   { "YES", "yes" }, { "NO", "no" },
	};

	suggest_start(suggestion, text);
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		if (strcasecmp(text, other[i][0]) == 0)
			suggestion->best = other[i][1];
	}
	if (suggestion->best == NULL) {
		suggest_consider(suggestion, "yes");
		suggest_consider(suggestion, "no");
	}
}

int value_boolean(const char *text, bool *boolean, struct fault *fault)
{
	struct suggestion suggestion;

	if (strcmp(text, "yes") == 0 || strcmp(text, "no") == 0) {
		*boolean = text[0] == 'y';
		return 0;
	}
	suggest_boolean(&suggestion, text);
	return fault_set(fault, HWB_INVALID, "`%s' is neither `yes' nor `no'%s", text,
	                 suggest_text(&suggestion));
}

int value_share(const char *text, uint32_t *share, struct fault *fault)
{
	enum { SHARE_MAX = 65536 };
	uint64_t number = 0;

	if (strcmp(text, "all") != 0 &&
	    (!all_digits(text) || value_number(text, 1, SHARE_MAX, &number, NULL) != 0))
		return fault_set(fault, HWB_INVALID,
		                 "`%s' is neither `all' nor a whole number from 1 to %u", text,
		                 SHARE_MAX);
	*share = (uint32_t)number;
	return 0;
}

static const char *const ways[] = {
	[WAY_SPLIT] = "split",
	[WAY_MEDIATED] = "mediated",
	[WAY_DEVICE] = "device",
};

const char *policy_way_name(enum policy_way way)
{
	return ways[way];
}

int value_way(const char *text, enum policy_way *way, struct fault *fault)
{
	struct suggestion suggestion;

	suggest_start(&suggestion, text);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		*way = (enum policy_way)i;
		if (strcmp(text, ways[i]) == 0)
			return 0;
		suggest_consider(&suggestion, ways[i]);
	}
	return fault_set(fault, HWB_INVALID, "`%s' is none of `split', `mediated', `device'%s",
	                 text, suggest_text(&suggestion));
}

int value_dma(const char *text, bool *dma, bool *unsafe, struct fault *fault)
{
	struct suggestion suggestion;

	*unsafe = strcmp(text, "unsafe") == 0;
	*dma = *unsafe || strcmp(text, "yes") == 0;
	if (*dma || strcmp(text, "no") == 0)
		return 0;
	suggest_boolean(&suggestion, text);
	if (suggestion.best == NULL)
		suggest_consider(&suggestion, "unsafe");
	return fault_set(fault, HWB_INVALID, "`%s' is neither `yes', `no' nor `unsafe'%s", text,
	                 suggest_text(&suggestion));
}

int value_holders(const char *text, bool *end, struct fault *fault)
{
	*end = strcmp(text, "end") == 0;
	if (*end || strcmp(text, "wait") == 0)
		return 0;
	return fault_set(fault, HWB_INVALID, "`%s' is neither `wait' nor `end'", text);
}

/* Documentation/ABI/testing/sysfs-bus-pci, reset_method; drivers/pci/pci.c has the names. */
static bool is_reset_method(const char *text)
{
	static const char *const methods[] = {
		"device_specific", "acpi", "flr", "af_flr", "pm", "bus", "cxl_bus",
	};

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (strcmp(text, methods[i]) == 0)
			return true;
	return false;
}

/* Whether the list has a word already. */
static bool has_word(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = list; (at = strstr(at, word)) != NULL; at += length)
		if ((at == list || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
			return true;
	return false;
}

int value_reset(const char *text, char reset[POLICY_RESET_SIZE], struct fault *fault)
{
	char list[INI_LINE_MAX + 1];
	char *rest = list, *entry;
	size_t length = 0;

	reset[0] = '\0';
	if (strcmp(text, "auto") == 0)
		return 0;
	if (strcmp(text, "none") == 0) {
		snprintf(reset, POLICY_RESET_SIZE, "none");
		return 0;
	}
	snprintf(list, sizeof(list), "%s", text);
	while ((entry = value_next(&rest)) != NULL) {
		if (strcmp(entry, "none") == 0 || strcmp(entry, "auto") == 0)
			return fault_set(fault, HWB_INVALID,
			                 "`%s' stands alone, not in a list of resets", entry);
		if (!is_reset_method(entry))
			return fault_set(fault, HWB_INVALID,
			                 "`%s' is neither `auto' nor `none' nor one of the "
			                 "kernel's resets: device_specific, acpi, flr, af_flr, pm, "
			                 "bus, cxl_bus",
			                 entry);
		if (has_word(reset, entry))
			return fault_set(fault, HWB_INVALID, "`%s' is named twice", entry);
		length += (size_t)snprintf(reset + length, POLICY_RESET_SIZE - length, "%s%s",
		                           length != 0 ? " " : "", entry);
	}
	return 0;
}

int value_name(const char *text, struct fault *fault)
{
	size_t length = strlen(text);

	if (length >= HWB_NAME_SIZE)
		return fault_set(fault, HWB_INVALID,
		                 "name `%s' has %zu characters, at most %u are possible", text,
		                 length, HWB_NAME_SIZE - 1);
	for (size_t i = 0; i < length; i++) {
		unsigned char character = (unsigned char)text[i];
		if (character < 0x80 && isalnum(character))
			continue;
		if (i == 0 || strchr("-_.", character) == NULL)
			return fault_set(
			        fault, HWB_INVALID,
			        "name `%s' has an odd character at place %zu; use letters, "
			        "digits, `-', `_' and `.', the first a letter or digit",
			        text, i + 1);
	}
	return 0;
}

static bool has_type(const char *pattern, const char *const *types, size_t count)
{
	size_t length = strlen(pattern);

	for (size_t i = 0; i < count; i++) {
		size_t end = strlen(types[i]);
		if (length > end && strcmp(pattern + length - end, types[i]) == 0)
			return true;
	}
	/* Its end may stand for one of them. */
	return length > 0 && strchr("*?", pattern[length - 1]) != NULL;
}

int value_unit(char *pattern, struct fault *fault)
{
	static const char *const types[] = { ".service", ".scope", ".socket", ".mount", ".swap" };
	static const char *const slice = ".slice";

	if (strchr(pattern, '/') != NULL ||
	    !has_type(pattern, types, sizeof(types) / sizeof(types[0])))
		return fault_set(fault, HWB_INVALID, "`%s' is not the name of a unit; %s", pattern,
		                 has_type(pattern, &slice, 1) ? "the key for it is `slice'"
		                                              : "write it whole, like foo.service");
	pattern_normalise(pattern);
	return 0;
}

int value_slice(char *pattern, struct fault *fault)
{
	static const char *const types[] = { ".slice" };

	if (strcmp(pattern, "-.slice") == 0)
		return fault_set(fault, HWB_INVALID,
		                 "every process is in -.slice; name a slice below it");
	if (strchr(pattern, '/') != NULL || !has_type(pattern, types, 1))
		return fault_set(fault, HWB_INVALID,
		                 "`%s' is not the name of a slice; write it like system.slice",
		                 pattern);
	pattern_normalise(pattern);
	return 0;
}
