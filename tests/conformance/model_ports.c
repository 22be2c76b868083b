/* SPDX-License-Identifier: MIT */
#include "kit.h"
#include "model.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const struct handle *ports_of_others(const struct connection *connection, uint32_t base,
                                            uint32_t count)
{
	for (const struct connection *at = connections; at != NULL; at = at->next)
		for (size_t i = 0; i < HANDLES_MAX; i++) {
			const struct handle *handle = at->handles[i];
			if (at != connection && handle != NULL && handle->kind == K_PORTS &&
			    base < handle->base + handle->count && handle->base < base + count)
				return handle;
		}
	return NULL;
}

static enum status open_ports(struct connection *connection, const struct packet *request,
                              struct packet *reply)
{
	uint32_t base = body32(request, 0), count = body32(request, 4);
	const struct device *device = &devices[1];
	bool listed = base >= LISTED_PORT && base + count <= LISTED_PORT + LISTED_PORTS;
	bool of_bar = device->owner == connection && base >= device->bars[1].base &&
	              base + count <= device->bars[1].base + device->bars[1].size;

	if (count == 0 || base > 0xffff || count > 0x10000 - base)
		return fault("port-range", INVALID);
	if (!listed && !of_bar)
		return base == 0xcf8 ? fault("port-denied", DENIED) : DENIED;
	if (ports_of_others(connection, base, count) != NULL)
		return fault("port-busy", BUSY);
	for (size_t i = 0; i < HANDLES_MAX; i++)
		if (!keeps("port-again") && connection->handles[i] != NULL &&
		    connection->handles[i]->kind == K_PORTS)
			return BUSY;
	struct handle *handle = new_handle(connection, K_PORTS);
	if (handle == NULL)
		return QUOTA;
	handle->base = base;
	handle->count = count;
	handle->parent = listed ? NULL : device->handle;
	put32(reply, SESSION, handle->id);
	reply->length = HEADER;
	return OK;
}

static enum status open_bar(struct connection *connection, const struct packet *request,
                            struct packet *reply)
{
	enum status status;
	struct handle *handle = need_handle(connection, get32(request, SESSION), K_DEVICE, &status);
	uint32_t bar = body32(request, 0);

	if (handle == NULL)
		return status;
	if (bar > 5 || handle->device->bars[bar].size == 0)
		return NOT_FOUND;
	if ((handle->device->bars[bar].flags & BAR_IO) == 0)
		return fault("port-bar-memory", INVALID);
	struct handle *region = new_handle(connection, K_IO_MEM);
	if (region == NULL)
		return QUOTA;
	region->device = handle->device;
	region->parent = handle;
	put_region(reply, HEADER, region, bar, 0, handle->device->bars[bar].size,
	           keeps("port-bar-access") ? REGION_IO : 0);
	/* Can be read from anywhere, and not be mapped. */
	int ports = open("/proc/version", O_RDONLY | O_CLOEXEC);
	if (ports >= 0) {
		close(reply->fds[0]);
		reply->fds[0] = ports;
	}
	put32(reply, SESSION, region->id);
	reply->length = HEADER + REGION_SIZE_OF;
	return OK;
}

enum { IN, READ_REPEAT = 2, WRITE_BLOCK = 5, MODIFY, POLL };

/* Records of the operation; 0: there is no room for them. */
static uint32_t records_of(const struct packet *request, uint32_t index)
{
	size_t at = HEADER + 8 + 8 * (size_t)index;
	unsigned action = request->bytes[at + 2];
	uint64_t value = get32(request, at + 4);
	uint64_t needed = action >= MODIFY ? 2 : 1;

	if (action >= READ_REPEAT && action <= WRITE_BLOCK) {
		if (value == 0)
			return 0;
		needed += (value * request->bytes[at + 3] + 7) / 8;
	}
	return needed <= body32(request, 0) - index ? (uint32_t)needed : 0;
}

