/* SPDX-License-Identifier: MIT */
#include "model.h"
#include "kit.h"

static enum status serve_close(struct connection *connection, const struct packet *request)
{
	enum status status;
	struct handle *handle = need_handle(connection, get32(request, SESSION), K_FREE, &status);

	if (handle == NULL)
		return get32(request, SESSION) == 1 && connection->last_handle == 0
		               ? fault("handle-own", status)
		               : status;
	if (handle->kind == K_DEVICE) {
		connection->closed = handle->device;
		connection->closed_handle = handle->id;
	}
	if (!keeps("close-at-once")) {
		handle->dying = true;
		return OK;
	}
	close_one(connection, handle);
	return OK;
}

enum status serve_request(struct connection *connection, struct packet *request,
                          struct packet *reply, uint32_t *field)
{
	uint32_t opcode = (uint32_t)get(request, OPCODE, 2);

	/* What the registers say was before this request. */
	run_devices();
	switch (opcode) {
	case PING:
		return fault("ping", OK);
	case CLOSE:
		return serve_close(connection, request);
	case DEVICE_LIST:
	case DEVICE_INFO:
	case DEVICE_ACQUIRE:
	case DEVICE_ACQUIRE_ANY:
		return serve_device(connection, request, reply, field);
	case DEVICE_FD:
		return serve_descriptor(connection, request);
	case CONFIG_READ:
	case CONFIG_WRITE:
		return serve_config(connection, request, reply, field);
	case IO_MEM_OPEN:
	case IO_MEM_OPEN_BAR:
	case IO_MEM_BATCH:
	case IO_MEM_LIST:
		return serve_memory(connection, request, reply, field);
	case IO_PORT_OPEN:
	case IO_PORT_OPEN_BAR:
	case IO_PORT_BATCH:
	case IO_PORT_LIST:
		return serve_ports(connection, request, reply, field);
	case IRQ_OPEN:
	case IRQ_ENABLE:
	case IRQ_ACK:
	case IRQ_FDS:
		return serve_irq(connection, request, reply, field);
	case IRQ_OPEN_NUMBER:
	case IRQ_LIST:
		return serve_lines(connection, request, reply);
	case DOMAIN_OPEN:
	case DOMAIN_INFO:
	case DOMAIN_ASSIGN:
	case DOMAIN_DEASSIGN:
	case DMA_ALLOC:
	case DMA_MAP:
	case DMA_UNMAP:
		return serve_dma(connection, request, reply, field);
	default:
		return opcode == ADMIN_REVOKE    ? fault("control-denied", DENIED)
		       : opcode == ADMIN_CLIENTS ? fault("admin-denied", DENIED)
		       : opcode == ADMIN_STATUS  ? fault("feature-missing", DENIED)
		                                 : DENIED;
	}
}
