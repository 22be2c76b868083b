/* SPDX-License-Identifier: MIT */
/*
 * Cuts a session short at one of its messages. The library's own calls into the kernel
 * are counted on their way (the linker's --wrap), so that it is cut exactly there.
 */
#ifndef HWBROKER_ENDURANCE_CUT_H
#define HWBROKER_ENDURANCE_CUT_H

#include <stdint.h>

enum { CUT_MESSAGES_MAX = 64 };

enum cut_moment {
	CUT_SENT,    /* the message has left, its reply is unread */
	CUT_ANSWERED /* its reply was read */
};

/* From the next message on, which is number 1: `act` is called once, at that moment of
 * message `number`. */
void cut_at(uint32_t number, enum cut_moment moment, void (*act)(void));

/* What was sent since then: opcodes[0] is message 1. */
struct cut_messages {
	uint32_t count;
	uint16_t opcodes[CUT_MESSAGES_MAX];
};

const struct cut_messages *cut_messages(void);

#endif
