/* SPDX-License-Identifier: MIT */
/* Who is a client, what each may have, and in which words it is refused. */
#include "test_policy_load.h"

#include "suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char text[] = "[client a]\n"             /* line 1 */
                           "user = alice\n"           /* 2 */
                           "[client b]\n"             /* 3 */
                           "user = bob, 1234\n"       /* 4 */
                           "group = drivers\n"        /* 5 */
                           "[device nic]\n"           /* 6 */
                           "client = a\n"             /* 7 */
                           "address = 0000:03:00.0\n" /* 8 */
                           "take = yes\n"             /* 9 */
                           "dma = yes\n"              /* 10 */
                           "config_write = 0x44:0xff, 0x50:0xff00, 0x60:0x00ff00f0, 0x46:0x0f\n"
                           "[device intel]\n"                    /* 12 */
                           "client = a, b\n"                     /* 13 */
                           "id = 8086:*\n"                       /* 14 */
                           "force = yes\n"                       /* 15 */
                           "[device card]\n"                     /* 16 */
                           "client = b\n"                        /* 17 */
                           "address = 0000:04:1f.*\n"            /* 18 */
                           "partial_page = yes\n"                /* 19 */
                           "msix_table = yes\n"                  /* 20 */
                           "restore = yes\n"                     /* 21 */
                           "[device sound]\n"                    /* 22 */
                           "client = b\n"                        /* 23 */
                           "class = audio\n"                     /* 24 */
                           "subsystem = 1af4:1100\n"             /* 25 */
                           "[ports timer]\n"                     /* 26 */
                           "client = a, b\n"                     /* 27 */
                           "range = 0x40-0x43, 0x61\n"           /* 28 */
                           "[ports more]\n"                      /* 29 */
                           "client = a\n"                        /* 30 */
                           "range = 0x44-0x4f, 0xfff0-0xffff\n"; /* 31 */

static struct policy *policy;
static const struct policy_client *a, *b;
static struct policy_device nic, other;

static void setup(void)
{
	policy = test_policy(text);
	a = policy_client_named(policy, "a");
	b = policy_client_named(policy, "b");
	nic = (struct policy_device){
		.address = { .bus = 3 },
		.vendor = 0x8086,
		.device = 0x10d3,
		.subsystem_vendor = 0x1af4,
		.subsystem_device = 0x1100,
		.class_code = 0x020000,
	};
	other = nic;
	other.address.bus = 9;
	other.vendor = 0x10ec;
}

static void teardown(void)
{
	policy_free(policy);
}

static struct policy_verdict ask(const struct policy_client *client, enum policy_kind kind,
                                 const struct policy_device *device)
{
	struct policy_resource resource = { .kind = kind, .device = device };
	struct policy_verdict verdict;

	memset(&verdict, 0xa5, sizeof(verdict)); /* nothing may be left of it */
	policy_decide(policy, client, &resource, &verdict);
	return verdict;
}

/* The sentence with the name of the file cut down to "F". */
static void expect(const struct policy_verdict *verdict, enum hwb_status status, const char *reason)
{
	char shortened[FAULT_REASON], *to = shortened;
	const char *path = policy_path(policy);

	for (const char *at = verdict->why.reason; *at != '\0';) {
		if (strncmp(at, path, strlen(path)) == 0) {
			*to++ = 'F';
			at += strlen(path);
		} else {
			*to++ = *at++;
		}
	}
	*to = '\0';
	ck_assert(!verdict->granted);
	ck_assert_str_eq(shortened, reason);
	ck_assert_int_eq((int)verdict->why.status, (int)status);
}

static const char *rule_of(const struct policy_client *client, const struct policy_device *device)
{
	static struct policy_verdict verdict;

	verdict = ask(client, POLICY_DEVICE, device);
	ck_assert(verdict.granted == (verdict.section[0] != '\0'));
	return verdict.section;
}

