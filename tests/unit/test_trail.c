/* SPDX-License-Identifier: MIT */
/* The audit trail: what its entries say, that the catalogue explains each, and that a flood
 * is counted rather than written. */
#include "session/admin/trail.h"

#include "server/peer.h"
#include "session/admin/happening.h"
#include "suite.h"
#include "util/cleanup.h"
#include "util/journal.h"
#include "util/log.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the catalogue ---- */

static char *read_catalogue(void)
{
	FILE *file = fopen(CATALOGUE, "r");
	char *text = calloc(1, 65536);

	ck_assert_ptr_nonnull(file);
	ck_assert_ptr_nonnull(text);
	ck_assert_uint_lt(fread(text, 1, 65535, file), 65535);
	fclose(file);
	return text;
}

/* The catalogue's entry of that id, up to the next one: freed by the caller. */
static char *entry_of(const char *catalogue, const char *id)
{
	char head[64];

	snprintf(head, sizeof(head), "\n-- %s\n", id);
	const char *at = strstr(catalogue, head);
	if (at == NULL)
		return NULL;
	ck_assert_msg(strstr(at + 1, head) == NULL, "%s is explained twice", id);
	const char *end = strstr(at + strlen(head), "\n-- ");
	return strndup(at, end != NULL ? (size_t)(end - at) : strlen(at));
}

START_TEST(the_catalogue_explains_each_kind)
{
	_cleanup_free_ char *catalogue = read_catalogue();
	unsigned heads = 0;

	for (unsigned kind = 0; kind <= HAPPENED_KINDS; kind++) {
		const char *id = trail_message_id((enum happening_kind)kind);
		ck_assert_msg(id != NULL, "kind %u has no id", kind);
		ck_assert_uint_eq(strlen(id), 32);
		ck_assert_uint_eq(strspn(id, "0123456789abcdef"), 32);
		_cleanup_free_ char *entry = entry_of(catalogue, id);
		ck_assert_msg(entry != NULL, "%s is not in the catalogue", id);
		const char *subject = strstr(entry, "\nSubject: ");
		const char *body = strstr(entry, "\n\n");
		ck_assert_msg(subject != NULL && body != NULL && subject < body, "%s: subject", id);
		ck_assert_msg(strlen(body) > 40, "%s: explanation", id);
		ck_assert_msg(strstr(entry, "Documentation: man:hwbrokerd(8)") != NULL, "%s", id);
	}
	for (const char *at = catalogue; (at = strstr(at, "\n-- ")) != NULL; at++)
		heads++;
	ck_assert_uint_eq(heads, HAPPENED_KINDS + 1);
	ck_assert_ptr_null(trail_message_id((enum happening_kind)(HAPPENED_KINDS + 1)));
}
END_TEST

/* What the catalogue has the journal put in is what entries have. */
START_TEST(the_catalogue_names_fields_that_there_are)
{
	static const char *const fields[] = { "CLIENT",   "UID",      "PID",       "DEVICE",
		                              "RESOURCE", "RULE",     "REQUEST",   "RESULT",
		                              "REASON",   "LEFT_OUT", "CANDIDATES" };
	_cleanup_free_ char *catalogue = read_catalogue();

	for (const char *at = catalogue; (at = strstr(at, "@HWBROKER_")) != NULL; at++) {
		size_t length = strcspn(at + 10, "@");
		bool known = false;
		for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
			known = known || (strlen(fields[i]) == length &&
			                  strncmp(at + 10, fields[i], length) == 0);
		ck_assert_msg(known, "%.*s", (int)length, at + 10);
		at += 10 + length;
	}
}
END_TEST

/* ---- entries ---- */

static int sink; /* where sendto() goes */
static bool journal_is_there;

ssize_t __wrap_sendto(int fd, const void *bytes, size_t size, int flags,
                      const struct sockaddr *address, socklen_t length);
