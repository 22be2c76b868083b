/* SPDX-License-Identifier: MIT */
/* Start, signals and end of the daemon. */
#include "device/record.h"
#include "kernel/choose.h"
#include "kernel/host_now.h"
#include "kernel/priority.h"
#include "kernel/privilege.h"
#include "resume/store.h"
#include "server/account.h"
#include "server/broker.h"
#include "server/closer.h"
#include "server/descriptors.h"
#include "server/listener.h"
#include "server/manager.h"
#include "server/notify.h"
#include "server/peer.h"
#include "server/reload.h"
#include "session/admin/trail.h"
#include "session/bus/hotplug.h"
#include "session/bus/virtual.h"
#include "session/dispatch.h"
#include "session/release/held.h"
#include "session/restart/adopt.h"
#include "session/restart/keep.h"
#include "session/restart/resume.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "version.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define DEFAULT_POLICY HWBROKER_SYSCONFDIR "/hwbroker/hwbroker.conf"
#define DEFAULT_STATE "/run/hwbroker/devices"

/* What clients have sent may take for ever to close: so long it is waited for at the end. */
#define CLOSING_SECONDS 1.0

/* So long what is under way is waited for before another daemon goes on. */
#define LEAVING_SECONDS 3.0
#define LEAVING_LOOK 0.005

/* Exit codes, as systemd.exec(5) names them. */
enum { EXIT_USAGE = 2, EXIT_CONFIG = 78 };

/* Less than systemd waits for a start. */
enum { POLICY_SECONDS = 60 };

/* What a start takes at once, so that nothing on the way is mistaken for lacking or wrong. */
enum { START_DESCRIPTORS = 10 };

struct options {
	const char *socket, *policy, *state;
	const char *backend;
	bool check;
};

struct daemon {
	struct broker broker;
	struct listener listener;
	struct hotplug hotplug;
	ev_signal terminate;
	ev_signal interrupt;
	ev_signal hangup;
	ev_signal leave;
	ev_timer leaving;
	ev_prepare until_idle;
	ev_tstamp told; /* to end */
	bool undone;    /* what ends with the daemon, and is no client's */
};

static void usage(FILE *file)
{
	fputs("Usage: hwbrokerd [OPTION...]\n"
	      "Gives devices to unprivileged programs, as a policy says. Runs in the foreground.\n"
	      "\n"
	      "  --socket PATH   listen there (default " HWB_SOCKET_PATH ")\n"
	      "  --policy FILE   who gets what (default " DEFAULT_POLICY ")\n"
	      "  --state FILE    write down there what is taken (default " DEFAULT_STATE ")\n"
	      "  --backend NAME  reach devices so: vfio-group, iommufd; without an IOMMU\n"
	      "                  vfio-noiommu, sysfs-uio (default auto, the first that is here)\n"
	      "  --check         check the policy, say what is wrong with it, and end\n"
	      "  --verbose       log each step\n"
	      "  --foreground    accepted and without effect: it always does\n"
	      "  --version       print the version and end\n"
	      "  --help          print this and end\n"
	      "\n"
	      "SIGHUP reads the policy again; SIGTERM takes all devices back and ends; SIGUSR1 ends\n"
	      "and leaves all to the daemon that the service manager starts next.\n"
	      "See hwbrokerd(8), hwbroker-policy(5), hwbroker-ctl(1).\n",
	      file);
}

static void check_backend(const char *name)
{
	char names[CHOOSE_WHY];

	if (choose_knows(name, names))
		return;
	fprintf(stderr, "hwbrokerd: no backend is called `%s'; there are: %s\n", name, names);
	exit(EXIT_USAGE);
}

/* `--socket "$UNSET"' and its like: an address that nobody could ask for. */
static const char *path_of(const char *name, const char *path)
{
	if (path[0] != '\0')
		return path;
	fprintf(stderr, "hwbrokerd: --%s needs a path, and has none\n", name);
	exit(EXIT_USAGE);
}

