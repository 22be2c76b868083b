/* SPDX-License-Identifier: MIT */
/* What who may change can do to a device that others have, or that nobody may have, and to the
 * policy. */
#include "server/reload.h"
#include "session/bus/platform.h"
#include "session/release/release.h"
#include "session/release/revoke.h"
#include "session/serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A request that is answered once its device is at rest. */
struct control {
	struct waiter waiter;
	struct request request;
	struct device *device;
};

static void answer(const struct request *request, const struct device *device)
{
	struct hwb_outcome_reply reply = { .state = lifecycle_public(device->state) };

	/* Not what is behind its end: that was of another note. */
	snprintf(reply.note, sizeof(reply.note), "%s",
	         request->header.opcode == HWB_ADMIN_RELEASE && device->state == LIFE_FREE
	                 ? "its host driver does not take it: the log of hwbrokerd says why"
	                 : device->note);
	request_reply(request, 0, &reply, sizeof(reply), NULL, 0);
}

static void on_rest(struct waiter *waiter)
{
	struct control *self = (struct control *)waiter;
	const struct device *device = self->device;

	/* Who has registers of it may be about to drop them. */
	if (device->held != NULL && !device->overdue) {
		release_wait(self->device, waiter);
		return;
	}
	answer(&self->request, device);
	request_drop(&self->request);
	free(self);
}

/* NULL: no memory, and the request has been refused. */
static struct control *new_control(const struct request *request, struct device *device)
{
	struct control *self = calloc(1, sizeof(*self));

	if (self == NULL) {
		request_refuse_text(request, HWB_NO_MEMORY, 0, "no memory to wait for %s",
		                    device->name);
		return NULL;
	}
	self->waiter.wake = on_rest;
	self->device = device;
	return self;
}

static void wait_for_rest(struct control *self, const struct request *request)
{
	request_hold(&self->request, request);
	release_wait(self->device, &self->waiter);
}

/* Of any client. NULL: the request has been refused. */
static struct device *find(const struct request *request, const struct hwb_pci_address *address)
{
	struct fault fault;
	struct device *device = platform_find_any(request->peer->broker, address, &fault);

	if (device == NULL)
		request_refuse(request, sizeof(struct hwb_header), &fault);
	return device;
}

/* Whether there is an end to wait for. */
static bool is_taken(const struct request *request, const struct device *device)
{
	if (device->session != NULL || lifecycle_in_transit(device->state))
		return true;
	request_refuse_text(request, HWB_WRONG_STATE, sizeof(struct hwb_header),
	                    device->state == LIFE_CLAIMING
	                            ? "%s is just being given to somebody: ask again"
	                            : "nobody has %s",
	                    device->name);
	return false;
}

void serve_admin_revoke(struct request *request)
{
	const struct hwb_revoke_request *revoke = request->body;
	struct device *device = find(request, &revoke->address);

	if (device == NULL || !is_taken(request, device))
		return;
	if (device->overdue) {
		answer(request, device);
		return;
	}
	struct control *self = new_control(request, device);
	if (self == NULL)
		return;
	wait_for_rest(self, request);
	if (device->session == NULL)
		return;
	if ((revoke->flags & HWB_REVOKE_NOW) != 0)
		revoke_at_once(device->session, "an administrator takes it");
	else
		revoke_ask(device->session, "an administrator wants it back");
}

void serve_admin_clear(struct request *request)
{
	const struct hwb_clear_request *clear = request->body;
	struct device *device = find(request, &clear->address);

	if (device == NULL)
		return;
	if (device->state != LIFE_QUARANTINED) {
		request_refuse_text(request, HWB_WRONG_STATE, sizeof(struct hwb_header),
		                    "%s is not quarantined", device->name);
		return;
	}
	struct control *self = new_control(request, device);
	if (self == NULL)
		return;
	if (release_clear(request->peer->broker, device) != 0) {
		request_refuse_text(request, HWB_NO_MEMORY, 0, "no memory to reset %s",
		                    device->name);
		free(self);
		return;
	}
	happened(request->peer->broker, &(struct happening){ .kind = HAPPENED_CLEARED,
	                                                     .peer = request->peer,
	                                                     .device = device });
	wait_for_rest(self, request);
}

void serve_admin_release(struct request *request)
{
	const struct hwb_release_request *release = request->body;
	struct device *device = find(request, &release->address);
	struct fault fault;

	if (device == NULL)
		return;
	struct control *self = new_control(request, device);
	if (self == NULL)
		return;
	if (release_to_host(request->peer->broker, device, &fault) != 0) {
		request_refuse(request, REQUEST_FIELD(hwb_release_request, address), &fault);
		free(self);
		return;
	}
	wait_for_rest(self, request);
}

