/* SPDX-License-Identifier: MIT */
/* `metrics': each family with its type, unit and meaning, then its numbers. */
#include "metrics.h"

#include "broker.h"
#include "graph.h"
#include "json_build.h"
#include "names.h"

#include <hwbroker/codec.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* OpenMetrics: a counter's samples end in _total, its family's name does not. */
struct family {
	const char *name;
	const char *type;
	const char *unit; /* that the name ends in; NULL: a bare number */
	const char *help;
};

/* Where it goes: as text, or into a list of families for JSON. */
struct sink {
	FILE *out;
	json_t *families; /* NULL: text */
	json_t *samples;  /* of the family that was begun last */
};

static void begin(struct sink *sink, const struct family *family)
{
	FILE *out = sink->out;
	json_t *object;

	if (sink->families != NULL) {
		object = json_object();
		sink->samples = json_array();
		json_set(object, "name", json_string(family->name));
		json_set(object, "type", json_string(family->type));
		json_set(object, "unit",
		         family->unit != NULL ? json_string(family->unit) : json_null());
		json_set(object, "help", json_string(family->help));
		json_set(object, "samples", sink->samples);
		json_array_append_new(sink->families, object);
		return;
	}
	fprintf(out, "# TYPE %s %s\n", family->name, family->type);
	if (family->unit != NULL)
		fprintf(out, "# UNIT %s %s\n", family->name, family->unit);
	fprintf(out, "# HELP %s %s\n", family->name, family->help);
}

static void put_label(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
}

static bool is_seconds(const struct family *family)
{
	return family->unit != NULL && strcmp(family->unit, "seconds") == 0;
}

/* `labels` is taken over. */
static void add_sample(const struct sink *sink, json_t *labels, json_t *value)
{
	json_t *sample = json_object();

	json_set(sample, "labels", labels);
	json_set(sample, "value", value);
	json_array_append_new(sink->samples, sample);
}

/* One number; microseconds where the family is of seconds. */
static void put_sample(const struct sink *sink, const struct family *family, const char *label,
                       const char *text, uint64_t value)
{
	FILE *out = sink->out;

	if (sink->families != NULL) {
		json_t *labels = json_object();
		if (label != NULL)
			json_set(labels, label, json_text(text, strlen(text)));
		add_sample(sink, labels,
		           is_seconds(family) ? json_real((double)value / 1e6)
		                              : json_integer((json_int_t)value));
		return;
	}
	fprintf(out, "%s%s", family->name, strcmp(family->type, "counter") == 0 ? "_total" : "");
	if (label != NULL) {
		fprintf(out, "{%s=\"", label);
		put_label(out, text);
		fputs("\"}", out);
	}
	if (is_seconds(family))
		fprintf(out, " %" PRIu64 ".%06" PRIu64 "\n", value / 1000000, value % 1000000);
	else
		fprintf(out, " %" PRIu64 "\n", value);
}

/* ---- from the status ---- */

static void put_build(struct sink *sink, const struct hwb_status_reply *status)
{
	static const struct family family = { "hwbroker_build", "info", NULL,
		                              "The daemon's version and its way to devices." };
	char version[HWB_NAME_SIZE + 1], backend[HWB_NAME_SIZE + 1];
	FILE *out = sink->out;

	graph_text(status->version, HWB_NAME_SIZE, version, sizeof(version));
	graph_text(status->backend, HWB_NAME_SIZE, backend, sizeof(backend));
	begin(sink, &family);
	if (sink->families != NULL) {
		json_t *labels = json_object();
		json_set(labels, "version", json_text(version, sizeof(version)));
		json_set(labels, "backend", json_text(backend, sizeof(backend)));
		add_sample(sink, labels, json_integer(1));
		return;
	}
	fputs("hwbroker_build_info{version=\"", out);
	put_label(out, version);
	fputs("\",backend=\"", out);
	put_label(out, backend);
	fputs("\"} 1\n", out);
}

static uint64_t count_lines(const char *text)
{
	uint64_t lines = 0;

	while (*text != '\0') {
		size_t length = strcspn(text, "\n");
		lines++;
		text += length + (text[length] == '\n');
	}
	return lines;
}

static void put_status(struct sink *sink, const struct hwb_status_reply *status,
                       const char *problems)
{
	const struct {
		struct family family;
		uint64_t value;
	} numbers[] = {
		{ { "hwbroker_uptime_seconds", "gauge", "seconds", "Since the daemon started." },
		  status->uptime_ms * 1000 },
		{ { "hwbroker_connections", "gauge", NULL, "Connections, the asking one too." },
		  status->connections },
		{ { "hwbroker_sessions", "gauge", NULL, "Handles that connections have open." },
		  status->sessions },
		{ { "hwbroker_dma_bytes", "gauge", "bytes", "Memory mapped for devices." },
		  status->dma_bytes },
		{ { "hwbroker_requests", "counter", NULL, "Requests served, of all peers." },
		  status->requests },
		{ { "hwbroker_workers", "gauge", NULL, "Threads for slow work." },
		  status->workers },
		{ { "hwbroker_workers_busy", "gauge", NULL, "Of them, those that work." },
		  status->workers_busy },
		{ { "hwbroker_policy_rules", "gauge", NULL, "Sections of the policy in force." },
		  status->rules },
		{ { "hwbroker_host_problems", "gauge", NULL, "What `status' says is missing." },
		  count_lines(problems) },
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		begin(sink, &numbers[i].family);
		put_sample(sink, &numbers[i].family, NULL, NULL, numbers[i].value);
	}
}

