/* SPDX-License-Identifier: MIT */
/*
 * The graph as a drawing. Two columns of cards and one of words: clients to the left,
 * devices to the right of them, in a frame for each IOMMU group, whose name stands at
 * its right. Lines lead from clients to what they have.
 *
 * All text that comes from elsewhere is set in a monospaced face and cut to the columns
 * that there are, so that nothing overlaps whatever it says.
 */
#define _GNU_SOURCE /* wcwidth */
#include "graph.h"

#include "names.h"
#include "table.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

/* Pixels. */
enum {
	MARGIN = 28,
	TOP = 104, /* where the cards begin */
	CLIENT_WIDTH = 292,
	CLIENT_HEIGHT = 66,
	BETWEEN = 100, /* columns: room for the lines */
	DEVICE_WIDTH = 424,
	DEVICE_HEIGHT = 66,
	PAD = 12, /* between a frame and its cards */
	GAP = 10, /* between cards */
	FRAME_GAP = 16,
	GROUP_WIDTH = 168,
	FRAME_X = MARGIN + CLIENT_WIDTH + BETWEEN,
	FRAME_WIDTH = PAD + DEVICE_WIDTH + PAD + GROUP_WIDTH + PAD,
	DEVICE_X = FRAME_X + PAD,
	GROUP_X = DEVICE_X + DEVICE_WIDTH + PAD + 4,
	WIDTH = FRAME_X + FRAME_WIDTH + MARGIN,
	LEGEND_WIDTH = 340,
	LEGEND_IN_ROW = 3,
	LEGEND_LINE = 24
};

/* Columns of 12 pixels' monospaced text, 0.61 of that each, that fit into a card. */
enum { CLIENT_COLUMNS = 36, DEVICE_COLUMNS = 54, ADDRESS_COLUMNS = 30 };

enum { STATES = HWB_DEVICE_GONE + 1 };

struct layout {
	int *frame_y; /* by group */
	int *device_y;
	int *client_y;
	size_t *order; /* of clients, from the top */
	double *wish;  /* where a client would like to be: the middle of its devices */
	int bottom;
};

/* Light, and dark where the reader's screen is: every colour is named in both. */
static const char style[] =
        "<style>\n"
        "svg{--bg:#ffffff;--ink:#1c2733;--quiet:#55626e;--card:#ffffff;--frame:#f3f5f7;"
        "--rule:#c9d1d9;--s0:#74818e;--s1:#1f8a4c;--s2:#1f6fc0;--s3:#a86500;--s4:#c0301d;"
        "--s5:#9aa5af}\n"
        "@media (prefers-color-scheme:dark){svg{--bg:#12171c;--ink:#e6ebf0;--quiet:#9fabb7;"
        "--card:#1e262e;--frame:#181f26;--rule:#36434f;--s0:#8d99a6;--s1:#4cc383;--s2:#62adf5;"
        "--s3:#f0ab40;--s4:#f27464;--s5:#6b7681}}\n"
        "text{font-family:system-ui,'Segoe UI','DejaVu Sans',sans-serif;font-size:12px;"
        "fill:#1c2733;fill:var(--ink)}\n"
        ".m{font-family:ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace}\n"
        ".b{font-weight:bold}.h{font-size:13px}.t{font-size:18px;font-weight:bold}\n"
        ".q{fill:#55626e;fill:var(--quiet)}\n"
        ".bg{fill:#ffffff;fill:var(--bg)}\n"
        ".card{fill:#ffffff;fill:var(--card);stroke:#c9d1d9;stroke:var(--rule)}\n"
        ".frame{fill:#f3f5f7;fill:var(--frame);stroke:#c9d1d9;stroke:var(--rule)}\n"
        ".line{fill:none;stroke-width:2}\n";

static const char *const state_colours[STATES] = { "#74818e", "#1f8a4c", "#1f6fc0",
	                                           "#a86500", "#c0301d", "#9aa5af" };

/* ---- text ---- */

static void put_escaped(FILE *out, const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		switch (text[i]) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			fputc(text[i], out);
			break;
		}
	}
}

/* How many bytes of printable `text` fill at most `columns`. */
static size_t bytes_within(const char *text, unsigned columns)
{
	size_t bytes = 0;
	unsigned used = 0;

	while (text[bytes] != '\0') {
		mbstate_t state = { 0 };
		wchar_t character;
		size_t next = mbrtowc(&character, text + bytes, strlen(text + bytes), &state);
		if (next == (size_t)-1 || next == (size_t)-2 || next == 0)
			next = 1;
		else if (wcwidth(character) > 1)
			used += (unsigned)wcwidth(character) - 1;
		used++;
		if (used > columns)
			break;
		bytes += next;
	}
	return bytes;
}

