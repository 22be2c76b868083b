/* SPDX-License-Identifier: MIT */
/*
 * What hwbroker-ctl prints: tables and JSON of fixed records against the files in
 * tests/golden/ctl. The records' vendors are in no pci.ids, so that the output is the
 * same on every machine. What it is made of is in test_ctl_words.c.
 */
#include "json.h"
#include "names.h"
#include "print.h"
#include "suite.h"
#include "test_golden.h"

#include <check.h>
#include <jansson.h>
#include <locale.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* ---- records ---- */

static const struct hwb_admin_device devices[] = {
	{
	        .device = { .address = { 0, 0, 3, 0, 0 },
	                    .vendor = 0x0bad,
	                    .device = 0x0001,
	                    .class_code = 0x020000,
	                    .iommu_group = 3,
	                    .state = HWB_DEVICE_GRANTED,
	                    .flags = HWB_DEVICE_RESETS,
	                    .msi_vectors = 1,
	                    .msix_vectors = 5,
	                    .bars = { { 0xfebc0000, 0x20000, 0, 0 },
	                              { 0xc000, 0x20, HWB_BAR_IO, 0 },
	                              { 0 },
	                              { 0xfe000000, 0x4000,
	                                HWB_BAR_64BIT | HWB_BAR_PREFETCHABLE | HWB_BAR_MSIX_TABLE,
	                                0 } } },
	        .host_driver = "vfio-pci",
	        .client = "network",
	        .rule = "nic",
	},
	{
	        .device = { .address = { 0, 0, 4, 0, 0 },
	                    .vendor = 0x0bad,
	                    .device = 0x00ff,
	                    .class_code = 0x010802,
	                    .iommu_group = 4,
	                    .state = HWB_DEVICE_QUARANTINED,
	                    .msix_vectors = 2048,
	                    .virtual_functions = 2,
	                    .bars = { { 0xfebf1000, 0x100, HWB_BAR_PARTIAL_PAGE, 0 } } },
	        .host_driver = "vfio-pci",
	        .rule = "disk",
	        .note = "it did not come back from a reset: try `echo 1 > .../remove'",
	},
	{
	        /* Everything as long as it can be, without a terminating NUL. */
	        .device = { .address = { 0x10000, 0xff, 31, 7, 0 },
	                    .vendor = 0x0bad,
	                    .device = 0xffff,
	                    .class_code = 0xff0000,
	                    .iommu_group = UINT32_MAX,
	                    .state = 99 },
	        .host_driver = "a-driver-with-the-longest-name-1",
	        .client = "a-client-with-the-longest-name-1",
	        .rule = "a-rule-with-the-longest-name-123",
	},
	{ .device = { .vendor = 0x0bad,
	              .device = 0x0002,
	              .state = HWB_DEVICE_HOST,
	              .flags = HWB_DEVICE_VIRTUAL,
	              .physical_function = 0x20 } },
};

static const struct hwb_admin_client clients[] = {
	{ .id = 1,
	  .pid = 812,
	  .uid = 990,
	  .gid = 991,
	  .sessions = 7,
	  .mappings = 12,
	  .dma_bytes = 0x1800000,
	  .connected_ms = 7260000,
	  .requests = 123456789,
	  .client = "network" },
	{ .id = UINT32_MAX,
	  .pid = UINT32_MAX,
	  .uid = UINT32_MAX - 1,
	  .gid = UINT32_MAX - 1,
	  .sessions = 65535,
	  .mappings = 65535,
	  .dma_bytes = 1ull << 40,
	  .connected_ms = 400ull * 86400 * 1000,
	  .requests = 9007199254740993,
	  .client = "gr\xc3\xbc\xc3\x9f" },
	{ .id = 3, .connected_ms = 999 },
};

