/* SPDX-License-Identifier: MIT */
/* IO_MEM_OPEN of physical memory that is of no device, and IO_MEM_LIST. */
#include "kernel/iomem.h"
#include "session/acquire/assess.h"
#include "session/memory/memory.h"
#include "session/memory/vga.h"
#include "session/restart/keep.h"
#include "session/serve.h"
#include "util/cleanup.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The PC of old: the window on the picture's memory, then option ROMs and the firmware. */
enum { WINDOW = 0xa0000, ROMS = 0xc0000, ROMS_END = 0x100000 };

static const char fd_warning[] =
        "by a descriptor of /dev/mem: its holder reaches every address that the kernel lets "
        "anybody reach there, and it cannot be taken back";

struct memory_job {
	struct job job;
	struct strand strand;
	struct request request;
	struct policy_access access;
	char rule[HAPPENING_RULE_SIZE];
	struct memory_session *session; /* not published yet */
	int fd;
	int result;
	struct fault fault;
};

/* How the range is given; -1 if it is neither one thing nor the other. */
static int choose(uint64_t base, uint64_t size, const struct policy_access *access, uint32_t *flags,
                  struct fault *fault)
{
	uint64_t last = memory_last(base, size);
	bool rom = base >= ROMS && last < ROMS_END;

	*flags = access->write ? 0 : HWB_REGION_READ_ONLY;
	if (access->fd) {
		*flags |= HWB_REGION_DEV_MEM;
		return 0;
	}
	if (!rom && base < ROMS_END && last >= WINDOW && (base < WINDOW || last >= ROMS))
		return fault_set(fault, HWB_INVALID,
		                 "0x%" PRIx64 "-0x%" PRIx64 " is of several kinds: open what is in "
		                 "the VGA window (0xa0000-0xbffff), in ROMs (0xc0000-0xfffff) and "
		                 "elsewhere by itself",
		                 base, last);
	*flags = rom ? HWB_REGION_COPY | HWB_REGION_READ_ONLY
	             : *flags | HWB_REGION_MEDIATED | HWB_REGION_REVOCABLE;
	return 0;
}

/* On the worker. */
static int reach(const struct hwb_region *region, bool force, struct physical *physical, int *fd,
                 struct fault *fault)
{
	uint64_t base = region->base, size = region->size;
	bool write = (region->flags & HWB_REGION_READ_ONLY) == 0;

	if (iomem_check(IOMEM_PATH, base, memory_last(base, size), write, force, fault) != 0)
		return -1;
	if ((region->flags & HWB_REGION_DEV_MEM) != 0)
		return physical_open(base, size, write, fd, fault);
	if ((region->flags & HWB_REGION_COPY) != 0)
		return physical_copy(base, size, fd, fault);
	return physical_map(base, size, write, physical, fault);
}

static void run(struct job *job)
{
	struct memory_job *self = (struct memory_job *)job;

	self->result = reach(&self->session->region.region, self->access.force,
	                     &self->session->physical, &self->fd, &self->fault);
}

int memory_publish(struct peer *peer, struct memory_session *session,
                   const struct policy_access *access, struct fault *fault)
{
	struct hwb_region *region = &session->region.region;
	struct asker asker = asker_of(peer);
	struct policy_verdict verdict;

	if (!peer_connected(peer))
		return fault_set(fault, HWB_GONE, "the client has hung up");
	if (assess_memory(&asker, region->base, region->size, &verdict, fault) != 0)
		return -1;
	if (memcmp(&verdict.memory, access, sizeof(*access)) != 0)
		return fault_set(fault, HWB_BUSY, "the policy has changed meanwhile: ask again");
	if ((region->flags & HWB_REGION_COPY) == 0 &&
	    memory_free(peer->broker, peer, region->base, region->size, fault) != 0)
		return -1;
	session->region.session.kind = HWB_SESSION_IO_MEM;
	if (session_publish(peer, &session->region.session, fault) != 0)
		return -1;
	region->session = session->region.session.handle;
	region->fd_offset = (region->flags & HWB_REGION_DEV_MEM) != 0 ? region->base : 0;
	memory_begin(session);
	keep_session(&session->region.session);
	return 0;
}

static void done(struct job *job)
{
	struct memory_job *self = (struct memory_job *)job;
	struct broker *broker = self->request.peer->broker;

	if (self->result == 0)
		self->result = memory_publish(self->request.peer, self->session, &self->access,
		                              &self->fault);
	broker->busy_devices--;
	if (self->result == 0) {
		struct memory_session *session = steal_pointer(&self->session);
		const struct hwb_region *region = &session->region.region;
		request_reply(&self->request, region->session, region, sizeof(*region), &self->fd,
		              self->fd >= 0 ? 1 : 0);
		memory_tell(HAPPENED_MEMORY_GRANTED, session, self->rule,
		            (region->flags & HWB_REGION_DEV_MEM) != 0 ? fd_warning : "");
	} else {
		request_refuse(&self->request, REQUEST_FIELD(hwb_io_mem_request, base),
		               &self->fault);
	}
	if (self->session != NULL)
		memory_discard(self->session);
	close_fd(self->fd);
	request_drop(&self->request);
	free(self);
}

