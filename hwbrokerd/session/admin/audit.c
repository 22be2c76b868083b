/* SPDX-License-Identifier: MIT */
/* ADMIN_AUDIT: whether devices can be given away safely, whatever the policy says. */
#include "kernel/acs.h"
#include "kernel/host_now.h"
#include "kernel/member.h"
#include "kernel/use.h"
#include "session/admin/findings.h"
#include "session/admin/query.h"
#include "session/serve.h"

#include <stdio.h>
#include <string.h>

enum {
	ROOM = HWB_MESSAGE_MAX - sizeof(struct hwb_header) - sizeof(struct hwb_list_reply),
	PAGE = ROOM / sizeof(struct hwb_finding)
};

/* One device a page, which may take several: the cursor is its number, and how many of its
 * findings have been told. */
struct audit {
	struct query query;
	uint32_t at, told;
	bool more; /* devices behind this one */
	struct hwb_device facts;
	bool quarantined;
	char note[128];
	bool remapping;
	bool iommu;  /* of some devices */
	bool unsafe; /* no IOMMU, and devices are given away all the same */
	bool gives;  /* a rule of somebody says `dma = unsafe' for it */
	bool lockdown;
	enum policy_way way; /* as its rule has it */
	bool lent;
	struct findings findings;
};

static void add_simple(struct audit *self, enum hwb_finding_level level, const char *code,
                       const char *text)
{
	findings_add(&self->findings, &self->facts.address, level, code, "%s", text);
}

/* `driver` NULL: that is not told. */
static void add_member(char *list, size_t size, const struct hwb_pci_address *member,
                       const char *driver)
{
	size_t length = strlen(list);

	snprintf(list + length, size - length, "%s%04x:%02x:%02x.%x%s%s%s", length != 0 ? ", " : "",
	         member->domain, member->bus, member->device, member->function,
	         driver != NULL ? " (" : "", driver != NULL ? driver : "",
	         driver != NULL ? ")" : "");
}

/* On x86 an interrupt message is none of the accesses that a domain maps. */
#if defined(__x86_64__) || defined(__i386__)
#define MESSAGES_PASS true
#else
#define MESSAGES_PASS false
#endif

static void look_at_group(struct audit *self)
{
	uint32_t group = self->facts.iommu_group;
	struct hwb_pci_address members[64];
	char others[160] = "", bridges[96] = "";
	struct fault fault;

	if (group == UINT32_MAX && self->unsafe) {
		add_simple(self, self->gives ? HWB_FINDING_BLOCKS : HWB_FINDING_LIMITS, "no-iommu",
		           self->gives
		                   ? "no IOMMU, and its rule says `dma = unsafe': whoever has it "
		                     "has all of this host's memory"
		                   : "no IOMMU: without `dma = unsafe' it can be given away for "
		                     "registers and INTx, not for DMA");
		return;
	}
	if (group == UINT32_MAX) {
		findings_add_groupless(&self->findings, &self->facts.address, "no-iommu",
		                       self->iommu);
		return;
	}
	bool port = false;
	uint32_t count = bind_group_members(group, members, 64);
	for (uint32_t i = 0; i < count; i++) {
		char driver[HWB_NAME_SIZE];
		if (memcmp(&members[i], &self->facts.address, sizeof(members[i])) == 0)
			continue;
		bind_driver(&members[i], driver);
		port = port || strcmp(driver, "pcieport") == 0;
		if (bind_is_bridge(&members[i]) && bind_shares_group(driver))
			add_member(bridges, sizeof(bridges), &members[i], NULL);
		else
			add_member(others, sizeof(others), &members[i],
			           driver[0] != '\0' ? driver : "no driver");
	}
	if (bind_group_viable_but(group, &self->facts.address, 1, &fault) != 0)
		findings_add(&self->findings, &self->facts.address, HWB_FINDING_BLOCKS,
		             "group-in-use", "%s", fault.reason);
	if (others[0] != '\0')
		findings_add(
		        &self->findings, &self->facts.address, HWB_FINDING_LIMITS, "group-shared",
		        "IOMMU group %u goes to one client as a whole, with %s", group, others);
	/* Elsewhere the messages of a port go through the domain of its group, as its devices' do:
	 * a client's has no place for them. */
	if (port && !MESSAGES_PASS)
		findings_add(
		        &self->findings, &self->facts.address, HWB_FINDING_LIMITS, "group-port",
		        "the bridge %s is in it, too (IOMMU group %u): while a client has the "
		        "device the host hears nothing of that, neither errors nor that somebody "
		        "unplugs the device; with ACS it would be in a group of its own "
		        "(`pci=config_acs=' of the kernel)",
		        bridges, group);
	else if (bridges[0] != '\0')
		findings_add(&self->findings, &self->facts.address, HWB_FINDING_FINE,
		             "group-bridge",
		             "the bridge %s is in it, too (IOMMU group %u), and in nobody's way",
		             bridges, group);
}

