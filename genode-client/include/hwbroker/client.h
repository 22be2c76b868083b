/* SPDX-License-Identifier: MIT */
/*
 * Client of hwbrokerd for programs with or without a libc.
 *
 * The embedder supplies a transport (how packets and descriptors get out and
 * in) and a monitor; <hwbroker/posix.h> has both for ordinary programs. The
 * library allocates nothing, keeps all state in a struct hwb_client that the
 * caller provides, and calls nothing but the embedder's functions (and memcpy,
 * memset, which every C compiler expects). It needs at most 512 bytes of stack,
 * all frames together, beside what those take (gcc, -O2 or -Os).
 *
 * Threads: any number of threads may call at once on one client. Requests are
 * pipelined: while one thread waits for a slow answer (a device that is being
 * reset), others get theirs.
 *
 * Ways to make a request:
 * - The plain functions below send and wait.
 * - hwb_begin() sends now, hwb_finish() waits later.
 * - A caller that must not wait gives its hwb_call an `on_done` and begins it; so
 *   does the entrypoint of a program in which one stuck device must not stop all.
 *   Some thread has the transport's socket among those that it polls and calls
 *   hwb_receive_ready() when it is readable. Whoever happens to receive the answer,
 *   be it within a plain function of another thread, calls `on_done`. When other
 *   threads make many requests, let that thread leave the socket alone for some
 *   milliseconds each time that it found nothing there, as an answer wakes both.
 * With a single thread, hwb_receive_ready() and hwb_done() do without `on_done`.
 *
 * Errors: every function returns 0, or a number where it says so, or a negative
 * value. From HWB_REFUSED(status) down it is the broker's refusal (enum
 * hwb_status), which changed nothing; the sentence that came with it is in the
 * call's hwb_error. After HWB_MALFORMED, HWB_BAD_VERSION and HWB_NOT_ADMITTED the
 * broker hangs up, after others the connection goes on.
 * Between -1 and -4095 it is a Linux errno. The connection goes on after
 * - -EINVAL: the request cannot be put into a message; nothing was sent;
 * - -EOVERFLOW: the answer did not fit where the caller wanted it; nothing of it was
 *   stored and its descriptors are closed, but the broker did as asked;
 * - what the transport's `send` answers, if it is not one of the next: nothing was
 *   sent.
 * It is over, for everybody, after -EPIPE (the broker hung up), -ECONNRESET,
 * -ENOTCONN, -EPROTO (what came is not the protocol), and whatever else the
 * transport's `receive` answers. All later calls fail.
 *
 * Descriptors: each one that a function returns is close-on-exec and belongs
 * to the caller. Descriptors that are passed in stay the caller's.
 */
#ifndef HWBROKER_CLIENT_H
#define HWBROKER_CLIENT_H

#include <hwbroker/protocol.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A refusal's place among the return values, and back: an enum hwb_status, or what
 * a later broker has beyond it; HWB_OK for other results. Constant expressions. */
#ifdef __cplusplus
constexpr int HWB_REFUSED(int status)
{
	return -4096 - status;
}

constexpr uint32_t hwb_refusal_of(int result)
{
	return result <= -4096 ? static_cast<uint32_t>(-4096 - result) : uint32_t{ HWB_OK };
}
#else
#define HWB_REFUSED(status) (-4096 - (int)(status))

static inline uint32_t hwb_refusal_of(int result)
{
	return result <= -4096 ? (uint32_t)(-4096 - result) : (uint32_t)HWB_OK;
}
#endif

/* A piece of a packet to be sent. */
struct hwb_part {
	const void *bytes;
	size_t length;
};

#define HWB_PARTS_MAX 3u

#define HWB_WAIT_PLAIN 2 /* a value of `wait` below */

/* How packets travel. Both functions retry EINTR themselves.
 *
 * `send` makes one packet of `count` parts, 1 to HWB_PARTS_MAX, of which the first
 * is the struct hwb_header and none is empty, with `fd` beside it unless that is
 * -1; 0 or a negative errno. It waits for room, or answers -EAGAIN if its callers
 * must not. Several threads may be in it at once: a SEQPACKET socket keeps their
 * packets apart. After an error nothing was sent, and only this request fails:
 * whether the connection is over, `receive` says to the others.
 *
 * `receive`, which one thread at a time calls, returns bytes or a negative errno;
 * 0: the broker hung up. ECONNRESET, which a Unix socket reports once and ahead of
 * the broker's last messages, it retries as EINTR. If nothing is there, it waits if
 * `wait` is not 0, and else answers -EAGAIN. With HWB_WAIT_PLAIN no request that is
 * under way expects descriptors: it may do without the costlier call that takes them,
 * if no other thread can make such a request meanwhile. `packet` has room for
 * HWB_MESSAGE_MAX bytes, `fds` for HWB_FDS_MAX descriptors, which it makes
 * close-on-exec; it closes any beyond, and answers -EPROTO if the packet or the
 * descriptors were cut. */
