/* SPDX-License-Identifier: MIT */
/*
 * What a connection can hold. Each kind is a small object with an open (the
 * serve_ functions), its service, and a close; the file of that name has all
 * three. Sessions belong to the loop; jobs carry what they need of them.
 */
#ifndef HWBROKERD_SESSION_SESSION_H
#define HWBROKERD_SESSION_SESSION_H

#include "device/operate.h"
#include "server/happening.h"
#include "server/request.h"
#include "session/batch/batcher.h"
#include "session/dma/ledger.h"

struct domain;
struct irq_session;

/* How batches reach a BAR without a descriptor of it: memory/mediated.h. */
struct mediated_reach {
	const struct kernel_backend *kernel;
	struct device *device;
	uint32_t bar;
};

/* What is brought to rest, if it is to be taken up first. */
enum release_of {
	RELEASE_TAKEN_UP,  /* it was granted; or is at rest, and is only to go back */
	RELEASE_FOUND,     /* taken by the daemon before this one, from `origin` */
	RELEASE_CLEARED,   /* of quarantine */
	RELEASE_RECLAIMED, /* free for who had it, and did not take it */
};

/* What bringing a device to rest needs, there before it is granted: giving back
 * never fails for lack of memory. */
struct release_job {
	struct job job;
	struct broker *broker;
	char client[HWB_NAME_SIZE]; /* who had it, and as whom */
	uint32_t uid, pid;
	enum release_of of;
	bool need_not_reset; /* what is found */
	bool claimed;        /* afterwards: it is with us */
	struct bind_origin origin;
	struct device *restore[OPERATE_GROUP_MAX]; /* to their host drivers, afterwards */
	uint32_t restore_count;
	bool tried;        /* nothing was in the way of that */
	uint64_t restored; /* bit n: restore[n] is with its host driver again */
	int result;
	struct fault fault;
	bool let_go;          /* for the host: closed even if somebody has its registers */
	bool last;            /* they are not waited for any longer */
	uint32_t short_tries; /* that failed for want of a descriptor (release/job.h) */
	ev_timer retry;       /* after these */
	bool reclaimed;       /* by the client that had it, and so not for the host */
	int process;          /* pidfd of whom it is ended with if it keeps them; -1: nobody */
	/* Since somebody was seen to have them; 0: not yet. */
	ev_tstamp held_since;
	ev_timer again;
};

/* Whether the client has been asked to give its device back. */
enum revoke_asked { REVOKE_NOT_ASKED, REVOKE_ASKED, REVOKE_ASKED_BY_POLICY };

/* A device that the connection owns. */
struct device_session {
	struct session session; /* handle 0: the client does not know of it */
	struct device *device;
	struct domain *domain;   /* that it is assigned to, or being; NULL: none */
	uint32_t assignments;    /* DOMAIN_ASSIGNs so far: which one set `domain` */
	struct irq_session *irq; /* open, or being opened; NULL: none */
	ev_tstamp since;         /* it has the device */
	enum revoke_asked asked;
	ev_timer grace;                 /* since it was asked for */
	ev_io wanted;                   /* by the host */
	ev_timer look;                  /* for what it cannot say (release/revoke.c) */
	ev_io failed;                   /* says the kernel */
	enum hwb_device_change ending;  /* that the client is told of in the end */
	char rule[HAPPENING_RULE_SIZE]; /* by which it was granted */
	/* keep_opened(). It was opened since its descriptors were kept, which is counted in the
	 * peer; how often; a job sees to it, as of that opening; and there was no room. */
	bool unkept;
	uint32_t openings;
	bool keeping, full;
	uint32_t keeping_of;
	struct job keep_job;
	int keep_result;
	struct release_job release;
};

/* A BAR's descriptor that was handed out, be it memory or ports; or access to it by batches,
 * without one. */
struct region_session {
	struct session session;
	struct batcher *batcher; /* NULL: there is a descriptor */
	struct device *device;   /* NULL: of no device */
	struct hwb_region region;
	uint32_t bar; /* or KERNEL_VGA, or HWB_BAR_ROM */
};

/* Whether it is a memory_session (memory/memory.h). */
static inline bool region_is_memory(const struct region_session *session)
{
	return session->device == NULL || session->bar == KERNEL_VGA;
}

struct port_session {
	struct session session;
	struct batcher batcher;
	struct port_session *next; /* all that are open, of all connections */
	struct port_session **link;
	struct device *device;       /* whose I/O BAR it is; NULL: legacy ports */
	bool vga;                    /* or whose legacy ports: memory/vga.h */
	bool by_vfio;                /* then, or if its rule does not say `grant = split' */
	struct mediated_reach reach; /* then */
	uint32_t base;
	uint32_t count;
	bool kept; /* taken, and not in the peer's table any more: nobody else's until it hangs up
	            */
};

struct irq_session {
	struct session session; /* handle 0 until it is open */
	struct device *device;
	uint32_t references; /* the session, and each job that uses the descriptors */
	enum hwb_irq_type type;
	uint32_t count;
	uint32_t id;   /* note.h */
	uint32_t put;  /* descriptors in the store */
	bool kept;     /* all of them */
	bool unkept;   /* and that is counted in the peer */
	bool enabled;  /* for people */
	bool armed;    /* the kernel has the eventfds; jobs of the group's strand only */
	int unmask_fd; /* INTx, else -1 */
	int fds[];     /* trigger eventfds */
};

/* A DMA domain. Outlives its session until no device is in it. */
struct domain {
	struct session session;
	struct job free_job; /* its end, which needs no memory */
	struct request end;  /* the CLOSE that waits for it; peer NULL: none does */
	struct broker *broker;
	struct strand strand; /* of map and unmap */
	struct kernel_domain *kernel;
	struct ledger ledger;
	struct account *account;
	uint32_t users; /* devices in it, coming or going */
	bool closed;
	bool unkept;         /* a mapping is not kept yet */
	bool keeping;        /* the job is under way that sees to it */
	struct job keep_job; /* keep.h */
};

/* Adds to the peer's table and counts. */
int session_publish(struct peer *peer, struct session *session, struct fault *fault);
/* Takes out of the table; the object stays the caller's. */
void session_withdraw(struct session *session);

/* Whether it is of registers or ports of the device. */
bool session_hangs_on(const struct session *session, const struct device *device);

/* Ends a session of any kind and what hangs on it. `request`: the CLOSE that is
 * to be answered, or NULL. */
void session_close(struct session *session, const struct request *request);
void session_close_all(struct peer *peer);

/* One line for people: what the session is about. */
void session_describe(const struct session *session, char *text, size_t size);

/* The kinds' own parts of the above. The last two answer the CLOSE themselves, once
 * the interrupts are disarmed, or the memory out of every device's reach. */
void device_session_close(struct device_session *session);
void region_close(struct region_session *session);
void port_close(struct port_session *session);
void irq_close(struct irq_session *irq, const struct request *request);
void domain_close(struct domain *domain, const struct request *request);

/* Takes them from the client. Those that it may use without us stay out of reach for others
 * until it hangs up, when port_forget() forgets them. */
void port_take(struct port_session *session);
void port_forget(const struct peer *peer);

/* Readies it for batches: the range is set, and the peer. */
void port_serve_batches(struct port_session *session);

/* Whether the policy of now gives what was opened; those of a BAR are given with it. */
bool port_still_given(const struct port_session *session);

/* A device left the domain, or never came in. Frees it if that was the last. */
void domain_leave(struct domain *domain);

/* Closes the interrupt of a device, be it open or just being opened. */
void irq_close_of(struct device_session *owner);
void irq_release(struct irq_session *irq);

#endif