START_TEST(subjects_fall_under_clients)
{
	const gid_t groups[] = { 5, 2000 };
	struct policy_subject subject = { .uid = 1000, .gid = 100 };

	ck_assert_ptr_eq(policy_client_of(policy, &subject), a);
	subject.uid = 1001;
	ck_assert_ptr_eq(policy_client_of(policy, &subject), b);
	subject.uid = 1234;
	ck_assert_ptr_eq(policy_client_of(policy, &subject), b);
	subject.uid = 0;
	ck_assert_ptr_null(policy_client_of(policy, &subject));
	subject.gid = 2000;
	ck_assert_ptr_eq(policy_client_of(policy, &subject), b);
	subject.gid = 100;
	subject.groups = groups;
	subject.group_count = 1;
	ck_assert_ptr_null(policy_client_of(policy, &subject));
	subject.group_count = 2;
	ck_assert_ptr_eq(policy_client_of(policy, &subject), b);
	/* First in the file, though her group is another client's. */
	subject.uid = 1000;
	ck_assert_ptr_eq(policy_client_of(policy, &subject), a);
}
END_TEST

START_TEST(root_and_one_group_may_query)
{
	const gid_t groups[] = { 2000, 2001 };
	struct policy_subject subject = { .uid = 1000, .gid = 100 };

	ck_assert(!policy_may_query(policy, &subject));
	subject.gid = 2001;
	ck_assert(policy_may_query(policy, &subject));
	subject = (struct policy_subject){ .uid = 7, .groups = groups, .group_count = 2 };
	ck_assert(policy_may_query(policy, &subject));
	subject = (struct policy_subject){ .uid = 0, .gid = 100 };
	ck_assert(policy_may_query(policy, &subject));

	struct policy *named = test_policy("[broker]\nquery_group = drivers\n");
	subject = (struct policy_subject){ .uid = 7, .gid = 2001 };
	ck_assert(!policy_may_query(named, &subject));
	subject.gid = 2000;
	ck_assert(policy_may_query(named, &subject));
	policy_free(named);
}
END_TEST

START_TEST(who_may_change)
{
	const gid_t groups[] = { 5, 2000 };
	struct policy_subject root = { .uid = 0, .gid = 100 };
	struct policy_subject user = { .uid = 7, .gid = 3, .groups = groups, .group_count = 2 };

	ck_assert(policy_may_change(policy, &root));
	ck_assert(!policy_may_change(policy, &user));

	struct policy *named = test_policy("[broker]\nchange_group = drivers\n");
	ck_assert(policy_may_change(named, &root));
	ck_assert(policy_may_change(named, &user));
	/* Who may change must see what. */
	ck_assert(policy_may_query(named, &user));
	user.group_count = 1;
	ck_assert(!policy_may_change(named, &user));
	ck_assert(!policy_may_query(named, &user));
	policy_free(named);
}
END_TEST

START_TEST(grants_as_words)
{
	const struct policy_device device = { .address = { .device = 3 } };
	char said[200], small[40];
	struct policy *words = test_policy("[client a]\nuser = 1\n"
	                                   "[client b]\nuser = 2\n"
	                                   "[device x]\nclient = a\naddress = 00:03.0\n"
	                                   "take = yes\nrestore = yes\nforce = yes\ndma = yes\n"
	                                   "revoke = 7\nreset = flr, bus\nholders = end\n"
	                                   "config_write = 0x44:0xff, 0x50:0xff00\n"
	                                   "partial_page = yes\nmsix_table = yes\n"
	                                   "count = 2\ntotal = 3\ngrant = mediated\n");

	policy_grant_text(words, policy_client_named(words, "a"), &device, said, sizeof(said));
	ck_assert_str_eq(
	        said,
	        "config_write=0x44:0xff config_write=0x50:0xff00 count=2 dma force "
	        "grant=mediated holders=end msix_table partial_page reset=flr,bus restore revoke=7 take total=3");
	policy_grant_text(words, policy_client_named(words, "a"), &device, small, sizeof(small));
	ck_assert_str_eq(small, "config_write=0x44:0xff ...");
	policy_grant_text(words, policy_client_named(words, "b"), &device, said, sizeof(said));
	ck_assert_str_eq(said, "");
	policy_free(words);
	words = test_policy("[client a]\nuser = 1\n[device x]\nclient = a\naddress = 00:03.0\n");
	policy_grant_text(words, policy_client_named(words, "a"), &device, said, sizeof(said));
	ck_assert_str_eq(said, "revoke=5");
	policy_free(words);
}
END_TEST