ssize_t __wrap_sendto(int fd, const void *bytes, size_t size, int flags,
                      const struct sockaddr *address, socklen_t length)
{
	(void)fd;
	(void)address;
	(void)length;
	return journal_is_there ? send(sink, bytes, size, flags) : -1;
}

struct scene {
	struct broker broker;
	struct peer peer;
	struct account account;
	int out;
};

/* What the rest of the daemon would hear. */
static struct happening told;
static char told_resource[HAPPENING_RESOURCE_SIZE];

static void hear(struct broker *broker, const struct happening *what)
{
	(void)broker;
	told = *what;
	happening_resource(what, told_resource);
	told.resource = told_resource;
}

static const struct peer_handler handler = { .happened = hear };

static struct device net = { .name = "0000:00:03.0" };

static void set(struct scene *scene)
{
	int ends[2];

	*scene = (struct scene){ .peer = { .name = "net", .pid = 7, .subject = { .uid = 100 } } };
	scene->broker.handler = &handler;
	scene->peer.broker = &scene->broker;
	scene->peer.account = &scene->account;
	scene->account.refusals.rate = LOG_RATE_REFUSALS;
	scene->account.use.rate = LOG_RATE_USE;
	memcpy(scene->account.client, "net", 4);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
	scene->out = ends[0];
	sink = ends[1];
	journal_is_there = true;
}

static void clear(struct scene *scene)
{
	close_fd(scene->out);
	sink = close_fd(sink);
}

/* The next entry, with each line break as it is; "": none. */
static const char *next_entry(const struct scene *scene)
{
	static char text[JOURNAL_ENTRY_SIZE + 1];
	ssize_t length = recv(scene->out, text, sizeof(text) - 1, 0);

	text[length > 0 ? length : 0] = '\0';
	return text;
}

static void has(const char *entry, const char *line)
{
	char whole[256];

	snprintf(whole, sizeof(whole), "\n%s\n", line);
	ck_assert_msg(strstr(entry, whole) != NULL, "no %s in:\n%s", line, entry);
}

START_TEST(a_grant_says_who_what_and_by_which_rule)
{
	struct scene scene;

	set(&scene);
	trail_note(&scene.broker, &(struct happening){ .kind = HAPPENED_GRANTED,
	                                               .peer = &scene.peer,
	                                               .client = "net",
	                                               .uid = 100,
	                                               .pid = 7,
	                                               .device = &net,
	                                               .rule = "[device net] at /etc/x:12",
	                                               .reason = "with DMA" });
	const char *entry = next_entry(&scene);
	ck_assert_ptr_eq(strstr(entry, "MESSAGE=0000:00:03.0: granted to `net' (pid 7) with DMA\n"),
	                 entry);
	has(entry, "PRIORITY=6");
	has(entry, "SYSLOG_IDENTIFIER=hwbrokerd");
	has(entry, "MESSAGE_ID=c7f6e1d72bd947ed952eb814d83a3e61");
	has(entry, "HWBROKER_EVENT=granted");
	has(entry, "HWBROKER_CLIENT=net");
	has(entry, "HWBROKER_UID=100");
	has(entry, "HWBROKER_PID=7");
	has(entry, "HWBROKER_DEVICE=0000:00:03.0");
	has(entry, "HWBROKER_RESOURCE=0000:00:03.0");
	has(entry, "HWBROKER_RULE=[device net] at /etc/x:12");
	has(entry, "HWBROKER_RESULT=OK");
	has(entry, "HWBROKER_REASON=with DMA");
	ck_assert_ptr_null(strstr(entry, "HWBROKER_REQUEST"));
	ck_assert_ptr_null(strstr(entry, "HWBROKER_LEFT_OUT"));
	clear(&scene);
}
END_TEST