static void put_cut(FILE *out, const char *text, unsigned columns)
{
	size_t bytes = bytes_within(text, columns);

	if (text[bytes] == '\0') {
		put_escaped(out, text, bytes);
		return;
	}
	put_escaped(out, text, bytes_within(text, columns - 1));
	fputs("\xe2\x80\xa6", out); /* an ellipsis */
}

static void put_text(FILE *out, int x, int y, const char *class, const char *text, unsigned columns)
{
	fprintf(out, "<text x=\"%d\" y=\"%d\" class=\"%s\">", x, y, class);
	put_cut(out, text, columns);
	fputs("</text>\n", out);
}

static unsigned known_state(uint32_t state)
{
	return state < STATES ? state : HWB_DEVICE_GONE;
}

/* ---- where things stand ---- */

static void place_frames(struct layout *layout, const struct graph *graph)
{
	int y = TOP;

	for (size_t i = 0; i < graph->group_count; i++) {
		const struct graph_group *group = &graph->groups[i];
		layout->frame_y[i] = y;
		y += PAD;
		for (size_t j = 0; j < group->count; j++) {
			layout->device_y[group->first + j] = y;
			y += DEVICE_HEIGHT + (j + 1 < group->count ? GAP : PAD);
		}
		y += FRAME_GAP;
	}
	layout->bottom = graph->group_count != 0 ? y - FRAME_GAP : TOP + CLIENT_HEIGHT;
}

/* Clients stand in the order of their devices, so that few lines cross, each as near to
 * the middle of its own as those above leave it; who has none, below the others. */
static void place_clients(struct layout *layout, const struct graph *graph)
{
	int free_y = TOP + PAD;

	for (size_t i = 0; i < graph->device_count; i++)
		if (graph->devices[i].owner != GRAPH_NOBODY)
			layout->wish[graph->devices[i].owner] += layout->device_y[i];
	for (size_t i = 0; i < graph->client_count; i++) {
		size_t devices = graph->clients[i].devices, at = i;
		layout->wish[i] = devices != 0 ? layout->wish[i] / (double)devices : 1e9;
		for (; at > 0 && layout->wish[layout->order[at - 1]] > layout->wish[i]; at--)
			layout->order[at] = layout->order[at - 1];
		layout->order[at] = i;
	}
	for (size_t i = 0; i < graph->client_count; i++) {
		size_t client = layout->order[i];
		int y = free_y;
		if (graph->clients[client].devices != 0 && layout->wish[client] > y)
			y = (int)layout->wish[client];
		layout->client_y[client] = y;
		free_y = y + CLIENT_HEIGHT + FRAME_GAP;
	}
	if (free_y - FRAME_GAP > layout->bottom)
		layout->bottom = free_y - FRAME_GAP;
}

static void free_layout(struct layout *layout)
{
	free(layout->frame_y);
	free(layout->device_y);
	free(layout->client_y);
	free(layout->order);
	free(layout->wish);
}

static bool make_layout(struct layout *layout, const struct graph *graph)
{
	*layout = (struct layout){
		.frame_y = calloc(graph->group_count + 1, sizeof(int)),
		.device_y = calloc(graph->device_count + 1, sizeof(int)),
		.client_y = calloc(graph->client_count + 1, sizeof(int)),
		.order = calloc(graph->client_count + 1, sizeof(size_t)),
		.wish = calloc(graph->client_count + 1, sizeof(double)),
	};
	if (layout->frame_y == NULL || layout->device_y == NULL || layout->client_y == NULL ||
	    layout->order == NULL || layout->wish == NULL) {
		free_layout(layout);
		return false;
	}
	place_frames(layout, graph);
	place_clients(layout, graph);
	return true;
}

/* ---- drawing ---- */

static void draw_head(FILE *out, const struct graph *graph, int height)
{
	size_t groups = graph->group_count;
	char title[96];

	if (groups != 0 && graph->groups[groups - 1].number == UINT32_MAX)
		groups--;
	snprintf(title, sizeof(title), "%zu device%s in %zu IOMMU group%s, %zu client%s",
	         graph->device_count, graph->device_count == 1 ? "" : "s", groups,
	         groups == 1 ? "" : "s", graph->client_count, graph->client_count == 1 ? "" : "s");
	fprintf(out,
	        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
	        "viewBox=\"0 0 %d %d\" role=\"img\">\n<title>hwbroker: %s</title>\n%s",
	        WIDTH, height, WIDTH, height, title, style);
	for (unsigned i = 0; i < STATES; i++)
		fprintf(out, ".s%u{fill:%s;fill:var(--s%u)}.e%u{stroke:%s;stroke:var(--s%u)}\n", i,
		        state_colours[i], i, i, state_colours[i], i);
	fprintf(out, "</style>\n<rect class=\"bg\" width=\"%d\" height=\"%d\"/>\n", WIDTH, height);
	put_text(out, MARGIN, 42, "t", "Hardware broker", 40);
	put_text(out, MARGIN, 62, "q", title, 90);
	put_text(out, MARGIN, TOP - 14, "b h", "Clients", 20);
	put_text(out, DEVICE_X, TOP - 14, "b h", "Devices", 20);
	put_text(out, GROUP_X, TOP - 14, "b h", "IOMMU groups", 20);
}

