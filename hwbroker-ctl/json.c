/* SPDX-License-Identifier: MIT */
#include "json.h"

#include "json_build.h"
#include "names.h"

#include <string.h>

static json_t *bars_of(const struct hwb_device *device)
{
	json_t *bars = json_array();

	for (unsigned i = 0; i < HWB_BARS; i++) {
		const struct hwb_bar *bar = &device->bars[i];
		json_t *object = json_object();
		if (bar->size == 0) {
			json_decref(object);
			continue;
		}
		json_set_number(object, "bar", i);
		json_set(object, "kind",
		         json_string((bar->flags & HWB_BAR_IO) != 0 ? "io" : "memory"));
		json_set_number(object, "address", bar->address);
		json_set_number(object, "size", bar->size);
		json_set_flag(object, "prefetchable", bar->flags, HWB_BAR_PREFETCHABLE);
		json_set_flag(object, "msix_table", bar->flags, HWB_BAR_MSIX_TABLE);
		json_set_flag(object, "partial_page", bar->flags, HWB_BAR_PARTIAL_PAGE);
		json_array_append_new(bars, object);
	}
	return bars;
}

/* Null: it is no virtual function. */
static json_t *json_physical(const struct hwb_device *device)
{
	char address[32];

	if ((device->flags & HWB_DEVICE_VIRTUAL) == 0)
		return json_null();
	names_physical(&device->address, device->physical_function, address);
	return json_string(address);
}

json_t *json_device(const struct hwb_admin_device *record)
{
	const struct hwb_device *device = &record->device;
	json_t *object = json_object();
	char address[32], name[128];

	names_address(&device->address, address);
	names_device(device, name, sizeof(name));
	json_set(object, "address", json_string(address));
	json_set(object, "name", json_text(name, sizeof(name)));
	json_set_id(object, "vendor", 4, device->vendor);
	json_set_id(object, "device", 4, device->device);
	json_set_id(object, "class", 6, device->class_code);
	json_set(object, "iommu_group", json_group(device->iommu_group));
	json_set(object, "host_driver",
	         json_text(record->host_driver, sizeof(record->host_driver)));
	json_set(object, "state", json_string(names_state(device->state)));
	json_set(object, "client", json_text(record->client, sizeof(record->client)));
	json_set(object, "rule", json_text(record->rule, sizeof(record->rule)));
	json_set(object, "note", json_text(record->note, sizeof(record->note)));
	json_set_flag(object, "resets", device->flags, HWB_DEVICE_RESETS);
	json_set_flag(object, "dma_unsafe", device->flags, HWB_DEVICE_DMA_UNSAFE);
	json_set(object, "physical_function", json_physical(device));
	json_set_number(object, "virtual_functions", device->virtual_functions);
	json_set_number(object, "msi_vectors", device->msi_vectors);
	json_set_number(object, "msix_vectors", device->msix_vectors);
	json_set(object, "bars", bars_of(device));
	return object;
}

void json_devices(FILE *out, const struct hwb_admin_device *records, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_device(&records[i]));
	json_finish(out, list);
}

json_t *json_client(const struct hwb_admin_client *record)
{
	json_t *object = json_object();

	json_set_number(object, "id", record->id);
	json_set(object, "client", json_text(record->client, sizeof(record->client)));
	json_set_number(object, "pid", record->pid);
	json_set_number(object, "uid", record->uid);
	json_set_number(object, "gid", record->gid);
	json_set_number(object, "connected_ms", record->connected_ms);
	json_set_number(object, "sessions", record->sessions);
	json_set_number(object, "dma_mappings", record->mappings);
	json_set_number(object, "dma_bytes", record->dma_bytes);
	json_set_number(object, "requests", record->requests);
	return object;
}

void json_clients(FILE *out, const struct hwb_admin_client *records, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_client(&records[i]));
	json_finish(out, list);
}

void json_sessions(FILE *out, const struct hwb_admin_session *records, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++) {
		const struct hwb_admin_session *record = &records[i];
		json_t *object = json_object();
		json_set_number(object, "connection", record->connection);
		json_set(object, "client", json_text(record->client, sizeof(record->client)));
		json_set_number(object, "handle", record->handle);
		json_set(object, "service", json_string(names_session(record->kind)));
		json_set(object, "resource", json_text(record->resource, sizeof(record->resource)));
		json_array_append_new(list, object);
	}
	json_finish(out, list);
}

void json_outcome(FILE *out, const struct hwb_pci_address *address,
                  const struct hwb_outcome_reply *outcome)
{
	json_t *object = json_object();
	char text[32];

	names_address(address, text);
	json_set(object, "address", json_string(text));
	json_set(object, "state", json_string(names_state(outcome->state)));
	json_set(object, "note", json_text(outcome->note, sizeof(outcome->note)));
	json_finish(out, object);
}

json_t *json_of_status(const struct hwb_status_reply *status, const char *text)
{
	json_t *object = json_object();
	json_t *problems = json_array();

	json_set(object, "version", json_text(status->version, sizeof(status->version)));
	json_set_number(object, "pid", status->pid);
	json_set_number(object, "uptime_ms", status->uptime_ms);
	json_set(object, "backend", json_text(status->backend, sizeof(status->backend)));
	json_set(object, "policy", json_text(status->policy, sizeof(status->policy)));
	json_set_number(object, "rules", status->rules);
	json_set_flag(object, "iommu", status->flags, HWB_STATUS_IOMMU);
	json_set_flag(object, "interrupt_remapping", status->flags, HWB_STATUS_INTERRUPT_REMAPPING);
	json_set_flag(object, "vfio", status->flags, HWB_STATUS_VFIO);
	json_set_flag(object, "lockdown", status->flags, HWB_STATUS_LOCKDOWN);
	json_set_flag(object, "strict_devmem", status->flags, HWB_STATUS_STRICT_DEVMEM);
	json_set_flag(object, "sessions_outlive_restart", status->flags, HWB_STATUS_RESUMES);
	json_set_number(object, "devices", status->devices);
	json_set_number(object, "devices_granted", status->devices_granted);
	json_set_number(object, "connections", status->connections);
	json_set_number(object, "sessions", status->sessions);
	json_set_number(object, "dma_bytes", status->dma_bytes);
	json_set_number(object, "requests", status->requests);
	json_set_number(object, "workers", status->workers);
	json_set_number(object, "workers_busy", status->workers_busy);
	while (*text != '\0') {
		size_t length = strcspn(text, "\n");
		json_array_append_new(problems, json_text(text, length));
		text += length + (text[length] == '\n');
	}
	json_set(object, "problems", problems);
	return object;
}

void json_status(FILE *out, const struct hwb_status_reply *status, const char *text)
{
	json_finish(out, json_of_status(status, text));
}
