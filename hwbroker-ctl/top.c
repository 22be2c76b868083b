/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memmem, strchrnul */
#include "top.h"

#include "graph.h"
#include "json_build.h"
#include "names.h"
#include "table.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- interrupts ---- */

/* VFIO calls its lines "vfio-msi[0](0000:00:03.0)", "vfio-msix[2](...)", "vfio-intx(...)". */
static bool is_of(const char *line, size_t length, const char *address)
{
	char wanted[48];

	int size = snprintf(wanted, sizeof(wanted), "(%s)", address);
	const char *vfio = memmem(line, length, "vfio-", 5);
	return vfio != NULL && memmem(line, length, wanted, (size_t)size) != NULL;
}

/* The numbers between the line's "24:" and its first word. */
static uint64_t sum_line(const char *line, size_t length)
{
	const char *at = memchr(line, ':', length);
	uint64_t sum = 0;

	if (at == NULL)
		return 0;
	for (at++; at < line + length;) {
		at += strspn(at, " ");
		if (!isdigit((unsigned char)*at))
			break;
		char *end;
		uint64_t number = strtoull(at, &end, 10);
		/* "4-edge" is no number any more. */
		if (*end != ' ')
			break;
		sum += number;
		at = end;
	}
	return sum;
}

uint64_t top_interrupts(const char *text, const char *address)
{
	uint64_t sum = TOP_UNKNOWN;

	while (*text != '\0') {
		size_t length = strcspn(text, "\n");
		if (is_of(text, length, address))
			sum = (sum == TOP_UNKNOWN ? 0 : sum) + sum_line(text, length);
		text += length + (text[length] == '\n');
	}
	return sum;
}

/* ---- the frame ---- */

/* Lines that are left; a frame without a height has as many as it likes. */
struct page {
	FILE *out;
	const struct top_frame *frame;
	unsigned left;
};

static void rate_text(uint64_t now, uint64_t before, double seconds, char text[24])
{
	if (seconds <= 0 || now < before)
		snprintf(text, 24, "-");
	else
		snprintf(text, 24, "%.0f", (double)(now - before) / seconds);
}

/* Prints `text`, cut; in reverse if it is a heading. */
static void put_line(struct page *page, const char *text, bool heading)
{
	const char *end = strchrnul(text, '\n');
	unsigned columns = page->frame->columns;
	int length = (int)(end - text);

	if (page->left == 0)
		return;
	page->left--;
	if (!page->frame->colour || !heading)
		fprintf(page->out, "%.*s\n", length, text);
	else
		fprintf(page->out, "\033[7m%.*s%*s\033[0m\n", length, text,
		        columns > (unsigned)length ? (int)columns - length : 0, "");
}

/* A table, at most `most` lines of it with its heading; how many records are left out is
 * said in its last line. */
static void put_table(struct page *page, const struct table *table, unsigned most)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	if (file == NULL)
		return;
	table_print(table, file, page->frame->columns);
	fclose(file);
	unsigned lines = 0, printed = 0;
	for (const char *at = text; *at != '\0'; at++)
		lines += *at == '\n';
	for (const char *at = text; *at != '\0' && printed < most; printed++) {
		char more[48];
		if (printed + 1 == most && lines > most) {
			snprintf(more, sizeof(more), "... and %u more\n", lines - printed);
			put_line(page, more, false);
			break;
		}
		put_line(page, at, printed == 0);
		at = strchrnul(at, '\n');
		at += *at == '\n';
	}
	free(text);
}

