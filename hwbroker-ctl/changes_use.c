/* SPDX-License-Identifier: MIT */
/* What a change of a client, or of its limits, means for who is connected now. The daemon ends
 * nothing for a lower limit: what is above it stays, and nothing comes until it is below. */
#include "changes.h"

#include <stdio.h>
#include <string.h>

static void add(struct change *change, struct change_use use)
{
	if (change->use_count < CHANGE_USES)
		change->uses[change->use_count++] = use;
	else
		change->uses_untold++;
}

static void add_above(struct change *change, enum change_use_of of, uint32_t connection,
                      uint64_t now, uint64_t allowed)
{
	if (now > allowed)
		add(change, (struct change_use){
		                    .of = of,
		                    .connection = connection,
		                    .now = now,
		                    .allowed = allowed,
		            });
}

static bool is_of(const char name[HWB_NAME_SIZE], const struct change *change)
{
	return strncmp(name, change->client, HWB_NAME_SIZE) == 0;
}

/* As the daemon decides, as far as user and group tell. */
static void look_at_place(struct change *change, const struct hwb_admin_client *connection,
                          const struct policy *policy, const struct policy_client *now)
{
	const struct policy_subject subject = { .uid = connection->uid, .gid = connection->gid };
	const struct policy_client *becomes = policy_client_of(policy, &subject);

	if (now != NULL && becomes == now)
		return;
	add(change, (struct change_use){
	                    .of = USE_PLACE,
	                    .connection = connection->id,
	                    .uid = connection->uid,
	                    .unsure = now != NULL && !policy_client_is_of_users(policy, now),
	            });
}

/* Those that are counted for each device by itself. */
static void look_at_vectors(struct change *change, const struct changes_facts *facts,
                            uint32_t allowed)
{
	for (size_t i = 0; i < facts->session_count; i++) {
		const struct hwb_admin_session *session = &facts->sessions[i];
		const char *count = memchr(session->resource, ',', sizeof(session->resource));
		unsigned vectors;
		if (session->kind == HWB_SESSION_IRQ && is_of(session->client, change) &&
		    count != NULL && sscanf(count, ", %9u vector", &vectors) == 1)
			add_above(change, USE_IRQ_VECTORS, session->connection, vectors, allowed);
	}
}

void changes_use(struct change *change, const struct changes_facts *facts,
                 const struct policy *policy, const struct policy_client *now)
{
	const struct hwb_admin_client *any = NULL;
	uint32_t connections = 0;

	for (size_t i = 0; i < facts->client_count; i++) {
		const struct hwb_admin_client *connection = &facts->clients[i];
		if (!is_of(connection->client, change))
			continue;
		connections++;
		any = connection;
		look_at_place(change, connection, policy, now);
		if (now != NULL)
			add_above(change, USE_SESSIONS, connection->id, connection->sessions,
			          now->limits.sessions);
	}
	change->in_use = any != NULL;
	if (any == NULL || now == NULL)
		return;
	add_above(change, USE_CONNECTIONS, 0, connections, now->limits.connections);
	look_at_vectors(change, facts, now->limits.irq_vectors);
	/* The same for all of its connections. */
	add_above(change, USE_DMA_MAPPINGS, 0, any->mappings, now->limits.dma_mappings);
	add_above(change, USE_DMA_BYTES, 0, any->dma_bytes, now->limits.dma_bytes);
}