struct hwb_transport {
	void *context;
	int (*send)(void *context, const struct hwb_part *parts, uint32_t count, int fd);
	long (*receive)(void *context, void *packet, int *fds, uint32_t *fd_count, int wait);
	void (*close_fd)(void *context, int fd);
};

/* A lock with a place to wait: `wait` is called with the lock held, lets go of it,
 * sleeps until wake_all, and holds it again on return (earlier wake-ups do no
 * harm). A mutex with a condition variable is one. The library never holds it
 * while it sends or receives. */
struct hwb_monitor {
	void *context;
	void (*acquire)(void *context);
	void (*release)(void *context);
	void (*wait)(void *context);
	void (*wake_all)(void *context);
};

/* What a refusal said. `reason` is NUL-terminated and cut to fit. */
struct hwb_error {
	uint32_t status;     /* enum hwb_status, as it came */
	uint32_t host_errno; /* for HWB_HOST_ERROR */
	uint32_t field;      /* offset of the culprit in the request */
	char reason[244];
};

struct hwb_call;

/* Called when the call is answered, or the connection over: hwb_finish() would give
 * call->result. The call is the caller's again, to be begun anew if it likes.
 * For where it is called, see hwb_event_handler. */
typedef void (*hwb_done_handler)(void *context, struct hwb_call *call);

/* One request on its way. The caller provides the memory, which must live until
 * hwb_finish() has returned or `on_done` was called. Fields are the library's, but
 * for those that hwb_begin() names. */
struct hwb_call {
	struct hwb_call *next;
	void *reply;           /* where the reply's body goes */
	uint32_t reply_size;   /* bytes there */
	uint32_t reply_length; /* bytes that came, with the tail's */
	void *tail;            /* sent behind the body; the reply's end replaces it */
	uint32_t tail_size;    /* bytes there, both ways; 0: none */
	uint32_t fds_max;
	int *fds;                /* where descriptors go */
	uint32_t fd_count;       /* that came */
	struct hwb_error *error; /* where a refusal goes, or NULL */
	hwb_done_handler on_done;
	void *done_context;
	uint32_t serial;
	uint32_t session; /* header.session of the reply, -EOVERFLOW's too */
	uint16_t opcode;
	uint8_t done;
	uint8_t fds_min; /* a reply that brings fewer ends the connection (-EPROTO) */
	int result;
};

/* Called from within whichever library call receives an event, without a lock
 * held. Handlers are called one at a time, in the order of the packets, in the middle
 * of receiving: they may begin requests, but wait for none and receive nothing. */
typedef void (*hwb_event_handler)(void *context, const struct hwb_header *header, const void *body);

struct hwb_client {
	struct hwb_transport transport;
	struct hwb_monitor monitor;
	hwb_event_handler on_event;
	void *event_context;
	struct hwb_call *calls; /* in flight; under monitor, as the next five */
	uint32_t next_serial;
	uint32_t receiving;                   /* a thread is; packet and received_fds are its own */
	uint32_t waiting;                     /* threads in monitor.wait */
	uint32_t fd_calls;                    /* calls in flight that expect descriptors */
	int dead;                             /* negative errno once the connection failed */
	struct hwb_hello_reply hello;         /* after hwb_connect(): limits and features */
	uint64_t packet[HWB_MESSAGE_MAX / 8]; /* received */
	int received_fds[HWB_FDS_MAX];
};

/* Starts a client on a connected transport: stores the parts, exchanges HELLO.
 * `on_event` may be NULL. On failure nothing is kept. */
int hwb_connect(struct hwb_client *client, const struct hwb_transport *transport,
                const struct hwb_monitor *monitor, hwb_event_handler on_event, void *event_context,
                struct hwb_error *error);

