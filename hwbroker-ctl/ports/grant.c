/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* struct ucred */
#include "grant.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static void on_event(void *context, const struct hwb_header *header, const void *body)
{
	struct grant *grant = context;
	(void)body;

	grant->policy_changed |= header->opcode == HWB_EVENT_POLICY;
}

/* Only root can put a socket there; but this is one line, and that is a mode. */
static bool is_roots(const struct grant *grant)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(grant->broker.socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	    peer.uid == 0)
		return true;
	fputs("hwbroker-ctl: run: what answers at " HWB_SOCKET_PATH " is not root's, or this is a\n"
	      "user namespace, where root cannot be told from others\n",
	      stderr);
	return false;
}

static bool is_client(const struct grant *grant, const char *client)
{
	char name[HWB_NAME_SIZE + 1];

	snprintf(name, sizeof(name), "%.*s", HWB_NAME_SIZE, grant->broker.client.hello.client);
	if (name[0] != '\0' && strcmp(name, client) == 0)
		return true;
	if (name[0] == '\0')
		fprintf(stderr,
		        "hwbroker-ctl: run: you are not client `%s': no [client] section of the "
		        "policy has you\n",
		        client);
	else
		fprintf(stderr, "hwbroker-ctl: run: you are not client `%s', but `%s'\n", client,
		        name);
	return false;
}

static bool no_memory(void)
{
	fputs("hwbroker-ctl: run: no memory\n", stderr);
	return false;
}

static bool add(struct grant *grant, const struct hwb_port_range *range)
{
	struct hwb_port_range *ranges =
	        reallocarray(grant->ranges, grant->count + 1, sizeof(*ranges));
	if (ranges == NULL)
		return no_memory();
	grant->ranges = ranges;
	uint32_t *handles = reallocarray(grant->handles, grant->count + 1, sizeof(*handles));
	if (handles == NULL)
		return no_memory();
	grant->handles = handles;
	ranges[grant->count] = *range;
	handles[grant->count++] = 0;
	return true;
}

static bool fetch(struct grant *grant, const char *client)
{
	struct hwb_list list = { 0 };
	struct hwb_port_range range;
	struct hwb_error error = { 0 };
	int result;

	while ((result = hwb_io_port_list(&grant->broker.client, &list, &range, 1, &error)) > 0)
		/* A broker that goes wrong is not to have us open what there is not. */
		if (range.count == 0 || range.base > 0xffff || range.count > 0x10000 - range.base ||
		    !add(grant, &range))
			return false;
	if (result < 0) {
		hwb_posix_print_error("hwbroker-ctl: run", result, &error);
		return false;
	}
	if (grant->count == 0)
		fprintf(stderr,
		        "hwbroker-ctl: run: the policy gives client `%s' no ports; a [ports] "
		        "section does\n",
		        client);
	return grant->count != 0;
}

static bool open_all(struct grant *grant)
{
	struct hwb_error error = { 0 };

	for (size_t i = 0; i < grant->count; i++) {
		int result = hwb_io_port_open(&grant->broker.client, grant->ranges[i].base,
		                              grant->ranges[i].count, &grant->handles[i], &error);
		if (result == 0)
			continue;
		hwb_posix_print_error("hwbroker-ctl: run", result, &error);
		return false;
	}
	return true;
}

/* For the program, and its library, to know. */
static bool write_down(struct grant *grant)
{
	size_t length = 0;
	FILE *text = open_memstream(&grant->listed, &length);

	if (text == NULL)
		return no_memory();
	for (size_t i = 0; i < grant->count; i++) {
		const struct hwb_port_range *range = &grant->ranges[i];
		fprintf(text, "%s0x%x", i == 0 ? "" : ",", range->base);
		if (range->count > 1)
			fprintf(text, "-0x%x", range->base + range->count - 1);
	}
	return fclose(text) == 0 || no_memory();
}

bool grant_open(struct grant *grant, const char *client)
{
	struct hwb_error error = { 0 };

	memset(grant, 0, sizeof(*grant));
	int result = hwb_posix_open(&grant->broker, HWB_SOCKET_PATH, on_event, grant, &error);
	if (result != 0) {
		hwb_posix_print_error("hwbroker-ctl: run", result, &error);
		return false;
	}
	return is_roots(grant) && is_client(grant, client) && fetch(grant, client) &&
	       open_all(grant) && write_down(grant);
}

bool grant_holds(struct grant *grant, const char **why)
{
	struct hwb_client *client = &grant->broker.client;
	int result;

	while ((result = hwb_receive_ready(client)) > 0)
		continue;
	while (result == 0 && grant->policy_changed) {
		grant->policy_changed = false;
		for (size_t i = 0; i < grant->count && result == 0; i++)
			result = hwb_io_port_batch(client, grant->handles[i], NULL, 0, NULL);
	}
	*why = hwb_refusal_of(result) == HWB_OK ? "the broker is gone"
	                                        : "the policy gives its ports no more";
	return result == 0;
}
