/* SPDX-License-Identifier: MIT */
/* The graph itself, and the two of its forms that are but text. */
#include "graph.h"

#include "json_build.h"
#include "names.h"
#include "table.h"
#include "util/pci_key.h"

#include <stdlib.h>
#include <string.h>

void graph_text(const char *field, size_t size, char *text, size_t room)
{
	snprintf(text, room, "%.*s", (int)size, field);
	table_make_printable(text);
}

/* ---- putting it together ---- */

static size_t find_client(const struct graph *graph, const char *field)
{
	for (size_t i = 0; i < graph->client_count; i++)
		if (strncmp(graph->clients[i].name, field, HWB_NAME_SIZE) == 0)
			return i;
	return GRAPH_NOBODY;
}

/* There is room for one per connection and one per device. */
static size_t need_client(struct graph *graph, const char *field)
{
	size_t at = find_client(graph, field);

	if (at != GRAPH_NOBODY)
		return at;
	snprintf(graph->clients[graph->client_count].name, HWB_NAME_SIZE + 1, "%.*s", HWB_NAME_SIZE,
	         field);
	return graph->client_count++;
}

static int by_group(const void *left, const void *right)
{
	const struct hwb_device *a = &((const struct graph_device *)left)->record->device;
	const struct hwb_device *b = &((const struct graph_device *)right)->record->device;

	if (a->iommu_group != b->iommu_group)
		return a->iommu_group < b->iommu_group ? -1 : 1;
	uint64_t key_a = pci_key(&a->address), key_b = pci_key(&b->address);
	return key_a == key_b ? 0 : key_a < key_b ? -1 : 1;
}

static void add_connections(struct graph *graph, const struct hwb_admin_client *records,
                            size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (records[i].client[0] == '\0')
			continue;
		struct graph_client *client =
		        &graph->clients[need_client(graph, records[i].client)];
		client->connections++;
		client->sessions += records[i].sessions;
		/* These are the client's, over all of its connections. */
		client->mappings = records[i].mappings;
		client->dma_bytes = records[i].dma_bytes;
	}
}

static void add_devices(struct graph *graph, const struct hwb_admin_device *records, size_t count)
{
	for (size_t i = 0; i < count; i++)
		graph->devices[i].record = &records[i];
	graph->device_count = count;
	if (count != 0)
		qsort(graph->devices, count, sizeof(graph->devices[0]), by_group);
	for (size_t i = 0; i < count; i++) {
		struct graph_device *device = &graph->devices[i];
		uint32_t number = device->record->device.iommu_group;
		struct graph_group *group = &graph->groups[graph->group_count];
		device->owner = GRAPH_NOBODY;
		if (device->record->client[0] != '\0') {
			device->owner = need_client(graph, device->record->client);
			graph->clients[device->owner].devices++;
		}
		if (graph->group_count == 0 || group[-1].number != number) {
			*group = (struct graph_group){ .number = number, .first = i };
			graph->group_count++;
		} else {
			group--;
		}
		group->count++;
	}
}

int graph_make(struct graph *graph, const struct hwb_admin_device *devices, size_t device_count,
               const struct hwb_admin_client *clients, size_t client_count)
{
	*graph = (struct graph){
		.clients = calloc(device_count + client_count + 1, sizeof(struct graph_client)),
		.groups = calloc(device_count + 1, sizeof(struct graph_group)),
		.devices = calloc(device_count + 1, sizeof(struct graph_device)),
	};
	if (graph->clients == NULL || graph->groups == NULL || graph->devices == NULL) {
		graph_free(graph);
		return -1;
	}
	add_connections(graph, clients, client_count);
	add_devices(graph, devices, device_count);
	return 0;
}

void graph_free(struct graph *graph)
{
	free(graph->clients);
	free(graph->groups);
	free(graph->devices);
	*graph = (struct graph){ 0 };
}

size_t graph_with_broker(const struct graph *graph, const struct graph_group *group)
{
	size_t count = 0;

	for (size_t i = 0; i < group->count; i++)
		count += graph->devices[group->first + i].record->device.state != HWB_DEVICE_HOST;
	return count;
}

/* ---- DOT ---- */

/* Within a quoted string of DOT. */
static void dot_text(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
}

static const char *dot_colour(uint32_t state)
{
	static const char *const colours[] = {
		[HWB_DEVICE_HOST] = "#e4e7eb",        [HWB_DEVICE_FREE] = "#cdeed8",
		[HWB_DEVICE_GRANTED] = "#cfe4fb",     [HWB_DEVICE_REVOKING] = "#fde3b8",
		[HWB_DEVICE_QUARANTINED] = "#f9cfc9",
	};
	return state < sizeof(colours) / sizeof(colours[0]) ? colours[state] : "#ffffff";
}

