/* SPDX-License-Identifier: MIT */
/* Asking the broker: connection, paged lists, and errors in plain words. */
#ifndef HWBROKER_CTL_BROKER_H
#define HWBROKER_CTL_BROKER_H

#include "command.h"

#include <hwbroker/posix.h>

struct broker {
	struct hwb_posix posix;
	uint64_t page[HWB_MESSAGE_MAX / 8];
};

/* Connects, and makes sure that the caller may ask. EXIT_OK, or the status to
 * end with; the reason has been printed. */
int broker_open(struct broker *broker, const struct context *context);
/* The same, and `on_event` is called for each event that comes while something is
 * received. */
int broker_open_for_events(struct broker *broker, const struct context *context,
                           hwb_event_handler on_event, void *event_context);
/* The same for who may change what others have. */
int broker_open_to_change(struct broker *broker, const struct context *context);
void broker_close(struct broker *broker);

/* Connects, whatever the caller may. What hwb_posix_open() answers; prints nothing. */
int broker_connect(struct broker *broker, const struct context *context, struct hwb_error *error);

/* Prints what went wrong with `what`, and `hint` if it is a matter of rights. Returns
 * the status to end with. */
int broker_explain(const char *what, int result, const struct hwb_error *error, const char *hint);

/* How to get the right to look at the broker. */
extern const char broker_operators[];

/* Fetches all pages of a list. `records` receives an array, to be freed, of
 * `count` records of `size` bytes each, the fields that an older broker does
 * not have zeroed. */
int broker_list(struct broker *broker, uint16_t opcode, size_t size, void **records, size_t *count);

/* The same of a list whose request is `length` bytes at `body`, the first of them a cursor;
 * 0: it has none, and one page. */
int broker_list_of(struct broker *broker, uint16_t opcode, void *body, size_t length, size_t size,
                   void **records, size_t *count);

/* Makes sure that the caller may change what others have; EXIT_OK, or else as above. */
int broker_need_control(const struct broker *broker);

/* One request without a body. `length` receives the bytes that came. */
int broker_ask(struct broker *broker, uint16_t opcode, void *reply, uint32_t size,
               uint32_t *length);

/* One that changes something, answered by `size` bytes. */
int broker_order(struct broker *broker, uint16_t opcode, const void *body, size_t length,
                 void *reply, uint32_t size);

#endif