static enum status check_operand(const struct packet *request, uint32_t index)
{
	size_t at = HEADER + 8 + 8 * (size_t)index;
	unsigned action = request->bytes[at + 2];

	if (action == MODIFY && get32(request, at + 12) != 0)
		return fault("batch-operand", RESERVED_NOT_ZERO);
	if (action == POLL && get32(request, at + 12) > 100000)
		return fault("batch-poll-max", INVALID);
	return OK;
}

/* All are checked before the first is carried out. */
static enum status check_batch(const struct handle *handle, const struct packet *request,
                               uint32_t *field)
{
	uint32_t records;

	for (uint32_t i = 0; i < body32(request, 0); i += records) {
		size_t at = HEADER + 8 + 8 * (size_t)i;
		uint32_t port = (uint32_t)get(request, at, 2);
		unsigned action = request->bytes[at + 2], width = request->bytes[at + 3];
		*field = keeps("batch-field") ? (uint32_t)at + 2 : (uint32_t)at - 8;
		if (action > POLL || (width != 1 && width != 2 && width != 4))
			return i == 1 ? fault("batch-width", INVALID) : INVALID;
		if (port < handle->base || port + width > handle->base + handle->count)
			return fault("batch-port", INVALID);
		records = records_of(request, i);
		if (records == 0)
			return fault("batch-room", INVALID);
		enum status status = check_operand(request, i);
		if (status != OK)
			return status;
	}
	return OK;
}

static enum status serve_batch(struct connection *connection, const struct packet *request,
                               struct packet *reply, uint32_t *field)
{
	enum status status;
	struct handle *handle = need_handle(connection, get32(request, SESSION), K_PORTS, &status);

	if (handle == NULL)
		return status;
	status = check_batch(handle, request, field);
	if (status != OK)
		return status;
	reply->length = request->length;
	memcpy(reply->bytes + HEADER, request->bytes + HEADER, request->length - HEADER);
	for (uint32_t i = 0; i < body32(request, 0); i += records_of(request, i)) {
		size_t at = HEADER + 8 + 8 * (size_t)i;
		unsigned action = request->bytes[at + 2];
		if (action == IN)
			put32(reply, at + 4, keeps("batch-reply") ? 0x5a : 0x15a);
		if (action == READ_REPEAT)
			memset(reply->bytes + at + 8, 0x5a,
			       keeps("batch-values")
			               ? get32(request, at + 4) * request->bytes[at + 3]
			               : 8);
		if (action == POLL &&
		    !keeps(get32(request, at + 8) == 0 ? "batch-poll" : "batch-ignored"))
			put32(reply, HEADER + 4, i + 1);
	}
	return OK;
}

/* Two ranges of the one, where the rule is broken: they touch. */
static enum status serve_port_list(const struct packet *request, struct packet *reply)
{
	uint32_t count = keeps("port-list") ? 1 : 2;

	if (body64(request, 0) != 0)
		return INVALID;
	put32(reply, HEADER + 8, count);
	put32(reply, HEADER + 12, 8);
	for (uint32_t i = 0; i < count; i++) {
		put32(reply, HEADER + LIST_RECORDS + 8 * i, LISTED_PORT + i);
		put32(reply, HEADER + LIST_RECORDS + 8 * i + 4,
		      i + 1 < count ? 1 : LISTED_PORTS - i);
	}
	reply->length = HEADER + LIST_RECORDS + 8 * (size_t)count;
	return OK;
}

enum status serve_ports(struct connection *connection, struct packet *request, struct packet *reply,
                        uint32_t *field)
{
	*field = HEADER;
	switch (get(request, OPCODE, 2)) {
	case IO_PORT_OPEN:
		return fault("port-open", open_ports(connection, request, reply));
	case IO_PORT_OPEN_BAR:
		return open_bar(connection, request, reply);
	case IO_PORT_LIST:
		return serve_port_list(request, reply);
	default:
		return serve_batch(connection, request, reply, field);
	}
}
