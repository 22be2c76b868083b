/* SPDX-License-Identifier: MIT */
#include "broker.h"

#include "device.h"
#include "lock.h"
#include "print.h"
#include "system.h"
#include "transport.h"

static struct hwb_client client;
static struct monitor monitor;
static int socket = -1;
static uint32_t policies;

struct hwb_client *broker(void)
{
	return &client;
}

int broker_socket(void)
{
	return socket;
}

const uint32_t *broker_policies(void)
{
	return &policies;
}

/* In the middle of receiving: only notes what came. */
static void on_event(void *context, const struct hwb_header *header, const void *body)
{
	(void)context;
	if (header->opcode == HWB_EVENT_DEVICE)
		device_event(body);
	if (header->opcode == HWB_EVENT_POLICY) {
		__atomic_add_fetch(&policies, 1, __ATOMIC_RELEASE);
		futex_wake(&policies);
	}
}

bool broker_connect(const char *path)
{
	static struct hwb_error error;
	const struct hwb_transport transport = transport_for_client(&socket);
	const struct hwb_monitor for_client = monitor_for_client(&monitor);

	if (path == NULL)
		path = HWB_SOCKET_PATH;
	socket = transport_connect(path);
	if (socket < 0) {
		print("not ok connect: no broker answers at %s (errno %d): is hwbrokerd running?",
		      path, -socket);
		return false;
	}
	int result = hwb_connect(&client, &transport, &for_client, on_event, NULL, &error);
	if (result == 0)
		return true;
	print("not ok connect: the broker at %s wants nothing of us: %s", path,
	      error.reason[0] != '\0' ? error.reason : "it hung up");
	system_close(socket);
	return false;
}