static void parse(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "policy", required_argument, NULL, 'p' },
		{ "state", required_argument, NULL, 'S' },
		{ "backend", required_argument, NULL, 'b' },
		{ "check", no_argument, NULL, 'c' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "foreground", no_argument, NULL, 'f' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	/* In what getopt says, however it was called. */
	if (argc > 0)
		argv[0] = (char *)"hwbrokerd";
	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case 's':
			options->socket = path_of("socket", optarg);
			break;
		case 'p':
			options->policy = path_of("policy", optarg);
			break;
		case 'S':
			options->state = path_of("state", optarg);
			break;
		case 'b':
			options->backend = optarg;
			check_backend(optarg);
			break;
		case 'c':
			options->check = true;
			break;
		case 'v':
			log_set_level(LOG_LEVEL_DEBUG);
			break;
		case 'f':
			break;
		case 'V':
			puts("hwbrokerd " HWBROKER_VERSION);
			exit(EXIT_SUCCESS);
		case 'h':
			usage(stdout);
			exit(EXIT_SUCCESS);
		default:
			fputs("Try `hwbrokerd --help'.\n", stderr);
			exit(EXIT_USAGE);
		}
	}
	if (optind < argc) {
		fprintf(stderr, "hwbrokerd: unexpected argument `%s'\nTry `hwbrokerd --help'.\n",
		        argv[optind]);
		exit(EXIT_USAGE);
	}
}

/* ---- end ---- */

/* Ends the loop once every device is at rest, and nothing else is under way. As long as
 * something is being closed a timer runs (closer.c). */
static void on_prepare(struct ev_loop *loop, ev_prepare *watcher, int revents)
{
	struct daemon *self = watcher->data;
	struct broker *broker = &self->broker;
	(void)revents;

	if (broker->busy_devices == 0 && !self->undone) {
		self->undone = true;
		virtual_stop(broker);
	}
	if (broker->busy_devices == 0 && !broker->reloading &&
	    (broker->closings == 0 || ev_now(loop) - self->told >= CLOSING_SECONDS))
		ev_break(loop, EVBREAK_ALL);
}

static void on_terminate(struct ev_loop *loop, ev_signal *watcher, int revents)
{
	struct daemon *self = watcher->data;
	(void)revents;

	if (self->broker.stopping)
		return;
	ev_timer_stop(loop, &self->leaving);
	self->broker.stopping = true;
	self->told = ev_now(loop);
	log_notice("stopping: taking all devices back");
	manager_stopping(&self->broker);
	listener_stop(&self->listener);
	while (self->broker.peers != NULL)
		peer_drop(self->broker.peers, "the broker stops");
	for (uint32_t i = 0; i < self->broker.inventory.count; i++)
		held_hurry(self->broker.inventory.devices[i]);
	ev_prepare_start(loop, &self->until_idle);
}

/* Another one goes on with all that is open; what is under way ends first, if it does soon. */
static void on_leaving(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct daemon *self = timer->data;
	(void)revents;

	if (!keep_is_ready(&self->broker) && ev_now(loop) - self->told < LEAVING_SECONDS)
		return;
	estates_settle(&self->broker.estates);
	log_notice("leaving %u connections and %u sessions to the next daemon",
	           self->broker.peer_count, self->broker.session_count);
	/* Whatever is closed now is closed for them, too. */
	_exit(EXIT_SUCCESS);
}

static void on_leave(struct ev_loop *loop, ev_signal *watcher, int revents)
{
	struct daemon *self = watcher->data;

	if (!store_works()) {
		on_terminate(loop, watcher, revents);
		return;
	}
	if (self->broker.stopping || self->broker.leaving)
		return;
	self->told = ev_now(loop);
	notify_try("STOPPING=1");
	listener_pause(&self->listener);
	keep_leave(&self->broker);
	ev_timer_start(loop, &self->leaving);
}

static void on_hangup(struct ev_loop *loop, ev_signal *watcher, int revents)
{
	struct daemon *self = watcher->data;
	(void)loop;
	(void)revents;
	reload_policy(&self->broker);
}