/* ---- the policy ---- */

struct reading {
	struct reload_waiter waiter;
	struct request request;
};

enum {
	FINDINGS_MAX =
	        (HWB_MESSAGE_MAX - sizeof(struct hwb_header) - sizeof(struct hwb_list_reply)) /
	        sizeof(struct hwb_finding)
};

static uint32_t lines_of(const char *text)
{
	uint32_t lines = 0;

	for (; *text != '\0'; lines++) {
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return lines;
}

/* "FILE:LINE: mistake" or "FILE: mistake", of `length` bytes. */
static void fill_mistake(const char *line, size_t length, struct hwb_finding *finding)
{
	char text[1024];
	unsigned number = 0;
	int end = 0;

	snprintf(text, sizeof(text), "%.*s", (int)length, line);
	char *colon = strstr(text, ": ");
	char *sentence = colon != NULL ? colon + 2 : text;
	/* A path may have a colon of its own, and the number comes last. */
	if (colon != NULL) {
		*colon = '\0';
		char *last = strrchr(text, ':');
		if (last != NULL && sscanf(last, ":%u%n", &number, &end) == 1 && last[end] == '\0')
			*last = '\0';
		else
			number = 0;
		snprintf(finding->file, sizeof(finding->file), "%.127s", text);
	}
	finding->level = HWB_FINDING_BLOCKS;
	finding->line = number;
	snprintf(finding->code, sizeof(finding->code), "mistake");
	snprintf(finding->text, sizeof(finding->text), "%.303s", sentence);
}

/* Behind the first finding. The last one says how many did not fit, if that is so. Returns how
 * many findings there are. */
static uint32_t fill_mistakes(const char *policy, const char *report,
                              struct hwb_finding findings[FINDINGS_MAX])
{
	uint32_t count = 1, left = lines_of(report);

	while (left > 0 && count < FINDINGS_MAX - (left > 1)) {
		size_t length = strcspn(report, "\n");
		fill_mistake(report, length, &findings[count++]);
		report += length + (report[length] == '\n');
		left--;
	}
	if (left == 0)
		return count;
	struct hwb_finding *last = &findings[count++];
	last->level = HWB_FINDING_BLOCKS;
	snprintf(last->code, sizeof(last->code), "more");
	snprintf(last->file, sizeof(last->file), "%.127s", policy);
	snprintf(last->text, sizeof(last->text),
	         "%u more mistakes, of which `hwbroker-ctl check %.200s' tells", left, policy);
	return count;
}

static void on_reload(struct reload_waiter *waiter, const char *report)
{
	struct reading *self = (struct reading *)waiter;
	const struct broker *broker = self->request.peer->broker;
	struct {
		struct hwb_list_reply head;
		struct hwb_finding findings[FINDINGS_MAX];
	} reply = { .head = { .count = 1, .record_size = sizeof(struct hwb_finding) } };
	struct hwb_finding *first = &reply.findings[0];

	snprintf(first->file, sizeof(first->file), "%s", policy_path(broker->policy));
	if (report == NULL) {
		snprintf(first->code, sizeof(first->code), "loaded");
		char rules[POLICY_RULES_TEXT];
		snprintf(first->text, sizeof(first->text), "%s %s in force",
		         policy_rules_text(broker->policy, rules),
		         policy_rule_count(broker->policy) == 1 ? "is" : "are");
	} else {
		first->level = HWB_FINDING_BLOCKS;
		snprintf(first->code, sizeof(first->code), "kept");
		snprintf(first->text, sizeof(first->text), "the policy in force stays: %s",
		         report[0] != '\0' ? "the new one has mistakes"
		                           : "the new one could not be read");
	}
	if (report != NULL)
		reply.head.count =
		        fill_mistakes(policy_path(broker->policy), report, reply.findings);
	request_reply(&self->request, 0, &reply,
	              sizeof(reply.head) + reply.head.count * sizeof(reply.findings[0]), NULL, 0);
	request_drop(&self->request);
	free(self);
}

void serve_admin_reload(struct request *request)
{
	struct reading *self = calloc(1, sizeof(*self));

	if (self == NULL) {
		request_refuse_text(request, HWB_NO_MEMORY, 0, "no memory to reload the policy");
		return;
	}
	self->waiter.done = on_reload;
	request_hold(&self->request, request);
	reload_policy_for(request->peer->broker, &self->waiter);
}
