/* SPDX-License-Identifier: MIT */
#include "session/restart/rebuild.h"

#include "device/record.h"
#include "kernel/ports.h"
#include "resume/store.h"
#include "server/process.h"
#include "server/whence.h"
#include "session/admin/happening.h"
#include "session/bus/platform.h"
#include "session/irq/irq_plan.h"
#include "session/memory/mediated.h"
#include "session/memory/memory.h"
#include "session/memory/vga.h"
#include "session/port/port_use.h"
#include "session/release/release.h"
#include "session/release/revoke.h"
#include "session/restart/keep.h"
#include "session/restart/keep_line.h"
#include "util/cleanup.h"

#include <string.h>

enum { PAGE = 4096, PORTS = 0x10000 };

static int refuse(struct fault *fault, const char *what)
{
	return fault_set(fault, HWB_HOST_ERROR, "%s", what);
}

static int refuse_fleeting(struct fault *fault)
{
	return refuse(fault,
	              "without an IOMMU what it does with devices does not outlive the daemon");
}

/* Under the handle that it had. The record is the session's from now on. */
static int publish(struct peer *peer, struct session *session, enum hwb_session_kind kind,
                   uint32_t handle, const struct note *note, struct fault *fault)
{
	session->kind = kind;
	session->peer = peer;
	session->handle = handle;
	if (handle == 0 || handle > peer->handles ||
	    session_table_put(&peer->sessions, session) != 0)
		return refuse(fault, "a handle that cannot be");
	session->note = note->index;
	peer->broker->session_count++;
	return 0;
}

/* The session of a device that this connection has, by now. */
static struct device_session *owned(const struct peer *peer, const struct hwb_pci_address *address)
{
	const struct device *device = inventory_find(&peer->broker->inventory, address);

	return device != NULL && device->owner == peer ? device->session : NULL;
}

int rebuild_taken(struct peer *peer, const struct note *note, struct fault *fault)
{
	const struct kept_taken *kept = note->body;
	_cleanup_free_ struct session *session = calloc(1, sizeof(*session));

	if (session == NULL ||
	    publish(peer, session, SESSION_TAKEN, kept->handle, note, fault) != 0)
		return -1;
	/* It counts no more. */
	peer->broker->session_count--;
	steal_pointer(&session);
	return 0;
}

/* ---- DMA ---- */

int rebuild_domain(struct peer *peer, const struct note *note, struct fault *fault)
{
	const struct kept_domain *kept = note->body;
	struct broker *broker = peer->broker;
	const struct kernel_backend *kernel = broker->host.backend;
	_cleanup_free_ struct domain *domain = calloc(1, sizeof(*domain));
	struct hwb_iova_range windows[LEDGER_WINDOWS];

	if (kernel != NULL && kernel->fleeting)
		return refuse_fleeting(fault);
	if (domain == NULL || kernel == NULL ||
	    kernel->resume_domain(kept->id, &domain->kernel, fault) != 0)
		return -1;
	domain->broker = broker;
	domain->account = peer->account;
	strand_init(&domain->strand, broker->workers, &peer->account->lane);
	ledger_init(&domain->ledger);
	uint32_t count = kernel->windows(domain->kernel, windows, LEDGER_WINDOWS);
	if (count != 0)
		ledger_set_windows(&domain->ledger, windows, count);
	if (publish(peer, &domain->session, HWB_SESSION_DOMAIN, kept->handle, note, fault) != 0) {
		kernel->domain_free(domain->kernel);
		return -1;
	}
	steal_pointer(&domain);
	return 0;
}

int rebuild_mapping(struct peer *peer, const struct note *note, struct fault *fault)
{
	const struct kept_mapping *kept = note->body;
	struct domain *domain = (struct domain *)session_table_find(&peer->sessions, kept->domain,
	                                                            HWB_SESSION_DOMAIN);
	const struct kernel_mapping mapping = {
		.fd = -1,
		.offset = kept->offset,
		.iova = kept->iova,
		.size = kept->size,
		.device_reads = (kept->flags & KEPT_READS) != 0,
		.device_writes = (kept->flags & KEPT_WRITES) != 0,
		.ours = (kept->flags & KEPT_OURS) != 0,
		.id = kept->id,
		.share = &peer->account->share,
	};

	if (domain == NULL || kept->size == 0 ||
	    (kept->size | kept->iova | kept->offset) % PAGE != 0)
		return refuse(fault, "a mapping that cannot be");
	if (ledger_place_at(&domain->ledger, kept->iova, kept->size, UINT64_MAX, fault) != 0)
		return -1;
	domain->account->mappings++;
	domain->account->bytes += kept->size;
	if (peer->broker->host.backend->resume_mapping(domain->kernel, &mapping, fault) != 0)
		return -1; /* it is on the books until its domain ends, which is soon */
	*ledger_note(&domain->ledger, kept->iova) = note->index;
	return 0;
}

