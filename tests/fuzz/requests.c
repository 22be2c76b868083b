/* SPDX-License-Identifier: MIT */
/*
 * The daemon from its sockets down to the table of kernel.h, on the host of model.h.
 * Input: what there is at first, then steps: clients that come, ask, and go; jobs that
 * run; timers; devices that come and go; calls that fail; policies. Whenever nothing is
 * under way everything must fit together, and in the end nothing is left.
 */
#define _GNU_SOURCE /* O_CLOEXEC and others in what is included */
#include "client_side.h"
#include "fds.h"
#include "input.h"
#include "model.h"

#include "device/record.h"
#include "server/closer.h"
#include "server/peer.h"
#include "server/reload.h"
#include "session/bus/hotplug.h"
#include "session/dispatch.h"
#include "session/release/held.h"
#include "session/release/release.h"
#include "session/restart/adopt.h"
#include "session/session.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STEPS_MAX = 400, ROUNDS_MAX = 10000, POLICIES = 3 };

/* ---- policies, which the daemon reads from files that are root's or its own ---- */

static char folder[] = "/tmp/hwbroker-fuzz.XXXXXX";
static char paths[POLICIES][sizeof(folder) + 32];

static void copy(const char *from, const char *to)
{
	char text[4096];
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ssize_t size = read(in, text, sizeof(text));

	must(size > 0 && write(out, text, (size_t)size) == size, "the policies can be copied");
	close(in);
	close(out);
}

static void remove_files(void)
{
	for (int i = 0; i < POLICIES; i++)
		unlink(paths[i]);
	rmdir(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char *const names[POLICIES] = { "generous.conf", "mean.conf", "broken.conf" };
	char from[512];
	(void)argc;
	(void)argv;

	must(mkdtemp(folder) != NULL, "there is a place for the policies");
	for (int i = 0; i < POLICIES; i++) {
		snprintf(from, sizeof(from), "%s/%s", FUZZ_POLICIES, names[i]);
		snprintf(paths[i], sizeof(paths[i]), "%s/%s", folder, names[i]);
		copy(from, paths[i]);
	}
	atexit(remove_files);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGIO, SIG_IGN);
	/* Its log shows what an input does. */
	log_set_level(getenv("FUZZ_LOG") != NULL ? LOG_LEVEL_DEBUG : (enum log_level)0);
	return 0;
}

/* ---- the daemon ---- */

struct world {
	struct broker broker;
	struct hotplug hotplug;
	struct client clients[CLIENTS];
	bool prompt; /* jobs run and answers are read after each step */
};

/* A daemon that was killed had some of them: for whom, and who still has registers. */
static void leave_some(struct world *world, struct input *input)
{
	static const char *const names[] = { "alpha", "beta", "gamma", "" };
	static const uint32_t uids[] = { 1000, 1001, 1002, 0 };
	uint8_t which = take8(input);

	for (uint32_t i = 0; i < MODEL_DEVICES; i++) {
		struct model_device *device = &model.devices[i];
		struct client *client = &world->clients[i % CLIENTS];
		uint8_t how = (which >> i & 1) != 0 ? take8(input) : 0;
		if ((which >> i & 1) == 0 || !device->present || device->group == UINT32_MAX)
			continue;
		bool kept = (how & 8) != 0 && client->kept_count == 0;
		client->uid = uids[how & 3];
		model_leave(device, names[how & 3], uids[how & 3], (how & 4) != 0,
		            kept ? &client->kept[client->kept_count++] : NULL);
		if ((how & 16) != 0)
			device->instance = ++model.last_instance; /* another is in its place */
		if ((how & 32) != 0)                              /* it was about to be taken */
			memcpy(device->driver, device->host_driver,
			       strlen(device->host_driver) + 1);
	}
}

