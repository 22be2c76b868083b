/* SPDX-License-Identifier: MIT */
/*
 * Who is told what happens (server/happening.h), and the words for it. Each who listens
 * is called in happening_pass(), on the loop, and must not wait.
 */
#ifndef HWBROKERD_SESSION_HAPPENING_H
#define HWBROKERD_SESSION_HAPPENING_H

#include "server/happening.h"
#include "server/request.h"

enum { HAPPENING_RESOURCE_SIZE = 64, HAPPENING_TEXT_SIZE = 768 };

/* For struct peer_handler. */
void happening_pass(struct broker *broker, const struct happening *what);
/* The same: a request was refused. Names what it asked for. */
void happening_refused(const struct request *request, const struct fault *fault);

/* "granted", "asked-back": one word, as operators read and filter it. */
const char *happening_name(enum happening_kind kind);

/* The whole as a line for people; what does not fit is cut. */
void happening_text(const struct happening *what, char text[HAPPENING_TEXT_SIZE]);

/* The device's address, the ports, or whatever else it is about; "": nothing. */
void happening_resource(const struct happening *what, char text[HAPPENING_RESOURCE_SIZE]);

/* What `what` cites, or the rule of the policy in force that speaks of it. */
void happening_rule(const struct broker *broker, const struct happening *what,
                    char text[HAPPENING_RULE_SIZE]);

#endif