START_TEST(ports_by_number)
{
	struct policy_ports ports;
	struct policy *two = test_policy("[client a]\nuser = 1\n[client b]\nuser = 2\n"
	                                 "[ports x]\nclient = b\nrange = 0x40-0x43\n"
	                                 "[ports y]\nclient = a\nrange = 0x61\n");

	ck_assert_uint_eq(policy_client_count(two), 2);
	ck_assert_str_eq(policy_client_at(two, 1)->name, "b");
	ck_assert(policy_ports_at(two, 0, &ports));
	ck_assert_str_eq(ports.client->name, "a");
	ck_assert_str_eq(ports.section, "ports y");
	ck_assert_uint_eq(ports.line, 8);
	ck_assert(ports.first == 0x61 && ports.last == 0x61);
	ck_assert(policy_ports_at(two, 1, &ports));
	ck_assert_str_eq(ports.client->name, "b");
	ck_assert(ports.first == 0x40 && ports.last == 0x43);
	ck_assert(!policy_ports_at(two, 2, &ports));
	policy_free(two);
}
END_TEST

START_TEST(first_matching_rule_wins)
{
	ck_assert_str_eq(rule_of(a, &nic), "device nic");
	ck_assert_str_eq(rule_of(b, &nic), "device intel");

	struct policy_verdict verdict = ask(a, POLICY_DEVICE, &nic);
	ck_assert(verdict.granted);
	ck_assert_str_eq(verdict.file, policy_path(policy));
	ck_assert_uint_eq(verdict.line, 6);
	ck_assert(verdict.grant.take && verdict.grant.dma);
	ck_assert(!verdict.grant.restore && !verdict.grant.force);
	ck_assert(!verdict.grant.partial_page && !verdict.grant.msix_table);
	ck_assert_int_eq((int)verdict.why.status, HWB_OK);
	ck_assert_str_eq(verdict.why.reason, "");

	/* Both rules of b know this one. */
	nic.address = (struct hwb_pci_address){ .bus = 4, .device = 0x1f, .function = 3 };
	ck_assert_str_eq(rule_of(b, &nic), "device intel");
}
END_TEST

START_TEST(all_keys_must_match)
{
	other.address = (struct hwb_pci_address){ .bus = 4, .device = 0x1f };
	for (uint8_t function = 0; function < 8; function++) {
		other.address.function = function;
		ck_assert_str_eq(rule_of(b, &other), "device card");
	}
	other.address.device = 0x1e;
	ck_assert_str_eq(rule_of(b, &other), "");
	other.address.device = 0x1f;
	other.address.domain = 1;
	ck_assert_str_eq(rule_of(b, &other), "");

	other.class_code = 0x040300;
	ck_assert_str_eq(rule_of(b, &other), "device sound");
	other.class_code = 0x040100;
	ck_assert_str_eq(rule_of(b, &other), "device sound");
	other.class_code = 0x040200;
	ck_assert_str_eq(rule_of(b, &other), "");
	other.class_code = 0x040380;
	ck_assert_str_eq(rule_of(b, &other), "device sound");
	other.subsystem_device = 0x1101;
	ck_assert_str_eq(rule_of(b, &other), "");
}
END_TEST

START_TEST(what_is_not_granted_is_not_there)
{
	static const char *const words =
	        "no device 0000:09:00.0 for client `a': it is not there or no [device] section of "
	        "the policy gives it to this client";

	for (int kind = POLICY_DEVICE; kind <= POLICY_CONFIG_WRITE; kind++) {
		struct policy_verdict verdict = ask(a, (enum policy_kind)kind, &other);
		expect(&verdict, HWB_NOT_FOUND, words);
		ck_assert_str_eq(verdict.section, "");
		ck_assert_str_eq(verdict.file, "");
		ck_assert_uint_eq(verdict.line, 0);
	}
	struct policy_verdict verdict = ask(NULL, POLICY_DEVICE, &nic);
	ck_assert(!verdict.granted);
	expect(&verdict, HWB_NOT_FOUND,
	       "who is no client is given nothing: add a [client] section first");
}
END_TEST