/* Sends a request: `body_length` bytes, then the call's tail. The fields of `call`
 * that say where the answer goes (reply, reply_size, tail, tail_size, fds, fds_max,
 * fds_min, error, on_done, done_context; zero: nowhere) are set by the caller before; all else
 * is set here. `fd`: to pass, or -1. After an error nothing was sent, and nobody is
 * told; otherwise `on_done` may be called before this returns, which uses the call
 * no more then, but its tail.
 *
 * Somebody must receive while requests are sent. If the only thread begins more
 * than hello.requests_max before it finishes or receives any, then this waits for
 * the broker, which waits for somebody to take its answers, and then hangs up.
 *
 * A tail is for an array that is too long for a small stack and comes back as it
 * went, as the operations of IO_PORT_BATCH do: they are sent from where the caller
 * has them, and what comes behind the `reply_size` bytes of the reply overwrites
 * them. A reply that brings less than the tail ends the connection (-EPROTO). */
int hwb_begin(struct hwb_client *client, struct hwb_call *call, uint16_t opcode, uint32_t session,
              const void *body, size_t body_length, int fd);

/* Waits until `call` is answered. Answers to other calls that come first are
 * delivered to those. Exactly one finish per successful begin, unless `on_done` is
 * set: then none. */
int hwb_finish(struct hwb_client *client, struct hwb_call *call);

/* Whether hwb_finish() would return at once. Receives nothing. */
int hwb_done(struct hwb_client *client, const struct hwb_call *call);

/* Receives one packet, waiting for it, or returns once another thread, which was
 * receiving already, has stopped to. */
int hwb_receive_one(struct hwb_client *client);

/* Receives one packet without waiting. 1: did so; 0: none is there, or another
 * thread is about to take it: poll again. */
int hwb_receive_ready(struct hwb_client *client);

/* ---- plain requests: send and wait. `error` may be NULL everywhere. ---- */

int hwb_ping(struct hwb_client *client, struct hwb_error *error);
int hwb_close(struct hwb_client *client, uint32_t session, struct hwb_error *error);

/* A list that is being read; all zero: from its start. Holds a page of it, and is
 * better not put on a small stack. After an error it may be continued or zeroed. */
struct hwb_list {
	uint64_t next;  /* cursor of the page after this one */
	uint32_t taken; /* records of this page that the caller has */
	uint32_t begun;
	struct {
		struct hwb_list_reply head;
		uint64_t records[HWB_MESSAGE_MAX / 8 - 5]; /* less both headers */
	} page;
};

/* Fills in up to `max` devices, at least 1, where `list` stands, and moves it on.
 * Returns how many; 0: that was all. Each call sends at most one request, but
 * skips pages that are empty. */
int hwb_device_list(struct hwb_client *client, struct hwb_list *list, struct hwb_device *devices,
                    uint32_t max, struct hwb_error *error);

/* One device by its address, or by its handle if this connection owns it. */
int hwb_device_info(struct hwb_client *client, const struct hwb_pci_address *address,
                    struct hwb_device *device, struct hwb_error *error);
int hwb_device_info_by_handle(struct hwb_client *client, uint32_t handle, struct hwb_device *device,
                              struct hwb_error *error);

/* One round trip: the device, its registers, its interrupt. `session` receives
 * the device's handle; `fds` holds HWB_FDS_MAX and receives what came, in the
 * order that struct hwb_acquire_reply names. */
int hwb_device_acquire(struct hwb_client *client, const struct hwb_acquire_request *request,
                       uint32_t *session, struct hwb_acquire_reply *reply, int *fds,
                       uint32_t *fd_count, struct hwb_error *error);

/* The same for any device of the rule that `request` names; `reply->device' is which. */
int hwb_device_acquire_any(struct hwb_client *client, const struct hwb_acquire_any_request *request,
                           uint32_t *session, struct hwb_acquire_reply *reply, int *fds,
                           uint32_t *fd_count, struct hwb_error *error);

int hwb_config_read(struct hwb_client *client, uint32_t device, uint32_t offset, uint32_t width,
                    uint32_t *value, struct hwb_error *error);
int hwb_config_write(struct hwb_client *client, uint32_t device, uint32_t offset, uint32_t width,
                     uint32_t value, struct hwb_error *error);

/* What is in a BAR of a device that this connection has, or memory beside BARs that the policy
 * gives this client. `*fd` is -1 if region->flags says MEDIATED: hwb_io_mem_batch(). */
int hwb_io_mem_open(struct hwb_client *client, uint64_t base, uint64_t size, uint32_t flags,
                    struct hwb_region *region, int *fd, struct hwb_error *error);
int hwb_io_mem_open_bar(struct hwb_client *client, uint32_t device,
                        const struct hwb_bar_request *request, struct hwb_region *region, int *fd,
                        struct hwb_error *error);

int hwb_io_port_open(struct hwb_client *client, uint32_t base, uint32_t count, uint32_t *session,
                     struct hwb_error *error);
