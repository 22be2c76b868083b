/* SPDX-License-Identifier: MIT */
/*
 * The life of a device: the only code that moves one between states.
 *
 *     host ──claim──> claiming ──granted──> granted ──release──> revoking
 *     │^ ^               │ │                                        │ cut
 *     ││ └──not_claimed──┤ └─reset_failed─> quarantined             v
 *     ││                 └─not_opened─> free <──freed── scrubbed <─ resetting
 *     │└──────────restored──────────────│─│────────────────┘          │reset_failed
 *     │                                 ^ └──claim──> claiming        v
 *     └──taken along with a neighbour───┘                        quarantined
 *
 * `found` leads from `host`, as all devices are at the start, to `revoking`; so does
 * `release` from `free`, for one that goes back to its host driver after all. `resumed`
 * leads from `host` to `granted`.
 *
 * `revoking` ends when no old descriptor can reach the device any more; taking
 * registers back from a client that still holds them belongs there. `removed`
 * leads from everywhere to `gone`, `arrived` from there to `host`; `cleared`
 * leads an operator's way out of quarantine, through another reset.
 */
#ifndef HWBROKERD_DEVICE_LIFECYCLE_H
#define HWBROKERD_DEVICE_LIFECYCLE_H

#include <hwbroker/protocol.h>
#include <stdbool.h>

enum lifecycle_state {
	LIFE_HOST,        /* with its host driver or none; not ours */
	LIFE_CLAIMING,    /* has an owner-to-be; being claimed or opened */
	LIFE_FREE,        /* ours, at rest, without owner */
	LIFE_GRANTED,     /* has an owner */
	LIFE_REVOKING,    /* owner is gone or giving up; registers being cut off */
	LIFE_RESETTING,   /* being brought to rest */
	LIFE_SCRUBBED,    /* at rest, nothing of the old owner left */
	LIFE_QUARANTINED, /* could not be brought to rest: for nobody */
	LIFE_GONE,        /* not on the bus */
	LIFE_STATES
};

enum lifecycle_event {
	LIFE_CLAIM,
	LIFE_DID_GRANT,
	LIFE_NOT_CLAIMED, /* claim failed: still with the host */
	LIFE_NOT_OPENED,  /* claimed, but not granted */
	LIFE_TAKEN_ALONG, /* claimed because another function of its group was */
	LIFE_RELEASE,
	LIFE_DID_CUT,
	LIFE_DID_RESET,
	LIFE_RESET_FAILED,
	LIFE_DID_FREE,
	LIFE_DID_RESTORE,
	LIFE_REMOVED,
	LIFE_ARRIVED,
	LIFE_CLEARED,
	LIFE_FOUND,   /* at start: the daemon before this one had taken it */
	LIFE_RESUMED, /* at start: its owner had it from that daemon, and goes on */
	LIFE_EVENTS
};

/* The state that `event` leads to, or LIFE_STATES if it may not happen. Pure. */
enum lifecycle_state lifecycle_next(enum lifecycle_state state, enum lifecycle_event event);

/* Moves *state. An event that may not happen is a bug of ours: it is logged,
 * the state becomes LIFE_QUARANTINED, and false is returned. `name` is for the log. */
bool lifecycle_step(enum lifecycle_state *state, enum lifecycle_event event, const char *name);

const char *lifecycle_state_name(enum lifecycle_state state);
const char *lifecycle_event_name(enum lifecycle_event event);

/* What clients and operators are told. */
enum hwb_device_state lifecycle_public(enum lifecycle_state state);

/* Whether nobody has the device and nothing is being done with it. */
bool lifecycle_is_idle(enum lifecycle_state state);

/* Whether the state will change by itself: somebody may wait for that. */
bool lifecycle_in_transit(enum lifecycle_state state);

#endif
