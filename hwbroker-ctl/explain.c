/* SPDX-License-Identifier: MIT */
/* `explain CLIENT RESOURCE': whether a client would get it now, and why. */
#define _GNU_SOURCE /* getgrouplist */
#include "broker.h"
#include "findings.h"
#include "json.h"
#include "json_build.h"
#include "names.h"
#include "policy/values/values.h"
#include "print.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

static const struct hwb_finding *first_no(const struct hwb_finding *findings, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (findings[i].level == HWB_FINDING_BLOCKS)
			return &findings[i];
	return NULL;
}

static const struct hwb_finding *with_rule(const struct hwb_finding *findings, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (findings[i].rule[0] != '\0')
			return &findings[i];
	return NULL;
}

bool print_explain(FILE *out, unsigned width, const struct hwb_finding *findings, size_t count)
{
	static const char *const marks[] = { "ok", "but", "no" };
	const struct hwb_finding *no = first_no(findings, count);
	const struct hwb_finding *rule = with_rule(findings, count);
	char place[192] = "";

	if (rule != NULL)
		findings_place(rule, place);
	fprintf(out, "%s%s%s%s\n", no != NULL ? "no" : "yes", rule != NULL ? ", " : "", place,
	        no != NULL && rule != NULL && no != rule ? " would give it" : "");
	for (size_t i = 0; i < count; i++) {
		const struct hwb_finding *finding = &findings[i];
		fprintf(out, "  %-4s", finding->level < 3 ? marks[finding->level] : "?");
		findings_hang(out, 6, width, finding->text, sizeof(finding->text));
	}
	return no == NULL;
}

void json_explain(FILE *out, const struct hwb_finding *findings, size_t count)
{
	static const char *const levels[3] = { "fine", "limits", "no" };
	const struct hwb_finding *rule = with_rule(findings, count);
	json_t *object = json_object(), *list = json_array();

	json_set(object, "granted", json_boolean(first_no(findings, count) == NULL));
	json_set(object, "rule",
	         rule != NULL ? json_text(rule->rule, sizeof(rule->rule)) : json_null());
	json_set(object, "file",
	         rule != NULL ? json_text(rule->file, sizeof(rule->file)) : json_null());
	json_set(object, "line", rule != NULL ? json_integer((json_int_t)rule->line) : json_null());
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, findings_json(&findings[i], levels));
	json_set(object, "findings", list);
	json_finish(out, object);
}

/* ---- what is asked ---- */

static bool read_user(const char *word, struct hwb_explain_request *request)
{
	gid_t groups[HWB_EXPLAIN_GROUPS];
	int count = HWB_EXPLAIN_GROUPS;
	const bool is_number = word[0] != '\0' && strspn(word, "0123456789") == strlen(word);
	const unsigned long long number = is_number ? strtoull(word, NULL, 10) : 0;
	/* 4294967295 is (uid_t)-1, which nobody can be. */
	const struct passwd *user = !is_number            ? getpwnam(word)
	                            : number < UINT32_MAX ? getpwuid((uid_t)number)
	                                                  : NULL;

	if (user == NULL && (!is_number || number >= UINT32_MAX)) {
		fprintf(stderr, "hwbroker-ctl: there is no user `%s' on this host\n", word);
		return false;
	}
	if (user == NULL) { /* a number that nobody has a name for */
		request->uid = (uint32_t)number;
		return true;
	}
	request->uid = user->pw_uid;
	/* More than there is room for: the first of them. */
	if (getgrouplist(user->pw_name, user->pw_gid, groups, &count) < 0)
		count = HWB_EXPLAIN_GROUPS;
	request->group_count = (uint32_t)count;
	for (int i = 0; i < count; i++)
		request->groups[i] = groups[i];
	return true;
}

