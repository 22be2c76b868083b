/* SPDX-License-Identifier: MIT */
/*
 * A range of legacy ports: by the processor's own instructions where the program has the
 * ports in its I/O bitmap, as one that `hwbroker-ctl run' started has, and by batches of the
 * broker where not. A driver is written once.
 *
 * Nothing tells a program its bitmap, and a port that is not in it is a SIGSEGV. So somebody
 * must say: in an ordinary program the variable HWB_NATIVE_PORTS, which `hwbroker-ctl run'
 * sets (hwb_posix_ports_native() reads it); without an environment the embedder knows.
 * Who is told what is not so harms but itself.
 */
#ifndef HWBROKER_PORTS_H
#define HWBROKER_PORTS_H

#include <hwbroker/client.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A range of ports in use. Fields are the library's. */
struct hwb_ports {
	struct hwb_client *client;
	uint32_t base;
	uint32_t count;
	uint32_t session; /* with batches */
	int native;
};

/* Whether `list` has all these ports: "0x40-0x43,0x61", as HWB_NATIVE_PORTS has them. What is
 * no such list has none. NULL: none. */
int hwb_ports_listed(const char *list, uint32_t base, uint32_t count);

/* Whether this program was started with these ports in its bitmap, by HWB_NATIVE_PORTS. */
int hwb_posix_ports_native(uint32_t base, uint32_t count);

/* Begins to use ports. `native`: they are in the bitmap, and nothing is asked of the broker,
 * so that `client` may be NULL. (Whoever gave them has opened them: to others they are
 * BUSY.) Otherwise as hwb_io_port_open(). -ENOSYS: native, but this processor has no ports. */
int hwb_ports_open(struct hwb_ports *ports, struct hwb_client *client, uint32_t base,
                   uint32_t count, int native, struct hwb_error *error);

/* Carries out operations in order, as hwb_io_port_batch(), which it is without native ports.
 * With them it is no more than the instructions: others' may come in between, and a POLL
 * reads as often as it has microseconds, which on the slow bus of legacy ports is about as
 * long. -EINVAL: an operation is not within the range, or is none; then none is carried
 * out. */
int hwb_ports_run(struct hwb_ports *ports, struct hwb_port_op *ops, uint32_t count,
                  struct hwb_error *error);

/* Gives them back, if they were opened. */
int hwb_ports_close(struct hwb_ports *ports, struct hwb_error *error);

#ifdef __cplusplus
}
#endif

#endif
