/* SPDX-License-Identifier: MIT */
/*
 * Who has which device, and which devices go together: clients, devices and IOMMU
 * groups as Graphviz DOT, as a drawing (SVG), and as JSON.
 */
#ifndef HWBROKER_CTL_GRAPH_H
#define HWBROKER_CTL_GRAPH_H

#include <hwbroker/protocol.h>
#include <stdio.h>

#define GRAPH_NOBODY ((size_t)-1)

struct graph_client {
	char name[HWB_NAME_SIZE + 1];
	uint32_t connections;
	uint32_t sessions;
	uint32_t mappings;
	uint64_t dma_bytes;
	size_t devices; /* that it has */
};

struct graph_group {
	uint32_t number; /* UINT32_MAX: devices without an IOMMU group */
	size_t first;    /* of its devices, which stand side by side */
	size_t count;
};

struct graph_device {
	const struct hwb_admin_device *record;
	size_t owner; /* index of a client, or GRAPH_NOBODY */
};

struct graph {
	struct graph_client *clients;
	size_t client_count;
	struct graph_group *groups;
	size_t group_count;
	struct graph_device *devices; /* by group, then by address */
	size_t device_count;
};

/* Puts the lists of the broker together; the device records must outlive the graph.
 * Connections that are no client's, such as the tool's own, are left out. 0, or -1 for
 * lack of memory. */
int graph_make(struct graph *graph, const struct hwb_admin_device *devices, size_t device_count,
               const struct hwb_admin_client *clients, size_t client_count);
void graph_free(struct graph *graph);

void graph_dot(FILE *out, const struct graph *graph);
/* 0, or -1 for lack of memory, with nothing printed. */
int graph_svg(FILE *out, const struct graph *graph);
void graph_json(FILE *out, const struct graph *graph);

/* How many of the group's devices the broker has, in whatever state. */
size_t graph_with_broker(const struct graph *graph, const struct graph_group *group);

/* Name fields of the wire as texts that can be shown: ended, printable. */
void graph_text(const char *field, size_t size, char *text, size_t room);

#endif