static bool start(struct world *world, struct input *input)
{
	uint8_t flags = take8(input);
	uint8_t more = take8(input);
	bool prompt = (more & 1) != 0;
	struct broker *broker = &world->broker;
	char *report = NULL;
	struct fault fault;

	memset(world, 0, sizeof(*world));
	world->prompt = prompt;
	for (int i = 0; i < CLIENTS; i++)
		world->clients[i].fd = -1;
	model_start();
	broker->peers_end = &broker->peers;
	broker->handler = &dispatch_handler;
	broker->loop = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
	broker->workers = workers_new(broker->loop);
	closer_start(broker);
	broker->started = ev_now(broker->loop);
	broker->policy_path = paths[(flags & 1) != 0 ? 1 : 0];
	if (policy_load(broker->policy_path, &broker->policy, &report) != 0) {
		must(model.failures != 0, "the policy is a good one");
		free(report);
		return false;
	}
	broker->host = (struct host){
		.backend = (flags & 2) != 0 ? NULL : &model_kernel,
		.iommu = true,
		.interrupt_remapping = (flags & 4) == 0,
		.vfio = true,
		.strict_devmem = true,
		.leases = true,
		.ports = (flags & 8) == 0,
		.lockdown = (flags & 16) != 0,
		.kernel = "model",
	};
	if ((more & 2) != 0)
		leave_some(world, input);
	model.fail_in = (flags & 32) != 0 ? 1 + (flags >> 6) : 0;
	if (hotplug_start(&world->hotplug, broker, &fault) == 0) {
		adopt_start(broker);
		return true;
	}
	for (int i = 0; i < CLIENTS; i++)
		client_drop_kept(&world->clients[i]);
	must(model.failures != 0, "a bus can be listed");
	return false;
}

static void pump(struct world *world)
{
	ev_run(world->broker.loop, EVRUN_NOWAIT);
}

static bool nothing_to_do(void)
{
	return model_strands() == 0 && model_finished() == 0;
}

static void fire(struct ev_loop *loop, ev_timer *timer)
{
	if (!ev_is_active(timer))
		return;
	ev_timer_stop(loop, timer);
	ev_invoke(loop, timer, EV_TIMER);
}

/* Devices whose former owners keep registers are looked at again, a second later; so are those
 * that lack a descriptor to come to rest. */
static bool look_at_held(struct world *world)
{
	const struct inventory *inventory = &world->broker.inventory;
	bool some = false;

	for (uint32_t i = 0; i < inventory->count; i++) {
		struct device_session *held = inventory->devices[i]->held;
		struct device_session *starved = inventory->devices[i]->starved;
		if (starved != NULL) {
			fire(world->broker.loop, &starved->release.retry);
			some = true;
			continue;
		}
		if (held == NULL || inventory->devices[i]->overdue)
			continue;
		held->release.held_since -= 1.0;
		fire(world->broker.loop, &held->release.again);
		some = true;
	}
	return some;
}

static void settle_once(struct world *world)
{
	uint32_t rounds = 0;
	bool busy;

	do {
		busy = !nothing_to_do();
		while (model_strands() != 0)
			model_run(0);
		while (model_finished() != 0)
			model_deliver();
		pump(world);
		for (int i = 0; i < CLIENTS; i++)
			while (client_read(&world->clients[i]))
				busy = true;
		must(++rounds < ROUNDS_MAX, "there is an end");
	} while (busy || !nothing_to_do());
	/* libev leaves a watcher that was just started to its next round. */
	pump(world);
}

/* Until nothing more happens by itself. */
static void settle(struct world *world)
{
	uint32_t rounds = 0;

	do {
		settle_once(world);
		must(++rounds < ROUNDS_MAX, "there is an end");
	} while (!nothing_to_do() || look_at_held(world));
}

/* ---- what must hold ---- */

/* Its owner has time to give it back. */
static bool is_asked(const struct device *device)
{
	return device->session != NULL && device->session->asked != REVOKE_NOT_ASKED;
}

/* Requests of root's that are answered when it has. */
static uint32_t waiting(const struct broker *broker)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < broker->inventory.count; i++)
		for (const struct waiter *waiter = broker->inventory.devices[i]->waiters;
		     waiter != NULL; waiter = waiter->next)
			count++;
	return count;
}

static void check_device(const struct device *device)
{
	const struct model_device *below = model_find(&device->facts.address);
	const struct device_session *session = device->session;

	if (device->held != NULL) {
		must(device->overdue && device->session == NULL, "what is held nobody has");
		must(!model_masters(below) && !model_interrupts(below), "what is held is at rest");
		return;
	}
	must(!lifecycle_in_transit(device->state), "a device whose jobs have ended is at rest");
	must(device->waiters == NULL || is_asked(device),
	     "nobody waits for a device at rest, but root for one that is asked back");
	must((device->state == LIFE_GRANTED) == (session != NULL), "granted is who has a session");
	must((session != NULL) == (device->owner != NULL), "a session has an owner");
	must((device->wanted_fd >= 0) == (device->owner != NULL), "who owns can be asked");
	if (device->unit.opened == NULL) {
		must(below->opened == NULL || below->instance != device->instance ||
		             !below->present || device->state == LIFE_GONE,
		     "what the kernel has open the daemon knows");
		return;
	}
	must(session != NULL, "only what is granted is open");
	must(device->unit.claimed, "only what is claimed is open");
	if (below->opened != device->unit.opened)
		return; /* pulled out */
	must(!model_masters(below) ||
	             (session->domain != NULL && session->domain->kernel == device->unit.domain),
	     "who masters the bus is in its owner's domain");
	must(!model_interrupts(below) || session->irq != NULL, "who interrupts has a session");
}