int hwb_io_port_open_bar(struct hwb_client *client, uint32_t device, uint32_t bar,
                         struct hwb_region *region, int *fd, struct hwb_error *error);

/* Carries out up to HWB_PORT_OPS_MAX records (more: -EINVAL) as one: the broker
 * checks all of them before the first, then runs them in order with nobody else's
 * in between. Values that were read are stored into `ops`. What enum hwb_batch_action
 * has beyond IN and OUT takes more than one record. 0, a negative error, or the number
 * (from 1) of the record of the POLL whose time was up: what is behind it was not done. */
int hwb_io_port_batch(struct hwb_client *client, uint32_t session, struct hwb_port_op *ops,
                      uint32_t count, struct hwb_error *error);

/* The same with a region that has no descriptor (HWB_REGION_MEDIATED), and up to
 * HWB_MEM_OPS_MAX records. */
int hwb_io_mem_batch(struct hwb_client *client, uint32_t session, struct hwb_mem_op *ops,
                     uint32_t count, struct hwb_error *error);

/* The memory beside BARs that the policy gives this client; as hwb_device_list(). */
int hwb_io_mem_list(struct hwb_client *client, struct hwb_list *list,
                    struct hwb_memory_range *ranges, uint32_t max, struct hwb_error *error);

/* The legacy ports that the policy gives this client; as hwb_device_list(). */
int hwb_io_port_list(struct hwb_client *client, struct hwb_list *list,
                     struct hwb_port_range *ranges, uint32_t max, struct hwb_error *error);

/* `fds` holds HWB_FDS_MAX: trigger eventfds of the first reply->fds vectors,
 * then for INTx the unmask eventfd. With a device handle request->number is 0. */
int hwb_irq_open(struct hwb_client *client, uint32_t device, const struct hwb_irq_request *request,
                 struct hwb_interrupt *reply, int *fds, uint32_t *fd_count,
                 struct hwb_error *error);
int hwb_irq_enable(struct hwb_client *client, uint32_t irq, struct hwb_error *error);
int hwb_irq_ack(struct hwb_client *client, uint32_t irq, struct hwb_error *error);
/* Trigger eventfds of `count` vectors, 1 to HWB_FDS_MAX, from `first` on. */
int hwb_irq_fds(struct hwb_client *client, uint32_t irq, uint32_t first, uint32_t count, int *fds,
                struct hwb_error *error);

/* An interrupt line that no PCI function has: 0 to 15, as of a PC's ISA bus. `fds` receives
 * the trigger and the unmask eventfd, or -1 for the latter if the line is polled; they are read
 * and written as eventfds are. hwb_irq_ack() and hwb_close() take line->session. */
int hwb_irq_open_number(struct hwb_client *client, uint32_t number, struct hwb_line *line,
                        int fds[2], struct hwb_error *error);

/* The lines that the policy gives this client; as hwb_device_list(). */
int hwb_irq_list(struct hwb_client *client, struct hwb_list *list, struct hwb_line_grant *lines,
                 uint32_t max, struct hwb_error *error);

int hwb_domain_open(struct hwb_client *client, uint32_t *session, struct hwb_error *error);

/* The windows in which mappings may lie, ascending; as hwb_device_list(). */
int hwb_domain_info(struct hwb_client *client, uint32_t domain, struct hwb_list *list,
                    struct hwb_iova_range *windows, uint32_t max, struct hwb_error *error);
int hwb_domain_assign(struct hwb_client *client, uint32_t domain, uint32_t device,
                      struct hwb_error *error);
int hwb_domain_deassign(struct hwb_client *client, uint32_t domain, uint32_t device,
                        struct hwb_error *error);
int hwb_dma_alloc(struct hwb_client *client, uint32_t domain,
                  const struct hwb_dma_alloc_request *request, struct hwb_dma_reply *reply, int *fd,
                  struct hwb_error *error);
int hwb_dma_map(struct hwb_client *client, uint32_t domain,
                const struct hwb_dma_map_request *request, int fd, struct hwb_dma_reply *reply,
                struct hwb_error *error);
int hwb_dma_unmap(struct hwb_client *client, uint32_t domain, uint64_t iova,
                  struct hwb_error *error);

/* For operators (HWB_FEATURE_ADMIN): the devices that the policy gives the client that
 * it calls `name`; as hwb_device_list(). -EINVAL: no name is that long. */
int hwb_admin_given(struct hwb_client *client, const char *name, struct hwb_list *list,
                    struct hwb_device *devices, uint32_t max, struct hwb_error *error);

#ifdef __cplusplus
}
#endif

#endif