static void put_head(struct page *page)
{
	const struct top_view *now = page->frame->now, *before = page->frame->before;
	const struct hwb_status_reply *status = &now->status;
	char version[HWB_NAME_SIZE + 1], uptime[16], dma[16], rate[24] = "-", line[160];

	graph_text(status->version, HWB_NAME_SIZE, version, sizeof(version));
	names_duration(status->uptime_ms, uptime);
	names_size(status->dma_bytes, dma);
	if (before != NULL)
		rate_text(status->requests, before->status.requests, now->seconds - before->seconds,
		          rate);
	snprintf(line, sizeof(line), "hwbrokerd %s, up %s", version, uptime);
	put_line(page, line, false);
	snprintf(line, sizeof(line), "%u device%s, %u granted   %u connection%s, %u session%s",
	         status->devices, status->devices == 1 ? "" : "s", status->devices_granted,
	         status->connections, status->connections == 1 ? "" : "s", status->sessions,
	         status->sessions == 1 ? "" : "s");
	put_line(page, line, false);
	snprintf(line, sizeof(line), "DMA %s   requests/s %s   workers %u of %u busy", dma, rate,
	         status->workers_busy, status->workers);
	put_line(page, line, false);
	put_line(page, "", false);
}

static const struct hwb_admin_client *earlier(const struct top_view *before, uint32_t id)
{
	for (size_t i = 0; before != NULL && i < before->client_count; i++)
		if (before->clients[i].id == id)
			return &before->clients[i];
	return NULL;
}

static void put_clients(struct page *page, unsigned most)
{
	static const char *const headings[] = { "ID",       "CLIENT",   "PID", "FOR",
		                                "SESSIONS", "MAPPINGS", "DMA", "REQUESTS/S" };
	const struct top_view *now = page->frame->now, *before = page->frame->before;
	struct table *table = table_new(8, headings);

	for (size_t i = 0; table != NULL && i < now->client_count; i++) {
		const struct hwb_admin_client *record = &now->clients[i];
		const struct hwb_admin_client *then = earlier(before, record->id);
		char size[16], duration[16], rate[24] = "-";
		names_size(record->dma_bytes, size);
		names_duration(record->connected_ms, duration);
		if (then != NULL)
			rate_text(record->requests, then->requests, now->seconds - before->seconds,
			          rate);
		table_cell(table, "%u", record->id);
		table_cell(table, "%.*s", HWB_NAME_SIZE, record->client);
		table_cell(table, "%u", record->pid);
		table_cell(table, "%s", duration);
		table_cell(table, "%u", record->sessions);
		table_cell(table, "%u", record->mappings);
		table_cell(table, "%s", size);
		table_cell(table, "%s", rate);
	}
	if (table != NULL)
		put_table(page, table, most);
	table_free(table);
	put_line(page, "", false);
}

static uint64_t interrupts_before(const struct top_view *before,
                                  const struct hwb_pci_address *address)
{
	for (size_t i = 0; before != NULL && i < before->device_count; i++)
		if (memcmp(&before->devices[i].device.address, address, sizeof(*address)) == 0)
			return before->interrupts[i];
	return TOP_UNKNOWN;
}

/* Those that somebody has come first, then what is amiss; the host's own come last. */
static unsigned rank(const struct hwb_admin_device *record)
{
	switch (record->device.state) {
	case HWB_DEVICE_GRANTED:
		return 0;
	case HWB_DEVICE_REVOKING:
		return 1;
	case HWB_DEVICE_QUARANTINED:
		return 2;
	case HWB_DEVICE_FREE:
		return 3;
	default:
		return 4;
	}
}

static void put_device(struct table *table, const struct top_frame *frame, size_t index)
{
	const struct hwb_admin_device *record = &frame->now->devices[index];
	uint64_t now = frame->now->interrupts[index];
	uint64_t then = interrupts_before(frame->before, &record->device.address);
	char address[32], name[128], rate[24] = "-";

	names_address(&record->device.address, address);
	names_device(&record->device, name, sizeof(name));
	if (now != TOP_UNKNOWN && then != TOP_UNKNOWN)
		rate_text(now, then, frame->now->seconds - frame->before->seconds, rate);
	table_cell(table, "%s", address);
	table_cell(table, "%s", names_state(record->device.state));
	table_cell(table, "%.*s", HWB_NAME_SIZE, record->client);
	if (now == TOP_UNKNOWN)
		table_cell(table, "-");
	else
		table_cell(table, "%" PRIu64, now);
	table_cell(table, "%s", rate);
	table_cell(table, "%s", name);
}

