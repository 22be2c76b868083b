/* SPDX-License-Identifier: MIT */
/* `audit [DEVICE]': whether devices can be given away safely, and why not. */
#include "broker.h"
#include "findings.h"
#include "json.h"
#include "json_build.h"
#include "names.h"
#include "print.h"

#include <stdlib.h>
#include <string.h>

static const char *const levels[3] = { "fine", "limits", "unsafe" };

/* How many findings from the first on are about one device, and the worst of them. */
static size_t about_one(const struct hwb_finding *findings, size_t count, uint32_t *worst)
{
	size_t same = 0;

	*worst = HWB_FINDING_FINE;
	while (same < count && memcmp(&findings[same].address, &findings[0].address,
	                              sizeof(findings[0].address)) == 0) {
		if (findings[same].level > *worst)
			*worst = findings[same].level;
		same++;
	}
	return same;
}

void print_audit(FILE *out, unsigned width, const struct hwb_finding *findings, size_t count)
{
	uint32_t worst;
	size_t same;

	for (size_t i = 0; i < count; i += same) {
		char address[32];
		same = about_one(findings + i, count - i, &worst);
		names_address(&findings[i].address, address);
		fprintf(out, "%s: %s\n", address, worst < 3 ? levels[worst] : "?");
		for (size_t at = i; at < i + same; at++) {
			const struct hwb_finding *finding = &findings[at];
			fprintf(out, "  %-7s", finding->level < 3 ? levels[finding->level] : "?");
			findings_hang(out, 9, width, finding->text, sizeof(finding->text));
		}
	}
}

void json_audit(FILE *out, const struct hwb_finding *findings, size_t count)
{
	json_t *list = json_array();
	uint32_t worst;
	size_t same;

	for (size_t i = 0; i < count; i += same) {
		json_t *object = json_object(), *all = json_array();
		char address[32];
		same = about_one(findings + i, count - i, &worst);
		names_address(&findings[i].address, address);
		json_set(object, "address", json_string(address));
		json_set(object, "level", json_string(worst < 3 ? levels[worst] : "?"));
		for (size_t at = i; at < i + same; at++)
			json_array_append_new(all, findings_json(&findings[at], levels));
		json_set(object, "findings", all);
		json_array_append_new(list, object);
	}
	json_finish(out, list);
}

/* Those about this device come to the front; how many. */
static size_t keep(struct hwb_finding *findings, size_t count,
                   const struct hwb_pci_address *address)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (memcmp(&findings[i].address, address, sizeof(*address)) == 0)
			findings[kept++] = findings[i];
	return kept;
}

int audit_devices(const struct context *context)
{
	struct hwb_pci_address address = { 0 };
	struct broker broker;
	void *records;
	size_t count;

	if (context->word_count != 0 && !read_device(context, &address))
		return EXIT_WRONG_USAGE;
	int status = broker_open(&broker, context);
	if (status != EXIT_OK)
		return status;
	status =
	        broker_list(&broker, HWB_ADMIN_AUDIT, sizeof(struct hwb_finding), &records, &count);
	broker_close(&broker);
	if (status != EXIT_OK)
		return status;
	if (context->word_count != 0)
		count = keep(records, count, &address);
	if (context->word_count != 0 && count == 0) {
		fprintf(stderr,
		        "hwbroker-ctl: no device %s is on the bus, or it is a bridge\n"
		        "(`hwbroker-ctl list devices' shows all)\n",
		        context->words[0]);
		status = EXIT_REFUSED;
	} else if (context->json) {
		json_audit(context->out, records, count);
	} else {
		print_audit(context->out, context->width, records, count);
	}
	free(records);
	return status;
}