static void refuse(struct scene *scene)
{
	trail_note(&scene->broker, &(struct happening){ .kind = HAPPENED_REFUSED,
	                                                .peer = &scene->peer,
	                                                .client = "net",
	                                                .uid = 100,
	                                                .pid = 7,
	                                                .opcode = HWB_DEVICE_ACQUIRE,
	                                                .resource = "0000:00:04.0",
	                                                .status = HWB_NOT_FOUND,
	                                                .reason = "no device" });
}

START_TEST(a_refusal_says_what_was_asked_and_why_not)
{
	struct scene scene;

	set(&scene);
	refuse(&scene);
	const char *entry = next_entry(&scene);
	has(entry, "PRIORITY=5");
	has(entry, "HWBROKER_REQUEST=DEVICE_ACQUIRE");
	has(entry, "HWBROKER_RESOURCE=0000:00:04.0");
	has(entry, "HWBROKER_RESULT=NOT_FOUND");
	has(entry, "HWBROKER_REASON=no device");
	ck_assert_ptr_null(strstr(entry, "HWBROKER_DEVICE="));
	ck_assert_ptr_null(strstr(entry, "HWBROKER_RULE="));
	ck_assert_ptr_null(strstr(entry, "HWBROKER_CANDIDATES="));
	clear(&scene);
}
END_TEST

/* Of any device of a rule: which rule, and what was thought of. What was sent is no text yet. */
START_TEST(a_refusal_of_any_device_names_the_candidates)
{
	struct request request = { .header.opcode = HWB_DEVICE_ACQUIRE_ANY,
		                   .head_length = HWB_NAME_SIZE,
		                   .head = "vf",
		                   .candidates = "0000:00:05.1: with `disk'" };
	const struct fault fault = { .status = HWB_BUSY, .reason = "no device of [device vf]" };
	struct scene scene;

	set(&scene);
	request.peer = &scene.peer;
	happening_refused(&request, &fault);
	ck_assert_int_eq(told.kind, HAPPENED_REFUSED);
	trail_note(&scene.broker, &told);
	const char *entry = next_entry(&scene);
	has(entry, "HWBROKER_REQUEST=DEVICE_ACQUIRE_ANY");
	has(entry, "HWBROKER_CANDIDATES=0000:00:05.1: with `disk'");
	has(entry, "HWBROKER_RESOURCE=any of [device vf]");
	ck_assert_str_eq(told_resource, "any of [device vf]");
	memset(request.head, 'x', sizeof(request.head));
	happening_refused(&request, &fault);
	ck_assert_str_eq(told_resource, "any of [device ?]");
	clear(&scene);
}
END_TEST

static unsigned count_entries(const struct scene *scene)
{
	unsigned count = 0;

	while (next_entry(scene)[0] != '\0')
		count++;
	return count;
}

static void stop_loop(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)timer;
	(void)revents;
	ev_break(loop, EVBREAK_ALL);
}

START_TEST(a_flood_is_counted_and_the_number_told)
{
	struct scene scene;
	ev_timer end;

	set(&scene);
	scene.broker.loop = ev_loop_new(0);
	scene.broker.accounts = &scene.account;
	trail_start(&scene.broker);
	for (unsigned i = 0; i < 1000; i++)
		refuse(&scene);
	ck_assert_uint_eq(count_entries(&scene), LOG_REFUSALS_BURST);
	ck_assert_uint_eq(scene.account.refusals.left_out, 1000 - LOG_REFUSALS_BURST);
	/* Other things are said all the same. */
	trail_note(&scene.broker, &(struct happening){ .kind = HAPPENED_GRANTED,
	                                               .peer = &scene.peer,
	                                               .client = "net",
	                                               .rule = "",
	                                               .device = &net,
	                                               .reason = "" });
	ck_assert_uint_eq(count_entries(&scene), 1);
	/* After a while, without another refusal. */
	ev_timer_init(&end, stop_loop, 11.0, 0.0);
	ev_timer_start(scene.broker.loop, &end);
	ev_run(scene.broker.loop, 0);
	const char *entry = next_entry(&scene);
	ck_assert_ptr_eq(
	        strstr(entry, "MESSAGE=950 lines about what `net' is refused were left out\n"),
	        entry);
	has(entry, "HWBROKER_LEFT_OUT=950");
	has(entry, "MESSAGE_ID=9a2b43d4ea2b4ff4afb85356fa3a4d9f");
	ck_assert_uint_eq(scene.account.refusals.left_out, 0);
	trail_stop(&scene.broker);
	ev_loop_destroy(scene.broker.loop);
	clear(&scene);
}
END_TEST