static bool read_client(const char *word, struct hwb_explain_request *request)
{
	if (strncmp(word, "user:", 5) == 0)
		return read_user(word + 5, request);
	if (word[0] != '\0' && strspn(word, "0123456789") == strlen(word))
		return read_user(word, request);
	if (word[0] != '\0' && strlen(word) < sizeof(request->client)) {
		memcpy(request->client, word, strlen(word) + 1);
		return true;
	}
	fprintf(stderr, "hwbroker-ctl: no client can be called `%s'\n", word);
	return false;
}

/* 0x60-0x64, or 0x61; also with `ports:' before it, as others have. */
static bool read_ports(const char *word, struct hwb_explain_request *request)
{
	static const char prefix[] = "ports:";
	char *end;

	if (strncmp(word, prefix, strlen(prefix)) == 0)
		word += strlen(prefix);
	if (word[0] != '0' || (word[1] != 'x' && word[1] != 'X'))
		return false;
	unsigned long first = strtoul(word, &end, 16), last = first;
	if (*end == '-')
		last = strtoul(end + 1, &end, 16);
	if (*end != '\0' || last < first || last > 0xffff)
		return false;
	request->kind = HWB_RULE_PORTS;
	request->base = (uint32_t)first;
	request->count = (uint32_t)(last - first + 1);
	return true;
}

/* memory:0xfed00000-0xfed003ff, or memory:0xfed00000. */
static bool read_memory(const char *word, struct hwb_explain_request *request)
{
	static const char prefix[] = "memory:";
	char *end;

	if (strncmp(word, prefix, strlen(prefix)) != 0 ||
	    strncmp(word + strlen(prefix), "0x", 2) != 0)
		return false;
	errno = 0;
	unsigned long long first = strtoull(word + strlen(prefix), &end, 16), last = first;
	if (strncmp(end, "-0x", 3) == 0)
		last = strtoull(end + 1, &end, 16);
	if (*end != '\0' || errno != 0 || last < first || last - first == UINT64_MAX)
		return false;
	request->kind = HWB_RULE_MEMORY;
	request->memory = first;
	request->memory_size = last - first + 1;
	return true;
}

/* irq:1, or irq:keyboard: as policies say it, who are told what is wrong with it, too. */
static bool read_line(const char *word, struct hwb_explain_request *request, struct fault *fault)
{
	if (strncmp(word, "irq:", 4) != 0 || value_line(word + 4, &request->base, fault) != 0)
		return false;
	request->kind = HWB_RULE_INTERRUPT;
	request->count = 1;
	return true;
}

static bool read_resource(const char *word, struct hwb_explain_request *request)
{
	struct fault fault = { 0 };

	if (read_ports(word, request) || read_memory(word, request) ||
	    read_line(word, request, &fault) || names_read_address(word, &request->address))
		return true;
	if (fault.reason[0] != '\0')
		fprintf(stderr, "hwbroker-ctl: `%s': %s\n", word, fault.reason);
	else
		fprintf(stderr,
		        "hwbroker-ctl: `%s' is neither the address of a device, such as\n"
		        "0000:00:03.0, nor ports, such as 0x60-0x64, nor memory, such as\n"
		        "memory:0xfed00000-0xfed003ff, nor an interrupt line, such as irq:1\n"
		        "or irq:keyboard\n",
		        word);
	return false;
}

int explain_rules(const struct context *context)
{
	struct hwb_explain_request request = { 0 };
	struct broker broker;
	void *records;
	size_t count;

	if (!read_client(context->words[0], &request) ||
	    !read_resource(context->words[1], &request))
		return EXIT_WRONG_USAGE;
	int status = broker_open(&broker, context);
	if (status != EXIT_OK)
		return status;
	status = broker_list_of(&broker, HWB_ADMIN_EXPLAIN, &request, sizeof(request),
	                        sizeof(struct hwb_finding), &records, &count);
	broker_close(&broker);
	if (status != EXIT_OK)
		return status;
	bool yes = first_no(records, count) == NULL;
	if (context->json)
		json_explain(context->out, records, count);
	else
		print_explain(context->out, context->width, records, count);
	free(records);
	return yes ? EXIT_OK : EXIT_REFUSED;
}
