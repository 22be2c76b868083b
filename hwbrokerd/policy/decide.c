/* SPDX-License-Identifier: MIT */
/* Yes or no, and why. Nothing here allocates or looks at anything but the
 * policy: it runs for every request. */
#include "policy/decide.h"

#include <string.h>

/* What a device rule must say for each kind of resource. */
struct demand {
	enum hwb_status status;
	const char *key;
	const char *refusal; /* continues "[device net] (FILE:LINE) " */
	const char *value;   /* NULL: "yes" */
};

static const struct demand demands[] = {
	[POLICY_DMA] = { HWB_DENIED, "dma", "does not allow DMA", NULL },
	[POLICY_DMA_UNSAFE] = { HWB_UNSAFE, "dma",
	                        "does not allow DMA on this host, where without an IOMMU it reaches "
	                        "all of memory",
	                        "unsafe" },
	[POLICY_PARTIAL_PAGE] = { HWB_UNSAFE, "partial_page",
	                          "does not allow a BAR that shares its page with other registers",
	                          NULL },
	[POLICY_MSIX_TABLE] = { HWB_UNSAFE, "msix_table",
	                        "does not allow a BAR with the MSI-X table, and this host does not "
	                        "remap interrupts",
	                        NULL },
	[POLICY_TAKE] = { HWB_DENIED, "take", "does not allow taking it from its host driver",
	                  NULL },
	[POLICY_FORCE] = { HWB_UNSAFE, "force", "does not allow taking what the host uses", NULL },
};

static bool granted_by(const struct policy_grant *grant, enum policy_kind kind)
{
	switch (kind) {
	case POLICY_DEVICE:
		return true;
	case POLICY_DMA:
		return grant->dma;
	case POLICY_DMA_UNSAFE:
		return grant->unsafe;
	case POLICY_PARTIAL_PAGE:
		return grant->partial_page;
	case POLICY_MSIX_TABLE:
		return grant->msix_table;
	case POLICY_TAKE:
		return grant->take;
	case POLICY_FORCE:
		return grant->force;
	case POLICY_CONFIG_WRITE:
	case POLICY_PORTS:
	case POLICY_MEMORY:
	case POLICY_INTERRUPT:
		break;
	}
	return false;
}

/* Says which rule decided. */
static void cite(struct policy_verdict *verdict, const struct policy *policy,
                 const char section[RULE_SECTION_SIZE], uint32_t place)
{
	memcpy(verdict->section, section, sizeof(verdict->section));
	memcpy(verdict->file, policy->files[place_file(place)].shown, sizeof(verdict->file));
	verdict->line = place_line(place);
}

/* The words for a device that is not there: whether it is must not show. */
static void not_found(struct policy_verdict *verdict, const struct policy_client *client,
                      const struct hwb_pci_address *address)
{
	fault_set(&verdict->why, HWB_NOT_FOUND,
	          "no device %04x:%02x:%02x.%x for client `%s': it is not there or no [device] "
	          "section of the policy gives it to this client",
	          address->domain, address->bus, address->device, address->function,
	          client != NULL ? client->name : "");
}

/* The bits of config space byte `offset` that the rule lets a client change.
 * `named`: whether some mask speaks of a register that the byte belongs to. */
static uint8_t allowed_bits(const struct policy *policy, const struct device_rule *rule,
                            uint32_t offset, bool *named)
{
	uint32_t bits = 0;

	*named = false;
	for (uint32_t i = 0; i < rule->mask_count; i++) {
		const struct config_mask *mask = &policy->masks[rule->first_mask + i];
		if (offset < mask->offset || offset >= mask->offset + mask->width)
			continue;
		*named = true;
		bits |= mask->mask >> 8 * (offset - mask->offset);
	}
	return (uint8_t)bits;
}

static void decide_config_write(const struct policy *policy, const struct device_rule *rule,
                                const struct policy_resource *resource,
                                struct policy_verdict *verdict)
{
	if ((resource->count != 1 && resource->count != 2 && resource->count != 4) ||
	    resource->offset >= HWB_CONFIG_SIZE ||
	    resource->count > HWB_CONFIG_SIZE - resource->offset ||
	    (resource->count < 4 && resource->changed >> 8 * resource->count != 0)) {
		fault_set(
		        &verdict->why, HWB_INVALID,
		        "0x%x at offset 0x%x is not a register of %u bytes in configuration space",
		        resource->changed, resource->offset, resource->count);
		return;
	}
	for (uint32_t i = 0; i < resource->count; i++) {
		uint32_t offset = resource->offset + i;
		uint8_t changed = (uint8_t)(resource->changed >> 8 * i);
		bool named;
		uint8_t allowed = allowed_bits(policy, rule, offset, &named);
		/* A register that no mask names stays untouched even where the same
		 * value would be written: a 1 clears some bits that read as 1. */
		uint8_t excess = named ? changed & (uint8_t)~allowed : 0xff;
		if (excess == 0)
			continue;
		fault_set(
		        &verdict->why, HWB_DENIED,
		        "[%s] (%s:%u) does not allow writing bits 0x%02x at 0x%x of configuration "
		        "space; add 0x%x:0x%02x to `config_write' there",
		        verdict->section, verdict->file, verdict->line, excess, offset, offset,
		        excess);
		return;
	}
	verdict->granted = true;
}