/* By the next of them that is written, if there is one before. */
START_TEST(the_next_entry_tells_the_number)
{
	struct scene scene;

	set(&scene);
	for (unsigned i = 0; i < LOG_REFUSALS_BURST + 7; i++)
		refuse(&scene);
	ck_assert_uint_eq(count_entries(&scene), LOG_REFUSALS_BURST);
	scene.account.refusals.paid_until = 0;
	refuse(&scene);
	const char *entry = next_entry(&scene);
	has(entry, "HWBROKER_LEFT_OUT=7");
	ck_assert_ptr_nonnull(strstr(entry, "no device (7 such lines before were left out)\n"));
	clear(&scene);
}
END_TEST

/* What one client is refused does not hide what another is. */
START_TEST(each_client_has_a_limit_of_its_own)
{
	struct scene scene;
	struct account other = { .client = "disk", .refusals.rate = LOG_RATE_REFUSALS };

	set(&scene);
	for (unsigned i = 0; i < 1000; i++)
		refuse(&scene);
	count_entries(&scene);
	scene.peer.account = &other;
	refuse(&scene);
	ck_assert_uint_eq(count_entries(&scene), 1);
	clear(&scene);
}
END_TEST

START_TEST(without_a_journal_it_is_a_line)
{
	struct scene scene;
	char line[256] = "";
	int pipes[2];

	set(&scene);
	journal_is_there = false;
	ck_assert_int_eq(pipe(pipes), 0);
	_cleanup_fd_ int before = dup(STDERR_FILENO);
	dup2(pipes[1], STDERR_FILENO);
	refuse(&scene);
	dup2(before, STDERR_FILENO);
	ck_assert_int_gt(read(pipes[0], line, sizeof(line) - 1), 0);
	ck_assert_str_eq(line, "<5>`net' (pid 7, uid 100) is refused DEVICE_ACQUIRE of "
	                       "0000:00:04.0: no device\n");
	close(pipes[0]);
	close(pipes[1]);
	clear(&scene);
}
END_TEST

/* As in a service: so that the journal is used at all. */
static void open_journal(void)
{
	struct stat status;
	char stream[64];

	ck_assert_int_eq(fstat(STDERR_FILENO, &status), 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)status.st_dev,
	         (uintmax_t)status.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	ck_assert(journal_open(JOURNAL_SOCKET));
}

int main(void)
{
	Suite *suite = suite_create("trail");
	TCase *catalogue = tcase_create("catalogue"), *tests = tcase_create("entries");

	tcase_add_test(catalogue, the_catalogue_explains_each_kind);
	tcase_add_test(catalogue, the_catalogue_names_fields_that_there_are);
	suite_add_tcase(suite, catalogue);
	tcase_add_checked_fixture(tests, open_journal, journal_close);
	tcase_add_test(tests, a_grant_says_who_what_and_by_which_rule);
	tcase_add_test(tests, a_refusal_says_what_was_asked_and_why_not);
	tcase_add_test(tests, a_refusal_of_any_device_names_the_candidates);
	tcase_add_test(tests, a_flood_is_counted_and_the_number_told);
	tcase_add_test(tests, the_next_entry_tells_the_number);
	tcase_add_test(tests, each_client_has_a_limit_of_its_own);
	tcase_add_test(tests, without_a_journal_it_is_a_line);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