static void dot_device(FILE *out, const struct hwb_admin_device *record)
{
	char address[32], name[128], driver[HWB_NAME_SIZE + 1];

	names_address(&record->device.address, address);
	names_device(&record->device, name, sizeof(name));
	table_make_printable(name);
	graph_text(record->host_driver, HWB_NAME_SIZE, driver, sizeof(driver));
	fprintf(out, "    \"%s\" [fillcolor=\"%s\", label=\"%s\\n", address,
	        dot_colour(record->device.state), address);
	dot_text(out, name);
	fprintf(out, "\\n%s", names_state(record->device.state));
	if (driver[0] != '\0') {
		fputs(", driver ", out);
		dot_text(out, driver);
	}
	fputs("\"];\n", out);
}

static void dot_clients(FILE *out, const struct graph *graph)
{
	for (size_t i = 0; i < graph->client_count; i++) {
		const struct graph_client *client = &graph->clients[i];
		char name[sizeof(client->name)], size[16];
		graph_text(client->name, sizeof(client->name), name, sizeof(name));
		names_size(client->dma_bytes, size);
		fprintf(out, "  \"client %zu\" [shape=ellipse, fillcolor=\"#ffffff\", label=\"", i);
		dot_text(out, name);
		fprintf(out, "\\n%u connection%s, DMA %s\"];\n", client->connections,
		        client->connections == 1 ? "" : "s", size);
	}
}

void graph_dot(FILE *out, const struct graph *graph)
{
	fputs("digraph hwbroker {\n"
	      "  rankdir=LR;\n"
	      "  fontname=\"sans-serif\";\n"
	      "  node [shape=box, style=filled, fontname=\"sans-serif\"];\n",
	      out);
	dot_clients(out, graph);
	for (size_t i = 0; i < graph->group_count; i++) {
		const struct graph_group *group = &graph->groups[i];
		if (group->number == UINT32_MAX)
			fputs("  subgraph cluster_none {\n    label=\"no IOMMU group\";\n", out);
		else
			fprintf(out, "  subgraph cluster_%u {\n    label=\"IOMMU group %u\";\n",
			        group->number, group->number);
		for (size_t j = 0; j < group->count; j++)
			dot_device(out, graph->devices[group->first + j].record);
		fputs("  }\n", out);
	}
	for (size_t i = 0; i < graph->device_count; i++) {
		const struct graph_device *device = &graph->devices[i];
		char address[32];
		names_address(&device->record->device.address, address);
		if (device->owner != GRAPH_NOBODY)
			fprintf(out, "  \"client %zu\" -> \"%s\";\n", device->owner, address);
		else if (graph->client_count != 0) /* it keeps to the devices' column */
			fprintf(out, "  \"client 0\" -> \"%s\" [style=invis];\n", address);
	}
	fputs("}\n", out);
}

/* ---- JSON ---- */

static json_t *group_of(const struct graph *graph, const struct graph_group *group)
{
	json_t *devices = json_array();

	for (size_t i = 0; i < group->count; i++) {
		const struct graph_device *device = &graph->devices[group->first + i];
		const struct hwb_admin_device *record = device->record;
		char address[32], name[128];
		names_address(&record->device.address, address);
		names_device(&record->device, name, sizeof(name));
		json_t *text = json_string(name);
		json_array_append_new(
		        devices, json_pack("{s:s, s:o, s:s, s:o, s:o}", "address", address, "name",
		                           text != NULL ? text : json_string("?"), "state",
		                           names_state(record->device.state), "host_driver",
		                           json_text(record->host_driver, HWB_NAME_SIZE), "client",
		                           json_text(record->client, HWB_NAME_SIZE)));
	}
	return json_pack("{s:o, s:o}", "iommu_group",
	                 group->number == UINT32_MAX ? json_null()
	                                             : json_integer((json_int_t)group->number),
	                 "devices", devices);
}

void graph_json(FILE *out, const struct graph *graph)
{
	json_t *clients = json_array(), *groups = json_array();

	for (size_t i = 0; i < graph->client_count; i++) {
		const struct graph_client *client = &graph->clients[i];
		json_array_append_new(clients,
		                      json_pack("{s:o, s:I, s:I, s:I, s:I, s:I}", "client",
		                                json_text(client->name, sizeof(client->name)),
		                                "connections", (json_int_t)client->connections,
		                                "sessions", (json_int_t)client->sessions,
		                                "dma_mappings", (json_int_t)client->mappings,
		                                "dma_bytes", (json_int_t)client->dma_bytes,
		                                "devices", (json_int_t)client->devices));
	}
	for (size_t i = 0; i < graph->group_count; i++)
		json_array_append_new(groups, group_of(graph, &graph->groups[i]));
	json_finish(out, json_pack("{s:o, s:o}", "clients", clients, "groups", groups));
}