static void check_peer(const struct peer *peer)
{
	must(peer->pending <= waiting(peer->broker) && peer->closing == 0,
	     "no request is forgotten");
	for (uint32_t i = 0; i < peer->sessions.count; i++) {
		const struct session *session = peer->sessions.items[i];
		const struct domain *domain = (const struct domain *)session;
		must(session->peer == peer, "a session is of its connection");
		if (session->kind == HWB_SESSION_DOMAIN)
			must(domain->ledger.count == model_mappings(domain->kernel),
			     "the ledger says what the kernel has");
	}
}

static void check_client(const struct client *client, uint32_t waiting_ones)
{
	if (client->fd >= 0 && !client->hung_up)
		must(client->answered + waiting_ones >= client->sent,
		     "each request has its answer");
}

/* Of those who keep registers of a device, its owner is one, or none reaches it. */
static void check_kept(const struct world *world, const struct client *client)
{
	for (uint32_t i = 0; i < client->kept_count; i++) {
		const struct model_device *below = model_behind(client->kept[i]);
		if (below == NULL)
			continue;
		const struct device *device =
		        inventory_find(&world->broker.inventory, &below->address);
		if (device == NULL || device->instance != below->instance)
			continue;
		const struct peer *owner = device->owner;
		must(device->session == NULL || owner->subject.uid == client->uid,
		     "nobody has registers of another's device");
	}
}

static void check_rest(struct world *world)
{
	const struct broker *broker = &world->broker;
	uint32_t sessions = 0;

	must(broker->closings == 0 && !broker->reloading, "nothing is under way");
	must(broker->busy_devices == 0, "no device is busy");
	for (uint32_t i = 0; i < broker->inventory.count; i++)
		check_device(broker->inventory.devices[i]);
	for (const struct peer *peer = broker->peers; peer != NULL; peer = peer->next) {
		check_peer(peer);
		for (uint32_t i = 0; i < peer->sessions.count; i++)
			sessions += peer->sessions.items[i]->kind != SESSION_TAKEN;
	}
	must(broker->session_count == sessions, "the sessions are as many as are counted");
	for (int i = 0; i < CLIENTS; i++)
		check_client(&world->clients[i], waiting(broker));
	for (int i = 0; i < CLIENTS; i++)
		check_kept(world, &world->clients[i]);
}

/* What shares a group with a device in quarantine stays with the daemon, as that does. */
static bool is_kept(const struct broker *broker, const struct group *group)
{
	for (uint32_t i = 0; i < broker->inventory.count; i++)
		if (broker->inventory.devices[i]->group == group &&
		    broker->inventory.devices[i]->state == LIFE_QUARANTINED)
			return true;
	return false;
}

static void check_nothing_left(struct world *world)
{
	const struct broker *broker = &world->broker;

	must(broker->peers == NULL && broker->peer_count == 0 && broker->stranger_count == 0,
	     "no connection is left");
	must(broker->session_count == 0 && broker->port_sessions == NULL, "no session is left");
	must(model.ports == 0, "no port is left permitted");
	must(broker->memory_sessions == NULL && model.mapped == 0, "no memory is left mapped");
	must(model.domains == 0, "no domain is left");
	for (const struct account *account = broker->accounts; account != NULL;
	     account = account->next)
		must(account->mappings == 0 && account->bytes == 0, "nobody owes memory");
	for (uint32_t i = 0; i < MODEL_DEVICES; i++)
		must(model.devices[i].opened == NULL, "no device is left open");
	for (uint32_t i = 0; i < broker->inventory.count; i++) {
		const struct device *device = broker->inventory.devices[i];
		must(device->owner == NULL && device->session == NULL, "no device is left owned");
		const struct model_device *below = model_find(&device->facts.address);
		must(device->state != LIFE_QUARANTINED || model.failures != 0 || !below->resets ||
		             broker->host.backend == NULL,
		     "a device is in quarantine for a reason");
		bool there = below->present && below->instance == device->instance;
		must(!device->reclaimed || model.failures != 0,
		     "what was wanted back and not taken is given back");
		must(!device->restore || model.failures != 0 || !there ||
		             device->state == LIFE_HOST || device->state == LIFE_GONE ||
		             is_kept(broker, device->group),
		     "a device that is to go back is with its host driver");
	}
}

