/* SPDX-License-Identifier: MIT */
/* Mistakes that only the whole policy shows, and the indexes for deciding,
 * which find most of them. */
#ifndef HWBROKERD_POLICY_CHECK_H
#define HWBROKERD_POLICY_CHECK_H

#include "policy/parse.h"

/* Duplicate sections. */
void check_sections(const struct parser *parser);

/* Users that stand in two sections, and clients that an earlier one leaves nobody to. */
void check_clients(const struct parser *parser);

/* Resolves the clients that rules name; unknown ones are reported. */
void check_references(struct parser *parser);

/* Fills the index of device rules; reports rules that can never be used
 * because one above them, for the same client, has all of their devices. */
void check_devices(struct parser *parser);

/* Reports sections about virtual functions that one above them leaves no device to. */
void check_virtuals(struct parser *parser);

/* Fills the grants of ports; reports ranges that overlap. */
void check_ports(struct parser *parser);

/* Likewise, of memory. */
void check_memory(struct parser *parser);

/* Fills the grants of interrupt lines; reports lines that stand in two sections. */
void check_interrupts(struct parser *parser);

#endif
