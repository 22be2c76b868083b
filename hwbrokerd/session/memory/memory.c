/* SPDX-License-Identifier: MIT */
#include "session/memory/memory.h"

#include "session/acquire/assess.h"
#include "session/memory/vga.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool overlap(uint64_t base, uint64_t size, uint64_t other, uint64_t other_size)
{
	return base <= memory_last(other, other_size) && other <= memory_last(base, size);
}

/* ---- the session ---- */

void memory_describe(const struct region_session *session, char *text, size_t size)
{
	const struct hwb_region *region = &session->region;

	snprintf(text, size, "%s%smemory 0x%" PRIx64 "-0x%" PRIx64 "%s%s",
	         session->device != NULL ? session->device->name : "",
	         session->device != NULL ? " VGA " : "", region->base,
	         memory_last(region->base, region->size),
	         (region->flags & HWB_REGION_COPY) != 0      ? " copy"
	         : (region->flags & HWB_REGION_DEV_MEM) != 0 ? " /dev/mem"
	                                                     : " mediated",
	         (region->flags & HWB_REGION_READ_ONLY) != 0 ? "" : " write");
}

void memory_tell(enum happening_kind kind, const struct memory_session *session, const char *rule,
                 const char *reason)
{
	const struct peer *peer = session->region.session.peer;
	char resource[80];

	memory_describe(&session->region, resource, sizeof(resource));
	happened(peer->broker,
	         &(struct happening){ .kind = kind,
	                              .peer = peer,
	                              .resource = resource,
	                              .rule = rule,
	                              .status = kind == HAPPENED_REVOKED ? HWB_DENIED : HWB_OK,
	                              .reason = reason });
}

static void forget(struct memory_session *session)
{
	*session->link = session->next;
	if (session->next != NULL)
		session->next->link = session->link;
	memory_discard(session);
}

void memory_discard(struct memory_session *session)
{
	physical_unmap(&session->physical);
	free(session);
}

/* Until a batch that is under way has ended it is nobody else's. */
static void gone(struct batcher *batcher)
{
	forget((struct memory_session *)((char *)batcher -
	                                 offsetof(struct memory_session, batcher)));
}

static bool is_mediated(const struct memory_session *session)
{
	return (session->region.region.flags & HWB_REGION_MEDIATED) != 0;
}

void memory_close(struct memory_session *session)
{
	/* What was taken is told of already. */
	if (!session->region.session.taken)
		memory_tell(HAPPENED_MEMORY_RELEASED, session, NULL, "");
	session_withdraw(&session->region.session);
	if (is_mediated(session))
		batcher_close(&session->batcher);
	else
		forget(session);
}

/* ---- batches ---- */

static int check_place(const struct physical *physical, uint64_t place, uint32_t width,
                       struct fault *fault)
{
	uint64_t address = physical->base + place;

	if (address % width == 0)
		return 0;
	return fault_set(fault, HWB_INVALID,
	                 "address 0x%" PRIx64 " is no multiple of %u, the width of the access",
	                 address, width);
}

static int read_memory(const struct batch_window *window, uint64_t place, uint32_t width,
                       uint64_t *value, struct fault *fault)
{
	const struct physical *physical = window->context;

	if (check_place(physical, place, width, fault) != 0)
		return -1;
	*value = physical_read(physical, place, width);
	return 0;
}

static int write_memory(const struct batch_window *window, uint64_t place, uint32_t width,
                        uint64_t value, struct fault *fault)
{
	const struct physical *physical = window->context;

	if (check_place(physical, place, width, fault) != 0)
		return -1;
	physical_write(physical, place, width, value);
	return 0;
}

/* Behind its peer. An access of registers does not sleep, unless it goes through VFIO. */
static void serve_batches(struct memory_session *session)
{
	struct batcher *batcher = &session->batcher;

	batcher->window = (struct batch_window){
		.size = session->region.region.size,
		.widest = 8,
		.aligned = true,
		.read = read_memory,
		.write = session->physical.write ? write_memory : NULL,
		.context = &session->physical,
	};
	if (session->region.device != NULL)
		batcher->window =
		        vga_memory_window(&session->reach, session->region.session.peer,
		                          session->region.device, &session->region.region);
	batcher->form = BATCH_MEMORY;
	batcher->prompt = session->region.device == NULL;
	batcher->gone = gone;
	batcher_start(batcher, session->region.session.peer);
	session->region.batcher = batcher;
}

static void link_session(struct memory_session *session)
{
	struct broker *broker = session->region.session.peer->broker;

	session->next = broker->memory_sessions;
	session->link = &broker->memory_sessions;
	if (session->next != NULL)
		session->next->link = &session->next;
	broker->memory_sessions = session;
}

/* ---- who has it ---- */

static bool is_copy(const struct memory_session *session)
{
	return (session->region.region.flags & HWB_REGION_COPY) != 0;
}

int memory_free(const struct broker *broker, const struct peer *peer, uint64_t base, uint64_t size,
                struct fault *fault)
{
	for (const struct memory_session *other = broker->memory_sessions; other != NULL;
	     other = other->next) {
		const struct hwb_region *region = &other->region.region;
		if (other->region.session.peer == peer || is_copy(other) ||
		    !overlap(base, size, region->base, region->size))
			continue;
		return fault_set(fault, HWB_BUSY,
		                 "some of memory 0x%" PRIx64 "-0x%" PRIx64
		                 " is in use by another owner",
		                 base, memory_last(base, size));
	}
	return 0;
}

/* By descriptors it is used without us: taken, it stays out of reach for others. */
static void take(struct memory_session *session)
{
	session->region.session.taken = true;
	if ((session->region.region.flags & HWB_REGION_DEV_MEM) == 0) {
		memory_close(session);
		return;
	}
	session_withdraw(&session->region.session);
	session->kept = true;
}

/* On the terms on which it was opened. */
static bool still_given(const struct memory_session *session)
{
	const struct hwb_region *region = &session->region.region;
	struct asker asker = asker_of(session->region.session.peer);
	struct policy_verdict verdict;

	return assess_memory(&asker, region->base, region->size, &verdict, NULL) == 0 &&
	       (verdict.memory.write || is_copy(session) ||
	        (region->flags & HWB_REGION_READ_ONLY) != 0) &&
	       (verdict.memory.fd || (region->flags & HWB_REGION_DEV_MEM) == 0);
}

void memory_take_back(struct broker *broker)
{
	struct memory_session *next;

	for (struct memory_session *session = broker->memory_sessions; session != NULL;
	     session = next) {
		next = session->next;
		/* A batch of one that was closed may still be under way. */
		if (session->kept || session->batcher.closed || still_given(session))
			continue;
		memory_tell(HAPPENED_REVOKED, session, NULL, "the policy gives it no more");
		take(session);
	}
}

void memory_forget(const struct peer *peer)
{
	struct memory_session *next;

	for (struct memory_session *session = peer->broker->memory_sessions; session != NULL;
	     session = next) {
		next = session->next;
		if (session->kept && session->region.session.peer == peer)
			forget(session);
	}
}

/* ---- beginning with it ---- */

void memory_begin(struct memory_session *session)
{
	link_session(session);
	if (is_mediated(session))
		serve_batches(session);
}
