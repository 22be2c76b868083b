/* SPDX-License-Identifier: MIT */
/* DMA: memory at device addresses, made by the broker or brought by the client. */
#include "kernel/kernel.h"
#include "kernel/memory/memory.h"
#include "resume/note.h"
#include "session/restart/keep.h"
#include "session/serve.h"
#include "session/session.h"
#include "util/cleanup.h"

#include <inttypes.h>

/* So much of pages of the usual size is cleared in no more time than a few requests take. */
enum { PROMPT_SIZE = 64 << 10 };

enum dma_flags { RIGHTS = HWB_DMA_DEVICE_READS | HWB_DMA_DEVICE_WRITES };

/* What both ALLOC and MAP ask for. */
struct placement {
	uint64_t size;
	uint64_t alignment;
	uint64_t iova;
	uint64_t limit;
	uint32_t flags;
};

enum dma_step { DMA_STEP_ALLOC, DMA_STEP_MAP, DMA_STEP_UNMAP };

struct dma_job {
	struct job job;
	struct request request;
	struct domain *domain; /* outlives the job: destroyed on the same strand */
	uint32_t handle;       /* of the domain */
	enum dma_step step;
	struct kernel_mapping mapping;
	struct kernel_wish wish; /* without an IOMMU */
	uint32_t page_size;
	bool may_fall_back; /* 2 MiB pages were our choice */
	int fd;             /* memory, owned; after run(): ALLOC's, for the answer */
	int result;
	struct fault fault;
};

static bool is_unsafe(const struct domain *domain)
{
	return host_is_unsafe(&domain->broker->host);
}

static void run(struct job *job)
{
	struct dma_job *self = (struct dma_job *)job;
	struct domain *domain = self->domain;
	const struct kernel_backend *kernel = domain->broker->host.backend;

	self->result = 0;
	if (self->step == DMA_STEP_UNMAP) {
		self->result = kernel->unmap(domain->kernel, self->mapping.iova, &self->fault);
		return;
	}
	if (kernel->unsafe) {
		self->mapping.fd = self->fd;
		self->result =
		        kernel->place(domain->kernel, &self->mapping, &self->wish, &self->fault);
		if (self->step == DMA_STEP_ALLOC)
			self->fd = self->mapping.fd;
		else
			self->fd = close_fd(self->fd);
		return;
	}
	if (self->step == DMA_STEP_ALLOC && self->fd < 0) {
		self->result =
		        memory_new(self->mapping.size, self->page_size, &self->fd, &self->fault);
		if (self->result != 0 && self->may_fall_back) {
			self->page_size = MEMORY_PAGE;
			self->result = memory_new(self->mapping.size, self->page_size, &self->fd,
			                          &self->fault);
		}
	}
	self->mapping.fd = self->fd;
	if (self->result == 0)
		self->result = kernel->map(domain->kernel, &self->mapping, &self->fault);
	/* Here rather than on the loop: the last close of memory takes its time. */
	if (self->step == DMA_STEP_MAP || self->result != 0)
		self->fd = close_fd(self->fd);
}

/* Takes the mapping off the books: the kernel has none there (any more). */
static void unbook(struct domain *domain, uint64_t iova)
{
	keep_unmapped(domain, iova);
	uint64_t size = ledger_remove(&domain->ledger, iova);
	if (size != 0)
		account_refund(domain->account, 1, size);
}

/* Only now its address is known. */
static void note_placed(struct dma_job *self)
{
	struct domain *domain = self->domain;

	if (self->result == 0) {
		ledger_note_place(&domain->ledger, self->mapping.iova, self->mapping.size);
		return;
	}
	ledger_give_up(&domain->ledger);
	account_refund(domain->account, 1, self->mapping.size);
}

static void done(struct job *job)
{
	struct dma_job *self = (struct dma_job *)job;
	uint64_t iova = self->mapping.iova;
	bool mapping = self->step != DMA_STEP_UNMAP;

	/* A map that failed left nothing, an unmap that worked neither. */
	if (mapping && is_unsafe(self->domain))
		note_placed(self);
	else if ((self->result == 0) != mapping)
		unbook(self->domain, iova);
	if (mapping && is_unsafe(self->domain))
		self->page_size = self->wish.page_size;
	if (self->result != 0) {
		request_refuse(&self->request, 0, &self->fault);
	} else if (mapping) {
		struct hwb_dma_reply reply = {
			.iova = iova,
			.size = self->mapping.size,
			.page_size = self->page_size,
			.flags = is_unsafe(self->domain) ? HWB_DMA_UNSAFE : 0,
		};
		keep_mapping(self->domain, &self->mapping);
		request_reply(&self->request, self->handle, &reply, sizeof(reply), &self->fd,
		              self->step == DMA_STEP_ALLOC ? 1 : 0);
	} else {
		request_reply(&self->request, self->handle, NULL, 0, NULL, 0);
	}
	close_fd(self->fd);
	request_drop(&self->request);
	free(self);
}

