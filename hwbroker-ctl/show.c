/* SPDX-License-Identifier: MIT */
/* `show DEVICE': all that is known of it. */
#include "broker.h"
#include "groups.h"
#include "json.h"
#include "json_build.h"
#include "names.h"
#include "print.h"
#include "table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static bool is_it(const struct hwb_pci_address *a, const struct hwb_pci_address *b)
{
	return a->domain == b->domain && a->bus == b->bus && a->device == b->device &&
	       a->function == b->function;
}

/* The device among the members of groups; NULL: it has left meanwhile. */
static const struct hwb_admin_member *itself(const struct device_view *view)
{
	for (size_t i = 0; i < view->member_count; i++)
		if (is_it(&view->members[i].address, &view->record->device.address))
			return &view->members[i];
	return NULL;
}

static void line(FILE *out, const char *label, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

static void line(FILE *out, const char *label, const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	table_make_printable(text);
	fprintf(out, "  %-13s %s\n", label, text);
}

static void print_owner(FILE *out, const struct hwb_admin_member *member)
{
	char duration[16];

	if (member == NULL || member->connection == 0)
		return;
	names_duration(member->owned_ms, duration);
	line(out, "Owner:", "client `%.32s' for %s: connection %u, pid %u, uid %u", member->client,
	     duration, member->connection, member->pid, member->uid);
}

static void print_group(FILE *out, const struct device_view *view)
{
	uint32_t group = view->record->device.iommu_group;
	const struct hwb_admin_member *culprit;
	bool alone = true;

	if ((view->record->device.flags & HWB_DEVICE_DMA_UNSAFE) != 0) {
		line(out, "IOMMU group:", "none, and DMA is given: unsafe, to all of memory");
		return;
	}
	if (group == UINT32_MAX) {
		line(out, "IOMMU group:", "none");
		return;
	}
	line(out, "IOMMU group:", "%u, to be given away: %s", group,
	     group_use_name(group_use(group, view->members, view->member_count, &culprit)));
	for (size_t i = 0; i < view->member_count; i++) {
		const struct hwb_admin_member *mate = &view->members[i];
		char address[32], name[128];
		if (mate->iommu_group != group ||
		    is_it(&mate->address, &view->record->device.address))
			continue;
		names_address(&mate->address, address);
		member_name(mate, name, sizeof(name));
		line(out, alone ? "  with:" : "", "%s %s (%.32s)", address, name,
		     mate->driver[0] != '\0' ? mate->driver : "no driver");
		alone = false;
	}
}

static void print_functions(FILE *out, const struct hwb_device *device)
{
	char address[32];

	if ((device->flags & HWB_DEVICE_VIRTUAL) != 0) {
		names_physical(&device->address, device->physical_function, address);
		line(out, "Function of:", "%s, which has made this virtual one", address);
	}
	if (device->virtual_functions != 0)
		line(out, "Functions:", "%u virtual ones, which it controls",
		     device->virtual_functions);
}

static void print_bars(FILE *out, const struct hwb_device *device)
{
	for (unsigned i = 0; i < HWB_BARS; i++) {
		const struct hwb_bar *bar = &device->bars[i];
		char label[16], size[16];
		if (bar->size == 0)
			continue;
		snprintf(label, sizeof(label), "BAR %u:", i);
		names_size(bar->size, size);
		line(out, label, "%s 0x%llx, %s%s%s%s",
		     (bar->flags & HWB_BAR_IO) != 0 ? "ports" : "memory",
		     (unsigned long long)bar->address, size,
		     (bar->flags & HWB_BAR_PREFETCHABLE) != 0 ? ", prefetchable" : "",
		     (bar->flags & HWB_BAR_MSIX_TABLE) != 0 ? ", holds the MSI-X table" : "",
		     (bar->flags & HWB_BAR_PARTIAL_PAGE) != 0 ? ", smaller than a page" : "");
	}
}

static void print_interrupts(FILE *out, const struct hwb_device *device)
{
	char text[80];
	int used = snprintf(text, sizeof(text), "%s", device->intx_pin != 0 ? "INTx" : "");

	if (device->msi_vectors != 0)
		used += snprintf(text + used, sizeof(text) - (size_t)used, "%sMSI (%u)",
		                 used != 0 ? ", " : "", device->msi_vectors);
	if (device->msix_vectors != 0)
		used += snprintf(text + used, sizeof(text) - (size_t)used, "%sMSI-X (%u)",
		                 used != 0 ? ", " : "", device->msix_vectors);
	line(out, "Interrupts:", "%s", used != 0 ? text : "none");
}

static void print_rules(FILE *out, const struct device_view *view)
{
	bool none = true;

	for (size_t i = 0; i < view->rule_count; i++) {
		const struct hwb_admin_rule *rule = &view->rules[i];
		if (rule->kind != HWB_RULE_DEVICE ||
		    !is_it(&rule->address, &view->record->device.address))
			continue;
		line(out, none ? "Rule:" : "", "client `%.32s' by [%.40s] %.128s:%u", rule->client,
		     rule->rule, rule->file, rule->line);
		line(out, "", "  %.232s", rule->grant);
		none = false;
	}
	if (none)
		line(out, "Rule:", "none: it is for nobody");
}

void print_device(FILE *out, const struct device_view *view)
{
	const struct hwb_device *device = &view->record->device;
	const struct hwb_admin_member *member = itself(view);
	char address[32], name[128];

	names_address(&device->address, address);
	names_device(device, name, sizeof(name));
	table_make_printable(name);
	fprintf(out, "%s %s\n", address, name);
	line(out, "State:", "%s", names_state(device->state));
	if (view->record->note[0] != '\0')
		line(out, "Note:", "%.128s", view->record->note);
	print_owner(out, member);
	line(out, "Host driver:", "%.32s",
	     view->record->host_driver[0] != '\0' ? view->record->host_driver : "none");
	line(out, "Ids:", "%04x:%04x, subsystem %04x:%04x, class %06x", device->vendor,
	     device->device, device->subsystem_vendor, device->subsystem_device,
	     device->class_code);
	if (member != NULL && member->slot[0] != '\0')
		line(out, "Slot:", "%.32s", member->slot);
	if (member != NULL && member->path[0] != '\0')
		line(out, "Path:", "%.256s", member->path);
	print_functions(out, device);
	print_group(out, view);
	line(out, "Resets:", "%.64s",
	     member != NULL && member->resets[0] != '\0' ? member->resets : "none");
	print_interrupts(out, device);
	print_bars(out, device);
	print_rules(out, view);
}

static json_t *json_rules(const struct device_view *view)
{
	json_t *list = json_array();

	for (size_t i = 0; i < view->rule_count; i++) {
		const struct hwb_admin_rule *rule = &view->rules[i];
		json_t *object;
		if (rule->kind != HWB_RULE_DEVICE ||
		    !is_it(&rule->address, &view->record->device.address))
			continue;
		object = json_object();
		json_set(object, "client", json_text(rule->client, sizeof(rule->client)));
		json_set(object, "rule", json_text(rule->rule, sizeof(rule->rule)));
		json_set(object, "file", json_text(rule->file, sizeof(rule->file)));
		json_set_number(object, "line", rule->line);
		json_set(object, "grant", json_text(rule->grant, sizeof(rule->grant)));
		json_array_append_new(list, object);
	}
	return list;
}

static json_t *json_mates(const struct device_view *view)
{
	json_t *list = json_array();
	uint32_t group = view->record->device.iommu_group;

	for (size_t i = 0; i < view->member_count; i++) {
		const struct hwb_admin_member *mate = &view->members[i];
		char address[32];
		if (group == UINT32_MAX || mate->iommu_group != group ||
		    is_it(&mate->address, &view->record->device.address))
			continue;
		json_t *object = json_object();
		names_address(&mate->address, address);
		json_set(object, "address", json_string(address));
		json_set(object, "driver", json_text(mate->driver, sizeof(mate->driver)));
		json_set_flag(object, "bridge", mate->flags, HWB_MEMBER_BRIDGE);
		json_array_append_new(list, object);
	}
	return list;
}

static json_t *json_owner(const struct hwb_admin_member *member)
{
	json_t *object;

	if (member == NULL || member->connection == 0)
		return json_null();
	object = json_object();
	json_set(object, "client", json_text(member->client, sizeof(member->client)));
	json_set_number(object, "connection", member->connection);
	json_set_number(object, "pid", member->pid);
	json_set_number(object, "uid", member->uid);
	json_set_number(object, "owned_ms", member->owned_ms);
	return object;
}

void json_show(FILE *out, const struct device_view *view)
{
	static const struct hwb_admin_member unknown = { .iommu_group = UINT32_MAX };
	const struct hwb_device *device = &view->record->device;
	const struct hwb_admin_member *member = itself(view), *culprit;
	json_t *object = json_device(view->record);

	if (member == NULL)
		member = &unknown;
	json_set_id(object, "subsystem_vendor", 4, device->subsystem_vendor);
	json_set_id(object, "subsystem_device", 4, device->subsystem_device);
	json_set(object, "slot", json_text(member->slot, sizeof(member->slot)));
	json_set(object, "path", json_text(member->path, sizeof(member->path)));
	json_set(object, "reset_methods", json_text(member->resets, sizeof(member->resets)));
	json_set(object, "intx", json_boolean(device->intx_pin != 0));
	json_set(object, "owner", json_owner(member));
	json_set(object, "assignable",
	         json_string(group_use_name(group_use(device->iommu_group, view->members,
	                                              view->member_count, &culprit))));
	json_set(object, "group_mates", json_mates(view));
	json_set(object, "rules", json_rules(view));
	json_finish(out, object);
}

static int fetch(struct broker *broker, void *lists[3], size_t counts[3])
{
	static const struct {
		uint16_t opcode;
		size_t size;
	} asked[3] = {
		{ HWB_ADMIN_DEVICES, sizeof(struct hwb_admin_device) },
		{ HWB_ADMIN_GROUPS, sizeof(struct hwb_admin_member) },
		{ HWB_ADMIN_RULES, sizeof(struct hwb_admin_rule) },
	};
	int status = EXIT_OK;

	for (int i = 0; i < 3 && status == EXIT_OK; i++)
		status = broker_list(broker, asked[i].opcode, asked[i].size, &lists[i], &counts[i]);
	return status;
}

int show_device(const struct context *context)
{
	struct hwb_pci_address address = { 0 };
	void *lists[3] = { NULL };
	size_t counts[3] = { 0 };
	struct broker broker;

	if (!read_device(context, &address))
		return EXIT_WRONG_USAGE;
	int status = broker_open(&broker, context);
	if (status != EXIT_OK)
		return status;
	status = fetch(&broker, lists, counts);
	broker_close(&broker);
	const struct hwb_admin_device *devices = lists[0];
	struct device_view view = { .members = lists[1],
		                    .member_count = counts[1],
		                    .rules = lists[2],
		                    .rule_count = counts[2] };
	for (size_t i = 0; status == EXIT_OK && i < counts[0]; i++)
		if (is_it(&devices[i].device.address, &address))
			view.record = &devices[i];
	if (status == EXIT_OK && view.record == NULL) {
		fprintf(stderr,
		        "hwbroker-ctl: no device %s is on the bus, or it is a bridge\n"
		        "(`hwbroker-ctl list devices' shows all)\n",
		        context->words[0]);
		status = EXIT_REFUSED;
	} else if (status == EXIT_OK) {
		if (context->json)
			json_show(context->out, &view);
		else
			print_device(context->out, &view);
	}
	names_end();
	for (int i = 0; i < 3; i++)
		free(lists[i]);
	return status;
}
