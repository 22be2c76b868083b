/* SPDX-License-Identifier: MIT */
#include "server/happening.h"

#include "server/manager.h"
#include "server/peer.h"

#include <stdio.h>

void happened(struct broker *broker, const struct happening *what)
{
	struct happening told = *what;

	if (told.peer != NULL) {
		told.client = told.peer->name;
		told.uid = told.peer->subject.uid;
		told.pid = told.peer->pid;
	}
	told.client = told.client != NULL ? told.client : "";
	told.reason = told.reason != NULL ? told.reason : "";
	broker->handler->happened(broker, &told);
	if (told.kind != HAPPENED_REFUSED)
		manager_changed(broker);
}

void happening_cite(const struct policy_verdict *verdict, char text[HAPPENING_RULE_SIZE])
{
	text[0] = '\0';
	if (verdict->section[0] != '\0')
		snprintf(text, HAPPENING_RULE_SIZE, "[%s] at %s:%u", verdict->section,
		         verdict->file, verdict->line);
}