static struct dma_job *new_job(const struct request *request, struct domain *domain,
                               enum dma_step step)
{
	struct dma_job *self = calloc(1, sizeof(*self));

	if (self == NULL) {
		request_refuse_text(request, HWB_NO_MEMORY, 0, "no memory for a job");
		return NULL;
	}
	self->job.run = run;
	self->job.done = done;
	self->domain = domain;
	self->handle = domain->session.handle;
	self->step = step;
	self->fd = -1;
	return self;
}

static void submit(struct dma_job *self, const struct request *request)
{
	request_hold(&self->request, request);
	strand_submit(&self->domain->strand, &self->job);
}

/* Small memory, of which there is plenty, is had by the loop itself: waking a thread, and
 * being woken by it, takes longer. */
static void submit_alloc(struct dma_job *self, const struct request *request)
{
	struct domain *domain = self->domain;
	bool small = self->page_size == MEMORY_PAGE && self->mapping.size <= PROMPT_SIZE;

	if (!small || is_unsafe(domain) || !strand_is_free(&domain->strand) ||
	    !memory_new_promptly(self->mapping.size, &self->fd)) {
		submit(self, request);
		return;
	}
	request_hold(&self->request, request);
	run(&self->job);
	done(&self->job);
}

/* Where ALLOC's fields are in the packet; MAP's are behind its `offset`. */
#define FIELD(map, member)                              \
	(REQUEST_FIELD(hwb_dma_alloc_request, member) + \
	 ((map) ? sizeof(((struct hwb_dma_map_request *)NULL)->offset) : 0))

static int check_placement(const struct placement *wanted, bool map, uint32_t *field,
                           struct fault *fault)
{
	bool fixed = (wanted->flags & HWB_DMA_FIXED) != 0;

	*field = FIELD(map, size);
	if (wanted->size == 0 || wanted->size % MEMORY_PAGE != 0 || wanted->size > UINT64_MAX / 2)
		return fault_set(fault, HWB_INVALID,
		                 "size %" PRIu64 " is not a positive multiple of 4096",
		                 wanted->size);
	*field = FIELD(map, alignment);
	if ((wanted->alignment & (wanted->alignment - 1)) != 0)
		return fault_set(fault, HWB_INVALID, "alignment 0x%" PRIx64 " is no power of two",
		                 wanted->alignment);
	*field = FIELD(map, flags);
	if ((wanted->flags & RIGHTS) == 0)
		return fault_set(fault, HWB_INVALID,
		                 "neither DEVICE_READS nor DEVICE_WRITES is set: the device could "
		                 "do nothing with it");
	*field = FIELD(map, iova);
	if (!fixed && wanted->iova != 0)
		return fault_set(fault, HWB_INVALID, "iova is set without the flag FIXED");
	if (fixed && (wanted->iova % MEMORY_PAGE != 0 ||
	              (wanted->alignment != 0 && wanted->iova % wanted->alignment != 0)))
		return fault_set(fault, HWB_INVALID,
		                 "iova 0x%" PRIx64 " is not a multiple of 4096 and of alignment",
		                 wanted->iova);
	if (fixed && wanted->iova > UINT64_MAX - (wanted->size - 1))
		return fault_set(fault, HWB_INVALID,
		                 "%" PRIu64 " bytes from 0x%" PRIx64 " wrap around", wanted->size,
		                 wanted->iova);
	*field = FIELD(map, limit);
	if (fixed && wanted->limit != 0 && wanted->iova + (wanted->size - 1) > wanted->limit)
		return fault_set(fault, HWB_INVALID,
		                 "%" PRIu64 " bytes from 0x%" PRIx64
		                 " end above the limit 0x%" PRIx64,
		                 wanted->size, wanted->iova, wanted->limit);
	return 0;
}

