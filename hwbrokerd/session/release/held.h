/* SPDX-License-Identifier: MIT */
/*
 * A device that is given back, while somebody still has registers of it: it is at rest,
 * and they reach nothing, but it is for nobody else.
 */
#ifndef HWBROKERD_SESSION_HELD_H
#define HWBROKERD_SESSION_HELD_H

#include "session/session.h"

/* The release has found that somebody has them: it goes on when that is to be looked at
 * again. */
void held_look(struct device_session *self);
/* It is over, if it was. */
void held_end(struct device_session *self);

/* Who may still have its registers: this client, for whom it need not be kept. */
void held_note_former(const struct device_session *self);

/* Looks at once whether somebody still has registers of a device that waits for that
 * only; if it has left, or the broker stops, it is not waited for any longer. */
void held_hurry(struct device *device);

/* A client may have again what it had, though its own processes still have registers of
 * it: they reach no more than before. Whether the device was this client's, of this user;
 * and, if it is held, ends that: it will be free, but whoever waits for it is woken. */
bool held_was_its(const struct device *device, const struct peer *peer);
bool held_to_former(struct device *device, const struct peer *peer);

#endif
