/* SPDX-License-Identifier: MIT */
/* What root may do to a device that others have, or that nobody may have. */
#include "session/release.h"
#include "session/revoke.h"
#include "session/serve.h"

#include <stdlib.h>
#include <string.h>

/* A request that is answered once its device is at rest. */
struct control {
	struct waiter waiter;
	struct request request;
	struct device *device;
};

static void answer(const struct request *request, const struct device *device)
{
	struct hwb_outcome_reply reply = { .state = lifecycle_public(device->state) };

	memcpy(reply.note, device->note, sizeof(reply.note));
	request_reply(request, 0, &reply, sizeof(reply), NULL, 0);
}

static void on_rest(struct waiter *waiter)
{
	struct control *self = (struct control *)waiter;
	const struct device *device = self->device;

	/* Who has registers of it may be about to drop them. */
	if (device->held != NULL && !device->overdue) {
		release_wait(self->device, waiter);
		return;
	}
	answer(&self->request, device);
	request_drop(&self->request);
	free(self);
}

/* NULL: no memory, and the request has been refused. */
static struct control *new_control(const struct request *request, struct device *device)
{
	struct control *self = calloc(1, sizeof(*self));

	if (self == NULL) {
		request_refuse_text(request, HWB_NO_MEMORY, 0, "no memory to wait for %s",
		                    device->name);
		return NULL;
	}
	self->waiter.wake = on_rest;
	self->device = device;
	return self;
}

static void wait_for_rest(struct control *self, const struct request *request)
{
	request_hold(&self->request, request);
	release_wait(self->device, &self->waiter);
}

/* Of any client. NULL: the request has been refused. */
static struct device *find(const struct request *request, const struct hwb_pci_address *address)
{
	struct device *device = inventory_find(&request->peer->broker->inventory, address);

	if (device != NULL && device->state != LIFE_GONE && !device->left)
		return device;
	request_refuse_text(request, HWB_NOT_FOUND, sizeof(struct hwb_header),
	                    "no device %04x:%02x:%02x.%x is on the bus", address->domain,
	                    address->bus, address->device, address->function);
	return NULL;
}

/* Whether there is an end to wait for. */
static bool is_taken(const struct request *request, const struct device *device)
{
	if (device->session != NULL || lifecycle_in_transit(device->state))
		return true;
	request_refuse_text(request, HWB_WRONG_STATE, sizeof(struct hwb_header),
	                    device->state == LIFE_CLAIMING
	                            ? "%s is just being given to somebody: ask again"
	                            : "nobody has %s",
	                    device->name);
	return false;
}

void serve_admin_revoke(struct request *request)
{
	const struct hwb_revoke_request *revoke = request->body;
	struct device *device = find(request, &revoke->address);

	if (device == NULL || !is_taken(request, device))
		return;
	if (device->overdue) {
		answer(request, device);
		return;
	}
	struct control *self = new_control(request, device);
	if (self == NULL)
		return;
	wait_for_rest(self, request);
	if (device->session == NULL)
		return;
	if ((revoke->flags & HWB_REVOKE_NOW) != 0)
		revoke_at_once(device->session, "root takes it");
	else
		revoke_ask(device->session, "root wants it back");
}

void serve_admin_clear(struct request *request)
{
	const struct hwb_clear_request *clear = request->body;
	struct device *device = find(request, &clear->address);

	if (device == NULL)
		return;
	if (device->state != LIFE_QUARANTINED) {
		request_refuse_text(request, HWB_WRONG_STATE, sizeof(struct hwb_header),
		                    "%s is not quarantined", device->name);
		return;
	}
	struct control *self = new_control(request, device);
	if (self == NULL)
		return;
	if (release_clear(request->peer->broker, device) != 0) {
		request_refuse_text(request, HWB_NO_MEMORY, 0, "no memory to reset %s",
		                    device->name);
		free(self);
		return;
	}
	happened(request->peer->broker, &(struct happening){ .kind = HAPPENED_CLEARED,
	                                                     .peer = request->peer,
	                                                     .device = device });
	wait_for_rest(self, request);
}