START_TEST(unsafe_dma_is_dma_too)
{
	struct policy *one =
	        test_policy("[client a]\nuser = 1\n[device x]\nclient = a\naddress = 00:03.0\n"
	                    "dma = unsafe\n");
	const struct policy_client *client = policy_client_named(one, "a");
	const struct policy_device device = { .address = { .device = 3 } };
	const struct policy_device safe = { .address = { .device = 4 } };
	static const enum policy_kind kinds[] = { POLICY_DMA, POLICY_DMA_UNSAFE };
	char grant[64];

	for (size_t i = 0; i < 2; i++) {
		const struct policy_resource resource = { .kind = kinds[i], .device = &device };
		ck_assert_int_eq(policy_may(one, client, &resource, NULL), 0);
	}
	ck_assert(policy_unsafe_for(one, &device));
	ck_assert(!policy_unsafe_for(one, &safe));
	policy_grant_text(one, client, &device, grant, sizeof(grant));
	ck_assert_str_eq(grant, "dma=unsafe revoke=5");
	policy_free(one);
}
END_TEST

START_TEST(way_of_a_device_whoever_has_it)
{
	struct policy *one =
	        test_policy("[client a]\nuser = 1\n[device x]\nclient = a\naddress = 00:03.0\n"
	                    "grant = mediated\n[device y]\nclient = a\naddress = 00:04.0\n");
	const struct policy_device mediated = { .address = { .device = 3 } };
	const struct policy_device split = { .address = { .device = 4 } };
	const struct policy_device nobodys = { .address = { .device = 5 } };

	ck_assert_int_eq(policy_way_for(one, &mediated), WAY_MEDIATED);
	ck_assert_int_eq(policy_way_for(one, &split), WAY_SPLIT);
	ck_assert_int_eq(policy_way_for(one, &nobodys), WAY_SPLIT);
	policy_free(one);
}
END_TEST