/* ---- steps ---- */

static void fire_some(struct world *world, struct input *input)
{
	struct broker *broker = &world->broker;
	uint8_t which = take8(input);
	struct peer *peer = broker->peers;

	if (which < 8) {
		while (peer != NULL && which-- > 0)
			peer = peer->next;
		if (peer != NULL)
			fire(broker->loop, &peer->deadline);
	} else if (which < 16 && (uint32_t)which - 8 < broker->inventory.count) {
		const struct device *device = broker->inventory.devices[which - 8];
		if (device->session != NULL)
			fire(broker->loop, &device->session->grace);
		else if (device->held != NULL)
			fire(broker->loop, &device->held->release.again);
	} else {
		fire(broker->loop, &world->hotplug.look);
	}
}

static void stop_serving(struct world *world)
{
	world->broker.stopping = true;
	while (world->broker.peers != NULL)
		peer_drop(world->broker.peers, "the broker stops");
	for (uint32_t i = 0; i < world->broker.inventory.count; i++)
		held_hurry(world->broker.inventory.devices[i]);
}

static void step(struct world *world, struct input *input)
{
	uint8_t what = take8(input);
	struct client *client = &world->clients[(what >> 5) % CLIENTS];
	struct broker *broker = &world->broker;
	uint8_t which;

	if (client->fd < 0 && (what & 31) < 20 && (what & 31) != 13)
		what = 0;
	switch (what & 31) {
	case 0:
	case 1:
		client_close(client);
		client_connect(client, broker, input);
		break;
	default:
		client_request(client, input);
		break;
	case 14:
		client_send_raw(client, input);
		break;
	case 15:
		client_shut_down(client, input);
		break;
	case 16:
	case 17:
		client_read(client);
		break;
	case 13:
		client_drop_kept(client);
		break;
	case 18:
		client_close(client);
		break;
	case 19:
		pump(world);
		client_read(client);
		return;
	case 20:
	case 21:
		which = take8(input);
		if (model_strands() != 0)
			model_run(which % model_strands());
		break;
	case 22:
		if (model_finished() != 0)
			model_deliver();
		break;
	case 23:
		fire_some(world, input);
		break;
	case 24:
		model.fail_in = 1 + take8(input) % 8u;
		break;
	case 25:
		which = take8(input);
		model_plug(&model.devices[which % MODEL_DEVICES], (which & 0x80) != 0);
		break;
	case 26:
		which = take8(input);
		if ((which & 0x80) == 0)
			model_want(&model.devices[which % MODEL_DEVICES]);
		else
			model_break(&model.devices[which % MODEL_DEVICES]);
		break;
	case 27:
		broker->policy_path = paths[take8(input) % POLICIES];
		reload_policy(broker);
		break;
	case 28:
		model.needed = (take8(input) & 1) != 0;
		break;
	case 29:
	case 30:
	case 31:
		settle(world);
		check_rest(world);
		break;
	}
	if ((what & 31) >= 29)
		return;
	pump(world);
	if (world->prompt)
		settle(world);
}

static void end(struct world *world)
{
	struct broker *broker = &world->broker;

	hotplug_stop(&world->hotplug);
	closer_stop(broker);
	workers_free(broker->workers);
	inventory_free(&broker->inventory);
	estates_free(&broker->estates, broker->loop);
	account_free_all(&broker->accounts);
	free(broker->port_uses);
	broker->port_uses = NULL;
	record_close();
	policy_free(broker->policy);
	ev_loop_destroy(broker->loop);
	model_end();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world world;
	struct input input = { data, size };
	unsigned fds_before = count_fds();

	if (start(&world, &input)) {
		for (int i = 0; i < STEPS_MAX && input.left != 0; i++)
			step(&world, &input);
		settle(&world);
		check_rest(&world);
		/* Either all hang up, or the daemon stops. */
		if ((size & 1) != 0)
			stop_serving(&world);
		for (int i = 0; i < CLIENTS; i++)
			client_close(&world.clients[i]);
		settle(&world);
		check_rest(&world);
		for (int i = 0; i < CLIENTS; i++)
			client_drop_kept(&world.clients[i]);
		for (uint32_t i = 0; i < world.broker.inventory.count; i++)
			held_hurry(world.broker.inventory.devices[i]);
		settle(&world);
		check_rest(&world);
		check_nothing_left(&world);
	}
	end(&world);
	must(count_fds() == fds_before, "no descriptor is left");
	return 0;
}
