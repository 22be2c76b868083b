/* SPDX-License-Identifier: MIT */
/* `list devices', `list clients', `list sessions'. */
#include "broker.h"
#include "json.h"
#include "names.h"
#include "print.h"
#include "table.h"
#include "util/pci_key.h"

#include <stdlib.h>

/* ---- devices ---- */

static void group_text(const struct hwb_device *device, char text[16])
{
	if ((device->flags & HWB_DEVICE_DMA_UNSAFE) != 0)
		snprintf(text, 16, "unsafe");
	else if (device->iommu_group == UINT32_MAX)
		text[0] = '\0';
	else
		snprintf(text, 16, "%u", device->iommu_group);
}

/* "0000:00:06.0: 4 virtual functions, 0000:00:06.1 to 0000:00:06.4". */
static void print_functions(FILE *out, const struct hwb_admin_device *records, size_t count,
                            const struct hwb_device *physical)
{
	const struct hwb_pci_address *at = &physical->address;
	const uint16_t function = pci_requester(at);
	char first[32] = "", last[32] = "", address[32];

	for (size_t i = 0; i < count; i++) {
		const struct hwb_device *device = &records[i].device;
		if ((device->flags & HWB_DEVICE_VIRTUAL) == 0 ||
		    device->address.domain != at->domain || device->physical_function != function)
			continue;
		names_address(&device->address, first[0] == '\0' ? first : last);
	}
	names_address(at, address);
	fprintf(out, "%s: %u virtual function%s%s%s%s%s\n", address, physical->virtual_functions,
	        physical->virtual_functions != 1 ? "s" : "", first[0] != '\0' ? ", " : "", first,
	        last[0] != '\0' ? " to " : "", last);
}

void print_devices(FILE *out, unsigned width, const struct hwb_admin_device *records, size_t count)
{
	static const char *const headings[] = { "ADDRESS",     "DEVICE", "IOMMU",
		                                "HOST DRIVER", "STATE",  "CLIENT" };
	struct table *table = table_new(6, headings);

	for (size_t i = 0; table != NULL && i < count; i++) {
		const struct hwb_admin_device *record = &records[i];
		char address[32], name[128], group[16];
		names_address(&record->device.address, address);
		names_device(&record->device, name, sizeof(name));
		group_text(&record->device, group);
		table_cell(table, "%s", address);
		table_cell(table, "%s", name);
		table_cell(table, "%s", group);
		table_cell(table, "%.*s", HWB_NAME_SIZE, record->host_driver);
		table_cell(table, "%s", names_state(record->device.state));
		table_cell(table, "%.*s", HWB_NAME_SIZE, record->client);
	}
	if (table != NULL)
		table_print(table, out, width);
	table_free(table);
	for (size_t i = 0; i < count; i++)
		if (records[i].device.virtual_functions != 0)
			print_functions(out, records, count, &records[i].device);
	for (size_t i = 0; i < count; i++)
		if (records[i].note[0] != '\0') {
			char address[32], note[sizeof(records[i].note) + 1];
			names_address(&records[i].device.address, address);
			snprintf(note, sizeof(note), "%.*s", (int)sizeof(records[i].note),
			         records[i].note);
			table_make_printable(note);
			fprintf(out, "%s: %s\n", address, note);
		}
}

/* Connects, fetches, hands over to one of two printers. */
static int list(const struct context *context, uint16_t opcode, size_t size,
                void (*print)(const struct context *, const void *, size_t))
{
	struct broker broker;
	void *records;
	size_t count;
	int status = broker_open(&broker, context);

	if (status != EXIT_OK)
		return status;
	status = broker_list(&broker, opcode, size, &records, &count);
	broker_close(&broker);
	if (status == EXIT_OK)
		print(context, records, count);
	free(records);
	return status;
}

static void show_devices(const struct context *context, const void *records, size_t count)
{
	if (context->json)
		json_devices(context->out, records, count);
	else
		print_devices(context->out, context->width, records, count);
	names_end();
}

int list_devices(const struct context *context)
{
	return list(context, HWB_ADMIN_DEVICES, sizeof(struct hwb_admin_device), show_devices);
}

/* ---- clients ---- */

void print_clients(FILE *out, unsigned width, const struct hwb_admin_client *records, size_t count)
{
	static const char *const headings[] = { "ID",       "CLIENT",   "PID", "UID",     "FOR",
		                                "SESSIONS", "MAPPINGS", "DMA", "REQUESTS" };
	struct table *table = table_new(9, headings);

	for (size_t i = 0; table != NULL && i < count; i++) {
		const struct hwb_admin_client *record = &records[i];
		char size[16], duration[16];
		names_size(record->dma_bytes, size);
		names_duration(record->connected_ms, duration);
		table_cell(table, "%u", record->id);
		table_cell(table, "%.*s", HWB_NAME_SIZE, record->client);
		table_cell(table, "%u", record->pid);
		table_cell(table, "%u", record->uid);
		table_cell(table, "%s", duration);
		table_cell(table, "%u", record->sessions);
		table_cell(table, "%u", record->mappings);
		table_cell(table, "%s", size);
		table_cell(table, "%llu", (unsigned long long)record->requests);
	}
	if (table != NULL)
		table_print(table, out, width);
	table_free(table);
}

static void show_clients(const struct context *context, const void *records, size_t count)
{
	if (context->json)
		json_clients(context->out, records, count);
	else
		print_clients(context->out, context->width, records, count);
}

int list_clients(const struct context *context)
{
	return list(context, HWB_ADMIN_CLIENTS, sizeof(struct hwb_admin_client), show_clients);
}

/* ---- sessions ---- */

void print_sessions(FILE *out, unsigned width, const struct hwb_admin_session *records,
                    size_t count)
{
	static const char *const headings[] = { "CONNECTION", "CLIENT", "HANDLE", "SERVICE",
		                                "RESOURCE" };
	struct table *table = table_new(5, headings);

	for (size_t i = 0; table != NULL && i < count; i++) {
		const struct hwb_admin_session *record = &records[i];
		table_cell(table, "%u", record->connection);
		table_cell(table, "%.*s", HWB_NAME_SIZE, record->client);
		table_cell(table, "%u", record->handle);
		table_cell(table, "%s", names_session(record->kind));
		table_cell(table, "%.*s", (int)sizeof(record->resource), record->resource);
	}
	if (table != NULL)
		table_print(table, out, width);
	table_free(table);
}

static void show_sessions(const struct context *context, const void *records, size_t count)
{
	if (context->json)
		json_sessions(context->out, records, count);
	else
		print_sessions(context->out, context->width, records, count);
}

int list_sessions(const struct context *context)
{
	return list(context, HWB_ADMIN_SESSIONS, sizeof(struct hwb_admin_session), show_sessions);
}
