/* SPDX-License-Identifier: MIT */
#include "policy/unit.h"

#include "policy/patterns.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char *const unit_types[] = { ".service", ".scope", ".socket", ".mount", ".swap" };

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), wanted = strlen(end);

	return length > wanted && strcmp(text + length - wanted, end) == 0;
}

static bool is_unit(const char *name)
{
	for (size_t i = 0; i < sizeof(unit_types) / sizeof(unit_types[0]); i++)
		if (ends_with(name, unit_types[i]))
			return true;
	return false;
}

/* The next part of a path, as systemd calls it: where its name would be one of the kernel's own
 * files it has a `_' before it (cg_escape). False: it is not what systemd calls anything. */
static bool take_part(const char **path, char name[UNIT_NAME])
{
	const char *part = *path;
	size_t length = strcspn(part, "/");

	*path += length + (part[length] == '/');
	if (length > 0 && part[0] == '_') {
		part++;
		length--;
	}
	if (length == 0 || length >= UNIT_NAME || part[0] == '.')
		return false;
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)part[i]) && strchr(":-_.\\@", part[i]) == NULL)
			return false;
	memcpy(name, part, length);
	name[length] = '\0';
	return true;
}

static bool read_path(const char *path, struct unit_place *place)
{
	char name[UNIT_NAME];
	size_t length = 0;

	*place = (struct unit_place){ 0 };
	if (*path++ != '/' || *path == '\0')
		return false;
	while (*path != '\0') {
		if (!take_part(&path, name))
			return false;
		if (!ends_with(name, ".slice")) {
			/* What is below a unit is its own affair; what is neither is not
			 * systemd's. */
			if (!is_unit(name))
				return false;
			memcpy(place->unit, name, sizeof(name));
			return true;
		}
		if (length + strlen(name) + 2 > sizeof(place->slices))
			return false;
		length += (size_t)snprintf(place->slices + length, sizeof(place->slices) - length,
		                           "%s/", name);
	}
	return true;
}

bool unit_of_cgroups(const char *text, struct unit_place *place)
{
	static const char unified[] = "0::", named[] = ":name=systemd:";
	bool own = false, found = false;

	/* Lines are NUMBER:CONTROLLERS:PATH; a path has no line end in it (cgroup_mkdir). */
	while (*text != '\0') {
		char line[4096];
		size_t length = strcspn(text, "\n");
		const char *number = text + strspn(text, "0123456789");
		const char *path = NULL;
		bool is_named = strncmp(number, named, strlen(named)) == 0;

		if (is_named)
			path = number + strlen(named);
		else if (strncmp(text, unified, strlen(unified)) == 0 && !own)
			path = text + strlen(unified);
		if (path != NULL) {
			size_t size = length - (size_t)(path - text);
			own = own || is_named;
			found = size < sizeof(line);
			if (found) {
				memcpy(line, path, size);
				line[size] = '\0';
				found = read_path(line, place);
			}
		}
		text += length + (text[length] == '\n');
	}
	if (!found)
		*place = (struct unit_place){ 0 };
	return found;
}

bool unit_matches(const struct unit_place *place, const char *pattern)
{
	return place != NULL && place->unit[0] != '\0' && pattern_matches(pattern, place->unit);
}

bool unit_slice_matches(const struct unit_place *place, const char *pattern)
{
	const char *at = place != NULL ? place->slices : "";
	char name[UNIT_SLICES];

	for (; *at != '\0'; at += strcspn(at, "/") + 1) {
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(at, "/"), at);
		if (pattern_matches(pattern, name))
			return true;
	}
	return false;
}