/* Lines leave a client side by side, in the order of their devices. */
static void draw_lines(FILE *out, const struct graph *graph, const struct layout *layout)
{
	size_t *drawn = calloc(graph->client_count + 1, sizeof(*drawn));

	for (size_t i = 0; drawn != NULL && i < graph->device_count; i++) {
		const struct graph_device *device = &graph->devices[i];
		if (device->owner == GRAPH_NOBODY)
			continue;
		size_t of = graph->clients[device->owner].devices + 1;
		double from_x = MARGIN + CLIENT_WIDTH, to_x = DEVICE_X;
		double from_y = layout->client_y[device->owner] +
		                (double)(CLIENT_HEIGHT * ++drawn[device->owner]) / (double)of;
		double to_y = layout->device_y[i] + DEVICE_HEIGHT / 2.0;
		unsigned state = known_state(device->record->device.state);
		fprintf(out,
		        "<path class=\"line e%u\" d=\"M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f "
		        "%.1f\"/>\n<circle class=\"s%u\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>\n",
		        state, from_x, from_y, from_x + BETWEEN * 0.55, from_y,
		        to_x - BETWEEN * 0.55, to_y, to_x, to_y, state, from_x, from_y);
	}
	free(drawn);
}

static void draw_client(FILE *out, const struct graph_client *client, int y)
{
	char line[96], size[16];

	fprintf(out,
	        "<g><rect class=\"card\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
	        "rx=\"8\"/>\n",
	        MARGIN, y, CLIENT_WIDTH, CLIENT_HEIGHT);
	graph_text(client->name, sizeof(client->name), line, sizeof(line));
	put_text(out, MARGIN + 14, y + 22, "m b h", line, CLIENT_COLUMNS - 3);
	if (client->connections == 0)
		snprintf(line, sizeof(line), "not connected");
	else
		snprintf(line, sizeof(line), "%u connection%s, %u session%s", client->connections,
		         client->connections == 1 ? "" : "s", client->sessions,
		         client->sessions == 1 ? "" : "s");
	put_text(out, MARGIN + 14, y + 40, "m q", line, CLIENT_COLUMNS);
	names_size(client->dma_bytes, size);
	if (client->mappings == 0)
		snprintf(line, sizeof(line), "no DMA memory");
	else
		snprintf(line, sizeof(line), "DMA %s in %u mapping%s", size, client->mappings,
		         client->mappings == 1 ? "" : "s");
	put_text(out, MARGIN + 14, y + 56, "m q", line, CLIENT_COLUMNS);
	fputs("</g>\n", out);
}

/* What stands in a device's last line: the worst that there is to say. */
static void last_line(const struct hwb_admin_device *record, char *line, size_t size)
{
	char driver[HWB_NAME_SIZE + 1], rule[HWB_NAME_SIZE + 1];

	if (record->note[0] != '\0') {
		graph_text(record->note, sizeof(record->note), line, size);
		return;
	}
	graph_text(record->host_driver, HWB_NAME_SIZE, driver, sizeof(driver));
	graph_text(record->rule, HWB_NAME_SIZE, rule, sizeof(rule));
	snprintf(line, size, "%s%s%s%s", driver[0] != '\0' ? "driver " : "no driver", driver,
	         rule[0] != '\0' ? ", rule " : ", no rule", rule);
}

