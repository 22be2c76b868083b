/* SPDX-License-Identifier: MIT */
#include "broker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char broker_operators[] =
        "Root may, and the members of the group that the policy names as query_group\n"
        "(hwbroker, unless it says otherwise): `adduser USER hwbroker', then log in anew.\n";

static const char changers[] =
        "Root may, and the members of the group that the policy names as change_group.\n";

int broker_explain(const char *what, int result, const struct hwb_error *error, const char *hint)
{
	enum hwb_status status = hwb_refusal_of(result);

	hwb_posix_print_error(what, result, error);
	if (status == HWB_NOT_ADMITTED || status == HWB_DENIED || result == -EACCES) {
		fputs(hint, stderr);
		return EXIT_MAY_NOT;
	}
	if (status == HWB_OK && (result == -ENOENT || result == -ECONNREFUSED || result == -EPIPE ||
	                         result == -ECONNRESET))
		return EXIT_NO_BROKER;
	return EXIT_REFUSED;
}

static int explain(int result, const struct hwb_error *error)
{
	return broker_explain("hwbroker-ctl", result, error, broker_operators);
}

/* A broker that is being started, or hangs: whoever waits for it should know. */
enum { SILENCE_SECONDS = 5 };

static void on_silence(int number)
{
	static const char said[] = "hwbroker-ctl: waiting for the broker, which does not answer: "
	                           "`systemctl status hwbrokerd' tells more\n";
	ssize_t written = write(STDERR_FILENO, said, sizeof(said) - 1);
	(void)number;
	(void)written;
}

static void expect_answer(bool expected)
{
	const struct sigaction action = { .sa_handler = on_silence, .sa_flags = SA_RESTART };

	if (expected)
		sigaction(SIGALRM, &action, NULL);
	alarm(expected ? SILENCE_SECONDS : 0);
}

int broker_connect(struct broker *broker, const struct context *context, struct hwb_error *error)
{
	return hwb_posix_open(&broker->posix, context->socket, NULL, NULL, error);
}

int broker_open(struct broker *broker, const struct context *context)
{
	return broker_open_for_events(broker, context, NULL, NULL);
}

/* `may_not`: what is told to who is a client and nothing more; `hint`: who may. */
static int open_as(struct broker *broker, const struct context *context, hwb_event_handler on_event,
                   void *event_context, const char *may_not, const char *hint)
{
	struct hwb_error error;

	expect_answer(true);
	int result =
	        hwb_posix_open(&broker->posix, context->socket, on_event, event_context, &error);
	expect_answer(false);
	if (result != 0)
		return broker_explain("hwbroker-ctl", result, &error, hint);
	if ((broker->posix.client.hello.features & HWB_FEATURE_ADMIN) != 0)
		return EXIT_OK;
	hwb_posix_close(&broker->posix);
	error = (struct hwb_error){ 0 };
	snprintf(error.reason, sizeof(error.reason), "you may use devices, but not %s", may_not);
	return broker_explain("hwbroker-ctl", HWB_REFUSED(HWB_DENIED), &error, hint);
}

int broker_open_for_events(struct broker *broker, const struct context *context,
                           hwb_event_handler on_event, void *event_context)
{
	return open_as(broker, context, on_event, event_context, "look at the broker",
	               broker_operators);
}

int broker_open_to_change(struct broker *broker, const struct context *context)
{
	int status = open_as(broker, context, NULL, NULL, "change what others have", changers);

	if (status != EXIT_OK)
		return status;
	status = broker_need_control(broker);
	if (status != EXIT_OK)
		broker_close(broker);
	return status;
}

void broker_close(struct broker *broker)
{
	hwb_posix_close(&broker->posix);
}

static int request(struct broker *broker, uint16_t opcode, const void *body, size_t body_length,
                   void *reply, uint32_t size, uint32_t *length)
{
	struct hwb_error error = { 0 };
	struct hwb_call call = { .reply = reply, .reply_size = size, .error = &error };
	int result = hwb_begin(&broker->posix.client, &call, opcode, 0, body, body_length, -1);

	if (result == 0)
		result = hwb_finish(&broker->posix.client, &call);
	if (result != 0)
		return explain(result, &error);
	*length = call.reply_length;
	return EXIT_OK;
}

int broker_ask(struct broker *broker, uint16_t opcode, void *reply, uint32_t size, uint32_t *length)
{
	return request(broker, opcode, NULL, 0, reply, size, length);
}

int broker_need_control(const struct broker *broker)
{
	static const struct hwb_error may_not = {
		.reason = "you may look at the broker, but not change what others have",
	};

	if ((broker->posix.client.hello.features & HWB_FEATURE_CONTROL) != 0)
		return EXIT_OK;
	return broker_explain("hwbroker-ctl", HWB_REFUSED(HWB_DENIED), &may_not, changers);
}

int broker_order(struct broker *broker, uint16_t opcode, const void *body, size_t length,
                 void *reply, uint32_t size)
{
	uint32_t came;
	int status = broker_need_control(broker);

	return status == EXIT_OK ? request(broker, opcode, body, length, reply, size, &came)
	                         : status;
}

static int append(void **records, size_t *count, size_t size, const struct hwb_list_reply *page)
{
	unsigned char *more = realloc(*records, (*count + page->count) * size + 1);
	const unsigned char *from = (const unsigned char *)(page + 1);
	size_t known = page->record_size < size ? page->record_size : size;

	if (more == NULL) {
		fputs("hwbroker-ctl: no memory for the list\n", stderr);
		return EXIT_REFUSED;
	}
	*records = more;
	memset(more + *count * size, 0, page->count * size);
	for (uint32_t i = 0; i < page->count; i++)
		memcpy(more + (*count + i) * size, from + i * page->record_size, known);
	*count += page->count;
	return EXIT_OK;
}

int broker_list_of(struct broker *broker, uint16_t opcode, void *body, size_t length, size_t size,
                   void **records, size_t *count)
{
	const struct hwb_list_reply *page = (const struct hwb_list_reply *)broker->page;
	uint64_t cursor = 0;
	int status;

	*records = NULL;
	*count = 0;
	do {
		uint32_t came;
		if (length != 0)
			memcpy(body, &cursor, sizeof(cursor));
		status = request(broker, opcode, body, length, broker->page, sizeof(broker->page),
		                 &came);
		if (status == EXIT_OK)
			status = append(records, count, size, page);
		/* Pages go forward; a broker that says otherwise would keep us for ever. */
		if (status == EXIT_OK && page->next != 0 && page->next <= cursor) {
			fputs("hwbroker-ctl: the broker's list does not end\n", stderr);
			status = EXIT_REFUSED;
		}
		cursor = page->next;
	} while (status == EXIT_OK && cursor != 0 && length != 0);
	if (status != EXIT_OK) {
		free(*records);
		*records = NULL;
	}
	return status;
}

int broker_list(struct broker *broker, uint16_t opcode, size_t size, void **records, size_t *count)
{
	struct hwb_list_request list = { 0 };

	return broker_list_of(broker, opcode, &list, sizeof(list), size, records, count);
}
