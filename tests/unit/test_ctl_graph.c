/* SPDX-License-Identifier: MIT */
/*
 * `hwbroker-ctl graph': its three forms of one host against the files in
 * tests/golden/ctl, and what must hold of a drawing of any: it is XML whatever names
 * hold, nothing lies on anything else, all of it is within the picture.
 */
#include "graph.h"
#include "names.h"
#include "suite.h"
#include "test_golden.h"

#include <check.h>
#include <jansson.h>
#include <locale.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static struct graph graph;

static void teardown(void)
{
	golden_teardown();
	graph_free(&graph);
	names_end();
}

/* ---- one host ---- */

static const struct hwb_admin_device devices[] = {
	{ .device = { .address = { 0, 0, 0x1f, 3, 0 },
	              .vendor = 0x0bad,
	              .device = 0x0003,
	              .iommu_group = 7,
	              .state = HWB_DEVICE_REVOKING },
	  .host_driver = "vfio-pci",
	  .client = "network",
	  .note = "a process still has its registers" },
	{ .device = { .address = { 0, 0, 2, 0, 0 },
	              .vendor = 0x0bad,
	              .device = 0x0001,
	              .iommu_group = 2,
	              .state = HWB_DEVICE_GRANTED },
	  .host_driver = "vfio-pci",
	  .client = "network",
	  .rule = "nic" },
	{ .device = { .address = { 0, 0, 3, 0, 0 },
	              .vendor = 0x0bad,
	              .device = 0x0001,
	              .iommu_group = 3,
	              .state = HWB_DEVICE_HOST },
	  .host_driver = "e1000e" },
	{ .device = { .address = { 0, 0, 4, 0, 0 },
	              .vendor = 0x0bad,
	              .device = 0x0002,
	              .iommu_group = 4,
	              .state = HWB_DEVICE_QUARANTINED },
	  .host_driver = "vfio-pci",
	  .rule = "disk",
	  .note = "it did not come back from a reset: try `echo 1 > .../remove' & \"rescan\"" },
	{ .device = { .address = { 0, 0, 5, 0, 0 },
	              .vendor = 0x0bad,
	              .device = 0x0004,
	              .iommu_group = 5,
	              .state = HWB_DEVICE_FREE },
	  .host_driver = "vfio-pci",
	  .rule = "edu" },
	{ .device = { .address = { 0, 0, 0x1f, 0, 0 },
	              .vendor = 0x0bad,
	              .device = 0x0005,
	              .iommu_group = 7,
	              .state = HWB_DEVICE_HOST } },
	{ .device = { .address = { 0, 0, 0x1f, 2, 0 },
	              .vendor = 0x0bad,
	              .device = 0x0006,
	              .iommu_group = 7,
	              .state = HWB_DEVICE_GRANTED },
	  .host_driver = "vfio-pci",
	  .client = "a-client-with-the-longest-name-1",
	  .rule = "a-rule-with-the-longest-name-123" },
	{ .device = { .address = { 0x10000, 0xff, 31, 7, 0 },
	              .vendor = 0x0bad,
	              .device = 0xffff,
	              .iommu_group = UINT32_MAX,
	              .state = 99 },
	  .host_driver = "a-driver-with-the-longest-name-1",
	  .rule = "a-rule-with-the-longest-name-123" },
};

static const struct hwb_admin_client clients[] = {
	{ .id = 1, .sessions = 7, .mappings = 12, .dma_bytes = 24 << 20, .client = "network" },
	{ .id = 2, .sessions = 3, .mappings = 12, .dma_bytes = 24 << 20, .client = "network" },
	{ .id = 3 }, /* the tool itself */
	{ .id = 4, .client = "idle" },
};

enum {
	DEVICES = sizeof(devices) / sizeof(devices[0]),
	CLIENTS = sizeof(clients) / sizeof(clients[0]),
};

START_TEST(a_host_is_as_in_its_files)
{
	ck_assert_int_eq(graph_make(&graph, devices, DEVICES, clients, CLIENTS), 0);
	switch (_i) {
	case 0:
		graph_dot(out, &graph);
		as_in("graph.dot");
		break;
	case 1:
		ck_assert_int_eq(graph_svg(out, &graph), 0);
		as_in("graph.svg");
		break;
	default:
		graph_json(out, &graph);
		as_in("graph.json");
		break;
	}
}
END_TEST