void memory_start(const struct request *request, const struct hwb_region *region,
                  const struct policy_verdict *verdict)
{
	struct peer *peer = request->peer;
	_cleanup_free_ struct memory_session *session = calloc(1, sizeof(*session));
	struct memory_job *self = calloc(1, sizeof(*self));

	if (session == NULL || self == NULL) {
		free(self);
		request_refuse_text(request, HWB_NO_MEMORY, 0, "no memory for a session");
		return;
	}
	self->job.run = run;
	self->job.done = done;
	self->access = verdict->memory;
	happening_cite(verdict, self->rule);
	session->region.region = *region;
	self->session = steal_pointer(&session);
	self->fd = -1;
	request_hold(&self->request, request);
	peer->broker->busy_devices++; /* shutdown waits for it */
	strand_init(&self->strand, peer->broker->workers, &peer->account->lane);
	strand_submit(&self->strand, &self->job);
}

void memory_open(struct request *request)
{
	const struct hwb_io_mem_request *wanted = request->body;
	const struct peer *peer = request->peer;
	struct asker asker = asker_of(peer);
	struct policy_verdict verdict;
	struct fault fault;
	uint32_t flags = 0;

	int result = assess_memory(&asker, wanted->base, wanted->size, &verdict, &fault);
	if (result != 0 && verdict.section[0] == '\0') {
		request_refuse_text(request, HWB_NOT_FOUND, REQUEST_FIELD(hwb_io_mem_request, base),
		                    "0x%" PRIx64 "-0x%" PRIx64
		                    " is not within a memory BAR of a device that this connection "
		                    "has acquired, and no [memory] section of the policy gives it "
		                    "to client `%s'",
		                    wanted->base, memory_last(wanted->base, wanted->size),
		                    peer->name);
		return;
	}
	if (result == 0)
		result = choose(wanted->base, wanted->size, &verdict.memory, &flags, &fault);
	if (result == 0 && (flags & HWB_REGION_COPY) == 0)
		result = memory_free(peer->broker, peer, wanted->base, wanted->size, &fault);
	if (result != 0) {
		request_refuse(request, REQUEST_FIELD(hwb_io_mem_request, base), &fault);
		return;
	}
	const struct hwb_region region = { 0, flags, wanted->base, wanted->size, 0 };
	struct device_session *card = NULL;
	if ((flags & HWB_REGION_MEDIATED) != 0 && vga_has_memory(wanted->base, wanted->size))
		card = vga_owner(peer);
	if (card != NULL)
		memory_open_vga(request, card, &region, &verdict);
	else
		memory_start(request, &region, &verdict);
}

/* ---- going on with it ---- */

struct memory_session *memory_resume(struct peer *peer, const struct hwb_region *region,
                                     struct device *device, struct fault *fault)
{
	_cleanup_free_ struct memory_session *session = calloc(1, sizeof(*session));
	struct asker asker = asker_of(peer);
	struct policy_verdict verdict;
	_cleanup_fd_ int fd = -1;

	if (session == NULL || region->size == 0 ||
	    region->base > UINT64_MAX - (region->size - 1) ||
	    (device != NULL && !vga_has_memory(region->base, region->size)))
		return NULL;
	/* What the policy of now does not give is taken before anything is asked of it, and a
	 * descriptor that the client has needs nothing of us. */
	if ((region->flags & HWB_REGION_MEDIATED) != 0 && device == NULL &&
	    assess_memory(&asker, region->base, region->size, &verdict, NULL) == 0 &&
	    reach(region, verdict.memory.force, &session->physical, &fd, fault) != 0)
		return NULL;
	session->region.region = *region;
	session->region.device = device;
	session->region.bar = KERNEL_VGA;
	return steal_pointer(&session);
}

/* ---- what the policy gives ---- */

void serve_io_mem_list(struct request *request)
{
	enum {
		ROOM = (HWB_MESSAGE_MAX - sizeof(struct hwb_header) -
		        sizeof(struct hwb_list_reply)) /
		       sizeof(struct hwb_memory_range)
	};
	const struct hwb_list_request *list = request->body;
	const struct peer *peer = request->peer;
	struct {
		struct hwb_list_reply head;
		struct hwb_memory_range ranges[ROOM];
	} reply = { .head.record_size = sizeof(struct hwb_memory_range) };
	uint64_t address = list->cursor;
	struct policy_memory memory;

	while (policy_memory_from(peer->broker->policy, peer->client, address, &memory)) {
		if (reply.head.count == ROOM) {
			reply.head.next = memory.first;
			break;
		}
		reply.ranges[reply.head.count++] = (struct hwb_memory_range){
			.base = memory.first,
			.size = memory.last - memory.first + 1,
			.flags = (memory.access.write ? HWB_MEMORY_WRITE : 0) |
			         (memory.access.fd ? HWB_MEMORY_FD : 0),
		};
		if (memory.last == UINT64_MAX)
			break;
		address = memory.last + 1;
	}
	request_reply(request, 0, &reply,
	              sizeof(reply.head) + reply.head.count * sizeof(struct hwb_memory_range), NULL,
	              0);
}
