/* SPDX-License-Identifier: MIT */
#include "kit.h"
#include "model.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct handle *find(const struct connection *connection, uint32_t id)
{
	for (size_t i = 0; i < HANDLES_MAX; i++)
		if (connection->handles[i] != NULL && connection->handles[i]->id == id)
			return connection->handles[i];
	return NULL;
}

struct handle *need_handle(struct connection *connection, uint32_t id, enum kind kind,
                           enum status *status)
{
	struct handle *handle = find(connection, id);

	if (handle != NULL && (kind == K_FREE || handle->kind == kind)) {
		*status = OK;
		return handle;
	}
	*status = handle != NULL      ? fault("handle-kind", NO_SESSION)
	          : id == 0           ? fault("handle-needed", NO_SESSION)
	          : id >= 0xfffffff0u ? fault("handle-closed", NO_SESSION)
	                              : NO_SESSION;
	return NULL;
}

uint32_t free_handles(const struct connection *connection)
{
	uint32_t count = 0;

	for (size_t i = 0; i < HANDLES_MAX; i++)
		count += connection->handles[i] == NULL;
	return count;
}

struct handle *new_handle(struct connection *connection, enum kind kind)
{
	for (size_t i = 0; i < HANDLES_MAX; i++) {
		if (connection->handles[i] != NULL)
			continue;
		struct handle *handle = calloc(1, sizeof(*handle));
		if (handle == NULL)
			return NULL;
		connection->handles[i] = handle;
		if (!keeps("handle-reuse") && connection->last_handle > 150)
			connection->last_handle = 100;
		handle->kind = kind;
		handle->id = ++connection->last_handle;
		if (!keeps("handle-not-zero") && handle->id == 1)
			handle->id = 0;
		handle->trigger = -1;
		handle->unmask = -1;
		return handle;
	}
	return NULL;
}

static void forget(struct connection *connection, struct handle *handle)
{
	for (size_t i = 0; i < HANDLES_MAX; i++)
		if (connection->handles[i] == handle)
			connection->handles[i] = NULL;
	free(handle);
}

void end_mapping(struct mapping *mapping)
{
	bool fixed = (mapping->flags & DMA_FIXED) != 0;

	if (mapping->made && (keeps("alloc-zeroed-after") || !fixed))
		memset(mapping->at, 0, mapping->size);
	munmap(mapping->at, mapping->size);
	*mapping = (struct mapping){ 0 };
}

static void end_irq(struct handle *handle)
{
	static struct handle lost;

	if (!keeps("close-interrupt") && handle->type == IRQ_MSI) {
		lost = *handle;
		handle->device->irq = &lost;
		return;
	}
	if (handle->device->irq == handle)
		handle->device->irq = NULL;
	close(handle->trigger);
	if (handle->unmask >= 0)
		close(handle->unmask);
}

static void end_domain(struct handle *handle)
{
	static struct handle lost;

	for (size_t i = 0; i < DEVICES; i++)
		if (devices[i].domain == handle)
			devices[i].domain = keeps("close-domain-deassigns") ? NULL : &lost;
	for (size_t i = 0; i < MAPPINGS_MAX; i++) {
		if (handle->mappings[i].size == 0)
			continue;
		handle->mappings[i].made = handle->mappings[i].made && keeps("close-domain");
		end_mapping(&handle->mappings[i]);
	}
}

static void end_device(struct connection *connection, struct handle *handle)
{
	struct device *device = handle->device;

	for (size_t i = 0; i < HANDLES_MAX; i++) {
		struct handle *child = connection->handles[i];
		if (child == NULL || child->parent != handle)
			continue;
		if (child->kind == K_IO_MEM && !keeps("close-below"))
			child->parent = NULL;
		else if (child->kind == K_PORTS && !keeps("port-of-bar"))
			child->parent = NULL;
		else if (child->kind == K_IRQ && device->domain != NULL && !keeps("close-device"))
			child->parent = NULL;
		else
			close_one(connection, child);
	}
	memset(device->config + 0x3c, 0, 1);
	device->config[4] = 3;
	device->irq_status = 0;
	device->domain = NULL;
	device->irq = NULL;
	device->handle = NULL;
	device->owner = NULL;
}

void close_one(struct connection *connection, struct handle *handle)
{
	switch (handle->kind) {
	case K_DEVICE:
		end_device(connection, handle);
		break;
	case K_IRQ:
		end_irq(handle);
		break;
	case K_DOMAIN:
		end_domain(handle);
		break;
	case K_LINE:
		close(handle->trigger);
		break;
	case K_PORTS:
		if (!keeps("close-ports") && handle->parent == NULL)
			return;
		break;
	default:
		break;
	}
	forget(connection, handle);
}

void close_all(struct connection *connection)
{
	/* Devices first: what hangs below them goes with them. */
	for (size_t i = 0; i < HANDLES_MAX; i++)
		if (connection->handles[i] != NULL && connection->handles[i]->kind == K_DEVICE &&
		    keeps("end-closes"))
			close_one(connection, connection->handles[i]);
	for (size_t i = 0; i < HANDLES_MAX; i++)
		if (connection->handles[i] != NULL && connection->handles[i]->kind != K_DEVICE)
			close_one(connection, connection->handles[i]);
}

void bury(struct connection *connection)
{
	for (size_t i = 0; i < HANDLES_MAX; i++)
		if (connection->handles[i] != NULL && connection->handles[i]->dying)
			close_one(connection, connection->handles[i]);
}
