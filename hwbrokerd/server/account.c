/* SPDX-License-Identifier: MIT */
#include "server/account.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct account *account_get(struct account **accounts, const char *client)
{
	struct account **end = accounts;

	for (; *end != NULL; end = &(*end)->next)
		if (strcmp((*end)->client, client) == 0)
			return *end;
	struct account *account = calloc(1, sizeof(*account));
	if (account == NULL)
		return NULL;
	account->lane.max = ACCOUNT_THREADS;
	account->closings.lane.max = ACCOUNT_CLOSERS;
	account->closings.hang_ups.max = ACCOUNT_CLOSERS;
	account->use.rate = LOG_RATE_USE;
	account->refusals.rate = LOG_RATE_REFUSALS;
	memcpy(account->client, client, strnlen(client, HWB_NAME_SIZE - 1));
	/* At the end, so that a list of them that is read in pages has each once. */
	*end = account;
	return account;
}

int account_charge(struct account *account, const struct policy_limits *limits, uint64_t bytes,
                   struct fault *fault)
{
	if (account->mappings >= limits->dma_mappings)
		return fault_set(fault, HWB_QUOTA,
		                 "client `%s' has %u DMA mappings, its limit (dma_mappings)",
		                 account->client, account->mappings);
	if (bytes > limits->dma_bytes || account->bytes > limits->dma_bytes - bytes)
		return fault_set(fault, HWB_QUOTA,
		                 "client `%s' has %" PRIu64
		                 " bytes mapped for DMA and may have %" PRIu64
		                 " (dma_bytes): %" PRIu64 " more do not fit",
		                 account->client, account->bytes, limits->dma_bytes, bytes);
	account->mappings++;
	account->bytes += bytes;
	return 0;
}

void account_refund(struct account *account, uint32_t mappings, uint64_t bytes)
{
	account->mappings -= mappings;
	account->bytes -= bytes;
}

void account_free_all(struct account **accounts)
{
	while (*accounts != NULL) {
		struct account *account = *accounts;
		*accounts = account->next;
		free(account);
	}
}