START_TEST(clients_are_counted_once)
{
	ck_assert_int_eq(graph_make(&graph, devices, DEVICES, clients, CLIENTS), 0);
	ck_assert_uint_eq(graph.client_count, 3);
	ck_assert_str_eq(graph.clients[0].name, "network");
	ck_assert_uint_eq(graph.clients[0].connections, 2);
	ck_assert_uint_eq(graph.clients[0].sessions, 10);
	ck_assert_uint_eq(graph.clients[0].dma_bytes, 24 << 20);
	ck_assert_uint_eq(graph.clients[0].devices, 2);
	ck_assert_str_eq(graph.clients[1].name, "idle");
	/* It has a device, and its connection is not in the list. */
	ck_assert_str_eq(graph.clients[2].name, "a-client-with-the-longest-name-1");
	ck_assert_uint_eq(graph.clients[2].connections, 0);
}
END_TEST

START_TEST(devices_stand_by_their_group)
{
	ck_assert_int_eq(graph_make(&graph, devices, DEVICES, clients, CLIENTS), 0);
	ck_assert_uint_eq(graph.group_count, 6);
	ck_assert_uint_eq(graph.groups[4].number, 7);
	ck_assert_uint_eq(graph.groups[4].count, 3);
	ck_assert_uint_eq(graph_with_broker(&graph, &graph.groups[4]), 2);
	ck_assert_uint_eq(graph.groups[5].number, UINT32_MAX);
	for (size_t i = 0; i < graph.group_count; i++)
		for (size_t j = 0; j < graph.groups[i].count; j++)
			ck_assert_uint_eq(
			        graph.devices[graph.groups[i].first + j].record->device.iommu_group,
			        graph.groups[i].number);
}
END_TEST

/* ---- any host ---- */

/* Of an XML document without comments or declarations: each tag is closed in turn, no
 * attribute or text holds what would be read as markup. */
static void is_xml(const char *at)
{
	const char *open[64];
	size_t lengths[64], depth = 0;

	while (*at != '\0') {
		if (*at == '&') {
			static const char *const known[] = { "&amp;", "&lt;", "&gt;", "&quot;" };
			bool found = false;
			for (size_t i = 0; i < 4; i++)
				found = found || strncmp(at, known[i], strlen(known[i])) == 0;
			ck_assert_msg(found, "a bare & at %.40s", at);
		}
		ck_assert_msg((unsigned char)*at >= 0x20 || *at == '\n', "control character %d",
		              *at);
		if (*at++ != '<')
			continue;
		bool closing = *at == '/';
		const char *name = at + closing;
		size_t length = strcspn(name, " />\n");
		const char *end = name + length;
		for (bool quoted = false; *end != '>' || quoted; end++) {
			ck_assert_msg(*end != '\0' && (*end != '<'), "a tag without end: %.40s",
			              at);
			quoted ^= *end == '"';
		}
		if (closing) {
			ck_assert_uint_ne(depth--, 0);
			ck_assert_msg(length == lengths[depth] &&
			                      memcmp(open[depth], name, length) == 0,
			              "%.40s closes another", at);
		} else if (end[-1] != '/') {
			ck_assert_uint_lt(depth, 64);
			open[depth] = name;
			lengths[depth++] = length;
		}
		at = end + 1;
	}
	ck_assert_uint_eq(depth, 0);
}

struct box {
	int x, y, width, height;
};

static bool apart(const struct box *a, const struct box *b)
{
	return a->x + a->width <= b->x || b->x + b->width <= a->x || a->y + a->height <= b->y ||
	       b->y + b->height <= a->y;
}

/* Cards do not lie on each other, and neither do frames; all are within the picture. */
static void lies_well(const char *svg, const char *class, size_t expected)
{
	static struct box boxes[4096];
	struct box picture = { 0 };
	char pattern[64];
	size_t count = 0;

	ck_assert_int_eq(sscanf(strstr(svg, "viewBox="), "viewBox=\"0 0 %d %d\"", &picture.width,
	                        &picture.height),
	                 2);
	snprintf(pattern, sizeof(pattern), "<rect class=\"%s\" ", class);
	for (const char *at = svg; (at = strstr(at, pattern)) != NULL; at++) {
		struct box *box = &boxes[count++];
		ck_assert_uint_le(count, 4096);
		ck_assert_int_eq(sscanf(at + strlen(pattern),
		                        "x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"", &box->x,
		                        &box->y, &box->width, &box->height),
		                 4);
		ck_assert(box->x >= 0 && box->y >= 0 && box->x + box->width <= picture.width &&
		          box->y + box->height <= picture.height);
		for (size_t i = 0; i + 1 < count; i++)
			ck_assert_msg(apart(box, &boxes[i]), "%s %zu lies on %zu", class, count - 1,
			              i);
	}
	ck_assert_uint_eq(count, expected);
}

