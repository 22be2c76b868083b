/* SPDX-License-Identifier: MIT */
/*
 * What hwbroker-ctl's metrics, monitor, top and generate-policy print, against the files
 * in tests/golden/ctl, and what must hold of it: the metrics keep OpenMetrics' rules, a
 * frame fits its terminal, a generated policy is one that the daemon takes.
 */
#include "command.h"
#include "generate.h"
#include "metrics.h"
#include "monitor.h"
#include "names.h"
#include "policy/policy.h"
#include "suite.h"
#include "test_golden.h"
#include "test_policy_load.h"
#include "top.h"

#include <check.h>
#include <ctype.h>
#include <jansson.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void teardown(void)
{
	golden_teardown();
	names_end();
}

/* ---- records ---- */

static const struct hwb_status_reply status = {
	.uptime_ms = 3 * 86400 * 1000 + 500,
	.pid = 417,
	.devices = 4,
	.devices_granted = 1,
	.connections = 3,
	.sessions = 9,
	.dma_bytes = 0x1900000,
	.requests = 123456789,
	.workers = 4,
	.workers_busy = 1,
	.rules = 5,
	.version = "0.1.0",
	.backend = "vfio-group",
	.policy = "/etc/hwbroker/hwbroker.conf",
};

static struct hwb_admin_device devices[] = {
	{ .device = { .address = { 0, 0, 0x1f, 0, 0 },
	              .vendor = 0x0bad,
	              .device = 0x0005,
	              .class_code = 0x060100,
	              .iommu_group = 7,
	              .state = HWB_DEVICE_HOST } },
	{ .device = { .address = { 0, 0, 0x1f, 2, 0 },
	              .vendor = 0x0bad,
	              .device = 0x0006,
	              .class_code = 0x010601,
	              .iommu_group = 7,
	              .state = HWB_DEVICE_HOST,
	              .msi_vectors = 1 },
	  .host_driver = "ahci" },
	{ .device = { .address = { 0, 0, 2, 0, 0 },
	              .vendor = 0x0bad,
	              .device = 0x0001,
	              .class_code = 0x020000,
	              .iommu_group = 2,
	              .state = HWB_DEVICE_GRANTED,
	              .msix_vectors = 5 },
	  .host_driver = "vfio-pci",
	  .client = "network",
	  .rule = "nic" },
	{ .device = { .address = { 0, 0, 5, 0, 0 },
	              .vendor = 0x0bad,
	              .device = 0x0007,
	              .class_code = 0x070002,
	              .iommu_group = UINT32_MAX,
	              .state = HWB_DEVICE_QUARANTINED },
	  .host_driver = "serial" },
};

static struct hwb_admin_client clients[] = {
	{ .id = 1,
	  .pid = 812,
	  .sessions = 7,
	  .mappings = 12,
	  .dma_bytes = 24 << 20,
	  .connected_ms = 7260000,
	  .requests = 1000,
	  .client = "network" },
	{ .id = 9, .pid = 900, .connected_ms = 3000, .requests = 60 },
};

enum {
	DEVICES = sizeof(devices) / sizeof(devices[0]),
	CLIENTS = sizeof(clients) / sizeof(clients[0])
};

/* ---- metrics ---- */

static const struct hwb_metric metrics[] = {
	{ 17, HWB_METRIC_HAPPENED, HWB_HAPPENED_GRANTED, "" },
	{ 3, HWB_METRIC_HAPPENED, HWB_HAPPENED_QUARANTINED, "" },
	{ 5, HWB_METRIC_HAPPENED, 77, "" }, /* a later broker's */
	{ 2, HWB_METRIC_REFUSED, HWB_DENIED, "" },
	{ 1, HWB_METRIC_REFUSED, HWB_BUSY, "" },
	{ 3, HWB_METRIC_DEVICES, HWB_DEVICE_HOST, "" },
	{ 1, HWB_METRIC_DEVICES, HWB_DEVICE_GRANTED, "" },
	{ 1000000, HWB_METRIC_ROUNDS, 0, "" },
	{ 2500001, HWB_METRIC_ROUNDS_US, 0, "" },
	{ 1250, HWB_METRIC_LONGEST_ROUND_US, 0, "" },
	{ 2, HWB_METRIC_MONITORS, 0, "" },
	{ 99, 1234, 0, "" }, /* a later broker's */
	{ 1000, HWB_METRIC_CLIENT_REQUESTS, 0, "network" },
	{ 7, HWB_METRIC_CLIENT_REQUESTS, 0, "odd\"\\na\nme" },
	{ 1, HWB_METRIC_CLIENT_CONNECTIONS, 0, "network" },
	{ 25165824, HWB_METRIC_CLIENT_DMA_BYTES, 0, "network" },
	{ 12, HWB_METRIC_CLIENT_DMA_MAPPINGS, 0, "network" },
};

