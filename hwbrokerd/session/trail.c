/* SPDX-License-Identifier: MIT */
#include "session/trail.h"

#include "server/peer.h"
#include "session/happening.h"
#include "util/log.h"

/* What a client can cause at will is limited: each by its own. NULL: no limit. */
static struct log_limit *limit_of(const struct happening *what)
{
	switch (what->kind) {
	case HAPPENED_REFUSED:
	case HAPPENED_NOT_ADMITTED:
		return peer_refusal_limit(what->peer);
	case HAPPENED_GRANTED:
	case HAPPENED_HELD:
	case HAPPENED_RELEASED:
	case HAPPENED_PORTS_GRANTED:
	case HAPPENED_PORTS_RELEASED:
		return what->peer != NULL ? peer_use_limit(what->peer) : NULL;
	default:
		break;
	}
	return NULL;
}

static enum log_level level_of(const struct happening *what)
{
	switch (what->kind) {
	case HAPPENED_QUARANTINED:
	case HAPPENED_POLICY_REFUSED:
		return LOG_LEVEL_ERROR;
	case HAPPENED_REVOKED:
		/* The device itself has failed. */
		return what->status == HWB_HOST_ERROR ? LOG_LEVEL_ERROR : LOG_LEVEL_NOTICE;
	case HAPPENED_REFUSED:
	case HAPPENED_ASKED_BACK:
	case HAPPENED_CLEARED:
	case HAPPENED_NOT_ADMITTED:
	case HAPPENED_POLICY_LOADED:
	case HAPPENED_DEVICE_LEFT:
		return LOG_LEVEL_NOTICE;
	default:
		break;
	}
	return LOG_LEVEL_INFO;
}

void trail_note(struct broker *broker, const struct happening *what)
{
	char text[HAPPENING_TEXT_SIZE];
	(void)broker;

	/* What is not kept by default, and the debug lines say. */
	if (what->kind == HAPPENED_CONNECTED || what->kind == HAPPENED_DISCONNECTED)
		return;
	happening_text(what, text);
	log_limited(limit_of(what), level_of(what), "%s", text);
}