static void look_at_isolation(struct audit *self)
{
	char port[32];

	if (acs_is_overridden(""))
		add_simple(self, HWB_FINDING_BLOCKS, "acs-override",
		           "pcie_acs_override on the kernel's command line: its IOMMU groups are "
		           "smaller than what the hardware isolates; drop it");
	if (acs_is_missing("", &self->facts.address, port, sizeof(port)))
		findings_add(
		        &self->findings, &self->facts.address, HWB_FINDING_LIMITS, "acs-missing",
		        "the bridge %s above it does not send everything up to the IOMMU (ACS): "
		        "what is below that bridge can reach each other",
		        port);
	if (!self->remapping && !self->unsafe)
		add_simple(self, HWB_FINDING_BLOCKS, "no-remapping",
		           "interrupts are not remapped, so it could forge others': switch that "
		           "on in the firmware, and drop intremap=off");
	if (self->lockdown && self->way != WAY_SPLIT)
		findings_add(&self->findings, &self->facts.address, HWB_FINDING_FINE, "lockdown",
		             "the kernel is locked down (Secure Boot), and its rule says `grant = "
		             "%s' already",
		             policy_way_name(self->way));
	else if (self->lockdown)
		add_simple(self, HWB_FINDING_LIMITS, "lockdown",
		           "the kernel is locked down (Secure Boot), and there are no descriptors "
		           "of its registers: its rule must say `grant = mediated' or `grant = "
		           "device'");
	if (self->lent)
		add_simple(self, HWB_FINDING_LIMITS, "lent",
		           "its client may have VFIO's descriptor of it (grant = device): only "
		           "the end of that process takes it back");
}

static void look_at_use(struct audit *self)
{
	static const char *const codes[USE_KINDS] = {
		[USE_MOUNTED] = "mounted", [USE_SWAP] = "swap",        [USE_ROUTE] = "route",
		[USE_SCREEN] = "console",  [USE_TERMINAL] = "console", [USE_DISK] = "disk-in-use",
	};
	bool disk = false;

	for (int kind = 0; kind < USE_KINDS; kind++) {
		char what[96];
		/* A disk that is mounted is in use: once is enough. */
		if ((kind == USE_DISK && disk) ||
		    !use_of("", &self->facts.address, (enum use_kind)kind, what, sizeof(what)))
			continue;
		disk = disk || kind == USE_MOUNTED || kind == USE_SWAP;
		findings_add(&self->findings, &self->facts.address, HWB_FINDING_BLOCKS, codes[kind],
		             "the host needs it: %s", what);
	}
}

static void look_at_functions(struct audit *self)
{
	const uint16_t physical = self->facts.physical_function;

	if (self->facts.virtual_functions != 0)
		findings_add(&self->findings, &self->facts.address, HWB_FINDING_BLOCKS,
		             "virtual-functions",
		             "it has %u virtual functions (SR-IOV), which it controls: it stays "
		             "with the host as long as there are any",
		             self->facts.virtual_functions);
	if ((self->facts.flags & HWB_DEVICE_VIRTUAL) != 0)
		findings_add(&self->findings, &self->facts.address, HWB_FINDING_FINE,
		             "virtual-function",
		             "it is a virtual function of %04x:%02x:%02x.%x, whose host driver "
		             "controls it: how much of the device it has, and whether it is there",
		             self->facts.address.domain, physical >> 8, physical >> 3 & 0x1f,
		             physical & 7);
}