static size_t word_length(const char *at)
{
	size_t length = 0;

	while (isalnum((unsigned char)at[length]) || at[length] == '_' || at[length] == ':')
		length++;
	ck_assert(length != 0 && !isdigit((unsigned char)at[0]));
	return length;
}

struct checked_family {
	char name[128], type[16], unit[16];
	unsigned stage; /* 1: has a TYPE, 2: a UNIT, 3: a HELP, 4: samples */
};

/* "# TYPE name type", and so on, each once, in an order that it is allowed to have. */
static void check_comment(const char *line, struct checked_family *family)
{
	char word[8], name[128], rest[256];

	ck_assert_int_eq(sscanf(line, "# %7s %127s %255[^\n]", word, name, rest), 3);
	if (strcmp(word, "TYPE") == 0) {
		/* All lines of a family stand together. */
		ck_assert_str_ne(name, family->name);
		*family = (struct checked_family){ .stage = 1 };
		snprintf(family->name, sizeof(family->name), "%s", name);
		snprintf(family->type, sizeof(family->type), "%.15s", rest);
		ck_assert(strcmp(rest, "counter") == 0 || strcmp(rest, "gauge") == 0 ||
		          strcmp(rest, "info") == 0);
		/* The suffix is the samples', not the family's. */
		size_t length = strlen(name);
		ck_assert(length < 6 || strcmp(name + length - 6, "_total") != 0);
		return;
	}
	ck_assert_str_eq(name, family->name);
	if (strcmp(word, "UNIT") == 0) {
		ck_assert_uint_eq(family->stage++, 1);
		snprintf(family->unit, sizeof(family->unit), "%.15s", rest);
		size_t unit = strlen(rest), length = strlen(name);
		ck_assert(length > unit + 1 && name[length - unit - 1] == '_');
		ck_assert_str_eq(name + length - unit, rest);
		return;
	}
	ck_assert_str_eq(word, "HELP");
	ck_assert_uint_lt(family->stage, 3);
	family->stage = 3;
}

/* "{name="text",name="text"}"; returns what is behind it. */
static const char *check_labels(const char *at)
{
	do {
		at++;
		at += word_length(at);
		ck_assert(at[0] == '=' && at[1] == '"');
		for (at += 2; *at != '"'; at++) {
			ck_assert(*at != '\n' && *at != '\0');
			if (*at == '\\') {
				at++;
				ck_assert(*at == '\\' || *at == '"' || *at == 'n');
			}
		}
		at++;
	} while (*at == ',');
	ck_assert_int_eq(*at, '}');
	return at + 1;
}

static void check_sample(const char *line, struct checked_family *family)
{
	size_t length = word_length(line), name = strlen(family->name);
	const char *suffix = strcmp(family->type, "counter") == 0 ? "_total"
	                     : strcmp(family->type, "info") == 0  ? "_info"
	                                                          : "";
	char *end;

	ck_assert_msg(length == name + strlen(suffix) && strncmp(line, family->name, name) == 0 &&
	                      strncmp(line + name, suffix, strlen(suffix)) == 0,
	              "not of family %s: %.60s", family->name, line);
	ck_assert_uint_ge(family->stage, 3);
	family->stage = 4;
	const char *at = line + length;
	if (*at == '{')
		at = check_labels(at);
	ck_assert_int_eq(*at, ' ');
	double value = strtod(at + 1, &end);
	ck_assert(end != at + 1 && *end == '\n' && value >= 0);
}

/* The rules of OpenMetrics 1.0 that can be broken here. Returns how many samples. */
static unsigned check_metrics(const char *got)
{
	struct checked_family family = { .name = "" };
	unsigned samples = 0;
	static char seen[512][160];

	for (const char *line = got; *line != '\0'; line = strchr(line, '\n') + 1) {
		ck_assert_ptr_nonnull(strchr(line, '\n'));
		if (strcmp(line, "# EOF\n") == 0)
			return samples;
		if (line[0] == '#') {
			check_comment(line, &family);
			continue;
		}
		check_sample(line, &family);
		/* A name with its labels stands there once. */
		size_t length = strcspn(line, "\n");
		while (line[length] != ' ')
			length--;
		snprintf(seen[samples], sizeof(seen[0]), "%.*s", (int)length, line);
		for (unsigned i = 0; i < samples; i++)
			ck_assert_str_ne(seen[i], seen[samples]);
		samples++;
	}
	ck_abort_msg("no # EOF");
}

