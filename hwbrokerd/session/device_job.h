/* SPDX-License-Identifier: MIT */
/*
 * A request whose answer needs its device: held, run on the strand of the
 * device's group, answered on the loop. Embed it first in what the job needs.
 */
#ifndef HWBROKERD_SESSION_DEVICE_JOB_H
#define HWBROKERD_SESSION_DEVICE_JOB_H

#include "kernel/kernel.h"
#include "session/session.h"

struct device_job {
	struct job job;
	struct request request;
	const struct kernel_backend *kernel;
	struct device *device;
	uint32_t owner; /* handle of the device session */
	bool opened;    /* by the job: there are descriptors to keep */
	int result;     /* of run() */
	struct fault fault;
};

/* `size` zeroed bytes that begin with a struct device_job. NULL: no memory, and
 * the request has been refused. */
void *device_job_new(const struct request *request, size_t size);

/* Holds the request and submits. `done` answers, then calls device_job_end(). `prompt`: once the
 * device is open, `run` takes so little time that the loop itself may call both, at once. */
void device_job_start(struct device_job *self, const struct request *request,
                      const struct device_session *owner, void (*run)(struct job *job),
                      void (*done)(struct job *job), bool prompt);

/* In run(): opens the device if it is closed; sets the result. */
void device_job_open(struct device_job *self);

/* In done(): whether it worked, and the device has not been closed meanwhile. */
bool device_job_held(struct device_job *self);

/* Drops the request and frees the job. */
void device_job_end(struct device_job *self);

#endif
