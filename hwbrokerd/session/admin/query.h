/* SPDX-License-Identifier: MIT */
/*
 * What an operator asks that the loop cannot answer at once, since it reads many files: held,
 * run on a worker, answered on the loop. All such queries together have one thread at a time,
 * and so take none from clients. Embed it first in what the query needs.
 */
#ifndef HWBROKERD_SESSION_QUERY_H
#define HWBROKERD_SESSION_QUERY_H

#include "server/peer.h"
#include "server/request.h"

struct query {
	struct job job;
	struct strand strand;
	struct request request;
};

/* `size` zeroed bytes that begin with a struct query. NULL: no memory, and the request has
 * been refused. */
void *query_new(const struct request *request, size_t size);

/* Holds the request and submits. `done` answers, then calls query_end(). */
void query_start(struct query *self, const struct request *request, void (*run)(struct job *job),
                 void (*done)(struct job *job));

/* Drops the request and frees the query. */
void query_end(struct query *self);

#endif
