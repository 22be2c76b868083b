/* SPDX-License-Identifier: MIT */
/* `graph': fetches what the graph is made of, and prints it in the form that was asked for. */
#include "broker.h"
#include "graph.h"
#include "names.h"

#include <stdlib.h>

static int print(const struct context *context, const struct graph *graph)
{
	if (context->json)
		graph_json(context->out, graph);
	else if (!context->svg)
		graph_dot(context->out, graph);
	else
		return graph_svg(context->out, graph);
	return 0;
}

int show_graph(const struct context *context)
{
	void *devices = NULL, *clients = NULL;
	size_t device_count, client_count;
	struct broker broker;
	struct graph graph;

	if (context->json && context->svg) {
		fputs("hwbroker-ctl: `graph' takes --json or --svg, not both\n", stderr);
		return EXIT_WRONG_USAGE;
	}
	int status = broker_open(&broker, context);
	if (status != EXIT_OK)
		return status;
	status = broker_list(&broker, HWB_ADMIN_DEVICES, sizeof(struct hwb_admin_device), &devices,
	                     &device_count);
	if (status == EXIT_OK)
		status = broker_list(&broker, HWB_ADMIN_CLIENTS, sizeof(struct hwb_admin_client),
		                     &clients, &client_count);
	broker_close(&broker);
	if (status == EXIT_OK) {
		int result = graph_make(&graph, devices, device_count, clients, client_count);
		if (result == 0) {
			result = print(context, &graph);
			graph_free(&graph);
		}
		if (result != 0) {
			fputs("hwbroker-ctl: no memory for the graph\n", stderr);
			status = EXIT_REFUSED;
		}
		names_end();
	}
	free(devices);
	free(clients);
	return status;
}
