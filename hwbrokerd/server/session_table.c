/* SPDX-License-Identifier: MIT */
#include "server/session_table.h"

#include <stdlib.h>
#include <string.h>

/* Index of the first session with a handle of at least `handle`. */
static uint32_t position(const struct session_table *table, uint32_t handle)
{
	uint32_t low = 0, high = table->count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (table->items[middle]->handle < handle)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint32_t session_table_from(const struct session_table *table, uint32_t handle)
{
	return position(table, handle);
}

static int make_room(struct session_table *table)
{
	if (table->count < table->capacity)
		return 0;
	uint32_t capacity = table->capacity == 0 ? 8 : table->capacity * 2;
	struct session **more = realloc(table->items, capacity * sizeof(struct session *));
	if (more == NULL)
		return -1;
	table->items = more;
	table->capacity = capacity;
	return 0;
}

int session_table_put(struct session_table *table, struct session *session)
{
	uint32_t at = position(table, session->handle);

	if ((at < table->count && table->items[at]->handle == session->handle) ||
	    make_room(table) != 0)
		return -1;
	memmove(table->items + at + 1, table->items + at,
	        (table->count - at) * sizeof(struct session *));
	table->items[at] = session;
	table->count++;
	return 0;
}

int session_table_add(struct session_table *table, struct session *session, uint32_t max,
                      struct fault *fault)
{
	if (table->count >= max)
		return fault_set(fault, HWB_QUOTA,
		                 "this connection has %u sessions open, its limit (sessions)",
		                 table->count);
	if (table->last_handle == UINT32_MAX)
		return fault_set(
		        fault, HWB_QUOTA,
		        "this connection has used up all 4294967295 handles; connect anew");
	if (make_room(table) != 0)
		return fault_set(fault, HWB_NO_MEMORY, "no memory for a session");
	session->handle = ++table->last_handle;
	table->items[table->count++] = session;
	return 0;
}

struct session *session_table_find(const struct session_table *table, uint32_t handle,
                                   unsigned kind)
{
	uint32_t at = position(table, handle);
	if (at == table->count || table->items[at]->handle != handle)
		return NULL;
	return kind == 0 || table->items[at]->kind == kind ? table->items[at] : NULL;
}

struct session *session_table_need(const struct session_table *table, uint32_t handle,
                                   enum hwb_session_kind kind, struct fault *fault)
{
	static const char *const names[] = {
		[HWB_SESSION_DEVICE] = "a device",
		[HWB_SESSION_IO_MEM] = "an IO_MEM session",
		[HWB_SESSION_IO_PORT] = "an IO_PORT session",
		[HWB_SESSION_LINE] = "an interrupt line",
		[HWB_SESSION_IRQ] = "an IRQ session",
		[HWB_SESSION_DOMAIN] = "a domain",
	};
	struct session *session = session_table_find(table, handle, 0);

	if (session != NULL && session->kind == kind)
		return session;
	if (session != NULL && session->kind == SESSION_TAKEN)
		fault_set(fault, HWB_GONE,
		          "what handle %u stands for was taken away: close the handle", handle);
	else
		fault_set(fault, HWB_NO_SESSION, "handle %u is not %s of this connection", handle,
		          names[kind]);
	return NULL;
}

void session_table_replace(struct session_table *table, const struct session *session,
                           struct session *other)
{
	uint32_t at = position(table, session->handle);

	if (at == table->count || table->items[at] != session)
		return;
	other->handle = session->handle;
	table->items[at] = other;
}

void session_table_remove(struct session_table *table, const struct session *session)
{
	uint32_t at = position(table, session->handle);
	if (at == table->count || table->items[at] != session)
		return;
	table->count--;
	memmove(table->items + at, table->items + at + 1,
	        (table->count - at) * sizeof(struct session *));
}

void session_table_free(struct session_table *table)
{
	free(table->items);
	*table = (struct session_table){ 0 };
}
