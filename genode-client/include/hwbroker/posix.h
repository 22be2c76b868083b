/* SPDX-License-Identifier: MIT */
/*
 * The client library's transport and monitor on a POSIX system.
 *
 * hwb_posix_open() connects to the broker, exchanges HELLO and leaves a client
 * ready for the calls of <hwbroker/client.h>. All threads of the process may
 * use it, until one of them closes it. The connection does not survive fork into
 * two users: a child that wants hardware opens its own.
 */
#ifndef HWBROKER_POSIX_H
#define HWBROKER_POSIX_H

#include <hwbroker/client.h>
#include <pthread.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Stays where it was opened: it must be neither moved nor copied, for the client
 * in it knows its address. */
struct hwb_posix {
	struct hwb_client client;
	int socket;            /* to poll; hwb_receive_ready() when it is readable */
	pthread_mutex_t mutex; /* the monitor's two halves */
	pthread_cond_t changed;
	int locked; /* the mutex is, by whoever is in the monitor */
};

/* Connects to `path`, or with NULL to $HWBROKER_SOCKET, or to the default
 * HWB_SOCKET_PATH. 0 or an error as client.h says; `error->reason` then holds
 * a sentence with what to do, for transport errors too. */
int hwb_posix_open(struct hwb_posix *posix, const char *path, hwb_event_handler on_event,
                   void *event_context, struct hwb_error *error);

/* Hangs up: the broker takes everything back. No other call may be under way, in
 * any thread, nor follow. Calls that were begun are forgotten, without on_done;
 * shutdown(posix->socket, SHUT_RDWR) first lets those who wait come back. */
void hwb_posix_close(struct hwb_posix *posix);

/* Writes "what: reason (STATUS)" to stderr, without colour. `error` may be
 * NULL; `result` is what the failing call returned. */
void hwb_posix_print_error(const char *what, int result, const struct hwb_error *error);

#ifdef __cplusplus
}
#endif

#endif