/* ---- devices ---- */

/* The domain of that id: of a connection, or what the group has for itself. */
static struct kernel_domain *domain_of(const struct broker *broker, struct group *group,
                                       uint32_t id, struct fault *fault)
{
	const struct kernel_backend *kernel = broker->host.backend;

	for (const struct peer *peer = broker->peers; peer != NULL; peer = peer->next)
		for (uint32_t i = 0; i < peer->sessions.count; i++) {
			const struct domain *domain =
			        (const struct domain *)peer->sessions.items[i];
			if (domain->session.kind == HWB_SESSION_DOMAIN &&
			    kernel->domain_id(domain->kernel) == id)
				return domain->kernel;
		}
	if (group->own_domain != NULL && kernel->domain_id(group->own_domain) == id)
		return group->own_domain;
	if (group->own_domain != NULL)
		return NULL;
	return kernel->resume_domain(id, &group->own_domain, fault) == 0 ? group->own_domain : NULL;
}

static int open_again(struct device *device, const struct broker *broker, struct domain *domain,
                      struct fault *fault)
{
	const struct kernel_backend *kernel = broker->host.backend;
	uint32_t where = kernel->resume_where(&device->facts.address, device->group->id);
	struct kernel_domain *in =
	        where == 0 ? NULL : domain_of(broker, device->group, where, fault);

	if ((where != 0 && in == NULL) || (domain != NULL && in != domain->kernel))
		return refuse(fault, "it is not where it was noted to be");
	return operate_resume(kernel, device, in, domain != NULL, fault);
}

static void take_grant(struct device *device, const struct kept_device *kept)
{
	device->restore = kept->restore != 0;
	device->grace = kept->grace;
	device->end = kept->end != 0;
	device->way = (enum policy_way)kept->way;
	/* It may have been asked for, or not: who has it is waited for. */
	device->unit.lent = device->way == WAY_DEVICE;
	memcpy(device->reset, kept->reset, sizeof(device->reset));
}

static void grant(struct device_session *session, struct device *device, struct domain *domain,
                  const struct kept_device *kept)
{
	struct peer *peer = session->session.peer;
	struct policy_verdict verdict;

	lifecycle_step(&device->state, LIFE_RESUMED, device->name);
	device->owner = peer;
	device->session = session;
	session->device = device;
	session->domain = domain;
	if (domain != NULL)
		domain->users++;
	session->ending = HWB_CHANGE_FREED;
	session->release.process =
	        device->end || device->way == WAY_DEVICE
	                ? process_of(peer->fd, (pid_t)peer->pid, peer->subject.uid)
	                : -1;
	/* The policy of now may speak of it by another rule, or not at all: then it is asked for.
	 */
	if (platform_find(peer, &device->facts.address, &verdict, NULL) != NULL)
		happening_cite(&verdict, session->rule);
	revoke_watch(session);
	revoke_resume(session, (enum revoke_asked)kept->asked, kept->asked_end - whence_now());
}

