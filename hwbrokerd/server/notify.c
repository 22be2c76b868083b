/* SPDX-License-Identifier: MIT */
#include "server/notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Made early and kept: a manager that never hears of readiness ends the service, and by then
 * devices that are given back may have every descriptor. */
static int ours = -1;

void notify_open(void)
{
	if (ours < 0 && getenv("NOTIFY_SOCKET") != NULL)
		ours = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

bool notify_try(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (path == NULL || (path[0] != '/' && path[0] != '@') ||
	    strlen(path) >= sizeof(address.sun_path))
		return true;
	strcpy(address.sun_path, path);
	socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (path[0] == '@')
		address.sun_path[0] = '\0'; /* an abstract name */
	notify_open();
	return ours >= 0 && sendto(ours, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT,
	                           (const struct sockaddr *)&address, length) >= 0;
}