START_TEST(metrics_are_open_metrics)
{
	print_metrics(out, &status, "no interrupt remapping\nand another\n", metrics,
	              sizeof(metrics) / sizeof(metrics[0]));
	const char *got = as_in("metrics.txt");
	ck_assert_uint_eq(check_metrics(got), 10 + 15);
	anew();
	print_metrics(out, &status, "", NULL, 0);
	ck_assert_uint_eq(check_metrics(printed()), 10);
}
END_TEST

START_TEST(metrics_for_programs)
{
	size_t samples = 0, i;
	json_t *family;

	json_metrics(out, &status, "no interrupt remapping\nand another\n", metrics,
	             sizeof(metrics) / sizeof(metrics[0]));
	json_t *list = json_loads(as_in("metrics.json"), 0, NULL);
	ck_assert(json_is_array(list));
	/* The same as in text. */
	json_array_foreach(list, i, family) samples +=
	        json_array_size(json_object_get(family, "samples"));
	ck_assert_uint_eq(samples, 10 + 15);
	json_decref(list);
}
END_TEST

/* ---- monitor ---- */

static const struct hwb_happening_event events[] = {
	{ .time_ms = 1795892531123,
	  .kind = HWB_HAPPENED_GRANTED,
	  .pid = 812,
	  .uid = 990,
	  .client = "network",
	  .resource = "0000:00:02.0",
	  .rule = "[device nic] at /etc/hwbroker/policy.d/net.conf:12" },
	{ .time_ms = 1795892532004,
	  .kind = HWB_HAPPENED_REFUSED,
	  .status = HWB_DENIED,
	  .opcode = HWB_DEVICE_ACQUIRE,
	  .pid = 812,
	  .uid = 990,
	  .client = "network",
	  .resource = "0000:00:1f.2",
	  .reason = "no [device] section gives it to `network'" },
	{ .time_ms = 1795892532005,
	  .kind = HWB_HAPPENED_DEVICE_LEFT,
	  .lost = 17,
	  .resource = "0000:00:05.0",
	  .reason = "an escape: \x1b[31m" },
	{ .time_ms = 0, .kind = 200 },
};

START_TEST(happenings_are_as_in_their_files)
{
	setenv("TZ", "UTC0", 1);
	tzset();
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		print_happening(out, &events[i]);
	ck_assert_ptr_null(strchr(as_in("monitor.txt"), '\x1b'));
	anew();
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		json_happening(out, &events[i]);
	/* One object a line. */
	for (const char *line = as_in("monitor.json"); *line != '\0';
	     line = strchr(line, '\n') + 1) {
		json_t *value = json_loadb(line, strcspn(line, "\n"), 0, NULL);
		ck_assert(json_is_object(value));
		json_decref(value);
	}
	for (uint32_t kind = HWB_HAPPENED_GRANTED; kind <= HWB_HAPPENED_MEMORY_RELEASED; kind++)
		ck_assert_str_ne(names_happening(kind), "?");
	ck_assert_str_eq(names_happening(0), "?");
	ck_assert_str_eq(names_happening(HWB_HAPPENED_MEMORY_RELEASED + 1), "?");
}
END_TEST

/* ---- top ---- */

static const char interrupts[] =
        "           CPU0       CPU1\n"
        "  0:         42          0   IO-APIC   2-edge      timer\n"
        " 24:       1000        234   PCI-MSI 32768-edge      vfio-msix[0](0000:00:02.0)\n"
        " 25:          0          6   PCI-MSI 32769-edge      vfio-msix[1](0000:00:02.0)\n"
        " 26:          9          9   PCI-MSI 32770-edge      nvme0q0\n"
        " 16:          3          0   IO-APIC  16-fasteoi   vfio-intx(0000:00:05.0)\n"
        "NMI:          1          2   Non-maskable interrupts\n";

START_TEST(interrupts_are_those_of_the_device)
{
	ck_assert_uint_eq(top_interrupts(interrupts, "0000:00:02.0"), 1240);
	ck_assert_uint_eq(top_interrupts(interrupts, "0000:00:05.0"), 3);
	ck_assert_uint_eq(top_interrupts(interrupts, "0000:00:1f.2"), TOP_UNKNOWN);
	ck_assert_uint_eq(top_interrupts("", "0000:00:02.0"), TOP_UNKNOWN);
}
END_TEST

