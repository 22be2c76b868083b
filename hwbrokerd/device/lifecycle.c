/* SPDX-License-Identifier: MIT */
#include "device/lifecycle.h"

#include "util/log.h"

static const struct transition {
	enum lifecycle_state from;
	enum lifecycle_event event;
	enum lifecycle_state to;
} transitions[] = {
	{ LIFE_HOST, LIFE_CLAIM, LIFE_CLAIMING },
	{ LIFE_FREE, LIFE_CLAIM, LIFE_CLAIMING },
	{ LIFE_CLAIMING, LIFE_DID_GRANT, LIFE_GRANTED },
	{ LIFE_CLAIMING, LIFE_NOT_CLAIMED, LIFE_HOST },
	{ LIFE_CLAIMING, LIFE_NOT_OPENED, LIFE_FREE },
	{ LIFE_CLAIMING, LIFE_RESET_FAILED, LIFE_QUARANTINED },
	{ LIFE_HOST, LIFE_TAKEN_ALONG, LIFE_FREE },
	{ LIFE_HOST, LIFE_FOUND, LIFE_REVOKING },
	{ LIFE_HOST, LIFE_RESUMED, LIFE_GRANTED },
	{ LIFE_GRANTED, LIFE_RELEASE, LIFE_REVOKING },
	{ LIFE_REVOKING, LIFE_DID_CUT, LIFE_RESETTING },
	{ LIFE_RESETTING, LIFE_DID_RESET, LIFE_SCRUBBED },
	{ LIFE_RESETTING, LIFE_RESET_FAILED, LIFE_QUARANTINED },
	{ LIFE_SCRUBBED, LIFE_DID_FREE, LIFE_FREE },
	{ LIFE_SCRUBBED, LIFE_DID_RESTORE, LIFE_HOST },
	{ LIFE_FREE, LIFE_DID_RESTORE, LIFE_HOST },
	{ LIFE_FREE, LIFE_RELEASE, LIFE_REVOKING },
	{ LIFE_QUARANTINED, LIFE_CLEARED, LIFE_RESETTING },
	{ LIFE_GONE, LIFE_ARRIVED, LIFE_HOST },
};

enum lifecycle_state lifecycle_next(enum lifecycle_state state, enum lifecycle_event event)
{
	if (event == LIFE_REMOVED)
		return state == LIFE_GONE ? LIFE_STATES : LIFE_GONE;
	for (unsigned i = 0; i < sizeof(transitions) / sizeof(transitions[0]); i++)
		if (transitions[i].from == state && transitions[i].event == event)
			return transitions[i].to;
	return LIFE_STATES;
}

bool lifecycle_step(enum lifecycle_state *state, enum lifecycle_event event, const char *name)
{
	enum lifecycle_state next = lifecycle_next(*state, event);

	if (next == LIFE_STATES) {
		log_error("%s: event `%s' in state `%s': this is a bug; device quarantined", name,
		          lifecycle_event_name(event), lifecycle_state_name(*state));
		*state = LIFE_QUARANTINED;
		return false;
	}
	log_debug("%s: %s -> %s", name, lifecycle_state_name(*state), lifecycle_state_name(next));
	*state = next;
	return true;
}

const char *lifecycle_state_name(enum lifecycle_state state)
{
	static const char *const names[LIFE_STATES] = {
		[LIFE_HOST] = "host",         [LIFE_CLAIMING] = "claiming",
		[LIFE_FREE] = "free",         [LIFE_GRANTED] = "granted",
		[LIFE_REVOKING] = "revoking", [LIFE_RESETTING] = "resetting",
		[LIFE_SCRUBBED] = "scrubbed", [LIFE_QUARANTINED] = "quarantined",
		[LIFE_GONE] = "gone",
	};
	return state < LIFE_STATES ? names[state] : "?";
}

const char *lifecycle_event_name(enum lifecycle_event event)
{
	static const char *const names[LIFE_EVENTS] = {
		[LIFE_CLAIM] = "claim",
		[LIFE_DID_GRANT] = "granted",
		[LIFE_NOT_CLAIMED] = "not_claimed",
		[LIFE_NOT_OPENED] = "not_opened",
		[LIFE_TAKEN_ALONG] = "taken_along",
		[LIFE_FOUND] = "found",
		[LIFE_RESUMED] = "resumed",
		[LIFE_RELEASE] = "release",
		[LIFE_DID_CUT] = "cut",
		[LIFE_DID_RESET] = "reset",
		[LIFE_RESET_FAILED] = "reset_failed",
		[LIFE_DID_FREE] = "freed",
		[LIFE_DID_RESTORE] = "restored",
		[LIFE_REMOVED] = "removed",
		[LIFE_ARRIVED] = "arrived",
		[LIFE_CLEARED] = "cleared",
	};
	return event < LIFE_EVENTS ? names[event] : "?";
}

enum hwb_device_state lifecycle_public(enum lifecycle_state state)
{
	switch (state) {
	case LIFE_HOST:
		return HWB_DEVICE_HOST;
	case LIFE_FREE:
		return HWB_DEVICE_FREE;
	case LIFE_CLAIMING:
	case LIFE_GRANTED:
		return HWB_DEVICE_GRANTED;
	case LIFE_REVOKING:
	case LIFE_RESETTING:
	case LIFE_SCRUBBED:
		return HWB_DEVICE_REVOKING;
	case LIFE_GONE:
		return HWB_DEVICE_GONE;
	case LIFE_QUARANTINED:
	case LIFE_STATES:
		break;
	}
	return HWB_DEVICE_QUARANTINED;
}

bool lifecycle_is_idle(enum lifecycle_state state)
{
	return state == LIFE_HOST || state == LIFE_FREE || state == LIFE_QUARANTINED;
}

bool lifecycle_in_transit(enum lifecycle_state state)
{
	return state == LIFE_REVOKING || state == LIFE_RESETTING || state == LIFE_SCRUBBED;
}
