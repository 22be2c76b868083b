/* SPDX-License-Identifier: MIT */
#include "session/bus/virtual.h"

#include "device/record.h"
#include "kernel/sriov.h"
#include "policy/virtual_step.h"
#include "util/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Makes or removes functions of one device. */
struct making {
	struct job job;
	struct broker *broker;
	struct device *physical;
	uint64_t instance;
	uint16_t wanted;
	bool restore;
	char rule[sizeof(((struct policy_virtual *)0)->section)];
	int result;
	bool removed; /* those that were there before */
	uint16_t now;
	bool ours;
	struct fault fault;
};

/* ---- what is done, on the strand of the device ---- */

/* None of those that are there is with a driver of the host. */
static int are_idle(const struct hwb_pci_address *physical, uint16_t count, struct fault *fault)
{
	for (uint16_t i = 0; i < count; i++) {
		struct hwb_pci_address address;
		char driver[HWB_NAME_SIZE];
		if (!sriov_virtual(physical, i, &address))
			continue;
		bind_driver(&address, driver);
		if (driver[0] != '\0' && !bind_is_ours(driver))
			return fault_set(fault, HWB_BUSY,
			                 "%04x:%02x:%02x.%x is in use by the host driver `%s'",
			                 address.domain, address.bus, address.device,
			                 address.function, driver);
	}
	return 0;
}

/* vfio-pci makes functions only for programs that know a secret of the physical one's owner
 * (VFIO_DEVICE_FEATURE_PCI_VF_TOKEN), and there is no owner of that kind here. */
static int may_change(const struct making *self, const struct sriov_count *count,
                      struct fault *fault)
{
	const struct hwb_pci_address *address = &self->physical->facts.address;
	char driver[HWB_NAME_SIZE];

	if (bind_instance(address) != self->instance)
		return fault_set(fault, HWB_GONE, "it has left the bus");
	bind_driver(address, driver);
	if (bind_is_ours(driver))
		return fault_set(fault, HWB_UNSUPPORTED,
		                 "it is with `%s', and virtual functions are made by a device's "
		                 "own host driver",
		                 driver);
	if (count->now != 0 && !self->ours)
		return fault_set(fault, HWB_BUSY, "somebody else has made %u of them meanwhile",
		                 count->now);
	return are_idle(address, count->now, fault);
}

static int change(struct making *self, const struct sriov_count *count, bool probes)
{
	const struct hwb_pci_address *address = &self->physical->facts.address;
	struct fault *fault = &self->fault;

	if (may_change(self, count, fault) != 0)
		return -1;
	/* Before anything is done: whoever goes on after a crash knows that it is ours. */
	const struct record_functions functions = { .address = *address,
		                                    .instance = self->instance,
		                                    .probes = probes,
		                                    .restore = self->restore };
	if (self->wanted != 0 && record_put_functions(&functions, fault) != 0)
		return -1;
	if (count->now != 0 && sriov_make(address, 0, fault) != 0)
		return -1;
	self->removed = true;
	if (self->wanted != 0 && (sriov_probe(address, false, fault) != 0 ||
	                          sriov_make(address, self->wanted, fault) != 0)) {
		sriov_probe(address, probes, NULL);
		record_drop_functions(address);
		return -1;
	}
	if (self->wanted == 0) {
		sriov_probe(address, probes, NULL);
		record_drop_functions(address);
	}
	return 0;
}

static void run_making(struct job *job)
{
	struct making *self = (struct making *)job;
	const struct hwb_pci_address *address = &self->physical->facts.address;
	struct record_functions known;
	struct sriov_count count;

	int unread = sriov_read(address, &count);
	self->ours = record_find_functions(address, self->instance, &known);
	if (unread != 0) {
		self->result = fault_errno(&self->fault, -unread, "how many it has cannot be told");
	} else if (count.now != self->wanted) {
		self->result = change(self, &count, self->ours ? known.probes : count.probes);
	} else if (self->ours) {
		known.restore = self->restore;
		self->result = record_put_functions(&known, &self->fault);
	}
	if (sriov_read(address, &count) == 0)
		self->now = count.now;
	self->ours = record_find_functions(address, self->instance, &known);
	self->restore = self->ours && known.restore;
}

/* ---- on the loop ---- */

static bool is_function_of(const struct device *device, const struct device *physical)
{
	return device->state != LIFE_GONE &&
	       strcmp(device->whereabouts.physical, physical->name) == 0;
}

static void mark_functions(const struct broker *broker, const struct device *physical, bool ending)
{
	for (uint32_t i = 0; i < broker->inventory.count; i++)
		if (is_function_of(broker->inventory.devices[i], physical))
			broker->inventory.devices[i]->ending = ending;
}

/* One that somebody has, or may still reach; NULL: there is none. */
static const struct device *used_function(const struct broker *broker,
                                          const struct device *physical)
{
	for (uint32_t i = 0; i < broker->inventory.count; i++) {
		const struct device *device = broker->inventory.devices[i];
		if (is_function_of(device, physical) && virtual_is_used(device))
			return device;
	}
	return NULL;
}

static void note(struct device *device, const char *rule, uint16_t wanted, const char *why)
{
	char text[sizeof(device->functions.note)];

	if (wanted != 0)
		snprintf(text, sizeof(text), "[%s] wants %u virtual functions: %s", rule, wanted,
		         why);
	else
		snprintf(text, sizeof(text), "its virtual functions stay: %s", why);
	if (strcmp(text, device->functions.note) != 0)
		log_warning("%s: %s", device->name, text);
	memcpy(device->functions.note, text, sizeof(text));
}