START_TEST(flags_are_asked_for_by_name)
{
	static const struct {
		const char *client;
		enum policy_kind kind;
		enum hwb_status status; /* HWB_OK: granted */
		const char *reason;
	} cases[] = {
		{ "a", POLICY_DMA, HWB_OK, "" },
		{ "a", POLICY_DMA_UNSAFE, HWB_UNSAFE,
		  "[device nic] (F:6) does not allow DMA on this host, where without an IOMMU it "
		  "reaches all of memory; set `dma = unsafe' there" },
		{ "a", POLICY_TAKE, HWB_OK, "" },
		{ "a", POLICY_FORCE, HWB_UNSAFE,
		  "[device nic] (F:6) does not allow taking what the host uses; set `force = yes' "
		  "there" },
		{ "a", POLICY_PARTIAL_PAGE, HWB_UNSAFE,
		  "[device nic] (F:6) does not allow a BAR that shares its page with other "
		  "registers; set `partial_page = yes' there" },
		{ "a", POLICY_MSIX_TABLE, HWB_UNSAFE,
		  "[device nic] (F:6) does not allow a BAR with the MSI-X table, and this host does "
		  "not remap interrupts; set `msix_table = yes' there" },
		{ "b", POLICY_FORCE, HWB_OK, "" },
		{ "b", POLICY_DMA, HWB_DENIED,
		  "[device intel] (F:12) does not allow DMA; set `dma = yes' there" },
		{ "b", POLICY_TAKE, HWB_DENIED,
		  "[device intel] (F:12) does not allow taking it from its host driver; set `take = "
		  "yes' there" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct policy_verdict verdict =
		        ask(policy_client_named(policy, cases[i].client), cases[i].kind, &nic);
		if (cases[i].status == HWB_OK)
			ck_assert(verdict.granted);
		else
			expect(&verdict, cases[i].status, cases[i].reason);
	}
	other.address = (struct hwb_pci_address){ .bus = 4, .device = 0x1f };
	ck_assert(ask(b, POLICY_PARTIAL_PAGE, &other).granted);
	ck_assert(ask(b, POLICY_MSIX_TABLE, &other).granted);
	ck_assert(ask(b, POLICY_DEVICE, &other).grant.restore);
}
END_TEST

static struct policy_verdict write_config(uint32_t offset, uint32_t width, uint32_t changed)
{
	struct policy_resource resource = {
		.kind = POLICY_CONFIG_WRITE,
		.device = &nic,
		.offset = offset,
		.count = width,
		.changed = changed,
	};
	struct policy_verdict verdict;

	policy_decide(policy, a, &resource, &verdict);
	return verdict;
}

START_TEST(config_bits_are_allowed_one_by_one)
{
	/* 0x44:0xff */
	ck_assert(write_config(0x44, 1, 0xff).granted);
	ck_assert(write_config(0x44, 1, 0x01).granted);
	/* A byte that no mask names is not written, be it with what it holds. */
	ck_assert(!write_config(0x44, 2, 0x00ff).granted);
	struct policy_verdict verdict = write_config(0x44, 2, 0x01ff);
	expect(&verdict, HWB_DENIED,
	       "[device nic] (F:6) does not allow writing bits 0xff at 0x45 of configuration space; "
	       "add 0x45:0xff to `config_write' there");
	verdict = write_config(0x46, 2, 0x801f);
	expect(&verdict, HWB_DENIED,
	       "[device nic] (F:6) does not allow writing bits 0x10 at 0x46 of configuration space; "
	       "add 0x46:0x10 to `config_write' there");
	/* 0x50:0xff00 is the byte at 0x51. */
	ck_assert(write_config(0x51, 1, 0xff).granted);
	ck_assert(!write_config(0x50, 1, 0x01).granted);
	ck_assert(write_config(0x50, 2, 0xff00).granted);
	/* 0x60:0x00ff00f0 */
	ck_assert(write_config(0x60, 4, 0x00ff00f0).granted);
	ck_assert(!write_config(0x60, 4, 0x01ff00f0).granted);
	ck_assert(write_config(0x62, 2, 0x00ff).granted);
	ck_assert(!write_config(0x62, 2, 0x01ff).granted);
	/* Nothing changes, and yet the register would be written. */
	ck_assert(!write_config(0x04, 2, 0).granted);
	ck_assert(write_config(0x44, 1, 0).granted);
	ck_assert(!write_config(0x04, 2, 4).granted);
	ck_assert_int_eq((int)write_config(0xfff, 1, 1).why.status, HWB_DENIED);
}
END_TEST

START_TEST(senseless_config_writes_are_refused)
{
	static const struct {
		uint32_t offset, width, changed;
	} cases[] = {
		{ 0x44, 0, 0 },          { 0x44, 3, 1 },           { 0x44, 8, 1 },
		{ 0x1000, 1, 0 },        { 0xffe, 4, 0 },          { 0x44, 1, 0x100 },
		{ UINT32_MAX, 1, 0xff }, { UINT32_MAX - 1, 4, 1 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct policy_verdict verdict =
		        write_config(cases[i].offset, cases[i].width, cases[i].changed);
		ck_assert(!verdict.granted);
		ck_assert_int_eq((int)verdict.why.status, HWB_INVALID);
	}
}
END_TEST

static struct policy_verdict ask_ports(const struct policy_client *client, uint32_t first,
                                       uint32_t count)
{
	struct policy_resource resource = {
		.kind = POLICY_PORTS,
		.offset = first,
		.count = count,
	};
	struct policy_verdict verdict;

	memset(&verdict, 0xa5, sizeof(verdict));
	policy_decide(policy, client, &resource, &verdict);
	return verdict;
}

START_TEST(interrupts)
{
	struct policy *lines = test_policy("[client a]\nuser = alice\n"
	                                   "[client b]\nuser = bob\n"
	                                   "[interrupt keys]\nclient = b, a\nirq = mouse, 1\n"
	                                   "[interrupt pit]\nclient = b\nirq = timer\n"
	                                   "force = yes\nsource = poll\nrate = 18\n"
	                                   "[interrupt board]\nclient = a\nirq = 5\n"
	                                   "source = uio\nuio = panel\n");
	const struct policy_client *first = policy_client_named(lines, "a");
	static const struct {
		const char *client;
		uint32_t number;
		const char *section, *words;
		uint32_t line;
	} given[] = {
		{ "a", 1, "interrupt keys", "rate=100 source=auto", 5 },
		{ "a", 5, "interrupt board", "source=uio uio=panel", 14 },
		{ "a", 12, "interrupt keys", "rate=100 source=auto", 5 },
		{ "b", 0, "interrupt pit", "rate=18 source=poll", 8 },
		{ "b", 1, "interrupt keys", "rate=100 source=auto", 5 },
		{ "b", 12, "interrupt keys", "rate=100 source=auto", 5 },
	};
	enum { GIVEN = sizeof(given) / sizeof(given[0]) };
	struct policy_interrupt interrupt;
	struct policy_verdict verdict;

	ck_assert_uint_eq(policy_rule_count(lines), 3);
	for (uint32_t i = 0; i < GIVEN; i++) {
		ck_assert(policy_interrupt_at(lines, i, &interrupt));
		ck_assert_str_eq(interrupt.client->name, given[i].client);
		ck_assert_uint_eq(interrupt.number, given[i].number);
		ck_assert_str_eq(interrupt.section, given[i].section);
		ck_assert_str_eq(interrupt.words, given[i].words);
		ck_assert_uint_eq(interrupt.line, given[i].line);
	}
	ck_assert(!policy_interrupt_at(lines, GIVEN, &interrupt));
	for (uint32_t number = 0; number < 18; number++) {
		struct policy_resource line = { .kind = POLICY_INTERRUPT, .offset = number };
		policy_decide(lines, first, &line, &verdict);
		ck_assert_int_eq(verdict.granted, number == 1 || number == 5 || number == 12);
		if (!verdict.granted)
			ck_assert_int_eq(verdict.why.status,
			                 number < 16 ? HWB_DENIED : HWB_INVALID);
	}
	policy_decide(lines, first, &(struct policy_resource){ POLICY_INTERRUPT, .offset = 5 },
	              &verdict);
	ck_assert_int_eq(verdict.interrupt.source, POLICY_SOURCE_UIO);
	ck_assert_str_eq(verdict.interrupt.uio, "panel");
	policy_decide(lines, NULL, &(struct policy_resource){ POLICY_INTERRUPT, .offset = 5 },
	              &verdict);
	ck_assert(!verdict.granted);
	policy_free(lines);
}
END_TEST

START_TEST(ports_are_covered_as_a_whole)
{
	struct policy_verdict verdict = ask_ports(b, 0x40, 4);

	ck_assert(verdict.granted);
	ck_assert_str_eq(verdict.section, "ports timer");
	ck_assert_uint_eq(verdict.line, 26);
	ck_assert(ask_ports(b, 0x43, 1).granted);
	ck_assert(ask_ports(b, 0x61, 1).granted);
	/* Over two sections. */
	ck_assert(ask_ports(a, 0x40, 0x10).granted);
	ck_assert(ask_ports(a, 0x42, 3).granted);
	ck_assert(ask_ports(a, 0xfff0, 16).granted);
	ck_assert(ask_ports(a, 0xffff, 1).granted);

	verdict = ask_ports(b, 0x40, 5);
	expect(&verdict, HWB_DENIED,
	       "no [ports] section of F gives port 0x44 to client `b'; add it to `range' of one");
	verdict = ask_ports(b, 0x3f, 2);
	expect(&verdict, HWB_DENIED,
	       "no [ports] section of F gives port 0x3f to client `b'; add it to `range' of one");
	verdict = ask_ports(a, 0x40, 0x11);
	expect(&verdict, HWB_DENIED,
	       "no [ports] section of F gives port 0x50 to client `a'; add it to `range' of one");
	/* b's first is behind a's last in the order of grants. */
	verdict = ask_ports(b, 0xfff0, 1);
	expect(&verdict, HWB_DENIED,
	       "no [ports] section of F gives port 0xfff0 to client `b'; add it to `range' of one");
	verdict = ask_ports(b, 0x61, 2);
	expect(&verdict, HWB_DENIED,
	       "no [ports] section of F gives port 0x62 to client `b'; add it to `range' of one");
	ck_assert_int_eq((int)ask_ports(NULL, 0x40, 1).why.status, HWB_DENIED);
}
END_TEST

START_TEST(senseless_ports_are_refused)
{
	static const uint32_t cases[][2] = {
		{ 0x40, 0 },
		{ 0x10000, 1 },
		{ 0xffff, 2 },
		{ 0xfff0, 17 },
		{ 0x40, UINT32_MAX },
		{ UINT32_MAX, UINT32_MAX },
		{ 0xfff0, 0xfffffff0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct policy_verdict verdict = ask_ports(a, cases[i][0], cases[i][1]);
		ck_assert(!verdict.granted);
		ck_assert_int_eq((int)verdict.why.status, HWB_INVALID);
	}
}
END_TEST

/* Those of two rules that touch are one range: what is listed can be opened whole. */
START_TEST(ports_of_a_client_are_listed)
{
	static const struct {
		const struct policy_client **client;
		uint32_t from, first, last;
	} cases[] = {
		{ &a, 0, 0x40, 0x4f },          { &a, 0x45, 0x45, 0x4f },
		{ &a, 0x50, 0x61, 0x61 },       { &a, 0x62, 0xfff0, 0xffff },
		{ &a, 0xffff, 0xffff, 0xffff }, { &b, 0, 0x40, 0x43 },
		{ &b, 0x44, 0x61, 0x61 },
	};
	uint32_t first, last;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert(
		        policy_ports_from(policy, *cases[i].client, cases[i].from, &first, &last));
		ck_assert_uint_eq(first, cases[i].first);
		ck_assert_uint_eq(last, cases[i].last);
		ck_assert(ask_ports(*cases[i].client, first, last - first + 1).granted);
	}
	ck_assert(!policy_ports_from(policy, a, 0x10000, &first, &last));
	ck_assert(!policy_ports_from(policy, b, 0x62, &first, &last));
}
END_TEST

START_TEST(rules_are_found_for_any_client)
{
	ck_assert_str_eq(policy_rule_for(policy, &nic), "nic");
	nic.address.bus = 7;
	ck_assert_str_eq(policy_rule_for(policy, &nic), "intel");
	ck_assert_str_eq(policy_rule_for(policy, &other), "");
	ck_assert_uint_eq(policy_rule_count(policy), 6);
}
END_TEST

START_TEST(an_empty_policy_grants_nothing)
{
	struct policy *empty = test_policy("");
	struct policy_subject subject = { .uid = 1000 };
	struct policy_resource resource = { .kind = POLICY_DEVICE, .device = &nic };
	struct policy_verdict verdict;

	ck_assert_ptr_null(policy_client_of(empty, &subject));
	policy_decide(empty, NULL, &resource, &verdict);
	ck_assert(!verdict.granted);
	resource = (struct policy_resource){ .kind = POLICY_PORTS, .offset = 0x40, .count = 1 };
	policy_decide(empty, NULL, &resource, &verdict);
	ck_assert(!verdict.granted);
	ck_assert_str_eq(policy_rule_for(empty, &nic), "");
	ck_assert_uint_eq(policy_rule_count(empty), 0);
	policy_free(empty);
	policy_free(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy decisions");
	TCase *tests = tcase_create("decide");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 30);
	tcase_add_test(tests, subjects_fall_under_clients);
	tcase_add_test(tests, root_and_one_group_may_query);
	tcase_add_test(tests, who_may_change);
	tcase_add_test(tests, grants_as_words);
	tcase_add_test(tests, ports_by_number);
	tcase_add_test(tests, first_matching_rule_wins);
	tcase_add_test(tests, all_keys_must_match);
	tcase_add_test(tests, what_is_not_granted_is_not_there);
	tcase_add_test(tests, flags_are_asked_for_by_name);
	tcase_add_test(tests, unsafe_dma_is_dma_too);
	tcase_add_test(tests, way_of_a_device_whoever_has_it);
	tcase_add_test(tests, config_bits_are_allowed_one_by_one);
	tcase_add_test(tests, senseless_config_writes_are_refused);
	tcase_add_test(tests, interrupts);
	tcase_add_test(tests, ports_are_covered_as_a_whole);
	tcase_add_test(tests, senseless_ports_are_refused);
	tcase_add_test(tests, ports_of_a_client_are_listed);
	tcase_add_test(tests, rules_are_found_for_any_client);
	tcase_add_test(tests, an_empty_policy_grants_nothing);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
