/* SPDX-License-Identifier: MIT */
/*
 * The audit trail: what happens, in the log. Where that is systemd's journal, each entry has
 * the fields below and is explained by systemd/hwbroker.catalog; elsewhere it is a line.
 *
 *   MESSAGE_ID            of its kind, as in the catalogue
 *   HWBROKER_EVENT        the kind in a word: granted, refused, ...
 *   HWBROKER_CLIENT       the section of the policy, or "-": none
 *   HWBROKER_UID, _PID    as the kernel said when it connected
 *   HWBROKER_DEVICE       address, if it is about a device
 *   HWBROKER_RESOURCE     the device, ports or whatever else it is about
 *   HWBROKER_RULE         "[device net] at FILE:LINE"
 *   HWBROKER_REQUEST      of what is refused
 *   HWBROKER_RESULT       a status of the protocol: OK, DENIED, ...
 *   HWBROKER_REASON       of the above, in words
 *   HWBROKER_LEFT_OUT     so many before it were left out
 *
 * What a client can cause at will is limited (util/log.h): how much was left out is said by
 * the next entry, or after a while by one of its own.
 */
#ifndef HWBROKERD_SESSION_TRAIL_H
#define HWBROKERD_SESSION_TRAIL_H

#include "server/happening.h"

/* After this, what is left out is told even if nothing more happens. */
void trail_start(struct broker *broker);
void trail_stop(struct broker *broker);

void trail_note(struct broker *broker, const struct happening *what);

/* 32 hexadecimal digits. HAPPENED_KINDS stands for what was left out. */
const char *trail_message_id(enum happening_kind kind);

#endif