static void decide_device(const struct policy *policy, const struct policy_client *client,
                          const struct policy_resource *resource, struct policy_verdict *verdict)
{
	struct match subject = match_of_device(resource->device);
	uint32_t found = MATCH_NONE;

	if (client != NULL)
		found = match_find(&policy->index, client->index, &subject);
	if (found == MATCH_NONE) {
		not_found(verdict, client, &resource->device->address);
		return;
	}
	const struct device_rule *rule = &policy->devices[found];
	cite(verdict, policy, rule->section, rule->place);
	verdict->grant = rule->grant;
	if (resource->kind == POLICY_CONFIG_WRITE) {
		decide_config_write(policy, rule, resource, verdict);
		return;
	}
	verdict->granted = granted_by(&rule->grant, resource->kind);
	if (verdict->granted)
		return;
	const struct demand *demand = &demands[resource->kind];
	fault_set(&verdict->why, demand->status, "[%s] (%s:%u) %s; set `%s = %s' there",
	          verdict->section, verdict->file, verdict->line, demand->refusal, demand->key,
	          demand->value != NULL ? demand->value : "yes");
}

/* The first grant of the client that ends at `port` or behind it. */
static uint32_t first_grant(const struct policy *policy, uint32_t client, uint32_t port)
{
	uint32_t low = 0, high = policy->grant_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct port_grant *grant = &policy->grants[middle];
		if (grant->client < client || (grant->client == client && grant->range.last < port))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool policy_ports_from(const struct policy *policy, const struct policy_client *client,
                       uint32_t port, uint32_t *first, uint32_t *last)
{
	uint32_t at = first_grant(policy, client->index, port);

	if (at == policy->grant_count || policy->grants[at].client != client->index)
		return false;
	const struct port_grant *grant = &policy->grants[at];
	*first = grant->range.first > port ? grant->range.first : port;
	do
		*last = grant->range.last;
	while (++at < policy->grant_count && (++grant)->client == client->index &&
	       grant->range.first == *last + 1);
	return true;
}

static void decide_ports(const struct policy *policy, const struct policy_client *client,
                         const struct policy_resource *resource, struct policy_verdict *verdict)
{
	enum { PORTS = 0x10000 };
	uint32_t port = resource->offset;

	if (resource->count == 0 || port >= PORTS || resource->count > PORTS - port) {
		fault_set(&verdict->why, HWB_INVALID,
		          "%u ports from 0x%x are not within 0x0-0xffff", resource->count, port);
		return;
	}
	uint32_t end = port + resource->count;
	uint32_t at = client != NULL ? first_grant(policy, client->index, port) : 0;
	while (client != NULL && port < end && at < policy->grant_count) {
		const struct port_grant *grant = &policy->grants[at++];
		if (grant->client != client->index || grant->range.first > port)
			break;
		const struct ports_rule *rule = &policy->ports[grant->range.rule];
		if (verdict->section[0] == '\0')
			cite(verdict, policy, rule->section, rule->place);
		port = grant->range.last + 1u;
	}
	verdict->granted = port >= end;
	if (!verdict->granted)
		fault_set(&verdict->why, HWB_DENIED,
		          "no [ports] section of %s gives port 0x%x to client `%s'; add it to "
		          "`range' of one",
		          policy->files[0].shown, port, client != NULL ? client->name : "");
}

/* The client's grant of that line, or NULL. */
static const struct line_grant *line_grant(const struct policy *policy, uint32_t client,
                                           uint32_t number)
{
	uint32_t low = 0, high = policy->line_grant_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct line_grant *grant = &policy->line_grants[middle];
		if (grant->client == client && grant->number == number)
			return grant;
		if (grant->client < client || (grant->client == client && grant->number < number))
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static void decide_interrupt(const struct policy *policy, const struct policy_client *client,
                             const struct policy_resource *resource, struct policy_verdict *verdict)
{
	if (resource->offset >= LINES) {
		fault_set(&verdict->why, HWB_INVALID,
		          "there is no interrupt line %u; they are 0 to %u", resource->offset,
		          LINES - 1);
		return;
	}
	const struct line_grant *grant =
	        client != NULL ? line_grant(policy, client->index, resource->offset) : NULL;
	if (grant == NULL) {
		fault_set(&verdict->why, HWB_DENIED,
		          "no [interrupt] section of %s gives interrupt %u to client `%s'; add it "
		          "to `irq' of one",
		          policy->files[0].shown, resource->offset,
		          client != NULL ? client->name : "");
		return;
	}
	const struct interrupt_rule *rule = &policy->interrupts[grant->rule];
	cite(verdict, policy, rule->section, rule->place);
	verdict->interrupt = rule->line;
	verdict->granted = true;
}

void policy_decide(const struct policy *policy, const struct policy_client *client,
                   const struct policy_resource *resource, struct policy_verdict *verdict)
{
	verdict->granted = false;
	verdict->grant = (struct policy_grant){ 0 };
	verdict->memory = (struct policy_access){ 0 };
	verdict->interrupt = (struct policy_line){ 0 };
	verdict->section[0] = '\0';
	verdict->file[0] = '\0';
	verdict->line = 0;
	verdict->why = (struct fault){ .status = HWB_OK };
	if (resource->kind == POLICY_PORTS)
		decide_ports(policy, client, resource, verdict);
	else if (resource->kind == POLICY_MEMORY)
		decide_memory(policy, client, resource, verdict);
	else if (resource->kind == POLICY_INTERRUPT)
		decide_interrupt(policy, client, resource, verdict);
	else
		decide_device(policy, client, resource, verdict);
	/* The sections that would have to name him are not there to be changed. */
	if (client == NULL && verdict->why.status != HWB_INVALID)
		fault_set(&verdict->why, verdict->why.status,
		          "who is no client is given nothing: add a [client] section first");
}

int policy_may(const struct policy *policy, const struct policy_client *client,
               const struct policy_resource *resource, struct fault *fault)
{
	struct policy_verdict verdict;

	policy_decide(policy, client, resource, &verdict);
	if (verdict.granted)
		return 0;
	if (fault != NULL)
		*fault = verdict.why;
	return -1;
}
