/* SPDX-License-Identifier: MIT */
/* `check FILE...' and `diff [FILE]': policies, before they are loaded. */
#define _GNU_SOURCE /* strnlen */
#include "broker.h"
#include "changes.h"
#include "findings.h"
#include "json.h"
#include "json_build.h"
#include "names.h"
#include "print.h"
#include "table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- check ---- */

static json_t *json_mistakes(const char *report)
{
	json_t *list = json_array();

	while (*report != '\0') {
		size_t length = strcspn(report, "\n");
		json_array_append_new(list, json_text(report, length));
		report += length + (report[length] == '\n');
	}
	return list;
}

int check_policies(const struct context *context)
{
	json_t *list = json_array();
	int status = EXIT_OK;

	for (unsigned i = 0; i < context->word_count; i++) {
		struct policy *policy = NULL;
		char *report = NULL, rules[POLICY_RULES_TEXT];
		bool good = policy_load(context->words[i], &policy, &report) == 0;
		json_t *object = json_object();
		json_set(object, "file", json_text(context->words[i], strlen(context->words[i])));
		json_set(object, "rules",
		         good ? json_integer((json_int_t)policy_rule_count(policy)) : json_null());
		json_set(object, "mistakes", json_mistakes(report != NULL ? report : ""));
		json_array_append_new(list, object);
		if (!context->json && good)
			fprintf(context->out, "%s: %s, no mistake\n", context->words[i],
			        policy_rules_text(policy, rules));
		else if (!context->json)
			fputs(report != NULL ? report : "no memory to read the policy\n", stderr);
		status = good ? status : EXIT_REFUSED;
		if (good)
			policy_free(policy);
		free(report);
	}
	if (context->json)
		json_finish(context->out, list);
	else
		json_decref(list);
	return status;
}

/* ---- diff ---- */

enum { RESOURCE = 48 };

static void resource_of(const struct change *change, char text[RESOURCE])
{
	if (change->itself)
		snprintf(text, RESOURCE, "%s",
		         change->kind == CHANGE_TERMS ? "who it is, and limits" : "a place");
	else if (change->memory)
		snprintf(text, RESOURCE, "memory 0x%" PRIx64 "-0x%" PRIx64, change->base,
		         change->end);
	else if (change->ports)
		snprintf(text, RESOURCE, "ports 0x%x-0x%x", change->first, change->last);
	else if (change->interrupt)
		snprintf(text, RESOURCE, "interrupt %u", change->first);
	else
		names_address(&change->address, text);
}

/* ---- virtual functions ---- */

/* For programs. */
static const char *const whens[] = {
	[WHEN_AT_ONCE] = "at-once", [WHEN_IDLE] = "idle", [WHEN_DRIVER] = "host-driver",
	[WHEN_ENOUGH] = "nothing",  [WHEN_KEPT] = "kept", [WHEN_REFUSED] = "never",
};

static const char *plural(uint32_t count)
{
	return count == 1 ? "" : "s";
}

static void print_when(FILE *out, const struct change_virtual *virtual)
{
	const char *all = virtual->now != 0 && virtual->wanted != 0
	                          ? ": first all that are there are removed"
	                          : "";

	switch (virtual->when) {
	case WHEN_AT_ONCE:
		fprintf(out, "    at once%s\n", all);
		break;
	case WHEN_IDLE:
		fprintf(out, "    when none is in use%s; now %s\n", all, virtual->why);
		break;
	case WHEN_DRIVER:
		fprintf(out, "    when its host driver, which makes them, has it: %s\n",
		        virtual->why);
		break;
	case WHEN_ENOUGH:
		fputs("    they are there\n", out);
		break;
	case WHEN_KEPT:
		fputs("    they stay until the host is booted, or removes them\n", out);
		break;
	case WHEN_REFUSED:
		fprintf(out, "    never: %s\n", virtual->why);
		break;
	}
}

static void print_virtual(FILE *out, const struct change *change)
{
	static const char signs[] = {
		[CHANGE_GAINS] = '+', [CHANGE_LOSES] = '-', [CHANGE_TERMS] = '~'
	};
	const struct change_virtual *virtual = &change->virtual;
	char address[RESOURCE], what[96], by[256] = "", line[640];
	const char *verb = virtual->when == WHEN_REFUSED ? "should get" : "gets";

	names_address(&change->address, address);
	if (change->rule[0] != '\0')
		snprintf(by, sizeof(by), "%s by [%s] %s:%u",
		         change->kind == CHANGE_LOSES ? ", asked for" : "", change->rule,
		         change->file, change->line);
	if (virtual->when == WHEN_ENOUGH)
		snprintf(what, sizeof(what), "keeps its %u virtual function%s", virtual->now,
		         plural(virtual->now));
	else if (change->kind == CHANGE_LOSES)
		snprintf(what, sizeof(what), "%s %u virtual function%s",
		         virtual->when == WHEN_KEPT ? "is asked no more for its" : "loses its",
		         virtual->now, plural(virtual->now));
	else if (virtual->now != 0)
		snprintf(what, sizeof(what), "%s %u virtual function%s in place of %u", verb,
		         virtual->wanted, plural(virtual->wanted), virtual->now);
	else
		snprintf(what, sizeof(what), "%s %u virtual function%s", verb, virtual->wanted,
		         plural(virtual->wanted));
	snprintf(line, sizeof(line), "%c %s %s%s", signs[change->kind], address, what, by);
	table_make_printable(line);
	fprintf(out, "%s\n", line);
	if (change->terms[0] != '\0')
		fprintf(out, "    %s\n", change->terms);
	print_when(out, virtual);
}

