/* SPDX-License-Identifier: MIT */
/* `monitor': asks to be told, and prints until somebody ends it. */
#define _DEFAULT_SOURCE /* localtime_r, gmtime_r */
#include "monitor.h"

#include "broker.h"
#include "graph.h"
#include "json_build.h"
#include "names.h"

#include <errno.h>
#include <hwbroker/codec.h>
#include <poll.h>
#include <string.h>
#include <time.h>

static void put_time(FILE *out, uint64_t milliseconds)
{
	time_t seconds = (time_t)(milliseconds / 1000);
	struct tm when;
	char text[32] = "?";

	if (localtime_r(&seconds, &when) != NULL)
		strftime(text, sizeof(text), "%F %T", &when);
	fprintf(out, "%s.%03u", text, (unsigned)(milliseconds % 1000));
}

void print_happening(FILE *out, const struct hwb_happening_event *event)
{
	char client[sizeof(event->client) + 1], resource[sizeof(event->resource) + 1];
	char rule[sizeof(event->rule) + 1], reason[sizeof(event->reason) + 1];

	graph_text(event->client, sizeof(event->client), client, sizeof(client));
	graph_text(event->resource, sizeof(event->resource), resource, sizeof(resource));
	graph_text(event->rule, sizeof(event->rule), rule, sizeof(rule));
	graph_text(event->reason, sizeof(event->reason), reason, sizeof(reason));
	if (event->lost != 0)
		fprintf(out, "... %u more happened than this could keep up with\n", event->lost);
	put_time(out, event->time_ms);
	bool more = resource[0] != '\0' || event->opcode != 0 || reason[0] != '\0';
	fprintf(out, "  %-14s  %-*s", names_happening(event->kind), more ? 12 : 0,
	        client[0] != '\0' ? client : "-");
	if (resource[0] != '\0')
		fprintf(out, "  %s", resource);
	if (event->opcode != 0)
		fprintf(out, "  %s", hwb_opcode_name(event->opcode));
	if (event->status != HWB_OK)
		fprintf(out, "  %s", hwb_status_name(event->status));
	if (reason[0] != '\0')
		fprintf(out, "  %s", reason);
	if (rule[0] != '\0')
		fprintf(out, "  (%s)", rule);
	fputc('\n', out);
}

static json_t *name_or_null(uint32_t number, const char *name)
{
	return number == 0 ? json_null() : json_string(name);
}

void json_happening(FILE *out, const struct hwb_happening_event *event)
{
	time_t seconds = (time_t)(event->time_ms / 1000);
	json_t *object = json_object();
	struct tm when;
	char text[32] = "?";

	if (gmtime_r(&seconds, &when) != NULL)
		strftime(text, sizeof(text), "%FT%T", &when);
	json_set(object, "time", json_sprintf("%s.%03uZ", text, (unsigned)(event->time_ms % 1000)));
	json_set(object, "event", json_string(names_happening(event->kind)));
	json_set(object, "client", json_text(event->client, sizeof(event->client)));
	json_set(object, "pid", event->pid == 0 ? json_null() : json_integer(event->pid));
	json_set(object, "uid", event->pid == 0 ? json_null() : json_integer(event->uid));
	json_set(object, "resource", json_text(event->resource, sizeof(event->resource)));
	json_set(object, "request", name_or_null(event->opcode, hwb_opcode_name(event->opcode)));
	json_set(object, "status", json_string(hwb_status_name(event->status)));
	json_set(object, "reason", json_text(event->reason, sizeof(event->reason)));
	json_set(object, "rule", json_text(event->rule, sizeof(event->rule)));
	json_set_number(object, "lost", event->lost);
	json_dumpf(object, out, JSON_COMPACT);
	fputc('\n', out);
	json_decref(object);
}

static void on_event(void *context_of, const struct hwb_header *header, const void *body)
{
	const struct context *context = context_of;

	if (header->opcode != HWB_EVENT_HAPPENING)
		return;
	if (context->json)
		json_happening(context->out, body);
	else
		print_happening(context->out, body);
	/* Whoever reads it wants it now. */
	fflush(context->out);
}

/* Until something happens. False: nobody reads what is printed any more, which only a write would
 * tell, and a place for one who watches would be taken until then. */
static bool wait_for_event(const struct broker *broker, FILE *out)
{
	struct pollfd ends[] = { { .fd = broker->posix.socket, .events = POLLIN },
		                 { .fd = fileno(out) } };

	while (poll(ends, 2, -1) < 0 && errno == EINTR)
		;
	return (ends[1].revents & (POLLERR | POLLHUP)) == 0;
}

int show_monitor(const struct context *context)
{
	struct broker broker;
	uint32_t length;
	int result = 0;
	int status = broker_open_for_events(&broker, context, on_event, (void *)context);

	if (status != EXIT_OK)
		return status;
	status = broker_ask(&broker, HWB_ADMIN_MONITOR, NULL, 0, &length);
	bool read = true;
	while (status == EXIT_OK && result == 0 && !ferror(context->out) &&
	       (read = wait_for_event(&broker, context->out)))
		result = hwb_receive_one(&broker.posix.client);
	broker_close(&broker);
	if (status != EXIT_OK)
		return status;
	if (!read)
		return EXIT_OK;
	if (result == 0) /* what was printed cannot be written, which main() tells */
		return EXIT_REFUSED;
	fputs("hwbroker-ctl: the broker has hung up\n", stderr);
	return EXIT_NO_BROKER;
}