/* Books quota and address. `floor`: least alignment. */
static int book(const struct peer *peer, struct domain *domain, const struct placement *wanted,
                uint64_t floor, uint64_t *iova, struct fault *fault)
{
	uint64_t limit = wanted->limit == 0 ? UINT64_MAX : wanted->limit;
	uint64_t alignment = wanted->alignment > floor ? wanted->alignment : floor;

	if (account_charge(domain->account, &peer->limits, wanted->size, fault) != 0)
		return -1;
	*iova = wanted->iova;
	if (is_unsafe(domain)) {
		if (ledger_reserve(&domain->ledger, fault) == 0)
			return 0;
		account_refund(domain->account, 1, wanted->size);
		return -1;
	}
	int result = (wanted->flags & HWB_DMA_FIXED) != 0
	                     ? ledger_place_at(&domain->ledger, *iova, wanted->size, limit, fault)
	                     : ledger_place(&domain->ledger, wanted->size, alignment, limit, iova,
	                                    fault);
	if (result != 0)
		account_refund(domain->account, 1, wanted->size);
	return result;
}

/* Which field of what the client wanted does not fit. */
static uint32_t to_blame(const struct placement *wanted, bool map, const struct fault *fault)
{
	if (fault->status == HWB_CONFLICT && (wanted->flags & HWB_DMA_FIXED) != 0)
		return FIELD(map, iova);
	if (fault->status != HWB_CONFLICT && fault->status != HWB_INVALID)
		return 0;
	return wanted->limit != 0 ? FIELD(map, limit) : FIELD(map, size);
}

static struct kernel_mapping mapping_of(const struct placement *wanted, uint64_t iova,
                                        uint64_t offset)
{
	return (struct kernel_mapping){
		.fd = -1,
		.id = note_new_id(),
		.offset = offset,
		.iova = iova,
		.size = wanted->size,
		.device_reads = (wanted->flags & HWB_DMA_DEVICE_READS) != 0,
		.device_writes = (wanted->flags & HWB_DMA_DEVICE_WRITES) != 0,
	};
}

static struct kernel_wish wish_of(const struct placement *wanted, uint32_t page_size)
{
	return (struct kernel_wish){
		.alignment = wanted->alignment,
		.limit = wanted->limit == 0 ? UINT64_MAX : wanted->limit,
		.page_size = page_size,
	};
}

/* The address is the memory's own: nobody chooses it. */
static int check_unsafe(const struct placement *wanted, bool map, uint32_t *field,
                        struct fault *fault)
{
	*field = FIELD(map, flags);
	if ((wanted->flags & HWB_DMA_FIXED) == 0)
		return 0;
	return fault_set(
	        fault, HWB_UNSUPPORTED,
	        "without an IOMMU a device finds memory at the memory's own address: leave "
	        "FIXED out, and take the address that comes back");
}

/* Memory in one piece is a page: of the usual size if that is enough, and all such pages are
 * below the limit; else of the huge ones, that are next to each other. */
static int choose_unsafe_pages(const struct domain *domain, struct placement *wanted,
                               uint32_t *page_size, uint32_t *field, struct fault *fault)
{
	struct hwb_iova_range all = { 0, UINT64_MAX };

	domain->broker->host.backend->windows(domain->kernel, &all, 1);
	bool anywhere = (wanted->limit == 0 || wanted->limit >= all.last) &&
	                wanted->alignment <= MEMORY_PAGE;
	*field = FIELD(false, flags);
	if ((wanted->flags & HWB_DMA_PAGES_4K) != 0 && (wanted->size > MEMORY_PAGE || !anywhere))
		return fault_set(
		        fault, HWB_UNSUPPORTED,
		        "without an IOMMU what is larger than 4096 bytes, aligned to more, "
		        "or below a limit, is made of huge pages: leave PAGES_4K out");
	bool small =
	        anywhere && wanted->size <= MEMORY_PAGE && (wanted->flags & HWB_DMA_PAGES_2M) == 0;
	*page_size = small ? MEMORY_PAGE : MEMORY_HUGE_PAGE;
	*field = FIELD(false, size);
	if (wanted->size > UINT64_MAX / 2)
		return fault_set(fault, HWB_INVALID, "size %" PRIu64 " is out of range",
		                 wanted->size);
	wanted->size = (wanted->size + *page_size - 1) & ~((uint64_t)*page_size - 1);
	return 0;
}

/* Page size and rounded size of an allocation. Large pages are our choice
 * where they waste nothing: fewer entries in the IOMMU, a tenth of the time. */