static const struct hwb_admin_session sessions[] = {
	{ .connection = 1,
	  .handle = 1,
	  .kind = HWB_SESSION_DEVICE,
	  .client = "network",
	  .resource = "0000:00:03.0 with DMA" },
	{ .connection = 1,
	  .handle = 2,
	  .kind = HWB_SESSION_IO_MEM,
	  .client = "network",
	  .resource = "0000:00:03.0 BAR 0 0xfebc0000-0xfebdffff wc" },
	{ .connection = 1,
	  .handle = 3,
	  .kind = HWB_SESSION_IO_PORT,
	  .client = "network",
	  .resource = "ports 0x60-0x60" },
	{ .connection = 1,
	  .handle = 4,
	  .kind = HWB_SESSION_IRQ,
	  .client = "network",
	  .resource = "0000:00:03.0 MSI-X, 5 vectors" },
	{ .connection = 1,
	  .handle = 5,
	  .kind = HWB_SESSION_DOMAIN,
	  .client = "network",
	  .resource = "12 mappings, 25165824 bytes, 1 device" },
	{ .connection = 2, .handle = UINT32_MAX, .kind = 77, .client = "other" },
};

static const struct hwb_status_reply status = {
	.uptime_ms = 3 * 86400 * 1000,
	.pid = 417,
	.flags = HWB_STATUS_IOMMU | HWB_STATUS_VFIO | HWB_STATUS_LOCKDOWN | HWB_STATUS_RESUMES,
	.devices = 12,
	.devices_granted = 2,
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

static const char problems[] =
        "no interrupt remapping: a device can forge interrupts; enable it in the firmware\n"
        "no line end behind this one";

enum {
	DEVICES = sizeof(devices) / sizeof(devices[0]),
	CLIENTS = sizeof(clients) / sizeof(clients[0]),
	SESSIONS = sizeof(sessions) / sizeof(sessions[0]),
};

/* Sorted as `list groups' has them. */
static const struct hwb_admin_member members[] = {
	{ .address = { 0, 0, 2, 0, 0 },
	  .iommu_group = 1,
	  .class_code = 0x030000,
	  .vendor = 0x0bad,
	  .device = 0x00f0,
	  .flags = HWB_MEMBER_ON_BUS | HWB_MEMBER_IN_THE_WAY,
	  .driver = "bochs" },
	{ .address = { 0, 0, 3, 0, 0 },
	  .iommu_group = 3,
	  .class_code = 0x020000,
	  .vendor = 0x0bad,
	  .device = 0x0001,
	  .flags = HWB_MEMBER_ON_BUS,
	  .state = HWB_DEVICE_GRANTED,
	  .owned_ms = 300000,
	  .connection = 7,
	  .pid = 812,
	  .uid = 990,
	  .driver = "vfio-pci",
	  .client = "network",
	  .resets = "flr bus",
	  .slot = "3",
	  .path = "pci0000:00/0000:00:03.0" },
	{ .address = { 0, 0, 3, 1, 0 },
	  .iommu_group = 3,
	  .class_code = 0x060400,
	  .vendor = 0x0bad,
	  .device = 0x0003,
	  .flags = HWB_MEMBER_BRIDGE,
	  .driver = "pcieport" },
	{ .address = { 0, 0, 31, 0, 0 },
	  .iommu_group = 9,
	  .class_code = 0x060100,
	  .vendor = 0x0bad,
	  .device = 0x0004,
	  .flags = HWB_MEMBER_BRIDGE | HWB_MEMBER_IN_THE_WAY,
	  .driver = "lpc_ich" },
	{ .address = { 0, 0, 31, 3, 0 },
	  .iommu_group = 9,
	  .class_code = 0x040300,
	  .vendor = 0x0bad,
	  .device = 0x0005,
	  .flags = HWB_MEMBER_ON_BUS | HWB_MEMBER_IN_THE_WAY,
	  .driver = "snd\x1b[31m" },
	{ .address = { 1, 0, 0, 0, 0 },
	  .iommu_group = UINT32_MAX,
	  .vendor = 0x0bad,
	  .device = 0x0006,
	  .flags = HWB_MEMBER_ON_BUS },
};

static const struct hwb_admin_rule rules[] = {
	{ .address = { 0, 0, 3, 0, 0 },
	  .line = 12,
	  .client = "network",
	  .rule = "device nic",
	  .file = "/etc/hwbroker/hwbroker.conf",
	  .grant = "dma reset=flr,bus revoke=5 take" },
	{ .address = { 0, 0, 4, 0, 0 }, .line = 13, .client = "other", .rule = "device disk" },
	{ .address = { 0, 0, 3, 0, 0 },
	  .line = 3,
	  .client = "spare",
	  .rule = "device all",
	  .file = "/etc/hwbroker/policy.d/spare.conf",
	  .grant = "revoke=5" },
	{ .kind = HWB_RULE_PORTS, .line = 20, .first = 0x40, .last = 0x43, .client = "network" },
};

static const struct hwb_finding kept[] = {
	{ .level = HWB_FINDING_BLOCKS,
	  .code = "kept",
	  .file = "/etc/hwbroker/hwbroker.conf",
	  .text = "the policy in force stays: the new one has mistakes" },
	{ .level = HWB_FINDING_BLOCKS,
	  .code = "mistake",
	  .line = 7,
	  .file = "/etc/hwbroker/policy.d/x.conf",
	  .text = "there is no [client drivr]; did you mean `driver'?" },
};

static const struct hwb_finding loaded[] = {
	{ .code = "loaded", .file = "/etc/hwbroker/hwbroker.conf", .text = "5 rules are in force" },
};

enum {
	MEMBERS = sizeof(members) / sizeof(members[0]),
	RULES = sizeof(rules) / sizeof(rules[0]),
};

/* ---- against the files ---- */

static void print_all(const char *kind, unsigned width)
{
	char name[32];

	snprintf(name, sizeof(name), "%s-%u.txt", kind, width);
	switch (kind[0]) {
	case 'd':
		print_devices(out, width, devices, DEVICES);
		names_end();
		break;
	case 'c':
		print_clients(out, width, clients, CLIENTS);
		break;
	case 'g':
		print_groups(out, width, members, MEMBERS);
		names_end();
		break;
	default:
		print_sessions(out, width, sessions, SESSIONS);
		break;
	}
	as_in(name);
}

static const struct {
	const char *kind;
	unsigned width;
} tables[] = {
	{ "devices", 0 },  { "devices", 80 }, { "devices", 200 }, { "clients", 0 },
	{ "clients", 80 }, { "sessions", 0 }, { "sessions", 40 }, { "sessions", 80 },
	{ "groups", 0 },   { "groups", 80 },
};

START_TEST(tables_are_as_in_their_files)
{
	print_all(tables[_i].kind, tables[_i].width);
}
END_TEST

START_TEST(json_is_as_in_its_files)
{
	json_devices(out, devices, DEVICES);
	names_end();
	as_in("devices.json");
	anew();
	json_clients(out, clients, CLIENTS);
	as_in("clients.json");
	anew();
	json_sessions(out, sessions, SESSIONS);
	as_in("sessions.json");
	anew();
	json_status(out, &status, problems);
	as_in("status.json");
	anew();
	print_status(out, 0, &status, problems);
	as_in("status.txt");
}
END_TEST

START_TEST(what_is_told_of_one_device_is_as_in_its_files)
{
	struct device_view view = { &devices[0], members, MEMBERS, rules, RULES };

	print_device(out, &view);
	as_in("show.txt");
	anew();
	json_show(out, &view);
	as_in("show.json");
	/* No group, no rule, and it is not among the members. */
	view.record = &devices[2];
	anew();
	print_device(out, &view);
	as_in("show-little.txt");
	anew();
	json_show(out, &view);
	as_in("show-little.json");
	names_end();
}
END_TEST

static const struct hwb_finding explained[] = {
	{ .code = "client", .text = "client `network'" },
	{ .code = "policy",
	  .rule = "device nic",
	  .file = "/etc/hwbroker/hwbroker.conf",
	  .line = 12,
	  .text = "the policy gives it" },
	{ .level = HWB_FINDING_LIMITS,
	  .code = "dma",
	  .text = "no DMA: its rule does not say `dma = yes'" },
	{ .level = HWB_FINDING_BLOCKS,
	  .code = "take",
	  .text = "the host itself needs 0000:00:04.0: it carries the file system on /var (`force = "
	          "yes' in its rule would take it all the same)" },
};

static const struct hwb_finding audited[] = {
	{ .address = { 0, 0, 3, 0, 0 }, .code = "assignable", .text = "it can be given away" },
	{ .address = { 0, 0, 4, 0, 0 },
	  .level = HWB_FINDING_BLOCKS,
	  .code = "mounted",
	  .text = "the host needs it: it carries the file system on \x1b[2J/var" },
	{ .address = { 0, 0, 4, 0, 0 },
	  .level = HWB_FINDING_LIMITS,
	  .code = "no-reset",
	  .text = "the kernel has no way to reset it: after its first client it is for nobody, "
	          "unless its rule says `reset = none'" },
};

START_TEST(explanations_are_as_in_their_files)
{
	ck_assert(!print_explain(out, 80, explained, 4));
	ck_assert(print_explain(out, 0, explained, 3));
	as_in("explain.txt");
	anew();
	json_explain(out, explained, 4);
	as_in("explain.json");
	anew();
	print_audit(out, 80, audited, 3);
	as_in("audit.txt");
	anew();
	json_audit(out, audited, 3);
	as_in("audit.json");
}
END_TEST

START_TEST(groups_and_reloads_are_as_in_their_files)
{
	json_groups(out, members, MEMBERS);
	names_end();
	as_in("groups.json");
	anew();
	print_reload(out, kept, 2);
	print_reload(out, loaded, 1);
	as_in("reload.txt");
	anew();
	json_reload(out, kept, 2);
	as_in("reload-kept.json");
	anew();
	json_reload(out, loaded, 1);
	as_in("reload-loaded.json");
}
END_TEST

/* ---- Genode ---- */

START_TEST(genode_xml_is_as_in_its_files)
{
	static const struct hwb_device granted[] = {
		{ .address = { 0, 0, 3, 0, 0 },
		  .vendor = 0x0bad,
		  .device = 0x0001,
		  .class_code = 0x020000,
		  .intx_pin = 1,
		  .iommu_group = 3,
		  .state = HWB_DEVICE_GRANTED,
		  .flags = HWB_DEVICE_MAY_DMA,
		  .msi_vectors = 1,
		  .irq_number = 0x10018,
		  .bars = { { 0xfebc0000, 0x20000, 0, 0 }, { 0xc000, 0x20, HWB_BAR_IO, 0 } } },
		{ .address = { 0, 0, 4, 0, 0 },
		  .vendor = 0x0bad,
		  .device = 0xffff,
		  .iommu_group = 4 },
	};

	ck_assert_int_eq(print_genode_devices(out, granted, 2), 0);
	as_in("genode-devices.xml");
	anew();
	ck_assert_int_eq(print_genode_devices(out, NULL, 0), 0);
	as_in("genode-devices-none.xml");
	anew();
	ck_assert_int_eq(print_genode_platform_info(out, NULL), 0);
	as_in("genode-platform-info.xml");
	anew();
	ck_assert_int_eq(print_genode_platform_info(out, "0x3ffd000000,1920x1080x32,7680"), 0);
	as_in("genode-platform-info-framebuffer.xml");
}
END_TEST

START_TEST(framebuffers_that_are_none)
{
	static const char *const wrong[] = {
		"",
		"0xfd000000",
		"0xfd000000,1024x768x32",
		"0xfd000000,1024x768x32,",
		"0xfd000000,1024x768x32,4096,",
		"0xfd000000,1024x768x32,4096 ",
		" 0xfd000000,1024x768x32,4096",
		"-1,1024x768x32,4096",
		"0xfd000000,+1024x768x32,4096",
		"0x1fd0000000000000000,1024x768x32,4096",
		"0xfd000000,0x768x32,4096",
		"0xfd000000,1024x0x32,4096",
		"0xfd000000,1024x768x0,4096",
		"0xfd000000,1024x768x32,4095", /* a line does not fit */
		"0xfd000000,65536x768x32,262144",
		"0xfd000000,1024x768x32,0x100000000",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_msg(print_genode_platform_info(out, wrong[i]) == -1, "%s", wrong[i]);
	ck_assert_str_eq(printed(), "");
}
END_TEST

/* ---- JSON ---- */

static json_t *parsed(void)
{
	json_error_t error;
	json_t *value = json_loads(printed(), 0, &error);

	ck_assert_msg(value != NULL, "line %d: %s", error.line, error.text);
	return value;
}

START_TEST(nothing_is_an_empty_array)
{
	json_t *value;

	json_devices(out, NULL, 0);
	names_end();
	value = parsed();
	ck_assert(json_is_array(value) && json_array_size(value) == 0);
	json_decref(value);
	anew();
	json_sessions(out, NULL, 0);
	value = parsed();
	ck_assert(json_is_array(value) && json_array_size(value) == 0);
	json_decref(value);
	anew();
	json_status(out, &status, "");
	value = parsed();
	ck_assert_uint_eq(json_array_size(json_object_get(value, "problems")), 0);
	json_decref(value);
}
END_TEST

START_TEST(json_stays_valid_whatever_names_hold)
{
	static const char *const names[] = { "\"quoted\\", "tab\there", "\x1b[31mred",
		                             "\xff\xfe",   "cut \xc3",  "\xe2\x80\xa8" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct hwb_admin_session session = { .kind = HWB_SESSION_IRQ };
		anew();
		memcpy(session.client, names[i], strlen(names[i]));
		memset(session.resource, 'r', sizeof(session.resource));
		json_sessions(out, &session, 1);
		json_t *value = parsed();
		json_t *first = json_array_get(value, 0);
		ck_assert(json_is_string(json_object_get(first, "client")));
		ck_assert_uint_eq(json_string_length(json_object_get(first, "resource")),
		                  sizeof(session.resource));
		if (i < 3)
			ck_assert_str_eq(json_string_value(json_object_get(first, "client")),
			                 names[i]);
		json_decref(value);
	}
}
END_TEST

/* Not only cells: a terminal obeys what stands below the table as well. */
START_TEST(notes_and_problems_are_printable)
{
	static const struct hwb_admin_device device = { .note = "a\x1b[31mb" };
	struct hwb_status_reply reply = status;

	print_devices(out, 0, &device, 1);
	names_end();
	ck_assert_ptr_null(strchr(printed(), '\x1b'));
	anew();
	memcpy(reply.policy, "/\x1b[2J", 6);
	/* A problem is long, and goes on below its beginning. */
	print_status(out, 40, &reply, "a problem that takes more than one line of forty");
	ck_assert_ptr_nonnull(strstr(printed(), "Problem: a problem that takes more than\n"
	                                        "         one line of forty\n"));
	anew();
	print_status(out, 0, &reply, "a\x1b[31mb");
	ck_assert_ptr_null(strchr(printed(), '\x1b'));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hwbroker-ctl");
	TCase *files = tcase_create("files");
	TCase *parts = tcase_create("parts");

	setlocale(LC_CTYPE, "C.UTF-8"); /* as main() of the tool does */
	tcase_add_checked_fixture(files, golden_setup, golden_teardown);
	tcase_add_checked_fixture(parts, golden_setup, golden_teardown);
	tcase_add_loop_test(files, tables_are_as_in_their_files, 0,
	                    (int)(sizeof(tables) / sizeof(tables[0])));
	tcase_add_test(files, json_is_as_in_its_files);
	tcase_add_test(files, what_is_told_of_one_device_is_as_in_its_files);
	tcase_add_test(files, explanations_are_as_in_their_files);
	tcase_add_test(files, groups_and_reloads_are_as_in_their_files);
	tcase_add_test(files, genode_xml_is_as_in_its_files);
	tcase_add_test(parts, framebuffers_that_are_none);
	tcase_add_test(parts, nothing_is_an_empty_array);
	tcase_add_test(parts, json_stays_valid_whatever_names_hold);
	tcase_add_test(parts, notes_and_problems_are_printable);
	suite_add_tcase(suite, files);
	suite_add_tcase(suite, parts);
	return suite_run(suite);
}