START_TEST(nothing_lies_on_anything)
{
	enum { MANY = 1000, OWNERS = 40 };
	static struct hwb_admin_device many[MANY];
	static struct hwb_admin_client owners[OWNERS];

	srand((unsigned)_i + 1);
	for (size_t i = 0; i < MANY; i++) {
		struct hwb_admin_device *record = &many[i];
		*record = (struct hwb_admin_device){ 0 };
		record->device.vendor = 0x8086; /* one that is found is not sought again */
		record->device.address.bus = (uint8_t)(i / 256);
		record->device.address.device = (uint8_t)(i / 8 % 32);
		record->device.address.function = (uint8_t)(i % 8);
		record->device.iommu_group = (uint32_t)(rand() % 400);
		record->device.state = (uint32_t)(rand() % 6);
		if (rand() % 2 == 0)
			snprintf(record->client, HWB_NAME_SIZE, "c%d", rand() % OWNERS);
	}
	for (size_t i = 0; i < OWNERS; i++) {
		owners[i] = (struct hwb_admin_client){ 0 };
		snprintf(owners[i].client, HWB_NAME_SIZE, "c%zu", i);
	}
	size_t devices_shown = _i == 0 ? 0 : _i == 1 ? 3 : MANY;
	ck_assert_int_eq(graph_make(&graph, many, devices_shown, owners, _i == 0 ? 0 : OWNERS), 0);
	ck_assert_int_eq(graph_svg(out, &graph), 0);
	const char *svg = printed();
	is_xml(svg);
	lies_well(svg, "card", devices_shown + graph.client_count);
	lies_well(svg, "frame", graph.group_count);
}
END_TEST

START_TEST(names_stay_names)
{
	static const char *const hostile[] = { "\"><script>", "&amp;", "a\\",   "\x1b[31m",
		                               "\xff\xfe",    "]]>",   "\"];}", "<!--" };

	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		struct hwb_admin_device device = { .device = { .vendor = 0x0bad } };
		struct hwb_admin_client client = { .id = 1 };
		snprintf(device.client, HWB_NAME_SIZE, "%s", hostile[i]);
		snprintf(device.host_driver, HWB_NAME_SIZE, "%s", hostile[i]);
		snprintf(device.note, sizeof(device.note), "%s", hostile[i]);
		snprintf(client.client, HWB_NAME_SIZE, "%s", hostile[i]);
		ck_assert_int_eq(graph_make(&graph, &device, 1, &client, 1), 0);
		ck_assert_int_eq(graph_svg(out, &graph), 0);
		is_xml(printed());
		teardown();
		golden_setup();
		ck_assert_int_eq(graph_make(&graph, &device, 1, &client, 1), 0);
		graph_dot(out, &graph);
		/* Each quotation mark that no backslash makes plain opens or ends a string. */
		unsigned quotes = 0;
		for (const char *at = printed(); *at != '\0'; at++) {
			ck_assert((unsigned char)*at >= 0x20 || *at == '\n');
			if (*at == '\\' && at[1] != '\0')
				at++;
			else if (*at == '"')
				quotes++;
			else if (*at == '\n')
				ck_assert_uint_eq(quotes % 2, 0);
		}
		teardown();
		golden_setup();
		ck_assert_int_eq(graph_make(&graph, &device, 1, &client, 1), 0);
		graph_json(out, &graph);
		json_t *value = json_loads(printed(), 0, NULL);
		ck_assert_ptr_nonnull(value);
		json_decref(value);
		teardown();
		golden_setup();
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hwbroker-ctl graph");
	TCase *tests = tcase_create("graph");

	setlocale(LC_CTYPE, "C.UTF-8"); /* as main() of the tool does */
	tcase_add_checked_fixture(tests, golden_setup, teardown);
	tcase_add_loop_test(tests, a_host_is_as_in_its_files, 0, 3);
	tcase_add_test(tests, clients_are_counted_once);
	tcase_add_test(tests, devices_stand_by_their_group);
	tcase_add_loop_test(tests, nothing_lies_on_anything, 0, 4);
	tcase_add_test(tests, names_stay_names);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
