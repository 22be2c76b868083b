/* SPDX-License-Identifier: MIT */
/* `reload': has the daemon read its policy again. */
#include "broker.h"
#include "findings.h"
#include "json.h"
#include "json_build.h"
#include "print.h"

#include <stdlib.h>

void print_reload(FILE *out, const struct hwb_finding *findings, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char place[192];
		findings_place(&findings[i], place);
		fprintf(out, "%s: ", place);
		findings_wrap(out, 0, 0, findings[i].text, sizeof(findings[i].text));
	}
}

void json_reload(FILE *out, const struct hwb_finding *findings, size_t count)
{
	static const char *const levels[3] = { "fine", "limits", "no" };
	json_t *object = json_object(), *mistakes = json_array();

	json_set(object, "loaded",
	         json_boolean(count != 0 && findings[0].level == HWB_FINDING_FINE));
	json_set(object, "policy",
	         count != 0 ? json_text(findings[0].file, sizeof(findings[0].file)) : json_null());
	json_set(object, "text",
	         count != 0 ? json_text(findings[0].text, sizeof(findings[0].text)) : json_null());
	for (size_t i = 1; i < count; i++)
		json_array_append_new(mistakes, findings_json(&findings[i], levels));
	json_set(object, "mistakes", mistakes);
	json_finish(out, object);
}

int reload_rules(const struct context *context)
{
	struct broker broker;
	void *records = NULL;
	size_t count = 0;
	int status = broker_open_to_change(&broker, context);

	if (status != EXIT_OK)
		return status;
	status = broker_list_of(&broker, HWB_ADMIN_RELOAD, NULL, 0, sizeof(struct hwb_finding),
	                        &records, &count);
	broker_close(&broker);
	if (status != EXIT_OK)
		return status;
	const struct hwb_finding *findings = records;
	bool loaded = count != 0 && findings[0].level == HWB_FINDING_FINE;
	if (context->json)
		json_reload(context->out, findings, count);
	else
		print_reload(loaded ? context->out : stderr, findings, count);
	free(records);
	return loaded ? EXIT_OK : EXIT_REFUSED;
}
