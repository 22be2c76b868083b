/* SPDX-License-Identifier: MIT */
#include "policy/keys.h"

#include "policy/parse.h"

const struct section_type policy_sections[SECTION_KINDS] = {
	[SECTION_BROKER] = { "broker", false, NULL, NULL },
	[SECTION_CLIENT] = { "client", true, open_client, close_client },
	[SECTION_DEVICE] = { "device", true, open_device, close_device },
	[SECTION_PORTS] = { "ports", true, open_ports, close_ports },
	[SECTION_MEMORY] = { "memory", true, open_memory, close_memory },
	[SECTION_INTERRUPT] = { "interrupt", true, open_interrupt, close_interrupt },
	[SECTION_VIRTUAL] = { "virtual", true, open_virtual, close_virtual },
};

#define LIMIT(field) .member = offsetof(struct policy_client, limits.field)
#define GRANT(field) \
	.set = set_boolean, .preset = "no", .member = offsetof(struct device_rule, grant.field)

const struct key policy_keys[] = {
	{ SECTION_BROKER, "query_group", .set = set_query_group, .preset = "hwbroker" },
	{ SECTION_BROKER, "change_group", .set = set_change_group },

	{ SECTION_CLIENT, "user", .set = set_users },
	{ SECTION_CLIENT, "group", .set = set_groups },
	{ SECTION_CLIENT, "unit", .set = set_units },
	{ SECTION_CLIENT, "slice", .set = set_slices },
	{ SECTION_CLIENT, "connections", .set = set_u32, .preset = "16", .min = 1, .max = 65536,
	  LIMIT(connections) },
	{ SECTION_CLIENT, "sessions", .set = set_u32, .preset = "1024", .min = 1, .max = 1048576,
	  LIMIT(sessions) },
	{ SECTION_CLIENT, "requests", .set = set_u32, .preset = "32", .min = 1, .max = 1024,
	  LIMIT(requests) },
	/* The kernel's own ceiling is 65535 per container (dma_entry_limit of
	 * vfio_iommu_type1): ours must be met first. */
	{ SECTION_CLIENT, "dma_mappings", .set = set_u32, .preset = "4096", .min = 0, .max = 60000,
	  LIMIT(dma_mappings) },
	{ SECTION_CLIENT, "dma_bytes", .set = set_size, .preset = "256M", .min = 0,
	  .max = 1ull << 50, LIMIT(dma_bytes) },
	{ SECTION_CLIENT, "irq_vectors", .set = set_u32, .preset = "64", .min = 0,
	  .max = HWB_IRQ_VECTORS_MAX, LIMIT(irq_vectors) },

	{ SECTION_DEVICE, "client", .set = set_references, .required = true },
	{ SECTION_DEVICE, "address", .set = set_address },
	{ SECTION_DEVICE, "id", .set = set_id },
	{ SECTION_DEVICE, "subsystem", .set = set_subsystem },
	{ SECTION_DEVICE, "class", .set = set_class },
	{ SECTION_DEVICE, "slot", .set = set_slot },
	{ SECTION_DEVICE, "driver", .set = set_driver },
	{ SECTION_DEVICE, "path", .set = set_path },
	{ SECTION_DEVICE, "virtual_function_of", .set = set_virtual_function_of },
	{ SECTION_DEVICE, "grant", .set = set_way, .preset = "split" },
	{ SECTION_DEVICE, "take", GRANT(take) },
	{ SECTION_DEVICE, "restore", GRANT(restore) },
	{ SECTION_DEVICE, "revoke", .set = set_u32, .preset = "5", .min = 0, .max = 3600,
	  .member = offsetof(struct device_rule, grant.revoke) },
	{ SECTION_DEVICE, "holders", .set = set_holders, .preset = "wait" },
	{ SECTION_DEVICE, "reset", .set = set_reset, .preset = "auto" },
	{ SECTION_DEVICE, "count", .set = set_share, .preset = "all",
	  .member = offsetof(struct device_rule, grant.count) },
	{ SECTION_DEVICE, "total", .set = set_share, .preset = "all",
	  .member = offsetof(struct device_rule, grant.total) },
	{ SECTION_DEVICE, "force", GRANT(force) },
	{ SECTION_DEVICE, "dma", .set = set_dma, .preset = "no" },
	{ SECTION_DEVICE, "partial_page", GRANT(partial_page) },
	{ SECTION_DEVICE, "msix_table", GRANT(msix_table) },
	{ SECTION_DEVICE, "config_write", .set = set_config_write },

	{ SECTION_PORTS, "client", .set = set_references, .required = true },
	{ SECTION_PORTS, "range", .set = set_range, .required = true },
	{ SECTION_PORTS, "force", .set = set_boolean, .preset = "no",
	  .member = offsetof(struct ports_rule, force) },

	{ SECTION_MEMORY, "client", .set = set_references, .required = true },
	{ SECTION_MEMORY, "range", .set = set_memory_range, .required = true },
	{ SECTION_MEMORY, "access", .set = set_access, .preset = "mediated" },
	{ SECTION_MEMORY, "write", .set = set_boolean, .preset = "no",
	  .member = offsetof(struct memory_rule, write) },
	{ SECTION_MEMORY, "force", .set = set_boolean, .preset = "no",
	  .member = offsetof(struct memory_rule, force) },

	{ SECTION_INTERRUPT, "client", .set = set_references, .required = true },
	{ SECTION_INTERRUPT, "irq", .set = set_irq, .required = true },
	{ SECTION_INTERRUPT, "source", .set = set_source, .preset = "auto" },
	{ SECTION_INTERRUPT, "uio", .set = set_uio },
	/* A person's keyboard is looked after well enough, and a processor that has nothing
	 * else to do wakes up seldom. A serial port at 115200 bit/s fills its 16 bytes in
	 * 1.4 ms; what needs more than 10000 is better written as a loop. */
	{ SECTION_INTERRUPT, "rate", .set = set_u32, .preset = "100", .min = 1, .max = 10000,
	  .member = offsetof(struct interrupt_rule, line.rate) },
	{ SECTION_INTERRUPT, "force", .set = set_boolean, .preset = "no",
	  .member = offsetof(struct interrupt_rule, force) },

	{ SECTION_VIRTUAL, "address", .set = set_address },
	{ SECTION_VIRTUAL, "id", .set = set_id },
	{ SECTION_VIRTUAL, "driver", .set = set_driver },
	{ SECTION_VIRTUAL, "path", .set = set_path },
	{ SECTION_VIRTUAL, "functions", .set = set_u32, .required = true, .min = 1, .max = 65535,
	  .member = offsetof(struct virtual_rule, functions) },
	{ SECTION_VIRTUAL, "restore", .set = set_boolean, .preset = "no",
	  .member = offsetof(struct virtual_rule, restore) },
};

const size_t policy_key_count = sizeof(policy_keys) / sizeof(policy_keys[0]);
_Static_assert(sizeof(policy_keys) / sizeof(policy_keys[0]) <= POLICY_KEYS_MAX,
               "struct parser remembers a line for each key");
