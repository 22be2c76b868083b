/* SPDX-License-Identifier: MIT */
/* `list groups'. */
#include "groups.h"

#include "broker.h"
#include "json.h"
#include "json_build.h"
#include "names.h"
#include "print.h"
#include "table.h"
#include "util/pci_key.h"

#include <stdlib.h>
#include <string.h>

enum group_use group_use(uint32_t group, const struct hwb_admin_member *members, size_t count,
                         const struct hwb_admin_member **culprit)
{
	enum group_use use = group == UINT32_MAX ? GROUP_NEVER : GROUP_FREE;

	*culprit = NULL;
	for (size_t i = 0; i < count; i++) {
		if (group == UINT32_MAX || members[i].iommu_group != group ||
		    (members[i].flags & HWB_MEMBER_IN_THE_WAY) == 0)
			continue;
		enum group_use now =
		        (members[i].flags & HWB_MEMBER_BRIDGE) != 0 ? GROUP_NEVER : GROUP_TAKE;
		if (now > use) {
			use = now;
			*culprit = &members[i];
		}
	}
	return use;
}

const char *group_use_name(enum group_use use)
{
	static const char *const names[] = { "yes", "take", "no" };

	return names[use];
}

static int by_group(const void *left, const void *right)
{
	const struct hwb_admin_member *a = left, *b = right;

	if (a->iommu_group != b->iommu_group)
		return a->iommu_group < b->iommu_group ? -1 : 1;
	uint64_t first = pci_key(&a->address), second = pci_key(&b->address);
	return first < second ? -1 : first > second;
}

void groups_sort(struct hwb_admin_member *members, size_t count)
{
	if (count != 0)
		qsort(members, count, sizeof(*members), by_group);
}

void member_name(const struct hwb_admin_member *member, char *text, size_t size)
{
	struct hwb_device device = { .vendor = member->vendor, .device = member->device };

	names_device(&device, text, size);
}

static void say_why(FILE *out, enum group_use use, const struct hwb_admin_member *culprit)
{
	char address[32], driver[HWB_NAME_SIZE + 1];

	if (culprit == NULL)
		return;
	names_address(&culprit->address, address);
	snprintf(driver, sizeof(driver), "%.*s", HWB_NAME_SIZE, culprit->driver);
	table_make_printable(driver);
	if (use == GROUP_NEVER)
		fprintf(out, "group %u: the host uses its bridge %s through `%s': for nobody\n",
		        culprit->iommu_group, address, driver);
	else
		fprintf(out, "group %u: `%s' has %s: a rule must say `take = yes' for it\n",
		        culprit->iommu_group, driver, address);
}

void print_groups(FILE *out, unsigned width, const struct hwb_admin_member *members, size_t count)
{
	static const char *const headings[] = { "GROUP",  "GIVE",   "ADDRESS",
		                                "DEVICE", "DRIVER", "STATE" };
	struct table *table = table_new(6, headings);
	const struct hwb_admin_member *culprit;

	for (size_t i = 0; table != NULL && i < count; i++) {
		const struct hwb_admin_member *member = &members[i];
		bool first = i == 0 || member[-1].iommu_group != member->iommu_group;
		char address[32], name[128];
		names_address(&member->address, address);
		member_name(member, name, sizeof(name));
		if (first && member->iommu_group != UINT32_MAX)
			table_cell(table, "%u", member->iommu_group);
		else
			table_cell(table, "%s", first ? "none" : " ");
		table_cell(table, "%s",
		           first ? group_use_name(
		                           group_use(member->iommu_group, members, count, &culprit))
		                 : " ");
		table_cell(table, "%s", address);
		table_cell(table, "%s", name);
		table_cell(table, "%.*s", HWB_NAME_SIZE, member->driver);
		table_cell(table, "%s",
		           (member->flags & HWB_MEMBER_ON_BUS) != 0   ? names_state(member->state)
		           : (member->flags & HWB_MEMBER_BRIDGE) != 0 ? "bridge"
		                                                      : "-");
	}
	if (table != NULL)
		table_print(table, out, width);
	table_free(table);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || members[i - 1].iommu_group != members[i].iommu_group) {
			enum group_use use =
			        group_use(members[i].iommu_group, members, count, &culprit);
			say_why(out, use, culprit);
		}
}

static json_t *json_member(const struct hwb_admin_member *member)
{
	json_t *object = json_object();
	char address[32], name[128];
	bool known = (member->flags & HWB_MEMBER_ON_BUS) != 0;

	names_address(&member->address, address);
	member_name(member, name, sizeof(name));
	json_set(object, "address", json_string(address));
	json_set(object, "name", json_text(name, sizeof(name)));
	json_set_id(object, "class", 6, member->class_code);
	json_set_flag(object, "bridge", member->flags, HWB_MEMBER_BRIDGE);
	json_set(object, "driver", json_text(member->driver, sizeof(member->driver)));
	json_set_flag(object, "in_the_way", member->flags, HWB_MEMBER_IN_THE_WAY);
	json_set(object, "state", known ? json_string(names_state(member->state)) : json_null());
	json_set(object, "client", json_text(member->client, sizeof(member->client)));
	return object;
}

void json_groups(FILE *out, const struct hwb_admin_member *members, size_t count)
{
	json_t *list = json_array(), *devices = NULL;
	const struct hwb_admin_member *culprit;

	for (size_t i = 0; i < count; i++) {
		uint32_t group = members[i].iommu_group;
		if (i == 0 || members[i - 1].iommu_group != group) {
			json_t *object = json_object();
			devices = json_array();
			json_set(object, "iommu_group", json_group(group));
			json_set(object, "assignable",
			         json_string(group_use_name(
			                 group_use(group, members, count, &culprit))));
			json_set(object, "members", devices);
			json_array_append_new(list, object);
		}
		json_array_append_new(devices, json_member(&members[i]));
	}
	json_finish(out, list);
}

int list_groups(const struct context *context)
{
	struct broker broker;
	void *records;
	size_t count;
	int status = broker_open(&broker, context);

	if (status != EXIT_OK)
		return status;
	status = broker_list(&broker, HWB_ADMIN_GROUPS, sizeof(struct hwb_admin_member), &records,
	                     &count);
	broker_close(&broker);
	if (status != EXIT_OK)
		return status;
	groups_sort(records, count);
	if (context->json)
		json_groups(context->out, records, count);
	else
		print_groups(context->out, context->width, records, count);
	names_end();
	free(records);
	return EXIT_OK;
}
