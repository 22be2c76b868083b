/* SPDX-License-Identifier: MIT */
/* What of the host would keep a device, memory or a line from being given. */
#include "session/admin/explain_own.h"

#include "kernel/iomem.h"
#include "kernel/line.h"
#include "kernel/physical.h"
#include "kernel/sysfs.h"
#include "session/memory/vga.h"

#include <stdio.h>
#include <string.h>

/* Whether each of the ways, "flr bus", is one that the kernel has now. */
static bool all_offered(const char *ways, const char *offered)
{
	char copy[POLICY_RESET_SIZE];
	char *rest = NULL;

	snprintf(copy, sizeof(copy), "%s", ways);
	for (const char *way = strtok_r(copy, " ", &rest); way != NULL;
	     way = strtok_r(NULL, " ", &rest)) {
		const char *at = strstr(offered, way);
		size_t length = strlen(way);
		if (at == NULL || (at != offered && at[-1] != ' ') ||
		    (at[length] != ' ' && at[length] != '\0'))
			return false;
	}
	return true;
}

static void look_at_reset(struct explain *self, const struct hwb_pci_address *address)
{
	char path[SYSFS_PATH], offered[POLICY_RESET_SIZE];
	const char *ways = self->grant.reset;

	sysfs_device_path(address, "reset_method", path);
	sysfs_read(path, offered, sizeof(offered));
	if (strcmp(ways, "none") == 0)
		findings_add(&self->findings, address, HWB_FINDING_LIMITS, "reset",
		             "it is not reset between clients, as its rule says (reset = none)");
	else if (!all_offered(ways, offered))
		findings_add(&self->findings, address, HWB_FINDING_BLOCKS, "reset",
		             "it cannot be reset by `%s' (`reset' in its rule): the kernel %s%s",
		             ways, offered[0] != '\0' ? "offers " : "has no way to", offered);
	else if (offered[0] == '\0')
		findings_add(&self->findings, address, HWB_FINDING_LIMITS, "reset",
		             "the kernel has no way to reset it: after its first client it is for "
		             "nobody (`reset = none' in its rule does without)");
	else
		findings_add(&self->findings, address, HWB_FINDING_FINE, "reset",
		             "it is reset between clients by: %s",
		             ways[0] != '\0' ? ways : offered);
}

static void look_at_host(struct explain *self)
{
	struct hwb_pci_address taken[OPERATE_GROUP_MAX];
	struct fault fault;
	bool free = true;

	for (uint32_t i = 0; i < self->targets.count; i++) {
		const struct operate_target *target = &self->targets.items[i];
		taken[i] = target->device->facts.address;
		if (operate_may_take(target, &fault) == 0)
			continue;
		free = false;
		findings_add(&self->findings, &taken[i], HWB_FINDING_BLOCKS, "take", "%s",
		             fault.reason);
	}
	if (free)
		findings_add(&self->findings, &taken[0], HWB_FINDING_FINE, "take",
		             "the host does without it");
	if (self->group == UINT32_MAX && self->unsafe)
		findings_add(&self->findings, &taken[0], HWB_FINDING_LIMITS, "iommu",
		             "this host has no IOMMU: registers and INTx are given, DMA only with "
		             "`dma = unsafe'");
	else if (self->group == UINT32_MAX)
		findings_add_groupless(&self->findings, &taken[0], "iommu", self->iommu);
	else if (bind_group_viable_but(self->group, taken, self->targets.count, &fault) != 0)
		findings_add(&self->findings, &taken[0], HWB_FINDING_BLOCKS, "iommu", "%s",
		             fault.reason);
	else
		findings_add(&self->findings, &taken[0], HWB_FINDING_FINE, "iommu",
		             "nothing else in IOMMU group %u is in the way", self->group);
}

static void look_at_way(struct explain *self, const struct hwb_pci_address *address)
{
	switch (self->grant.way) {
	case WAY_SPLIT:
		if (self->lockdown)
			findings_add(
			        &self->findings, address, HWB_FINDING_BLOCKS, "grant",
			        "the kernel is locked down (Secure Boot): no descriptor of its "
			        "registers can be used; set `grant = mediated' or `grant = "
			        "device' in its rule, or switch Secure Boot off");
		break;
	case WAY_MEDIATED:
		findings_add(&self->findings, address, HWB_FINDING_LIMITS, "grant",
		             "its registers are read and written by request, which is slow (grant "
		             "= mediated)");
		break;
	case WAY_DEVICE:
		if (self->keeps_descriptors) {
			findings_add(&self->findings, address, HWB_FINDING_BLOCKS, "grant",
			             "this backend passes VFIO's descriptor of a device to nobody "
			             "(grant = device): `grant = mediated' does without");
			break;
		}
		findings_add(&self->findings, address, HWB_FINDING_LIMITS, "grant",
		             "its client gets VFIO's descriptor of it, and only the end of that "
		             "process takes it back (grant = device)");
		break;
	}
}