int rebuild_device(struct peer *peer, const struct note *note, struct fault *fault)
{
	const struct kept_device *kept = note->body;
	struct broker *broker = peer->broker;
	struct device *device = inventory_find(&broker->inventory, &kept->address);
	struct domain *domain = (struct domain *)session_table_find(&peer->sessions, kept->domain,
	                                                            HWB_SESSION_DOMAIN);
	_cleanup_free_ struct device_session *session = calloc(1, sizeof(*session));
	struct record record;

	if (broker->host.backend != NULL && broker->host.backend->fleeting)
		return refuse_fleeting(fault);
	if (session == NULL || broker->host.backend == NULL || device == NULL ||
	    device->instance != kept->instance || device->state != LIFE_HOST ||
	    !record_find(&device->facts.address, device->instance, &record) ||
	    (kept->domain != 0 && domain == NULL) ||
	    memchr(kept->reset, '\0', sizeof(kept->reset)) == NULL ||
	    kept->asked > REVOKE_ASKED_BY_POLICY || kept->way > WAY_DEVICE)
		return refuse(fault, "a device that is not there any more");
	take_grant(device, kept);
	/* What the policy looks at. */
	whereabouts_driver(&device->whereabouts, record.origin.driver);
	if (release_listen(device, fault) != 0)
		return -1;
	device->unit.origin = record.origin;
	device->unit.need_not_reset = strcmp(device->reset, "none") == 0;
	if (open_again(device, broker, domain, fault) != 0) {
		release_disown(device);
		return -1;
	}
	if (publish(peer, &session->session, HWB_SESSION_DEVICE, kept->handle, note, fault) != 0) {
		operate_close(broker->host.backend, device, NULL);
		operate_unwatch(device);
		device->unit.claimed = false;
		release_disown(device);
		return -1;
	}
	grant(steal_pointer(&session), device, domain, kept);
	return 0;
}

static int mediate(const struct peer *peer, struct region_session *session, struct fault *fault)
{
	const struct hwb_region *region = &session->region;
	const struct hwb_bar *bar = &session->device->facts.bars[session->bar];
	uint64_t offset = region->base - bar->address;

	if (session->device->way != WAY_MEDIATED || region->base < bar->address ||
	    offset > bar->size || region->size > bar->size - offset)
		return refuse(fault, "registers that cannot be");
	session->batcher = mediated_new(peer, session->device, session->bar, offset, region->size);
	return session->batcher != NULL
	               ? 0
	               : fault_set(fault, HWB_NO_MEMORY, "no memory for a session");
}

static int rebuild_memory(struct peer *peer, const struct note *note, struct device *device,
                          struct fault *fault)
{
	const struct kept_region *kept = note->body;
	struct memory_session *session = memory_resume(peer, &kept->region, device, fault);

	if (session == NULL)
		return -1;
	if (publish(peer, &session->region.session, HWB_SESSION_IO_MEM, kept->region.session, note,
	            fault) != 0) {
		memory_discard(session);
		return -1;
	}
	memory_begin(session);
	return 0;
}

int rebuild_region(struct peer *peer, const struct note *note, struct fault *fault)
{
	const struct kept_region *kept = note->body;
	const struct device_session *owner = owned(peer, &kept->address);
	_cleanup_free_ struct region_session *session = calloc(1, sizeof(*session));

	if (kept->bar == KEPT_NO_BAR)
		return rebuild_memory(peer, note, NULL, fault);
	if (owner != NULL && kept->bar == KERNEL_VGA)
		return rebuild_memory(peer, note, owner->device, fault);
	if (session == NULL || owner == NULL || kept->bar > HWB_BAR_ROM)
		return refuse(fault, "registers of no device");
	session->device = owner->device;
	session->region = kept->region;
	session->bar = kept->bar;
	if ((kept->region.flags & HWB_REGION_MEDIATED) != 0 &&
	    (session->bar == HWB_BAR_ROM || mediate(peer, session, fault) != 0))
		return -1;
	if (publish(peer, &session->session, HWB_SESSION_IO_MEM, kept->region.session, note,
	            fault) != 0) {
		if (session->batcher != NULL)
			batcher_close(session->batcher);
		return -1;
	}
	steal_pointer(&session);
	return 0;
}

int rebuild_ports(struct peer *peer, const struct note *note, struct fault *fault)
{
	const struct kept_ports *kept = note->body;
	struct broker *broker = peer->broker;
	const struct device_session *owner = owned(peer, &kept->address);
	_cleanup_free_ struct port_session *session = calloc(1, sizeof(*session));

	if (session == NULL || (kept->of_device != 0 && owner == NULL) || kept->count == 0 ||
	    kept->base >= PORTS || kept->count > PORTS - kept->base)
		return refuse(fault, "ports that cannot be");
	session->device = kept->of_device != 0 ? owner->device : NULL;
	session->base = kept->base;
	session->count = kept->count;
	session->vga = kept->of_device == KEPT_OF_VGA;
	if (session->vga && !vga_has_ports(kept->base, kept->count))
		return refuse(fault, "ports of no VGA card");
	session->by_vfio =
	        session->vga || (session->device != NULL && session->device->way != WAY_SPLIT);
	if ((!session->by_vfio && ports_permit(kept->base, kept->count, true, fault) != 0) ||
	    publish(peer, &session->session, HWB_SESSION_IO_PORT, kept->handle, note, fault) != 0)
		return -1;
	/* Its end takes it back from the kernel, too. */
	if (port_use_begin(broker, session) != 0) {
		session_table_remove(&peer->sessions, &session->session);
		broker->session_count--;
		if (!session->by_vfio)
			ports_permit(kept->base, kept->count, false, NULL);
		return refuse(fault, "no memory for ports");
	}
	port_serve_batches(session);
	steal_pointer(&session);
	/* Or it has not: that is not kept, and to believe it costs others nothing but time. */
	peer->has_ports |= kept->of_device == 0;
	return 0;
}