static void watch_signals(struct daemon *self)
{
	struct ev_loop *loop = self->broker.loop;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGIO, SIG_IGN); /* witness.h */
	workers_allow_interrupts();
	ev_signal_init(&self->terminate, on_terminate, SIGTERM);
	ev_signal_init(&self->interrupt, on_terminate, SIGINT);
	ev_signal_init(&self->hangup, on_hangup, SIGHUP);
	ev_signal_init(&self->leave, on_leave, SIGUSR1);
	ev_timer_init(&self->leaving, on_leaving, LEAVING_LOOK, LEAVING_LOOK);
	ev_prepare_init(&self->until_idle, on_prepare);
	self->terminate.data = self;
	self->interrupt.data = self;
	self->hangup.data = self;
	self->leave.data = self;
	self->leaving.data = self;
	self->until_idle.data = self;
	ev_signal_start(loop, &self->terminate);
	ev_signal_start(loop, &self->interrupt);
	ev_signal_start(loop, &self->hangup);
	ev_signal_start(loop, &self->leave);
}

/* ---- start ---- */

/* With fewer the policy would be no file that can be read, and the kernel one without VFIO. */
static int check_descriptors(void)
{
	struct rlimit limit = { 0 };
	int fds[START_DESCRIPTORS], count = 0, error = 0;

	while (count < START_DESCRIPTORS && error == 0) {
		fds[count] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (fds[count] < 0)
			error = errno;
		else
			count++;
	}
	for (int i = 0; i < count; i++)
		close_fd(fds[i]);
	if (error == 0)
		return 0;
	uint32_t passed = store_passed();
	getrlimit(RLIMIT_NOFILE, &limit);
	log_error("cannot start with %d descriptors more, where %d are needed: %s. The limit is "
	          "%ju (LimitNOFILE of its unit), and the daemon before this one has left %u",
	          count, START_DESCRIPTORS, strerror(error), (uintmax_t)limit.rlim_max, passed);
	return -1;
}

/* Workers wait more than they allocate: memory that each kept for itself would only grow. */
static void share_memory_among_threads(void)
{
	mallopt(M_ARENA_MAX, 1);
}

static int load_policy(struct broker *broker)
{
	char *report = NULL;
	int result = policy_load(broker->policy_path, &broker->policy, &report);

	if (result != 0)
		reload_log_report(report);
	free(report);
	return result;
}

/* For who asks, not for the log: lines without a priority. */
static int check_policy(const char *path)
{
	struct policy *policy = NULL;
	char *report = NULL, rules[POLICY_RULES_TEXT];
	int result = policy_load(path, &policy, &report);

	if (result == 0)
		printf("%s: %s, no mistake\n", path, policy_rules_text(policy, rules));
	else
		fputs(report != NULL ? report : "no memory to read the policy\n", stderr);
	free(report);
	policy_free(policy);
	return result == 0 ? EXIT_SUCCESS : result == POLICY_UNREAD ? EXIT_FAILURE : EXIT_CONFIG;
}

/* What the daemon before this one has left would end with us, for a mistake in a file: it waits
 * for somebody to correct it, or for the host to have again what reading it takes, while devices
 * and interrupts go on. */
static int load_first_policy(struct broker *broker)
{
	uint32_t at = 0;
	char name[STORE_NAME];

	int result = load_policy(broker);
	if (result == 0 || !store_find_any(RESUME_NOTES, &at, name))
		return result;
	if (result == POLICY_UNREAD)
		log_error("connections of the daemon before this one wait %d s until the policy "
		          "can be read, and end then",
		          POLICY_SECONDS);
	else
		log_error("connections of the daemon before this one wait %d s for the policy to "
		          "be corrected, and end then",
		          POLICY_SECONDS);
	notify_try(result == POLICY_UNREAD
	                   ? "STATUS=the policy cannot be read now, see the log; connections wait"
	                   : "STATUS=the policy has mistakes, see the log; connections wait for it "
	                     "to be corrected");
	for (int i = 0; i < POLICY_SECONDS && result != 0; i++) {
		char *report = NULL;
		sleep(1);
		result = policy_load(broker->policy_path, &broker->policy, &report);
		free(report);
	}
	return result == 0 ? 0 : load_policy(broker);
}

static void log_host(const struct host *host)
{
	struct host_now now;

	log_info("kernel %s: backend %s, IOMMU %s, interrupt remapping %s", host->kernel,
	         host->backend != NULL ? host->backend->name : "none", host->iommu ? "yes" : "no",
	         host->interrupt_remapping ? "yes" : "no");
	host_now(host, "", &now);
	for (uint32_t i = 0; i < now.problems.count; i++)
		log_warning("%s", now.problems.lines[i]);
}

