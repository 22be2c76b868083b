/* SPDX-License-Identifier: MIT */
/*
 * Taking a device back from a client that has it: asked first, then by force. What
 * happens then is as if the client had closed it (release.h), but that its handles
 * stay, and answer HWB_GONE.
 */
#ifndef HWBROKERD_SESSION_REVOKE_H
#define HWBROKERD_SESSION_REVOKE_H

#include "session/session.h"

/* A device has been granted: listens to whether the host wants it back. */
void revoke_watch(struct device_session *session);
/* It is being given back, or taken: nothing more is to be asked. */
void revoke_unwatch(struct device_session *session);

/* Asks the client, and takes the device when the grace of its rule is over. `why` is for
 * the log: "`NAME' is asked to give 0000:00:03.0 back: WHY". */
void revoke_ask(struct device_session *session, const char *why);

/* Goes on asking, as the daemon before this one had begun to: `seconds` are left. */
void revoke_resume(struct device_session *session, enum revoke_asked by, double seconds);

/* Takes it without asking. `why` is for the log: "0000:00:03.0: taken from `NAME': WHY". */
void revoke_at_once(struct device_session *session, const char *why);

/* Takes the device now. `how` is what the client is told, once it is at rest; `status`
 * and `why` what everybody else is. */
void revoke_take(struct device_session *session, enum hwb_device_change how, enum hwb_status status,
                 const char *why);

/* After a change of the policy: asks for all devices that it does not give any more, and
 * takes such ports. */
void revoke_by_policy(struct broker *broker);

#endif