static json_t *json_virtual(const struct change_virtual *virtual)
{
	json_t *object;

	if (!virtual->it)
		return json_null();
	object = json_object();
	json_set_number(object, "now", virtual->now);
	json_set_number(object, "wanted", virtual->wanted);
	json_set(object, "when", json_string(whens[virtual->when]));
	json_set(object, "reason",
	         virtual->why[0] != '\0' ? json_text(virtual->why, sizeof(virtual->why))
	                                 : json_null());
	return object;
}

/* ---- all of them ---- */

static const struct {
	const char *key;  /* of the policy */
	const char *what; /* of which there are so many */
} uses[] = {
	[USE_PLACE] = { "place", "" },
	[USE_CONNECTIONS] = { "connections", "connections" },
	[USE_SESSIONS] = { "sessions", "sessions" },
	[USE_IRQ_VECTORS] = { "irq_vectors", "interrupt vectors of a device" },
	[USE_DMA_MAPPINGS] = { "dma_mappings", "DMA mappings" },
	[USE_DMA_BYTES] = { "dma_bytes", "bytes of DMA" },
};

static void print_use(FILE *out, const struct change_use *use)
{
	char connection[32] = "";

	if (use->of == USE_PLACE) {
		fprintf(out,
		        "    connection %u of uid %u%s: it gets nothing more, and its devices "
		        "are asked back\n",
		        use->connection, use->uid,
		        use->unsure ? ", if its groups or unit are not named" : "");
		return;
	}
	if (use->connection != 0)
		snprintf(connection, sizeof(connection), " of connection %u", use->connection);
	fprintf(out, "    in use: %" PRIu64 " %s%s: they stay; none is added above %" PRIu64 "\n",
	        use->now, uses[use->of].what, connection, use->allowed);
}

static void print_uses(FILE *out, const struct change *change)
{
	for (uint32_t i = 0; i < change->use_count; i++)
		print_use(out, &change->uses[i]);
	if (change->uses_untold != 0)
		fprintf(out, "    and %u more of the kind\n", change->uses_untold);
}

static json_t *json_uses(const struct change *change)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < change->use_count; i++) {
		const struct change_use *use = &change->uses[i];
		bool place = use->of == USE_PLACE;
		json_t *object = json_object();
		json_set(object, "limit", json_string(uses[use->of].key));
		json_set(object, "connection",
		         use->connection != 0 ? json_integer(use->connection) : json_null());
		json_set(object, "certain", json_boolean(!use->unsure));
		json_set(object, "now", place ? json_null() : json_integer((json_int_t)use->now));
		json_set(object, "allowed",
		         place ? json_null() : json_integer((json_int_t)use->allowed));
		json_array_append_new(list, object);
	}
	return list;
}

static void print_whole(FILE *out, const struct changes *changes)
{
	static const struct {
		char sign;
		const char *verb;
	} kinds[] = { { '+', "gains " }, { '-', "loses " }, { '~', "" } };

	for (size_t i = 0; i < changes->count; i++) {
		const struct change *change = &changes->items[i];
		char resource[RESOURCE], line[640];
		if (change->virtual.it) {
			print_virtual(out, change);
			continue;
		}
		resource_of(change, resource);
		snprintf(line, sizeof(line), "%c %s %s%s%s by [%s] %s:%u", kinds[change->kind].sign,
		         change->client, kinds[change->kind].verb, resource,
		         change->kind == CHANGE_LOSES ? ", given" : "", change->rule, change->file,
		         change->line);
		table_make_printable(line);
		fprintf(out, "%s\n", line);
		snprintf(line, sizeof(line), "%s", change->terms);
		table_make_printable(line);
		if (line[0] != '\0')
			fprintf(out, "    %s\n", line);
		print_uses(out, change);
		if (change->taken)
			fprintf(out, "    in use: it is asked back, and taken after %u s\n",
			        change->grace);
		else if (change->in_use && !change->itself && strstr(change->terms, "-dma") != NULL)
			fprintf(out,
			        "    in use: if it does DMA now, it is asked back, and taken after "
			        "%u s\n",
			        change->grace);
		else if (change->in_use && !change->itself)
			fputs("    in use: it stays, and the new terms hold from the next taking on\n",
			      out);
	}
	if (changes->count == 0)
		fputs("nothing changes hands\n", out);
}