static void look_at_rights(struct explain *self, const struct hwb_pci_address *address)
{
	if (self->unsafe && self->grant.unsafe)
		findings_add(
		        &self->findings, address, HWB_FINDING_LIMITS, "dma",
		        "it may do DMA to all of the host's memory: there is no IOMMU, and its "
		        "rule says `dma = unsafe'");
	else if (self->unsafe)
		findings_add(&self->findings, address, HWB_FINDING_LIMITS, "dma",
		             "no DMA: there is no IOMMU, and its rule does not say `dma = unsafe'");
	else if (self->grant.dma)
		findings_add(&self->findings, address, HWB_FINDING_FINE, "dma",
		             "it may do DMA to memory of this client");
	else
		findings_add(&self->findings, address, HWB_FINDING_LIMITS, "dma",
		             "no DMA: its rule does not say `dma = yes'");
	look_at_way(self, address);
	if (self->intx_only)
		findings_add(&self->findings, address, HWB_FINDING_LIMITS, "interrupts",
		             "no VFIO: of interrupts only INTx, by way of the broker");
	else if (!self->remapping && !self->unsafe)
		findings_add(&self->findings, address, HWB_FINDING_BLOCKS, "interrupts",
		             "this host does not remap interrupts, so the kernel gives no device "
		             "away: switch that on in the firmware, and drop intremap=off");
	findings_add(&self->findings, address, HWB_FINDING_FINE, "kernel",
	             "only trying tells whether %s takes it, and whether some process has its "
	             "registers open",
	             self->driver);
}

/* A client that has a VGA card reaches its window through that, whatever the kernel says here. */
static void refuse_memory(struct explain *self, const struct fault *fault)
{
	if (!self->access.fd && vga_has_memory(self->memory, self->memory_size))
		findings_add(&self->findings, NULL, HWB_FINDING_LIMITS, "host",
		             "only by a VGA card that the connection has acquired before; "
		             "otherwise: %s",
		             fault->reason);
	else
		findings_add(&self->findings, NULL, HWB_FINDING_BLOCKS, "host", "%s",
		             fault->reason);
}

/* It is mapped, and not read. */
static void look_at_memory(struct explain *self)
{
	uint64_t first = self->memory, size = self->memory_size;
	struct physical physical = { .at = NULL };
	struct fault fault;

	if (iomem_check(IOMEM_PATH, first, first + (size - 1), self->access.write,
	                self->access.force, &fault) != 0 ||
	    physical_map(first, size, self->access.write, &physical, &fault) != 0)
		refuse_memory(self, &fault);
	else
		findings_add(&self->findings, NULL, HWB_FINDING_FINE, "host",
		             "the kernel lets the broker map it");
	physical_unmap(&physical);
	if (self->access.fd)
		findings_add(&self->findings, NULL, HWB_FINDING_LIMITS, "access",
		             "its descriptor is one of /dev/mem: who holds it reaches every "
		             "address that the kernel lets anybody reach there, and it cannot be "
		             "taken back");
}

static void look_at_line(struct explain *self)
{
	const struct policy_line *terms = &self->terms;
	char name[LINE_NAME];
	struct fault fault;
	bool uio = terms->source != POLICY_SOURCE_POLL &&
	           line_find(self->line, terms->uio, name, &fault) == 0;

	if (uio)
		findings_add(&self->findings, NULL, HWB_FINDING_FINE, "source",
		             "it comes by UIO device `%s', through the broker", name);
	else if (terms->source == POLICY_SOURCE_UIO ||
	         (terms->source == POLICY_SOURCE_AUTO && fault.status != HWB_NOT_FOUND))
		findings_add(&self->findings, NULL, HWB_FINDING_BLOCKS, "source", "%s",
		             fault.reason);
	else
		findings_add(&self->findings, NULL, HWB_FINDING_LIMITS, "source",
		             "it is polled: %u times a second the client is told to look, whether "
		             "or not the device has something",
		             terms->rate);
	line_host_driver(self->line, name);
	if (name[0] != '\0')
		findings_add(&self->findings, NULL, HWB_FINDING_LIMITS, "host",
		             "the host's driver `%s' has the line, too: it answers the device "
		             "before the client looks, unless it is unbound",
		             name);
}

void explain_host(struct explain *self)
{
	if (self->has_memory)
		look_at_memory(self);
	if (self->has_line)
		look_at_line(self);
	if (!self->has_device)
		return;
	const struct hwb_pci_address *address = &self->targets.items[0].device->facts.address;
	look_at_host(self);
	look_at_reset(self, address);
	look_at_rights(self, address);
}