/* ---- from the records ---- */

static const struct {
	struct family family;
	enum hwb_metric_kind kind;
	const char *label; /* NULL: one number */
} kinds[] = {
	{ { "hwbroker_events", "counter", NULL,
	    "What happened since the daemon started: quarantined are resets that failed." },
	  HWB_METRIC_HAPPENED,
	  "event" },
	{ { "hwbroker_refusals", "counter", NULL, "Requests refused, by the status they got." },
	  HWB_METRIC_REFUSED,
	  "status" },
	{ { "hwbroker_devices", "gauge", NULL, "PCI functions on the bus, by state." },
	  HWB_METRIC_DEVICES,
	  "state" },
	{ { "hwbroker_loop_rounds", "counter", NULL, "Rounds of the daemon's event loop." },
	  HWB_METRIC_ROUNDS,
	  NULL },
	{ { "hwbroker_loop_busy_seconds", "counter", "seconds", "What they took in all." },
	  HWB_METRIC_ROUNDS_US,
	  NULL },
	{ { "hwbroker_loop_longest_seconds", "gauge", "seconds",
	    "The longest round since the start: so long everybody waited once." },
	  HWB_METRIC_LONGEST_ROUND_US,
	  NULL },
	{ { "hwbroker_monitors", "gauge", NULL, "Connections that are told what happens." },
	  HWB_METRIC_MONITORS,
	  NULL },
	{ { "hwbroker_client_requests", "counter", NULL, "Requests served, by client." },
	  HWB_METRIC_CLIENT_REQUESTS,
	  "client" },
	{ { "hwbroker_client_connections", "gauge", NULL, "Connections of each client." },
	  HWB_METRIC_CLIENT_CONNECTIONS,
	  "client" },
	{ { "hwbroker_client_dma_bytes", "gauge", "bytes", "Memory mapped for its devices." },
	  HWB_METRIC_CLIENT_DMA_BYTES,
	  "client" },
	{ { "hwbroker_client_dma_mappings", "gauge", NULL, "And in how many pieces." },
	  HWB_METRIC_CLIENT_DMA_MAPPINGS,
	  "client" },
};

/* What the label says; NULL: a later broker's, which has no name here. */
static const char *label_text(const struct hwb_metric *record, char client[HWB_NAME_SIZE + 1])
{
	const char *name;

	switch (record->kind) {
	case HWB_METRIC_HAPPENED:
		name = names_happening(record->which);
		break;
	case HWB_METRIC_REFUSED:
		name = hwb_status_name(record->which);
		break;
	case HWB_METRIC_DEVICES:
		name = names_state(record->which);
		break;
	default:
		graph_text(record->client, HWB_NAME_SIZE, client, HWB_NAME_SIZE + 1);
		return client;
	}
	return strcmp(name, "?") == 0 ? NULL : name;
}

static void put_all(struct sink *sink, const struct hwb_status_reply *status, const char *problems,
                    const struct hwb_metric *records, size_t count)
{
	put_build(sink, status);
	put_status(sink, status, problems);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		begin(sink, &kinds[i].family);
		for (size_t j = 0; j < count; j++) {
			char client[HWB_NAME_SIZE + 1];
			if (records[j].kind != kinds[i].kind)
				continue;
			const char *text = label_text(&records[j], client);
			if (kinds[i].label == NULL)
				put_sample(sink, &kinds[i].family, NULL, NULL, records[j].value);
			else if (text != NULL)
				put_sample(sink, &kinds[i].family, kinds[i].label, text,
				           records[j].value);
		}
	}
}

void print_metrics(FILE *out, const struct hwb_status_reply *status, const char *problems,
                   const struct hwb_metric *records, size_t count)
{
	struct sink sink = { .out = out };

	put_all(&sink, status, problems, records, count);
	fputs("# EOF\n", out);
}

void json_metrics(FILE *out, const struct hwb_status_reply *status, const char *problems,
                  const struct hwb_metric *records, size_t count)
{
	struct sink sink = { .out = out, .families = json_array() };

	put_all(&sink, status, problems, records, count);
	json_finish(out, sink.families);
}

int show_metrics(const struct context *context)
{
	static union {
		struct hwb_status_reply status;
		char bytes[HWB_MESSAGE_MAX + 1];
	} reply;
	struct broker broker;
	void *records = NULL;
	size_t count;
	uint32_t length;
	int status = broker_open(&broker, context);

	if (status != EXIT_OK)
		return status;
	status = broker_ask(&broker, HWB_ADMIN_STATUS, &reply, HWB_MESSAGE_MAX, &length);
	if (status == EXIT_OK)
		status = broker_list(&broker, HWB_ADMIN_METRICS, sizeof(struct hwb_metric),
		                     &records, &count);
	broker_close(&broker);
	if (status != EXIT_OK)
		return status;
	reply.bytes[length] = '\0';
	(context->json ? json_metrics : print_metrics)(
	        context->out, &reply.status, reply.bytes + sizeof(reply.status), records, count);
	free(records);
	return EXIT_OK;
}
