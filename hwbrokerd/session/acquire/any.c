/* SPDX-License-Identifier: MIT */
/* Which device of a rule is given to whom any of them will do. */
#include "kernel/bind.h"
#include "server/peer.h"
#include "session/acquire/acquire.h"
#include "session/acquire/share.h"
#include "session/release/held.h"
#include "session/release/release.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The less is done to give it, the better; what has to be looked up comes last. */
enum rank {
	RANK_ITS_OWN, /* is with us, and kept for this client, who has registers of it */
	RANK_FREE,    /* is with us */
	RANK_BARE,    /* has no host driver */
	RANK_HOST,
	RANK_NONE
};

/* What stands in the way of the others. */
enum way { WAY_IN_USE, WAY_TRANSIT, WAY_HELD, WAY_QUARANTINED, WAY_GROUP, WAY_PASSED, WAYS };

struct choice {
	struct device *device; /* NULL: none can be given now */
	enum rank rank;
	struct device *busy; /* one that may be soon */
	struct policy_verdict verdict;
	uint32_t count; /* devices that there are */
	uint32_t ways[WAYS];
};

static bool was_passed(const struct acquire *self, const struct device *device)
{
	for (uint32_t i = 0; i < self->passed_count; i++)
		if (self->passed[i] == device)
			return true;
	return false;
}

/* Whether the rule gives it to the client. */
static bool is_of_rule(const struct acquire *self, const struct device *device,
                       struct policy_verdict *verdict)
{
	const struct peer *peer = self->request.peer;
	struct policy_device about = device_for_policy(device);
	struct policy_resource resource = { .kind = POLICY_DEVICE, .device = &about };

	if (device->state == LIFE_GONE || device->left)
		return false;
	policy_decide(peer->broker->policy, peer->client, &resource, verdict);
	return verdict->granted && strcmp(verdict->section, self->section) == 0;
}

/* How long it may last until `device` is at rest: what was its own it has back at once. */
static int patience_for(const struct acquire *self, const struct device *device)
{
	if (device->held == NULL)
		return 1;
	if (held_was_its(device, self->request.peer))
		return 0;
	return device->overdue ? 3 : 2;
}

static void note_busy(const struct acquire *self, struct choice *choice, struct device *device)
{
	if (choice->busy == NULL || patience_for(self, device) < patience_for(self, choice->busy))
		choice->busy = device;
}

/* Each look is a system call, and there may be a thousand devices. */
static enum rank rank_of_host(struct acquire *self, const struct device *device)
{
	char driver[HWB_NAME_SIZE];

	self->looks--;
	bind_driver(&device->facts.address, driver);
	return driver[0] == '\0' ? RANK_BARE : RANK_HOST;
}

static void consider_idle(struct acquire *self, struct choice *choice, struct device *device)
{
	bool own = device->reclaimed && held_was_its(device, self->request.peer);
	enum rank best = device->state != LIFE_HOST ? (own ? RANK_ITS_OWN : RANK_FREE)
	                 : self->looks != 0         ? RANK_BARE
	                                            : RANK_HOST;

	/* No better than what there is, of a lower address. */
	if (choice->rank <= best)
		return;
	if (device->reclaimed && !own) {
		choice->ways[WAY_HELD]++;
		return;
	}
	struct device *mate = acquire_in_transit(self->broker, device);
	if (mate != NULL) {
		choice->ways[WAY_TRANSIT]++;
		note_busy(self, choice, mate);
		return;
	}
	if (acquire_may_begin(self, device, NULL) != 0) {
		choice->ways[WAY_GROUP]++;
		return;
	}
	enum rank rank = best == RANK_BARE ? rank_of_host(self, device) : best;
	if (rank >= choice->rank)
		return;
	choice->rank = rank;
	choice->device = device;
}

static void consider(struct acquire *self, struct choice *choice, struct device *device)
{
	if (lifecycle_in_transit(device->state)) {
		choice->ways[device->held != NULL ? WAY_HELD : WAY_TRANSIT]++;
		note_busy(self, choice, device);
	} else if (device->state == LIFE_QUARANTINED) {
		choice->ways[WAY_QUARANTINED]++;
	} else if (!lifecycle_is_idle(device->state)) {
		choice->ways[WAY_IN_USE]++;
	} else if (was_passed(self, device)) {
		choice->ways[WAY_PASSED]++;
	} else {
		consider_idle(self, choice, device);
	}
}

