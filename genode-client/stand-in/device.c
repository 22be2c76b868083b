/* SPDX-License-Identifier: MIT */
#include "device.h"

#include "broker.h"
#include "lock.h"

#include <string.h>

enum { DEVICES_MAX = 64 };

struct hwb_device devices_listed[DEVICES_MAX];
static struct device devices[DEVICES_MAX];
static uint32_t count;

bool devices_list(void)
{
	static struct hwb_list list; /* too large for an entrypoint's stack */

	memset(&list, 0, sizeof(list));
	count = 0;
	for (;;) {
		int taken = hwb_device_list(broker(), &list, devices_listed + count,
		                            DEVICES_MAX - count, NULL);
		if (taken <= 0 || count + (uint32_t)taken == DEVICES_MAX)
			break;
		count += (uint32_t)taken;
	}
	for (uint32_t i = 0; i < count; i++)
		devices[i].facts = devices_listed[i];
	return count != 0;
}

uint32_t devices_count(void)
{
	return count;
}

struct device *device_find(uint32_t vendor, uint32_t id, uint32_t place)
{
	for (uint32_t i = 0; i < count; i++)
		if (devices[i].facts.vendor == vendor && devices[i].facts.device == id &&
		    place-- == 0)
			return &devices[i];
	return NULL;
}

static void set_state(struct device *device, enum device_state state)
{
	__atomic_store_n(&device->state, state, __ATOMIC_RELEASE);
	futex_wake(&device->state);
}

enum device_state device_state(const struct device *device)
{
	return (enum device_state)__atomic_load_n(&device->state, __ATOMIC_ACQUIRE);
}

static void acquired(void *context, struct hwb_call *call)
{
	struct device *device = context;

	device->result = call->result;
	device->handle = call->session;
	set_state(device, call->result == 0 ? DEVICE_OPEN : DEVICE_CLOSED);
}

void device_acquire(struct device *device, uint32_t domain)
{
	const struct hwb_acquire_request request = {
		.address = device->facts.address,
		.domain = domain,
	};

	device->call = (struct hwb_call){
		.reply = &device->reply,
		.reply_size = sizeof(device->reply),
		.error = &device->error,
		.on_done = acquired,
		.done_context = device,
	};
	device->error.reason[0] = '\0';
	set_state(device, DEVICE_ACQUIRING);
	device->result = hwb_begin(broker(), &device->call, HWB_DEVICE_ACQUIRE, 0, &request,
	                           sizeof(request), -1);
	if (device->result != 0)
		set_state(device, DEVICE_CLOSED);
}

static void moved(void *context, struct hwb_call *call)
{
	struct device *device = context;

	device->result = call->result;
	set_state(device, DEVICE_OPEN);
}

void device_move(struct device *device, uint16_t opcode, uint32_t domain)
{
	const struct hwb_assign_request request = { device->handle, 0 };

	device->call = (struct hwb_call){
		.error = &device->error,
		.on_done = moved,
		.done_context = device,
	};
	set_state(device, DEVICE_ACQUIRING);
	device->result =
	        hwb_begin(broker(), &device->call, opcode, domain, &request, sizeof(request), -1);
	if (device->result != 0)
		set_state(device, DEVICE_OPEN);
}

/* It is closed when the event says that it is reset. */
static void close_answered(void *context, struct hwb_call *call)
{
	struct device *device = context;

	device->result = call->result;
	if (call->result != 0)
		set_state(device, DEVICE_LOST);
}

void device_close(struct device *device)
{
	device->call = (struct hwb_call){
		.error = &device->error,
		.on_done = close_answered,
		.done_context = device,
	};
	set_state(device, DEVICE_CLOSING);
	device->result = hwb_begin(broker(), &device->call, HWB_CLOSE, device->handle, NULL, 0, -1);
	if (device->result != 0)
		set_state(device, DEVICE_LOST);
}

static enum device_state wait_while(const struct device *device, enum device_state state)
{
	while (device_state(device) == state)
		futex_wait(&device->state, state);
	return device_state(device);
}

bool device_wait_open(const struct device *device)
{
	return wait_while(device, DEVICE_ACQUIRING) == DEVICE_OPEN;
}

bool device_wait_closed(const struct device *device)
{
	return wait_while(device, DEVICE_CLOSING) == DEVICE_CLOSED;
}

static bool same_address(const struct hwb_pci_address *a, const struct hwb_pci_address *b)
{
	return a->domain == b->domain && a->bus == b->bus && a->device == b->device &&
	       a->function == b->function;
}

void device_event(const struct hwb_device_event *event)
{
	for (uint32_t i = 0; i < count; i++) {
		struct device *device = &devices[i];

		if (!same_address(&device->facts.address, &event->address) ||
		    device_state(device) != DEVICE_CLOSING)
			continue;
		if (event->change == HWB_CHANGE_FREED)
			set_state(device, DEVICE_CLOSED);
		if (event->change == HWB_CHANGE_QUARANTINED)
			set_state(device, DEVICE_LOST);
	}
}
