/* SPDX-License-Identifier: MIT */
/*
 * Reads facts from a copy of a function's config space, and says which of its
 * registers no client may ever write. Pure: no device is touched.
 */
#ifndef HWBROKERD_DEVICE_CONFIG_SPACE_H
#define HWBROKERD_DEVICE_CONFIG_SPACE_H

#include <hwbroker/protocol.h>
#include <stdbool.h>

struct config_facts {
	uint16_t msi_vectors; /* 0: no such capability */
	uint16_t msix_vectors;
	uint8_t msix_table_bar; /* valid with msix_vectors */
	uint8_t msix_pba_bar;
	bool pcie;
};

/* `config` holds the first 256 bytes. Tolerates loops and cut chains, which
 * broken devices have. */
void config_space_facts(const uint8_t config[256], struct config_facts *facts);

/* Name of the register that makes a write of `width` bytes at `offset` that
 * changes the bits `changed` forbidden whatever the policy says; NULL: none.
 * `config` has `size` bytes (256 or 4096). */
const char *config_space_forbidden(const uint8_t *config, size_t size, uint32_t offset,
                                   uint32_t width, uint32_t changed);

#endif