static void view(struct top_view *view, double seconds, uint64_t *counts)
{
	*view = (struct top_view){ .seconds = seconds,
		                   .status = status,
		                   .clients = clients,
		                   .client_count = CLIENTS,
		                   .devices = devices,
		                   .device_count = DEVICES,
		                   .interrupts = counts };
}

START_TEST(frames_are_as_in_their_files)
{
	uint64_t now_counts[DEVICES] = { TOP_UNKNOWN, TOP_UNKNOWN, 1240, 3 };
	uint64_t counts[DEVICES] = { TOP_UNKNOWN, TOP_UNKNOWN, 240, TOP_UNKNOWN };
	struct hwb_admin_client then[CLIENTS];
	struct top_view now, before;
	struct top_frame frame = { .now = &now, .columns = 80 };

	view(&now, 102, now_counts);
	top_print(out, &frame);
	as_in("top-once.txt");
	anew();
	view(&before, 100, counts);
	memcpy(then, clients, sizeof(then));
	then[0].requests = 0;
	then[1].id = 8; /* another one, gone since */
	before.clients = then;
	before.status.requests -= 500;
	frame.before = &before;
	frame.lines = 23;
	top_print(out, &frame);
	as_in("top-80x23.txt");
}
END_TEST

START_TEST(frames_for_programs)
{
	uint64_t now_counts[DEVICES] = { TOP_UNKNOWN, TOP_UNKNOWN, 1240, 3 };
	uint64_t counts[DEVICES] = { TOP_UNKNOWN, TOP_UNKNOWN, 240, TOP_UNKNOWN };
	struct top_view now, before;
	struct top_frame frame = { .now = &now };

	view(&now, 102, now_counts);
	view(&before, 100, counts);
	before.status.requests -= 500;
	frame.before = &before;
	top_json(out, &frame, "no interrupt remapping\n");
	const char *text = as_in("top.json");
	ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1);
	json_t *value = json_loads(text, 0, NULL);
	json_t *of_status = json_object_get(value, "status");
	ck_assert(json_real_value(json_object_get(of_status, "requests_per_s")) == 250.0);
	json_t *device = json_array_get(json_object_get(value, "devices"), 2);
	ck_assert_int_eq(json_integer_value(json_object_get(device, "interrupts")), 1240);
	ck_assert(json_real_value(json_object_get(device, "interrupts_per_s")) == 500.0);
	json_decref(value);
	/* The first has nothing to compare with. */
	anew();
	frame.before = NULL;
	top_json(out, &frame, "");
	value = json_loads(printed(), 0, NULL);
	of_status = json_object_get(value, "status");
	ck_assert(json_is_null(json_object_get(of_status, "requests_per_s")));
	json_decref(value);
}
END_TEST

START_TEST(frames_fit_their_terminal)
{
	enum { MANY = 200 };
	static struct hwb_admin_device many_devices[MANY];
	static struct hwb_admin_client many_clients[MANY];
	static uint64_t counts[MANY];
	struct top_view now;
	struct top_frame frame = { .now = &now };

	for (uint32_t i = 0; i < MANY; i++) {
		many_devices[i].device.vendor = 0x8086; /* one that is found is not sought again */
		many_devices[i].device.state = i % 5;
		many_devices[i].device.address.bus = (uint8_t)i;
		many_clients[i].id = i + 1;
		memset(many_clients[i].client, 'm', HWB_NAME_SIZE - 1);
	}
	for (unsigned lines = 1; lines <= 61; lines += 3)
		for (unsigned columns = 60; columns <= 200; columns += 20)
			for (int few = 0; few < 2; few++) {
				view(&now, 1, counts);
				now.devices = many_devices;
				now.device_count = few ? 2 : MANY;
				now.clients = many_clients;
				now.client_count = MANY;
				frame.lines = lines;
				frame.columns = columns;
				anew();
				top_print(out, &frame);
				unsigned got = 0;
				for (const char *line = printed(); *line != '\0';
				     line = strchr(line, '\n') + 1) {
					size_t wide = strcspn(line, "\n");
					/* An ellipsis has three bytes. */
					ck_assert_uint_le(wide, columns + 2 * 4);
					got++;
				}
				ck_assert_uint_le(got, lines);
			}
}
END_TEST

/* ---- generate-policy ---- */

static const struct generate_device chosen[] = {
	{ .record = &devices[2], .resets = "flr bus", .asked = true },
	{ .record = &devices[0], .resets = "pm" },
	{ .record = &devices[1], .resets = NULL, .asked = true },
	{ .record = &devices[3], .resets = NULL, .asked = true },
};

