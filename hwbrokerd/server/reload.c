/* SPDX-License-Identifier: MIT */
#include "server/reload.h"

#include "server/happening.h"
#include "server/manager.h"
#include "server/peer.h"
#include "util/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reload_job {
	struct job job;
	struct strand strand;
	struct broker *broker;
	struct policy *policy;
	struct reload_waiter *waiters;
	char *report;
	int result;
};

void reload_log_report(const char *report)
{
	if (report == NULL)
		log_error("no memory to read the policy");
	while (report != NULL && *report != '\0') {
		size_t length = strcspn(report, "\n");
		log_error("%.*s", (int)length, report);
		report += length + (report[length] == '\n');
	}
}

static void run(struct job *job)
{
	struct reload_job *self = (struct reload_job *)job;
	self->result = policy_load(self->broker->policy_path, &self->policy, &self->report);
}

static void tell_waiters(struct reload_waiter *waiter, const char *report)
{
	while (waiter != NULL) {
		struct reload_waiter *next = waiter->next;
		waiter->done(waiter, report);
		waiter = next;
	}
}

static void tell_loaded(struct broker *broker)
{
	char rules[POLICY_RULES_TEXT];

	happened(broker, &(struct happening){ .kind = HAPPENED_POLICY_LOADED,
	                                      .resource = broker->policy_path,
	                                      .reason = policy_rules_text(broker->policy, rules) });
}

/* The first mistake; all of them are in the log before. */
static void tell_refused(struct broker *broker, const char *report, bool unread)
{
	char first[FAULT_REASON];

	snprintf(first, sizeof(first), "%s", report != NULL ? report : "no memory to read it");
	first[strcspn(first, "\n")] = '\0';
	happened(broker, &(struct happening){ .kind = HAPPENED_POLICY_REFUSED,
	                                      .resource = broker->policy_path,
	                                      .status = unread ? HWB_HOST_ERROR : HWB_INVALID,
	                                      .reason = first });
}

static void done(struct job *job)
{
	struct reload_job *self = (struct reload_job *)job;
	struct broker *broker = self->broker;

	if (self->result != 0) {
		reload_log_report(self->report);
		tell_refused(broker, self->report, self->result == POLICY_UNREAD);
	} else {
		policy_free(broker->policy);
		broker->policy = self->policy;
		for (struct peer *peer = broker->peers; peer != NULL; peer = peer->next) {
			peer_apply_policy(peer);
			peer_policy_event(peer);
		}
		broker->handler->policy_changed(broker);
		tell_loaded(broker);
	}
	tell_waiters(self->waiters, self->result == 0      ? NULL
	                            : self->report != NULL ? self->report
	                                                   : "");
	free(self->report);
	broker->policy_refused = self->result != 0;
	broker->policy_unread = self->result == POLICY_UNREAD;
	/* The strand is done with once its only job is. */
	free(self);
	broker->reloading = false;
	if (broker->reload_again)
		reload_policy(broker);
	if (!broker->reloading)
		manager_reloaded(broker);
}

void reload_policy(struct broker *broker)
{
	/* One at a time, or an older file could come in last. */
	broker->reload_again = broker->reloading;
	if (broker->reloading && !broker->stopping)
		return;
	struct reload_waiter *waiters = broker->reload_waiters;
	struct reload_job *self = broker->stopping ? NULL : calloc(1, sizeof(*self));
	broker->reload_waiters = NULL;
	if (self == NULL) {
		if (!broker->stopping)
			log_error("no memory to reload the policy");
		tell_waiters(waiters, "");
		return;
	}
	self->waiters = waiters;
	self->job.run = run;
	self->job.done = done;
	self->broker = broker;
	broker->reloading = true;
	manager_reloading();
	strand_init(&self->strand, broker->workers, NULL);
	strand_submit(&self->strand, &self->job);
}

void reload_policy_for(struct broker *broker, struct reload_waiter *waiter)
{
	waiter->next = broker->reload_waiters;
	broker->reload_waiters = waiter;
	reload_policy(broker);
}