static int choose_pages(struct placement *wanted, uint32_t *page_size, bool *own_choice,
                        uint32_t *field, struct fault *fault)
{
	const uint32_t both = HWB_DMA_PAGES_4K | HWB_DMA_PAGES_2M;
	bool whole = wanted->size != 0 && wanted->size % MEMORY_HUGE_PAGE == 0;

	*field = FIELD(false, flags);
	if ((wanted->flags & both) == both)
		return fault_set(fault, HWB_INVALID, "PAGES_4K and PAGES_2M exclude each other");
	*own_choice = (wanted->flags & both) == 0 && whole;
	*page_size = (wanted->flags & HWB_DMA_PAGES_2M) != 0 || *own_choice ? MEMORY_HUGE_PAGE
	                                                                    : MEMORY_PAGE;
	*field = FIELD(false, size);
	if (wanted->size > UINT64_MAX / 2)
		return fault_set(fault, HWB_INVALID, "size %" PRIu64 " is out of range",
		                 wanted->size);
	wanted->size = (wanted->size + *page_size - 1) & ~((uint64_t)*page_size - 1);
	return 0;
}

void serve_dma_alloc(struct request *request)
{
	const struct hwb_dma_alloc_request *body = request->body;
	struct domain *domain = (struct domain *)request_session(request, HWB_SESSION_DOMAIN);
	struct placement wanted = { body->size, body->alignment, body->iova, body->limit,
		                    body->flags };
	uint32_t page_size = 0;
	bool own_choice = false;
	uint64_t iova;
	uint32_t field;
	struct fault fault;

	if (domain == NULL)
		return;
	bool unsafe = is_unsafe(domain);
	if (choose_pages(&wanted, &page_size, &own_choice, &field, &fault) != 0 ||
	    check_placement(&wanted, false, &field, &fault) != 0 ||
	    (unsafe && (check_unsafe(&wanted, false, &field, &fault) != 0 ||
	                choose_unsafe_pages(domain, &wanted, &page_size, &field, &fault) != 0))) {
		request_refuse(request, field, &fault);
		return;
	}
	struct dma_job *self = new_job(request, domain, DMA_STEP_ALLOC);
	if (self == NULL)
		return;
	if (book(request->peer, domain, &wanted, page_size, &iova, &fault) != 0) {
		request_refuse(request, to_blame(&wanted, false, &fault), &fault);
		free(self);
		return;
	}
	self->mapping = mapping_of(&wanted, iova, 0);
	self->mapping.ours = true;
	self->wish = wish_of(&wanted, page_size);
	self->page_size = page_size;
	self->may_fall_back = own_choice;
	submit_alloc(self, request);
}

void serve_dma_map(struct request *request)
{
	const struct hwb_dma_map_request *body = request->body;
	struct domain *domain = (struct domain *)request_session(request, HWB_SESSION_DOMAIN);
	struct placement wanted = { body->size, body->alignment, body->iova, body->limit,
		                    body->flags };
	uint32_t page_size = 0;
	uint64_t iova;
	uint32_t field;
	struct fault fault;

	if (domain == NULL)
		return;
	if (check_placement(&wanted, true, &field, &fault) != 0 ||
	    (is_unsafe(domain) && check_unsafe(&wanted, true, &field, &fault) != 0)) {
		request_refuse(request, field, &fault);
		return;
	}
	if (memory_check(request->fd, body->offset, body->size,
	                 (body->flags & HWB_DMA_DEVICE_WRITES) != 0, &page_size, &fault) != 0) {
		request_refuse(request,
		               fault.status == HWB_INVALID
		                       ? REQUEST_FIELD(hwb_dma_map_request, offset)
		                       : 0,
		               &fault);
		return;
	}
	struct dma_job *self = new_job(request, domain, DMA_STEP_MAP);
	if (self == NULL)
		return;
	if (book(request->peer, domain, &wanted, MEMORY_PAGE, &iova, &fault) != 0) {
		request_refuse(request, to_blame(&wanted, true, &fault), &fault);
		free(self);
		return;
	}
	self->mapping = mapping_of(&wanted, iova, body->offset);
	self->wish = wish_of(&wanted, page_size);
	self->page_size = page_size;
	self->fd = steal_fd(&request->fd);
	submit(self, request);
}

void serve_dma_unmap(struct request *request)
{
	const struct hwb_dma_unmap_request *body = request->body;
	struct domain *domain = (struct domain *)request_session(request, HWB_SESSION_DOMAIN);

	if (domain == NULL)
		return;
	if (ledger_find(&domain->ledger, body->iova) == 0) {
		request_refuse_text(request, HWB_NOT_FOUND,
		                    REQUEST_FIELD(hwb_dma_unmap_request, iova),
		                    "no mapping of this domain starts at 0x%" PRIx64, body->iova);
		return;
	}
	struct dma_job *self = new_job(request, domain, DMA_STEP_UNMAP);
	if (self == NULL)
		return;
	self->mapping.iova = body->iova;
	submit(self, request);
}