/* What is longer than a line goes on below it, further in. */
void print_changes(FILE *out, unsigned width, const struct changes *changes)
{
	char *text = NULL;
	size_t size;
	FILE *file = width != 0 ? open_memstream(&text, &size) : NULL;

	if (file == NULL) {
		print_whole(out, changes);
		return;
	}
	print_whole(file, changes);
	fclose(file);
	for (const char *at = text; at != NULL && *at != '\0';) {
		size_t length = strcspn(at, "\n"), blanks = strspn(at, " ");
		fprintf(out, "%.*s", (int)blanks, at);
		findings_hang(out, (unsigned)blanks + 2, width, at + blanks, length - blanks);
		at += length + (at[length] == '\n');
	}
	free(text);
}

void json_changes(FILE *out, const struct changes *changes)
{
	static const char *const kinds[] = { "gains", "loses", "terms" };
	json_t *list = json_array();

	for (size_t i = 0; i < changes->count; i++) {
		const struct change *change = &changes->items[i];
		json_t *object = json_object();
		char resource[RESOURCE];
		resource_of(change, resource);
		json_set(object, "change", json_string(kinds[change->kind]));
		json_set(object, "client",
		         change->virtual.it ? json_null()
		                            : json_text(change->client, sizeof(change->client)));
		json_set(object, "resource", json_text(resource, sizeof(resource)));
		json_set(object, "rule", json_text(change->rule, sizeof(change->rule)));
		json_set(object, "file", json_text(change->file, sizeof(change->file)));
		json_set_number(object, "line", change->line);
		json_set(object, "terms", json_text(change->terms, sizeof(change->terms)));
		json_set(object, "in_use", json_boolean(change->in_use));
		json_set(object, "taken", json_boolean(change->taken));
		json_set(object, "grace_s",
		         change->taken ? json_integer((json_int_t)change->grace) : json_null());
		json_set(object, "now", json_uses(change));
		json_set_number(object, "now_untold", change->uses_untold);
		json_set(object, "virtual_functions", json_virtual(&change->virtual));
		json_array_append_new(list, object);
	}
	json_finish(out, list);
}

enum { RULES, GROUPS, CLIENTS, SESSIONS, LISTS };

static int fetch(const struct context *context, char file[129], void *lists[LISTS],
                 size_t counts[LISTS])
{
	static const struct {
		uint16_t opcode;
		uint16_t size;
	} asked[LISTS] = {
		[RULES] = { HWB_ADMIN_RULES, sizeof(struct hwb_admin_rule) },
		[GROUPS] = { HWB_ADMIN_GROUPS, sizeof(struct hwb_admin_member) },
		[CLIENTS] = { HWB_ADMIN_CLIENTS, sizeof(struct hwb_admin_client) },
		[SESSIONS] = { HWB_ADMIN_SESSIONS, sizeof(struct hwb_admin_session) },
	};
	static union {
		struct hwb_status_reply status;
		char bytes[HWB_MESSAGE_MAX];
	} reply;
	struct broker broker;
	uint32_t length;
	int status = broker_open(&broker, context);

	if (status != EXIT_OK)
		return status;
	status = broker_ask(&broker, HWB_ADMIN_STATUS, &reply, sizeof(reply), &length);
	snprintf(file, 129, "%.128s", reply.status.policy);
	for (unsigned i = 0; i < LISTS && status == EXIT_OK; i++)
		status =
		        broker_list(&broker, asked[i].opcode, asked[i].size, &lists[i], &counts[i]);
	broker_close(&broker);
	return status;
}

int diff_policy(const struct context *context)
{
	struct policy *policy = NULL;
	struct changes changes;
	void *lists[LISTS] = { NULL };
	size_t counts[LISTS] = { 0 };
	char in_force[129] = "";
	char *report = NULL;
	int status = fetch(context, in_force, lists, counts);
	const char *file = context->word_count != 0 ? context->words[0] : in_force;

	if (status == EXIT_OK && policy_load(file, &policy, &report) != 0) {
		fputs(report != NULL ? report : "no memory to read the policy\n", stderr);
		fprintf(stderr, "hwbroker-ctl: %s has mistakes, and would change nothing\n", file);
		status = EXIT_REFUSED;
	}
	if (status == EXIT_OK) {
		const struct changes_facts facts = {
			.rules = lists[RULES],
			.rule_count = counts[RULES],
			.members = lists[GROUPS],
			.member_count = counts[GROUPS],
			.clients = lists[CLIENTS],
			.client_count = counts[CLIENTS],
			.sessions = lists[SESSIONS],
			.session_count = counts[SESSIONS],
		};
		changes_find(&changes, &facts, policy);
		if (context->json)
			json_changes(context->out, &changes);
		else
			print_changes(context->out, context->width, &changes);
		if (changes.out_of_memory)
			fputs("hwbroker-ctl: no memory for all of it\n", stderr);
		status = changes.out_of_memory ? EXIT_REFUSED : EXIT_OK;
		changes_free(&changes);
		policy_free(policy);
	}
	free(report);
	for (unsigned i = 0; i < LISTS; i++)
		free(lists[i]);
	return status;
}
