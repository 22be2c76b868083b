/* SPDX-License-Identifier: MIT */
#include "json_build.h"

#include <string.h>

json_t *json_text(const char *text, size_t size)
{
	size_t length = strnlen(text, size);
	json_t *value = length == 0 ? json_null() : json_stringn(text, length);

	return value != NULL ? value : json_string("?"); /* no UTF-8 */
}

void json_set(json_t *object, const char *name, json_t *value)
{
	json_object_set_new(object, name, value);
}

void json_set_number(json_t *object, const char *name, uint64_t value)
{
	json_set(object, name, json_integer((json_int_t)value));
}

void json_set_id(json_t *object, const char *name, int digits, unsigned value)
{
	json_set(object, name, json_sprintf("%0*x", digits, value));
}

void json_set_flag(json_t *object, const char *name, uint32_t flags, uint32_t bit)
{
	json_set(object, name, json_boolean((flags & bit) != 0));
}

json_t *json_group(uint32_t iommu_group)
{
	return iommu_group == UINT32_MAX ? json_null() : json_integer((json_int_t)iommu_group);
}

void json_finish(FILE *out, json_t *value)
{
	json_dumpf(value, out, JSON_INDENT(2));
	fputc('\n', out);
	json_decref(value);
}