START_TEST(a_generated_policy_is_taken)
{
	const struct generate what = {
		.client = "network", .user = "alice", .devices = chosen, .count = 4
	};

	generate_policy(out, &what);
	struct policy *policy = test_policy(as_in("generated.conf"));
	ck_assert_uint_eq(policy_rule_count(policy), 4);
	policy_free(policy);
	for (const char *line = printed(); *line != '\0'; line = strchr(line, '\n') + 1)
		ck_assert_uint_le(strcspn(line, "\n"), 100);
}
END_TEST

/* A PS/2 keyboard and mouse, a serial port, the HPET: what no device has. */
START_TEST(a_generated_policy_of_no_device_is_taken)
{
	const struct context given = { .ports = "0x60,0x64, 0x3f8-0x3ff",
		                       .memory = "0xfed00000-0xfed003ff",
		                       .interrupt = "keyboard,12,com1,5" };
	struct generate what = { .client = "legacy", .user = "alice" };

	ck_assert_int_eq(generate_read_legacy(&what, &given), 0);
	generate_policy(out, &what);
	struct policy *policy = test_policy(as_in("generated-legacy.conf"));
	ck_assert_uint_eq(policy_rule_count(policy), 3);
	policy_free(policy);
	for (const char *line = printed(); *line != '\0'; line = strchr(line, '\n') + 1)
		ck_assert_uint_le(strcspn(line, "\n"), 100);
}
END_TEST

/* Without it the daemon would not take the policy. */
START_TEST(what_needs_force_has_it)
{
	const struct context given = { .ports = "0xcf0-0xcff",
		                       .memory = "0xfed91000-0xfed91fff",
		                       .interrupt = "timer" };
	struct generate what = { .client = "abcdefghijklmnopqrstuvwxyz12345", .user = "alice" };

	ck_assert_int_eq(generate_read_legacy(&what, &given), 0);
	generate_policy(out, &what);
	policy_free(test_policy(printed()));
	ck_assert_ptr_nonnull(strstr(printed(), "# 0xcf8 configures every PCI device"));
	ck_assert_ptr_nonnull(strstr(printed(), "# 0xfed91000 belongs to the IOMMU.\n"));
	ck_assert_ptr_nonnull(strstr(printed(), "# 0 is "));
}
END_TEST

START_TEST(what_is_no_range_or_line)
{
	static const struct context wrong[] = {
		{ .ports = "60" },
		{ .ports = "0x64-0x60" },
		{ .ports = "0x60,,0x64" },
		{ .memory = "0xfed00000+0x400" },
		{ .interrupt = "2" },
		{ .interrupt = "keybord" },
		{ .interrupt = "1,,3" },
		{ .ports = "0x10000" },
		{ .interrupt = "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1" },
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct generate what = { .client = "a", .user = "b" };
		ck_assert_int_eq(generate_read_legacy(&what, &wrong[i]), -1);
	}
}
END_TEST

START_TEST(names_of_clients)
{
	static const char *const good[] = { "a", "a-b_c.9", "9",
		                            "1234567890123456789012345678901" };
	static const char *const bad[] = { "",
		                           "-a",
		                           ".a",
		                           "a b",
		                           "a\n",
		                           "[a]",
		                           "a#b",
		                           "a;b",
		                           "a/b",
		                           "\xc3\xa4",
		                           "12345678901234567890123456789012" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		const struct generate what = {
			.client = good[i], .user = "bob", .devices = chosen, .count = 4
		};
		ck_assert_msg(generate_is_name(good[i]), "%s", good[i]);
		anew();
		generate_policy(out, &what);
		policy_free(test_policy(printed()));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!generate_is_name(bad[i]), "%s", bad[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hwbroker-ctl looks");
	TCase *tests = tcase_create("all");

	setlocale(LC_CTYPE, "C.UTF-8"); /* as main() of the tool does */
	tcase_add_checked_fixture(tests, golden_setup, teardown);
	tcase_add_test(tests, metrics_are_open_metrics);
	tcase_add_test(tests, metrics_for_programs);
	tcase_add_test(tests, happenings_are_as_in_their_files);
	tcase_add_test(tests, interrupts_are_those_of_the_device);
	tcase_add_test(tests, frames_are_as_in_their_files);
	tcase_add_test(tests, frames_for_programs);
	tcase_add_test(tests, frames_fit_their_terminal);
	tcase_add_test(tests, a_generated_policy_is_taken);
	tcase_add_test(tests, a_generated_policy_of_no_device_is_taken);
	tcase_add_test(tests, what_needs_force_has_it);
	tcase_add_test(tests, what_is_no_range_or_line);
	tcase_add_test(tests, names_of_clients);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
