/* SPDX-License-Identifier: MIT */
#include "server/notify.h"

#include "util/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

/* The manager ends a service that does not say within its time that it is ready,
 * and anybody can fill the manager's queue for a moment. */
static const char worth_waiting[] = "READY=1";
enum { PATIENCE_SECONDS = 5 };

/* Whether it was said, or there is nobody to hear it. */
static bool notify(const char *state, bool wait)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const struct timeval patience = { .tv_sec = PATIENCE_SECONDS };

	if (path == NULL || (path[0] != '/' && path[0] != '@') ||
	    strlen(path) >= sizeof(address.sun_path))
		return true;
	strcpy(address.sun_path, path);
	socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (path[0] == '@')
		address.sun_path[0] = '\0'; /* an abstract name */
	_cleanup_fd_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) != 0)
		return false;
	return sendto(fd, state, strlen(state), MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT),
	              (const struct sockaddr *)&address, length) >= 0;
}

void notify_manager(const char *state)
{
	notify(state, strncmp(state, worth_waiting, strlen(worth_waiting)) == 0);
}

bool notify_try(const char *state)
{
	return notify(state, false);
}