static void done_making(struct job *job)
{
	struct making *self = (struct making *)job;
	struct broker *broker = self->broker;
	struct device *device = self->physical;

	broker->busy_devices--;
	device->functions.busy = false;
	if (device->instance == self->instance && device->state != LIFE_GONE) {
		bool changed = self->now != device->facts.virtual_functions;
		device->functions.ours = self->ours;
		device->functions.restore = self->restore;
		device->facts.virtual_functions = self->now;
		if (!self->removed)
			mark_functions(broker, device, false);
		if (self->result != 0) {
			note(device, self->rule, self->wanted, self->fault.reason);
		} else if (changed && self->wanted != 0) {
			log_notice("%s: %u virtual functions were made, as [%s] says", device->name,
			           self->now, self->rule);
		} else if (changed) {
			log_notice("%s: its virtual functions were removed", device->name);
		}
	}
	free(self);
	if (!broker->stopping)
		virtual_look(broker);
}

/* -1: no memory. */
static int begin(struct broker *broker, struct device *device, const struct policy_virtual *wanted)
{
	struct making *self = calloc(1, sizeof(*self));

	if (self == NULL)
		return -1;
	*self = (struct making){
		.job = { .run = run_making, .done = done_making },
		.broker = broker,
		.physical = device,
		.instance = device->instance,
		.wanted = wanted->functions,
		.restore = wanted->restore,
		.now = device->facts.virtual_functions,
	};
	memcpy(self->rule, wanted->section, sizeof(self->rule));
	device->functions.busy = true;
	device->functions.settled = true;
	device->functions.note[0] = '\0';
	if (device->facts.virtual_functions != wanted->functions)
		mark_functions(broker, device, true);
	broker->busy_devices++;
	strand_submit(&device->group->strand, &self->job);
	return 0;
}

static void look_at(struct broker *broker, struct device *device)
{
	struct functions *functions = &device->functions;
	const struct policy_device about = device_for_policy(device);
	struct policy_virtual wanted = { 0 };
	char why[96];

	policy_virtual_for(broker->policy, &about, &wanted);
	const struct device *used = used_function(broker, device);
	const struct virtual_case now = {
		.wanted = wanted.functions,
		.restore = wanted.restore,
		.now = device->facts.virtual_functions,
		.max = device->functions_max,
		.ours = functions->ours,
		.ours_restore = functions->restore,
		.used = used != NULL,
	};
	functions->settled = true;
	switch (virtual_step(&now)) {
	case VIRTUAL_KEEP:
		functions->note[0] = '\0';
		return;
	case VIRTUAL_NOTE:
	case VIRTUAL_CHANGE:
		if (begin(broker, device, &wanted) != 0)
			note(device, wanted.section, wanted.functions, "no memory");
		return;
	case VIRTUAL_WAIT:
		functions->settled = false;
		snprintf(why, sizeof(why), "%s is in use, and only all can be removed", used->name);
		break;
	case VIRTUAL_EXCESS:
		if (device->functions_max == 0)
			snprintf(why, sizeof(why), "it can have none (SR-IOV)");
		else
			snprintf(why, sizeof(why), "it can have %u", device->functions_max);
		break;
	case VIRTUAL_FOREIGN:
		snprintf(why, sizeof(why), "there are %u, made by somebody else",
		         device->facts.virtual_functions);
		break;
	}
	note(device, wanted.section, wanted.functions, why);
}

void virtual_look(struct broker *broker)
{
	if (broker->stopping || broker->leaving)
		return;
	for (uint32_t i = 0; i < broker->inventory.count; i++) {
		struct device *device = broker->inventory.devices[i];
		if (device->state != LIFE_GONE && !device->left && !device->functions.busy &&
		    !device->functions.settled && (device->facts.flags & HWB_DEVICE_VIRTUAL) == 0)
			look_at(broker, device);
	}
}

void virtual_start(struct broker *broker)
{
	for (uint32_t i = 0; i < broker->inventory.count; i++) {
		struct device *device = broker->inventory.devices[i];
		struct record_functions known;
		if (device->functions_max == 0 ||
		    !record_find_functions(&device->facts.address, device->instance, &known))
			continue;
		device->functions.ours = true;
		device->functions.restore = known.restore;
	}
	virtual_look(broker);
}

void virtual_by_policy(struct broker *broker)
{
	for (uint32_t i = 0; i < broker->inventory.count; i++)
		broker->inventory.devices[i]->functions.settled = false;
	virtual_look(broker);
}

bool virtual_is_used(const struct device *device)
{
	return (device->state != LIFE_HOST && device->state != LIFE_FREE) || device->reclaimed ||
	       device->found;
}

void virtual_driver(struct broker *broker, struct device *device)
{
	device->functions.settled = false;
	virtual_look(broker);
}

void virtual_driver_left(struct broker *broker, const struct device *device)
{
	for (uint32_t i = 0; i < broker->inventory.count; i++)
		if (is_function_of(device, broker->inventory.devices[i]))
			virtual_driver(broker, broker->inventory.devices[i]);
}

bool virtual_stop(struct broker *broker)
{
	static const struct policy_virtual none = { .restore = true };
	bool begun = false;

	for (uint32_t i = 0; i < broker->inventory.count; i++) {
		struct device *device = broker->inventory.devices[i];
		if (!device->functions.ours || !device->functions.restore ||
		    device->state == LIFE_GONE || device->left)
			continue;
		const struct device *used = used_function(broker, device);
		if (used != NULL)
			log_warning("%s: its virtual functions stay, as %s is not at rest",
			            device->name, used->name);
		else if (begin(broker, device, &none) == 0)
			begun = true;
	}
	return begun;
}
