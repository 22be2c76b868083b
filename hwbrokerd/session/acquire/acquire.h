/* SPDX-License-Identifier: MIT */
/*
 * Acquiring a device, in one request with all its resources if so wished: a certain one, or
 * any of a rule. acquire.c judges the request and waits, any.c chooses,
 * state.c says what stands in the way, and job.c does it.
 */
#ifndef HWBROKERD_SESSION_ACQUIRE_H
#define HWBROKERD_SESSION_ACQUIRE_H

#include "device/operate.h"
#include "session/irq/irq_plan.h"
#include "session/memory/region.h"
#include "session/session.h"

/* How often one request looks for the host driver of a device. */
enum { ACQUIRE_LOOKS = 64 };

/* So many devices of a rule are named to operators when none of them will do, each with so
 * much of its reason. */
enum { ACQUIRE_TOLD = 12, ACQUIRE_WHY = 96 };

struct acquire {
	struct job job;
	struct request request;
	struct broker *broker;
	struct hwb_acquire_request wanted; /* of any device: with the address of the chosen */
	struct device *device;
	struct domain *domain; /* NULL: none */
	struct region_plan regions[HWB_BARS];
	uint32_t region_count;
	enum policy_way way; /* as the plan has it */
	struct irq_session *irq;
	struct device_session *session; /* to be */
	struct operate_targets targets;
	int result;
	bool haunted;   /* estate.h */
	bool looked;    /* whether a device that is held still is */
	bool claimed;   /* after a failure: it is with us all the same */
	bool unfit;     /* and could not be brought to rest */
	uint32_t field; /* of the request, that a refusal blames */
	struct fault fault;

	/* Any device of a rule. */
	char section[HWB_NAME_SIZE + 8]; /* "device vf"; "": a certain device */
	struct device **passed;          /* those that could not be given */
	uint32_t passed_count;
	char (*passed_why)[ACQUIRE_WHY]; /* of the first ACQUIRE_TOLD of them; NULL: no memory */
	uint32_t looks;                  /* for host drivers, that are left */
	struct fault failure;            /* of the first of them */
};

/* acquire.c: fills in the plan for `self->device`, as wanted. On failure it is to be undone
 * all the same, before there is one for another device. */
int acquire_plan(struct acquire *self, struct fault *fault);
void acquire_unplan(struct acquire *self);

/* Takes the request up again: starts the job, or parks it, or refuses it. */
void acquire_begin(struct acquire *self);
/* If the state of `busy` will change by itself, and the client wants to wait for that, parks
 * the request, which is taken up again then. False: it does not wait. */
bool acquire_wait(struct acquire *self, struct device *busy);
/* Answers with `self->fault`, and frees it; what is with us for no more goes back. */
void acquire_refuse(struct acquire *self);
void acquire_free(struct acquire *self);

/* state.c: a function of the device's group that is on its way to rest, the device
 * first; NULL: nothing to wait for. */
struct device *acquire_in_transit(const struct broker *broker, struct device *device);
/* Whether the state of the device, or of another function of its group, stands in the way. */
int acquire_may_begin(const struct acquire *self, const struct device *device, struct fault *fault);
/* The policy may have been replaced since the request was judged. `verdict` may be NULL. */
int acquire_still_given(const struct acquire *self, struct policy_verdict *verdict,
                        struct fault *fault);

/* job.c: starts the job, that answers, or passes the device over. */
int acquire_start(struct acquire *self, struct fault *fault);

/* any.c: the same as acquire_begin() and the plan, for any device of a rule. */
void acquire_any_begin(struct acquire *self);
/* The device in hand could not be given: the next one. */
void acquire_any_next(struct acquire *self);

#endif