static void look_at_device(struct audit *self)
{
	uint32_t partial = 0, table = 0;
	struct hwb_admin_member member;

	if (self->quarantined)
		findings_add(&self->findings, &self->facts.address, HWB_FINDING_BLOCKS,
		             "quarantined",
		             "it is quarantined: %s (`hwbroker-ctl quarantine clear' tries again)",
		             self->note);
	member_read(&self->facts.address, &member);
	if (member.resets[0] == '\0')
		add_simple(self, HWB_FINDING_LIMITS, "no-reset",
		           "the kernel has no way to reset it: after its first client it is for "
		           "nobody, unless its rule says `reset = none'");
	for (uint32_t i = 0; i < HWB_BARS; i++) {
		if (self->facts.bars[i].size == 0)
			continue;
		partial |= (self->facts.bars[i].flags & HWB_BAR_PARTIAL_PAGE) != 0 ? 1u << i : 0;
		table |= (self->facts.bars[i].flags & HWB_BAR_MSIX_TABLE) != 0 ? 1u << i : 0;
	}
	if (partial != 0)
		findings_add(&self->findings, &self->facts.address, HWB_FINDING_LIMITS,
		             "partial-page",
		             "BARs smaller than a page (mask 0x%x) may share theirs with others: "
		             "only with `partial_page = yes'",
		             partial);
	if (table != 0)
		findings_add(&self->findings, &self->facts.address,
		             self->remapping ? HWB_FINDING_FINE : HWB_FINDING_LIMITS, "msix-table",
		             self->remapping ? "the MSI-X table can be mapped (mask 0x%x), which "
		                               "does no harm where interrupts are remapped"
		                             : "the MSI-X table can be mapped (mask 0x%x): only "
		                               "with `msix_table = yes', without remapping",
		             table);
}

static bool is_clean(const struct findings *findings)
{
	for (uint32_t i = 0; i < findings->count; i++)
		if (findings->items[i].level != HWB_FINDING_FINE)
			return false;
	return true;
}

static void run(struct job *job)
{
	struct audit *self = (struct audit *)job;

	look_at_device(self);
	look_at_functions(self);
	look_at_use(self);
	look_at_group(self);
	look_at_isolation(self);
	if (is_clean(&self->findings))
		add_simple(self, HWB_FINDING_FINE, "assignable", "it can be given away");
}

static void done(struct job *job)
{
	struct audit *self = (struct audit *)job;
	struct {
		struct hwb_list_reply head;
		struct hwb_finding findings[PAGE];
	} reply = { .head.record_size = sizeof(struct hwb_finding) };
	uint32_t at = self->told;

	for (; at < self->findings.count && reply.head.count < PAGE; at++)
		reply.findings[reply.head.count++] = self->findings.items[at];
	if (at < self->findings.count)
		reply.head.next = (uint64_t)self->at << 32 | at;
	else if (self->more)
		reply.head.next = (uint64_t)(self->at + 1) << 32;
	request_reply(&self->query.request, 0, &reply,
	              sizeof(reply.head) + reply.head.count * sizeof(reply.findings[0]), NULL, 0);
	query_end(&self->query);
}

void serve_admin_audit(struct request *request)
{
	const struct hwb_list_request *list = request->body;
	const struct broker *broker = request->peer->broker;
	const struct inventory *inventory = &broker->inventory;
	uint32_t at = list->cursor >> 32 < UINT32_MAX ? (uint32_t)(list->cursor >> 32) : UINT32_MAX;
	uint32_t first = at;

	while (at < inventory->count &&
	       (inventory->devices[at]->state == LIFE_GONE || inventory->devices[at]->left))
		at++;
	if (at >= inventory->count) {
		const struct hwb_list_reply none = { .record_size = sizeof(struct hwb_finding) };
		request_reply(request, 0, &none, sizeof(none), NULL, 0);
		return;
	}
	struct audit *self = query_new(request, sizeof(*self));
	if (self == NULL)
		return;
	const struct device *device = inventory->devices[at];
	self->at = at;
	self->told = at == first ? (uint32_t)list->cursor : 0;
	self->more = at + 1 < inventory->count;
	self->facts = device->facts;
	self->quarantined = device->state == LIFE_QUARANTINED;
	memcpy(self->note, device->note, sizeof(self->note));
	struct policy_device about = device_for_policy(device);
	self->iommu = broker->host.iommu;
	self->unsafe = host_is_unsafe(&broker->host);
	self->gives = policy_unsafe_for(broker->policy, &about);
	self->remapping = broker->host.interrupt_remapping;
	self->lockdown = host_is_locked_down(&broker->host);
	self->way = policy_way_for(broker->policy, &about);
	self->lent = device->owner != NULL && device->way == WAY_DEVICE;
	query_start(&self->query, request, run, done);
}