static void choose(struct acquire *self, struct choice *choice)
{
	const struct inventory *inventory = &self->broker->inventory;

	*choice = (struct choice){ .rank = RANK_NONE };
	for (uint32_t i = 0; i < inventory->count; i++) {
		struct policy_verdict verdict;
		if (!is_of_rule(self, inventory->devices[i], &verdict))
			continue;
		if (choice->count++ == 0)
			choice->verdict = verdict;
		consider(self, choice, inventory->devices[i]);
	}
}

/* Which status a client can make most of, and what stands in the way of how many. */
static void tell_why(const struct acquire *self, const struct choice *choice, struct fault *fault)
{
	static const char *const words[WAYS] = {
		[WAY_IN_USE] = "in use",
		[WAY_TRANSIT] = "being brought to rest",
		[WAY_HELD] = "given back, with registers that somebody still has",
		[WAY_QUARANTINED] = "quarantined",
		[WAY_GROUP] = "in an IOMMU group with another owner's, or with one for nobody",
		[WAY_PASSED] = "unfit",
	};
	char list[FAULT_REASON] = "";
	size_t length = 0;

	for (int way = 0; way < WAYS; way++) {
		if (choice->ways[way] == 0)
			continue;
		int added = snprintf(list + length, sizeof(list) - length, "%s%u %s",
		                     length == 0 ? "" : ", ", choice->ways[way], words[way]);
		length += added > 0 ? (size_t)added : 0;
	}
	bool soon = choice->ways[WAY_IN_USE] != 0 || choice->ways[WAY_TRANSIT] != 0 ||
	            choice->ways[WAY_HELD] != 0 || choice->ways[WAY_GROUP] != 0;
	bool passed = choice->ways[WAY_PASSED] != 0;
	enum hwb_status status = soon ? HWB_BUSY : passed ? self->failure.status : HWB_UNSAFE;
	fault_set(fault, status, "no device of [%s] is free: of %u, %s%s%s", self->section,
	          choice->count, list, passed ? ": " : "", passed ? self->failure.reason : "");
	fault->host_errno = status == HWB_HOST_ERROR ? self->failure.host_errno : 0;
}

/* Whether there is one for the client, by number; if not, and not soon either, says why. */
static int may_have(struct acquire *self, const struct choice *choice, struct device **busy,
                    struct fault *fault)
{
	const struct peer *peer = self->request.peer;
	struct asker asker = asker_of(peer);

	*busy = NULL;
	if (choice->count == 0)
		return fault_set(fault, HWB_NOT_FOUND,
		                 "no device of [%s] for client `%s': none is there, or no section "
		                 "of that name gives this client any",
		                 self->section, peer->name);
	if (share_check(&asker, NULL, &choice->verdict, busy, fault) != 0)
		return -1;
	if (choice->device != NULL)
		return 0;
	*busy = choice->busy;
	tell_why(self, choice, fault);
	return -1;
}

/* ---- to operators ---- */

/* Why `device` is not given now: as consider() sees it, in the words of who may know all. */
static void tell_one(const struct acquire *self, struct device *device, char text[ACQUIRE_WHY])
{
	const struct peer *owner = device->owner;
	const struct device *mate;
	struct fault fault;
	uint32_t at = 0;

	text[0] = '\0';
	while (at < self->passed_count && self->passed[at] != device)
		at++;
	if (device->held != NULL)
		snprintf(text, ACQUIRE_WHY, "given back by `%s', with registers still mapped",
		         device->held->release.client);
	else if (lifecycle_in_transit(device->state))
		snprintf(text, ACQUIRE_WHY, "being brought to rest");
	else if (device->state == LIFE_QUARANTINED)
		snprintf(text, ACQUIRE_WHY, "quarantined");
	else if (!lifecycle_is_idle(device->state))
		snprintf(text, ACQUIRE_WHY, "with `%s'", owner != NULL ? owner->name : "-");
	else if (at < self->passed_count)
		snprintf(text, ACQUIRE_WHY, "%s",
		         at < ACQUIRE_TOLD && self->passed_why != NULL ? self->passed_why[at]
		                                                       : "unfit");
	else if (device->reclaimed && !held_was_its(device, self->request.peer))
		snprintf(text, ACQUIRE_WHY, "kept for who has registers of it");
	else if ((mate = acquire_in_transit(self->broker, device)) != NULL)
		snprintf(text, ACQUIRE_WHY, "%s is being brought to rest", mate->name);
	else if (acquire_may_begin(self, device, &fault) != 0)
		snprintf(text, ACQUIRE_WHY, "%.*s", ACQUIRE_WHY - 1, fault.reason);
}