static int start(struct daemon *self, const struct options *options)
{
	struct broker *broker = &self->broker;
	char rules[POLICY_RULES_TEXT];
	struct fault fault;

	store_open();
	descriptors_limit();
	notify_open();
	if (check_descriptors() != 0)
		return EXIT_FAILURE;
	share_memory_among_threads();
	if (priority_prefer_this_thread() != 0)
		log_notice("no precedence over other programs: %s (LimitNICE=-10 of its unit)",
		           strerror(errno));
	broker->peers_end = &broker->peers;
	broker->handler = &dispatch_handler;
	broker->refusals.rate = LOG_RATE_REFUSALS;
	broker->loop = ev_default_loop(EVFLAG_NOENV);
	broker->workers = broker->loop == NULL ? NULL : workers_new(broker->loop);
	if (broker->workers == NULL || closer_start(broker) != 0) {
		log_error("cannot make an event loop");
		return EXIT_FAILURE;
	}
	broker->started = ev_now(broker->loop);
	counters_start(&broker->counters, broker->loop);
	trail_start(broker);
	keep_start(broker);
	int loaded = load_first_policy(broker);
	if (loaded != 0)
		return loaded == POLICY_UNREAD ? EXIT_FAILURE : EXIT_CONFIG;
	host_probe(&broker->host, options->backend);
	log_host(&broker->host);
	if (hotplug_start(&self->hotplug, broker, &fault) != 0 ||
	    listener_start(&self->listener, broker, options->socket, &fault) != 0 ||
	    record_lock(options->state, &fault) != 0) {
		log_error("%s", fault.reason);
		return EXIT_FAILURE;
	}
	watch_signals(self);
	record_open(options->state);
	/* While this is the only thread. */
	if (privilege_drop(broker->host.ports || host_needs_raw_io(&broker->host),
	                   host_is_unsafe(&broker->host), &fault) != 0)
		log_warning("%s", fault.reason);
	resume_start(broker);
	adopt_start(broker);
	virtual_start(broker);
	descriptors_guard_loop();
	log_notice("ready: %u device%s, %s from %s, listening on %s", broker->inventory.count,
	           broker->inventory.count == 1 ? "" : "s",
	           policy_rules_text(broker->policy, rules), options->policy, self->listener.path);
	manager_start(broker);
	return EXIT_SUCCESS;
}

static void stop(struct daemon *self)
{
	struct broker *broker = &self->broker;

	listener_stop(&self->listener);
	hotplug_stop(&self->hotplug);
	trail_stop(broker);
	manager_stop(broker);
	if (broker->loop != NULL)
		keep_stop(broker);
	if (broker->closers != NULL)
		closer_stop(broker);
	if (broker->workers != NULL)
		workers_free(broker->workers);
	inventory_free(&broker->inventory);
	estates_settle(&broker->estates);
	record_close();
	estates_free(&broker->estates, broker->loop);
	policy_free(broker->policy);
	/* What takes longer to close still has its lane of an account, and the loop. */
	if (broker->closings != 0)
		return;
	account_free_all(&broker->accounts);
	free(broker->port_uses);
	if (broker->loop != NULL)
		ev_loop_destroy(broker->loop);
}

/* The log goes to 2, whatever it is: nothing else must become that, or 0 or 1. */
static void hold_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			open("/dev/null", O_RDWR);
}

int main(int argc, char **argv)
{
	static struct daemon self = { .listener.fd = -1 };
	struct options options = { .socket = HWB_SOCKET_PATH,
		                   .policy = DEFAULT_POLICY,
		                   .state = DEFAULT_STATE,
		                   .backend = CHOOSE_AUTO };

	hold_standard_descriptors();
	parse(argc, argv, &options);
	self.broker.policy_path = options.policy;
	if (options.check)
		return check_policy(options.policy);
	int result = start(&self, &options);
	if (result == EXIT_SUCCESS)
		ev_run(self.broker.loop, 0);
	stop(&self);
	return result;
}
