/* SPDX-License-Identifier: MIT */
#include "json.h"

#include "names.h"

#include <jansson.h>
#include <string.h>

/* A name field of the wire: up to `size` bytes, NULL where it is empty. */
static json_t *text_of(const char *text, size_t size)
{
	size_t length = strnlen(text, size);
	json_t *value = length == 0 ? json_null() : json_stringn(text, length);

	return value != NULL ? value : json_string("?"); /* no UTF-8 */
}

static void set(json_t *object, const char *name, json_t *value)
{
	json_object_set_new(object, name, value);
}

static void set_number(json_t *object, const char *name, uint64_t value)
{
	set(object, name, json_integer((json_int_t)value));
}

/* Numbers that everybody writes in hexadecimal, as pci.ids has them. */
static void set_id(json_t *object, const char *name, int digits, unsigned value)
{
	set(object, name, json_sprintf("%0*x", digits, value));
}

static void set_flag(json_t *object, const char *name, uint32_t flags, uint32_t bit)
{
	set(object, name, json_boolean((flags & bit) != 0));
}

static void finish(FILE *out, json_t *value)
{
	json_dumpf(value, out, JSON_INDENT(2));
	fputc('\n', out);
	json_decref(value);
}

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
		set_number(object, "bar", i);
		set(object, "kind", json_string((bar->flags & HWB_BAR_IO) != 0 ? "io" : "memory"));
		set_number(object, "address", bar->address);
		set_number(object, "size", bar->size);
		set_flag(object, "prefetchable", bar->flags, HWB_BAR_PREFETCHABLE);
		set_flag(object, "msix_table", bar->flags, HWB_BAR_MSIX_TABLE);
		set_flag(object, "partial_page", bar->flags, HWB_BAR_PARTIAL_PAGE);
		json_array_append_new(bars, object);
	}
	return bars;
}

void json_devices(FILE *out, const struct hwb_admin_device *records, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++) {
		const struct hwb_admin_device *record = &records[i];
		const struct hwb_device *device = &record->device;
		json_t *object = json_object();
		char address[32], name[128];
		names_address(&device->address, address);
		names_device(device, name, sizeof(name));
		set(object, "address", json_string(address));
		set(object, "name", text_of(name, sizeof(name)));
		set_id(object, "vendor", 4, device->vendor);
		set_id(object, "device", 4, device->device);
		set_id(object, "class", 6, device->class_code);
		set(object, "iommu_group",
		    device->iommu_group == UINT32_MAX
		            ? json_null()
		            : json_integer((json_int_t)device->iommu_group));
		set(object, "host_driver",
		    text_of(record->host_driver, sizeof(record->host_driver)));
		set(object, "state", json_string(names_state(device->state)));
		set(object, "client", text_of(record->client, sizeof(record->client)));
		set(object, "rule", text_of(record->rule, sizeof(record->rule)));
		set(object, "note", text_of(record->note, sizeof(record->note)));
		set_flag(object, "resets", device->flags, HWB_DEVICE_RESETS);
		set_number(object, "msi_vectors", device->msi_vectors);
		set_number(object, "msix_vectors", device->msix_vectors);
		set(object, "bars", bars_of(device));
		json_array_append_new(list, object);
	}
	finish(out, list);
}

void json_clients(FILE *out, const struct hwb_admin_client *records, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++) {
		const struct hwb_admin_client *record = &records[i];
		json_t *object = json_object();
		set_number(object, "id", record->id);
		set(object, "client", text_of(record->client, sizeof(record->client)));
		set_number(object, "pid", record->pid);
		set_number(object, "uid", record->uid);
		set_number(object, "gid", record->gid);
		set_number(object, "connected_ms", record->connected_ms);
		set_number(object, "sessions", record->sessions);
		set_number(object, "dma_mappings", record->mappings);
		set_number(object, "dma_bytes", record->dma_bytes);
		set_number(object, "requests", record->requests);
		json_array_append_new(list, object);
	}
	finish(out, list);
}

void json_sessions(FILE *out, const struct hwb_admin_session *records, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++) {
		const struct hwb_admin_session *record = &records[i];
		json_t *object = json_object();
		set_number(object, "connection", record->connection);
		set(object, "client", text_of(record->client, sizeof(record->client)));
		set_number(object, "handle", record->handle);
		set(object, "service", json_string(names_session(record->kind)));
		set(object, "resource", text_of(record->resource, sizeof(record->resource)));
		json_array_append_new(list, object);
	}
	finish(out, list);
}

void json_outcome(FILE *out, const struct hwb_pci_address *address,
                  const struct hwb_outcome_reply *outcome)
{
	json_t *object = json_object();
	char text[32];

	names_address(address, text);
	set(object, "address", json_string(text));
	set(object, "state", json_string(names_state(outcome->state)));
	set(object, "note", text_of(outcome->note, sizeof(outcome->note)));
	finish(out, object);
}

void json_status(FILE *out, const struct hwb_status_reply *status, const char *text)
{
	json_t *object = json_object();
	json_t *problems = json_array();

	set(object, "version", text_of(status->version, sizeof(status->version)));
	set_number(object, "pid", status->pid);
	set_number(object, "uptime_ms", status->uptime_ms);
	set(object, "backend", text_of(status->backend, sizeof(status->backend)));
	set(object, "policy", text_of(status->policy, sizeof(status->policy)));
	set_number(object, "rules", status->rules);
	set_flag(object, "iommu", status->flags, HWB_STATUS_IOMMU);
	set_flag(object, "interrupt_remapping", status->flags, HWB_STATUS_INTERRUPT_REMAPPING);
	set_flag(object, "vfio", status->flags, HWB_STATUS_VFIO);
	set_flag(object, "lockdown", status->flags, HWB_STATUS_LOCKDOWN);
	set_flag(object, "strict_devmem", status->flags, HWB_STATUS_STRICT_DEVMEM);
	set_number(object, "devices", status->devices);
	set_number(object, "devices_granted", status->devices_granted);
	set_number(object, "connections", status->connections);
	set_number(object, "sessions", status->sessions);
	set_number(object, "dma_bytes", status->dma_bytes);
	set_number(object, "requests", status->requests);
	set_number(object, "workers", status->workers);
	set_number(object, "workers_busy", status->workers_busy);
	while (*text != '\0') {
		size_t length = strcspn(text, "\n");
		json_array_append_new(problems, text_of(text, length));
		text += length + (text[length] == '\n');
	}
	set(object, "problems", problems);
	finish(out, object);
}
