/* SPDX-License-Identifier: MIT */
#include "session/restart/resume.h"

#include "resume/note.h"
#include "resume/store.h"
#include "server/closer.h"
#include "server/monitor.h"
#include "session/release/revoke.h"
#include "session/restart/rebuild.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct resumed {
	struct peer *peer;
	bool failed; /* not all of it could be rebuilt */
};

struct resume {
	struct broker *broker;
	struct resumed *items; /* ascending by id */
	uint32_t count;
};

static struct resumed *find(const struct resume *self, uint32_t id)
{
	for (uint32_t low = 0, high = self->count; low < high;) {
		uint32_t middle = low + (high - low) / 2;
		uint32_t there = self->items[middle].peer->id;
		if (there == id)
			return &self->items[middle];
		if (there < id)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* NULL: with this one it does not go on. */
static struct peer *resume_peer(struct resume *self, const struct note *note)
{
	const struct kept_peer *kept = note->body;
	char name[STORE_NAME];

	snprintf(name, sizeof(name), "p%" PRIu32, kept->id);
	if (note->id != kept_id(kept->id, 0) || kept->id == 0 || kept->name[0] == '\0' ||
	    memchr(kept->name, '\0', sizeof(kept->name)) == NULL)
		return NULL;
	if (note_live(note->index) != 0) {
		log_notice("client `%s', connection %" PRIu32
		           ": something of it was under way; disconnected",
		           kept->name, kept->id);
		return NULL;
	}
	_cleanup_fd_ int fd = store_take(name);
	struct resumed *more = realloc(self->items, (self->count + 1) * sizeof(*more));
	if (more != NULL)
		self->items = more;
	if (fd < 0 || more == NULL)
		return NULL;
	struct peer *peer = peer_resume(self->broker, steal_fd(&fd), kept->id, kept->name);
	if (peer == NULL) {
		store_drop(name, true);
		return NULL;
	}
	peer->note = note->index;
	peer->handles = kept->handles;
	peer->sessions.last_handle = kept->handles;
	peer->requests = kept->requests;
	if (kept->monitors != 0)
		monitor_resume(peer);
	self->items[self->count++] = (struct resumed){ .peer = peer };
	return peer;
}

/* Each body begins with the connection, and only that is common to all. */
static struct resumed *owner_of(const struct resume *self, const struct note *note)
{
	uint32_t id;

	memcpy(&id, note->body, sizeof(id));
	return find(self, id);
}

static void each(const struct note *note, void *context)
{
	static int (*const rebuild[NOTE_KINDS])(struct peer *, const struct note *,
	                                        struct fault *) = {
		[NOTE_DOMAIN] = rebuild_domain, [NOTE_MAPPING] = rebuild_mapping,
		[NOTE_DEVICE] = rebuild_device, [NOTE_REGION] = rebuild_region,
		[NOTE_PORTS] = rebuild_ports,   [NOTE_IRQ] = rebuild_irq,
		[NOTE_TAKEN] = rebuild_taken,   [NOTE_LINE] = rebuild_line,
	};
	struct resume *self = context;
	struct fault fault = { .status = HWB_NO_MEMORY, .reason = "no memory" };

	if (note->kind == NOTE_PEER) {
		if (resume_peer(self, note) == NULL)
			note_drop(note->index);
		return;
	}
	struct resumed *owner = owner_of(self, note);
	if (owner == NULL || rebuild[note->kind](owner->peer, note, &fault) != 0)
		note_drop(note->index);
	else
		return;
	if (owner == NULL || owner->failed)
		return;
	owner->failed = true;
	log_error("client `%s' (pid %u) cannot go on: %s", owner->peer->name, owner->peer->pid,
	          fault.reason);
}

/* What was kept, and nobody has taken. */
static void close_rest(struct broker *broker)
{
	static const char *const prefixes[] = { "p", "i" };
	char name[STORE_NAME];

	for (unsigned i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		for (uint32_t at = 0; store_find(prefixes[i], &at, name);) {
			int fd = store_take(name);
			store_drop(name, true);
			if (i == 0)
				closer_hang_up(broker, &broker->strangers, fd);
			else
				close_fd(fd);
		}
	kernel_resume_end();
}

/* False: there is nothing to go on with. */
static bool take_notes(void)
{
	struct fault fault;
	int fd = store_take(RESUME_NOTES);

	if (fd < 0)
		return false;
	int result = note_resume(fd, &fault);
	close_fd(fd);
	if (result == 0)
		return true;
	log_error("what the daemon before this one has noted is of no use: %s. Its connections "
	          "are closed, its devices reset",
	          fault.reason);
	store_drop(RESUME_NOTES, true);
	return false;
}

static void begin_notes(void)
{
	_cleanup_fd_ int fd = note_begin();

	if (fd >= 0 && store_put(RESUME_NOTES, fd, true))
		return;
	log_warning("sessions will not outlive this process: their notes cannot be kept");
	note_end();
}

void resume_start(struct broker *broker)
{
	struct resume self = { .broker = broker };
	uint32_t failed = 0;

	if (!store_works())
		return;
	bool found = take_notes();
	if (!found)
		begin_notes();
	else if (note_each(each, &self) != 0)
		log_error("no memory to go on with what the daemon before this one had");
	close_rest(broker);
	for (uint32_t i = 0; i < self.count; i++) {
		peer_note_live(self.items[i].peer);
		failed += self.items[i].failed;
		if (self.items[i].failed)
			peer_drop(self.items[i].peer, "not all of it could be taken up again");
	}
	if (self.count != 0)
		log_notice("going on with %u connections, %u sessions", self.count - failed,
		           broker->session_count);
	free(self.items);
	revoke_by_policy(broker);
	note_resumed();
}