static void tell_each(const struct acquire *self, char *text, size_t size)
{
	const struct inventory *inventory = &self->broker->inventory;
	uint32_t told = 0, more = 0;
	size_t length = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < inventory->count; i++) {
		struct policy_verdict verdict;
		char why[ACQUIRE_WHY];
		if (!is_of_rule(self, inventory->devices[i], &verdict))
			continue;
		if (told == ACQUIRE_TOLD) {
			more++;
			continue;
		}
		tell_one(self, inventory->devices[i], why);
		/* It could be given, and is not for the sake of a limit. */
		if (why[0] == '\0')
			continue;
		int added = snprintf(text + length, size - length, "%s%s: %s",
		                     told++ == 0 ? "" : "; ", inventory->devices[i]->name, why);
		length += added > 0 ? (size_t)added : 0;
	}
	if (more != 0)
		snprintf(text + length, size - length, "; and %u more", more);
}

static void refuse(struct acquire *self)
{
	/* Each with its address. */
	char text[ACQUIRE_TOLD * (ACQUIRE_WHY + 20) + 32];

	tell_each(self, text, sizeof(text));
	self->request.candidates = text;
	acquire_refuse(self);
}

/* What another device would not mend. */
static bool is_final(const struct fault *fault)
{
	return fault->status == HWB_NO_MEMORY || fault->status == HWB_QUOTA ||
	       fault->status == HWB_NO_SESSION;
}

/* False: it is refused, as `fault` says. */
static bool pass_over(struct acquire *self)
{
	if (is_final(&self->fault))
		return false;
	struct device **grown =
	        reallocarray(self->passed, self->passed_count + 1u, sizeof(struct device *));
	if (grown == NULL) {
		fault_set(&self->fault, HWB_NO_MEMORY, "no memory to choose a device");
		return false;
	}
	self->passed = grown;
	if (self->passed_count == 0) {
		self->failure = self->fault;
		self->passed_why = calloc(ACQUIRE_TOLD, sizeof(*self->passed_why));
	}
	if (self->passed_count < ACQUIRE_TOLD && self->passed_why != NULL)
		snprintf(self->passed_why[self->passed_count], ACQUIRE_WHY, "%.*s", ACQUIRE_WHY - 1,
		         self->fault.reason);
	self->passed[self->passed_count++] = self->device;
	acquire_unplan(self);
	return true;
}

void acquire_any_begin(struct acquire *self)
{
	struct choice choice;
	struct device *busy;

	do {
		self->field = REQUEST_FIELD(hwb_acquire_request, address);
		if (!peer_connected(self->request.peer)) {
			refuse(self);
			return;
		}
		if (self->domain != NULL && self->domain->closed) {
			fault_set(&self->fault, HWB_NO_SESSION, "the domain was closed meanwhile");
			refuse(self);
			return;
		}
		choose(self, &choice);
		if (may_have(self, &choice, &busy, &self->fault) != 0 || choice.device == NULL) {
			if (busy == NULL || !acquire_wait(self, busy))
				refuse(self);
			return;
		}
		self->device = choice.device;
		self->wanted.address = choice.device->facts.address;
		if (acquire_plan(self, &self->fault) == 0 && acquire_start(self, &self->fault) == 0)
			return;
	} while (pass_over(self));
	refuse(self);
}

void acquire_any_next(struct acquire *self)
{
	struct broker *broker = self->broker;
	const struct group *group = self->device->group;

	if (!pass_over(self)) {
		refuse(self);
		return;
	}
	self->device = NULL;
	release_left_over(broker, group);
	acquire_any_begin(self);
}
