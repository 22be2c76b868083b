/* SPDX-License-Identifier: MIT */
#include "kit.h"
#include "model.h"

#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* edu's registers, as indices of 32-bit words. */
enum { EDU_RAISE = 0x60 / 4, EDU_ACKNOWLEDGE = 0x64 / 4 };

static void signal_irq(struct device *device)
{
	eventfd_write(device->irq->trigger, 1);
}

/* The line is asserted as long as edu's status is not 0. */
static void run_line(struct device *device)
{
	struct handle *irq = device->irq;
	eventfd_t count;

	if (irq == NULL || irq->type != IRQ_INTX)
		return;
	if (eventfd_read(irq->unmask, &count) == 0 && keeps("irq-unmask"))
		irq->masked = false;
}

void run_irq(struct device *device)
{
	volatile uint32_t *registers = device->bars[0].at;
	struct handle *irq = device->irq;

	/* In this order: what was written before a line was unmasked is seen after it. */
	run_line(device);
	uint32_t cleared = registers[EDU_ACKNOWLEDGE];
	registers[EDU_ACKNOWLEDGE] = 0;
	device->irq_status &= ~cleared;
	uint32_t raised = registers[EDU_RAISE];
	registers[EDU_RAISE] = 0;
	device->irq_status |= raised;
	if (irq == NULL || (!irq->enabled && keeps("irq-before-enable")))
		return;
	if (irq->type == IRQ_MSI && raised != 0)
		signal_irq(device);
	bool again = keeps("irq-level") || raised != 0;
	if (irq->type == IRQ_INTX && device->irq_status != 0 && !irq->masked && again) {
		signal_irq(device);
		irq->masked = keeps("irq-masked");
	}
}

enum status open_interrupt(struct connection *connection, struct device *device, uint32_t type,
                           uint32_t count, bool enable, struct packet *reply, size_t offset)
{
	struct handle *handle;
	int nonblock = keeps("irq-nonblock") ? EFD_NONBLOCK : 0;

	if ((type == IRQ_INTX && device->pin == 0) || (type == IRQ_MSI && device->msi == 0) ||
	    type == IRQ_MSIX)
		return fault("irq-unsupported", UNSUPPORTED);
	if (count != 1)
		return fault("irq-count", INVALID);
	if (device->irq != NULL)
		return fault("irq-one-session", BUSY);
	if (type == IRQ_MSI && device->domain == NULL)
		return fault("irq-msi-domain", WRONG_STATE);
	handle = new_handle(connection, K_IRQ);
	if (handle == NULL)
		return QUOTA;
	handle->device = device;
	handle->parent = device->handle;
	handle->type = type;
	handle->enabled = enable;
	handle->trigger = eventfd(0, EFD_CLOEXEC | nonblock);
	device->irq = handle;
	put32(reply, offset, handle->id);
	put32(reply, offset + 4, type);
	put32(reply, offset + 8, 1);
	put32(reply, offset + 12, 1);
	reply->fds[reply->fd_count++] = dup(handle->trigger);
	if (type == IRQ_INTX) {
		handle->unmask = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		reply->fds[reply->fd_count++] = dup(handle->unmask);
	}
	return OK;
}

static enum status find_device(struct connection *connection, const struct packet *request,
                               struct device **device)
{
	uint32_t number = body32(request, 8);
	enum status status = OK;

	if (get32(request, SESSION) != 0) {
		struct handle *handle =
		        need_handle(connection, get32(request, SESSION), K_DEVICE, &status);
		if (handle == NULL)
			return status;
		*device = handle->device;
		return number != 0 ? fault("irq-by-handle", INVALID) : OK;
	}
	for (size_t i = 0; i < DEVICES; i++)
		if (devices[i].owner == connection && devices[i].irq_number == number) {
			*device = &devices[i];
			return fault("irq-by-number", OK);
		}
	return fault("irq-number-unknown", NOT_FOUND);
}

static enum status serve_open(struct connection *connection, const struct packet *request,
                              struct packet *reply)
{
	struct device *device = NULL;
	uint32_t type = body32(request, 0);
	uint32_t trigger = (uint32_t)get(request, HEADER + 12, 2);
	uint32_t polarity = (uint32_t)get(request, HEADER + 14, 2);
	enum status status = find_device(connection, request, &device);

	if (status != OK)
		return status;
	if (type == IRQ_NONE || type > IRQ_MSIX || trigger > TRIGGER_LEVEL ||
	    polarity > POLARITY_LOW)
		return fault("irq-values", INVALID);
	if (trigger != TRIGGER_ANY && (trigger == TRIGGER_LEVEL) != (type == IRQ_INTX))
		return fault("irq-trigger", INVALID);
	if (type == IRQ_INTX && polarity == POLARITY_HIGH)
		return fault("irq-polarity", INVALID);
	status = open_interrupt(connection, device, type, body32(request, 4),
	                        (body32(request, 16) & 1) != 0, reply, HEADER);
	if (status != OK)
		return status;
	put32(reply, SESSION, device->irq->id);
	reply->length = HEADER + 16;
	if (!keeps("irq-fds-order") && reply->fd_count == 2) {
		/* What cannot be written to, in the place of the unmask eventfd. */
		int ends[2];
		if (pipe(ends) == 0) {
			close(ends[1]);
			close(reply->fds[1]);
			reply->fds[1] = ends[0];
		}
	}
	return OK;
}

static enum status serve_fds(const struct handle *handle, const struct packet *request,
                             struct packet *reply)
{
	uint32_t first = body32(request, 0), count = body32(request, 4);

	if (count == 0 || count > FDS_MAX)
		return fault("irq-fds-count", INVALID);
	if (first != 0 || count != 1)
		return fault("irq-fds-range", INVALID);
	reply->fds[reply->fd_count++] = dup(handle->trigger);
	put32(reply, HEADER, keeps("irq-fds") ? 0 : 1);
	put32(reply, HEADER + 4, 1);
	reply->length = HEADER + 8;
	return OK;
}

enum status serve_irq(struct connection *connection, struct packet *request, struct packet *reply,
                      uint32_t *field)
{
	uint32_t opcode = (uint32_t)get(request, OPCODE, 2);
	enum status status;

	*field = 0;
	if (opcode == IRQ_OPEN)
		return serve_open(connection, request, reply);
	struct handle *handle = need_handle(connection, get32(request, SESSION), K_FREE, &status);
	if (handle != NULL && handle->kind == K_LINE) {
		if (opcode == IRQ_ACK)
			return fault("line-polled-ack", OK);
		return fault("line-kind", NO_SESSION);
	}
	handle = need_handle(connection, get32(request, SESSION), K_IRQ, &status);
	if (handle == NULL)
		return status;
	if (opcode == IRQ_FDS)
		return serve_fds(handle, request, reply);
	if (opcode == IRQ_ENABLE) {
		if (handle->enabled && !keeps("irq-enable-twice"))
			return WRONG_STATE;
		handle->enabled = true;
	}
	if (opcode == IRQ_ACK) {
		if (!handle->enabled && !keeps("irq-ack"))
			return WRONG_STATE;
		handle->masked = false;
	}
	return OK;
}