/* ---- interrupts ---- */

static uint32_t vectors_of(const struct device *device, uint32_t type)
{
	switch (type) {
	case HWB_IRQ_INTX:
		return device->facts.intx_pin != 0;
	case HWB_IRQ_MSI:
		return device->facts.msi_vectors;
	case HWB_IRQ_MSIX:
		return device->facts.msix_vectors;
	default:
		return 0;
	}
}

static int take_vector(struct irq_session *irq, struct store_share *share, uint32_t vector, int *fd)
{
	char name[STORE_NAME];

	keep_name_irq(irq->id, vector, name, sizeof(name));
	*fd = store_take_of(share, name);
	if (*fd < 0)
		return -1;
	irq->put++;
	return 0;
}

/* The kernel signals the same ones as before. */
static int take_vectors(struct irq_session *irq, struct store_share *share)
{
	for (uint32_t i = 0; i < irq->count; i++)
		if (take_vector(irq, share, i, &irq->fds[i]) != 0)
			return -1;
	return irq->type == HWB_IRQ_INTX ? take_vector(irq, share, KEEP_UNMASK, &irq->unmask_fd)
	                                 : 0;
}

static void drop_vectors(const struct irq_session *irq, struct store_share *share)
{
	char name[STORE_NAME];

	for (uint32_t i = 0; i < irq->put; i++) {
		keep_name_irq(irq->id, i < irq->count ? i : KEEP_UNMASK, name, sizeof(name));
		store_drop_of(share, name, true);
	}
}

int rebuild_irq(struct peer *peer, const struct note *note, struct fault *fault)
{
	const struct kept_irq *kept = note->body;
	struct device_session *owner = owned(peer, &kept->address);

	if (owner == NULL || owner->irq != NULL || kept->count == 0 ||
	    kept->count > vectors_of(owner->device, kept->type))
		return refuse(fault, "an interrupt of no device");
	struct irq_session *irq =
	        irq_prepare(owner->device, (enum hwb_irq_type)kept->type, kept->count, fault);
	if (irq == NULL)
		return -1;
	irq->id = kept->id;
	irq->enabled = kept->enabled != 0;
	irq->armed = irq->enabled;
	if (take_vectors(irq, &peer->account->share) != 0)
		refuse(fault, "an interrupt that was not kept");
	else if (publish(peer, &irq->session, HWB_SESSION_IRQ, kept->handle, note, fault) == 0) {
		irq->kept = true;
		owner->irq = irq;
		return 0;
	}
	drop_vectors(irq, &peer->account->share);
	irq_release(irq);
	return -1;
}

int rebuild_line(struct peer *peer, const struct note *note, struct fault *fault)
{
	const struct kept_line *kept = note->body;

	if (kept->number >= HWB_LINES || memchr(kept->uio, '\0', sizeof(kept->uio)) == NULL)
		return refuse(fault, "an interrupt line that cannot be");
	struct line_session *line = line_new(peer->broker, kept->number);
	if (line == NULL)
		return -1;
	line->rate = kept->rate;
	line->id = kept->id;
	memcpy(line->uio, kept->uio, sizeof(line->uio));
	if (keep_line_take(line, &peer->account->share) != 0)
		refuse(fault, "an interrupt line that was not kept");
	else if (publish(peer, &line->session, HWB_SESSION_LINE, kept->handle, note, fault) == 0) {
		line_start(line, true);
		return 0;
	}
	keep_line_drop(line, &peer->account->share);
	line_discard(line);
	return -1;
}