static void put_devices(struct page *page)
{
	static const char *const headings[] = { "ADDRESS",    "STATE", "CLIENT",
		                                "INTERRUPTS", "IRQ/S", "DEVICE" };
	const struct top_view *now = page->frame->now;
	struct table *table = table_new(6, headings);

	for (unsigned wanted = 0; table != NULL && wanted <= 4; wanted++)
		for (size_t i = 0; i < now->device_count; i++)
			if (rank(&now->devices[i]) == wanted)
				put_device(table, page->frame, i);
	if (table != NULL)
		put_table(page, table, page->left);
	table_free(table);
}

void top_print(FILE *out, const struct top_frame *frame)
{
	enum { BETWEEN = 1, HEADING = 1 };
	struct page page = { .out = out,
		             .frame = frame,
		             .left = frame->lines != 0 ? frame->lines : UINT32_MAX };
	unsigned clients = HEADING + (unsigned)frame->now->client_count;

	put_head(&page);
	/* Half of what is left, or more where there are few devices. */
	unsigned devices = HEADING + (unsigned)frame->now->device_count;
	if (frame->lines != 0 && clients + devices + BETWEEN > page.left) {
		unsigned half = (page.left - BETWEEN) / 2;
		unsigned rest = devices < half ? page.left - BETWEEN - devices : half;
		clients = clients < rest ? clients : rest;
	}
	put_clients(&page, clients);
	put_devices(&page);
}

/* ---- for programs ---- */

/* A second, between two frames; NULL: this is the first. */
static json_t *json_rate(bool known, uint64_t now, uint64_t before, const struct top_frame *frame)
{
	double seconds = frame->before != NULL ? frame->now->seconds - frame->before->seconds : 0.0;

	if (!known || seconds <= 0.0 || now < before)
		return json_null();
	return json_real((double)(now - before) / seconds);
}

static json_t *json_top_clients(const struct top_frame *frame)
{
	json_t *list = json_array();

	for (size_t i = 0; i < frame->now->client_count; i++) {
		const struct hwb_admin_client *record = &frame->now->clients[i];
		const struct hwb_admin_client *then = earlier(frame->before, record->id);
		json_t *object = json_client(record);
		json_set(object, "requests_per_s",
		         json_rate(then != NULL, record->requests,
		                   then != NULL ? then->requests : 0, frame));
		json_array_append_new(list, object);
	}
	return list;
}

static json_t *json_top_devices(const struct top_frame *frame)
{
	json_t *list = json_array();

	for (size_t i = 0; i < frame->now->device_count; i++) {
		const struct hwb_admin_device *record = &frame->now->devices[i];
		uint64_t now = frame->now->interrupts[i];
		uint64_t then = interrupts_before(frame->before, &record->device.address);
		json_t *object = json_device(record);
		json_set(object, "interrupts",
		         now == TOP_UNKNOWN ? json_null() : json_integer((json_int_t)now));
		json_set(object, "interrupts_per_s",
		         json_rate(now != TOP_UNKNOWN && then != TOP_UNKNOWN, now, then, frame));
		json_array_append_new(list, object);
	}
	return list;
}

void top_json(FILE *out, const struct top_frame *frame, const char *problems)
{
	const struct top_view *before = frame->before;
	json_t *object = json_object();
	json_t *status = json_of_status(&frame->now->status, problems);

	json_set(status, "requests_per_s",
	         json_rate(before != NULL, frame->now->status.requests,
	                   before != NULL ? before->status.requests : 0, frame));
	json_set(object, "status", status);
	json_set(object, "clients", json_top_clients(frame));
	json_set(object, "devices", json_top_devices(frame));
	json_dumpf(object, out, JSON_COMPACT);
	fputc('\n', out);
	json_decref(object);
}