static void draw_device(FILE *out, const struct hwb_admin_device *record, int y)
{
	unsigned state = known_state(record->device.state);
	char address[32], name[128], line[160];

	names_address(&record->device.address, address);
	names_device(&record->device, name, sizeof(name));
	table_make_printable(name);
	last_line(record, line, sizeof(line));
	fprintf(out, "<g><title>%s, %s: ", address, names_state(record->device.state));
	put_escaped(out, name, strlen(name));
	fputs("; ", out);
	put_escaped(out, line, strlen(line));
	fprintf(out,
	        "</title>\n<rect class=\"card\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
	        "rx=\"8\"/>\n<path class=\"s%u\" d=\"M%d %dh-1a8 8 0 0 0 -8 8v%da8 8 0 0 0 8 "
	        "8h1z\"/>\n",
	        DEVICE_X, y, DEVICE_WIDTH, DEVICE_HEIGHT, state, DEVICE_X + 9, y,
	        DEVICE_HEIGHT - 16);
	put_text(out, DEVICE_X + 20, y + 22, "m b h", address, ADDRESS_COLUMNS);
	fprintf(out, "<text x=\"%d\" y=\"%d\" class=\"b s%u\" text-anchor=\"end\">%s</text>\n",
	        DEVICE_X + DEVICE_WIDTH - 12, y + 22, state, names_state(record->device.state));
	put_text(out, DEVICE_X + 20, y + 40, "m", name, DEVICE_COLUMNS);
	put_text(out, DEVICE_X + 20, y + 56, "m q", line, DEVICE_COLUMNS);
	fputs("</g>\n", out);
}

static void draw_frame(FILE *out, const struct graph *graph, const struct graph_group *group, int y)
{
	int height = 2 * PAD + (int)group->count * (DEVICE_HEIGHT + GAP) - GAP;
	size_t taken = graph_with_broker(graph, group);
	char line[64];

	fprintf(out,
	        "<rect class=\"frame\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
	        "rx=\"10\"/>\n",
	        FRAME_X, y, FRAME_WIDTH, height);
	if (group->number == UINT32_MAX)
		snprintf(line, sizeof(line), "no IOMMU group");
	else
		snprintf(line, sizeof(line), "group %u", group->number);
	put_text(out, GROUP_X, y + PAD + 22, "b h", line, 20);
	if (group->number == UINT32_MAX)
		snprintf(line, sizeof(line), "not for clients");
	else if (group->count == 1)
		snprintf(line, sizeof(line), "one device");
	else
		snprintf(line, sizeof(line), "%zu devices go together", group->count);
	put_text(out, GROUP_X, y + PAD + 40, "q", line, 26);
	if (taken == 0)
		snprintf(line, sizeof(line), "with the host");
	else if (taken == group->count)
		snprintf(line, sizeof(line), "with the broker");
	else
		snprintf(line, sizeof(line), "%zu of %zu with the broker", taken, group->count);
	put_text(out, GROUP_X, y + PAD + 56, "q", line, 26);
}

static void draw_legend(FILE *out, int y)
{
	static const char *const meanings[] = {
		[HWB_DEVICE_HOST] = "with its host driver, or with none",
		[HWB_DEVICE_FREE] = "with the broker, nobody has it",
		[HWB_DEVICE_GRANTED] = "a client has it",
		[HWB_DEVICE_REVOKING] = "being taken back",
		[HWB_DEVICE_QUARANTINED] = "unfit: could not be reset",
	};

	for (unsigned i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		int x = MARGIN + (int)(i % LEGEND_IN_ROW) * LEGEND_WIDTH;
		int line = y + (int)(i / LEGEND_IN_ROW) * LEGEND_LINE;
		fprintf(out,
		        "<rect class=\"s%u\" x=\"%d\" y=\"%d\" width=\"12\" height=\"12\" "
		        "rx=\"3\"/>\n<text x=\"%d\" y=\"%d\"><tspan class=\"b\">%s</tspan> "
		        "<tspan class=\"q\">%s</tspan></text>\n",
		        i, x, line - 10, x + 20, line, names_state(i), meanings[i]);
	}
}

int graph_svg(FILE *out, const struct graph *graph)
{
	struct layout layout;

	if (!make_layout(&layout, graph))
		return -1;
	draw_head(out, graph, layout.bottom + 44 + 2 * LEGEND_LINE);
	for (size_t i = 0; i < graph->group_count; i++)
		draw_frame(out, graph, &graph->groups[i], layout.frame_y[i]);
	for (size_t i = 0; i < graph->client_count; i++)
		draw_client(out, &graph->clients[i], layout.client_y[i]);
	for (size_t i = 0; i < graph->device_count; i++)
		draw_device(out, graph->devices[i].record, layout.device_y[i]);
	draw_lines(out, graph, &layout);
	if (graph->client_count == 0)
		put_text(out, MARGIN, TOP + PAD + 22, "q", "no client is connected", 40);
	if (graph->device_count == 0)
		put_text(out, DEVICE_X, TOP + PAD + 22, "q", "no device is on the bus", 40);
	draw_legend(out, layout.bottom + 40);
	fputs("</svg>\n", out);
	free_layout(&layout);
	return 0;
}
