/* SPDX-License-Identifier: MIT */
#include "server/passed.h"

#include "resume/store.h"
#include "util/cleanup.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/* The socket unit's name for it, which wins over others; ours, for one that outlives us. */
static const char usual[] = "hwbrokerd.socket";
static const char kept[] = "l";

static int option(int fd, int name)
{
	int value = 0;
	socklen_t size = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

static bool listens(int fd)
{
	return option(fd, SO_ACCEPTCONN) == 1;
}

/* Of another kind nobody could be accepted, as often as that was tried. */
static bool serves(int fd)
{
	return listens(fd) && option(fd, SO_DOMAIN) == AF_UNIX &&
	       option(fd, SO_TYPE) == SOCK_SEQPACKET;
}

/* Where it is bound; empty: to no path. */
static void path_of(int fd, char path[PASSED_PATH])
{
	union {
		struct sockaddr any;
		struct sockaddr_un local;
		struct sockaddr_storage room;
	} address = { 0 };
	socklen_t size = sizeof(address);

	path[0] = '\0';
	if (getsockname(fd, &address.any, &size) != 0 || address.any.sa_family != AF_UNIX ||
	    size <= offsetof(struct sockaddr_un, sun_path))
		return;
	memcpy(path, address.local.sun_path, PASSED_PATH);
	path[PASSED_PATH - 1] = '\0';
	if (path[0] == '\0')
		path[0] = '@';
}

/* The manager's: by its usual name, or else whatever listens. All that a client could have had
 * kept is connected, or no socket. */
static int take_managed(char name[STORE_NAME])
{
	int fd = store_take(usual);

	if (fd >= 0) {
		memcpy(name, usual, sizeof(usual));
		return fd;
	}
	return store_take_if(listens, name);
}

static int refuse(int fd, const char *name, struct fault *fault)
{
	close_fd(fd);
	return fault_set(fault, HWB_INVALID,
	                 "what was passed as `%s' is no socket that listens with "
	                 "ListenSequentialPacket=, as that of hwbrokerd.socket does",
	                 name);
}

/* Clients of the second would wait for ever. */
static int check_alone(int fd, const char *name, struct fault *fault)
{
	char other[STORE_NAME];
	_cleanup_fd_ int second = take_managed(other);

	if (second < 0)
		return fd;
	close_fd(fd);
	return fault_set(fault, HWB_INVALID,
	                 "two sockets were passed, `%s' and `%s', and one is served: leave one "
	                 "Listen line in one socket unit",
	                 name, other);
}

/* Somebody may have moved it, or removed its folder. */
static bool is_at(int fd, const char *path)
{
	char place[PASSED_PATH];
	struct stat status;

	path_of(fd, place);
	return serves(fd) && strcmp(place, path) == 0 && lstat(path, &status) == 0 &&
	       S_ISSOCK(status.st_mode);
}

int passed_take(char path[PASSED_PATH], bool *managed, struct fault *fault)
{
	char name[STORE_NAME] = "";
	_cleanup_fd_ int before = store_take(kept);
	int fd = take_managed(name);

	*managed = fd >= 0;
	if (fd >= 0 && !serves(fd))
		return refuse(fd, name, fault);
	if (fd >= 0)
		fd = check_alone(fd, name, fault);
	else if (before >= 0 && is_at(before, path))
		return steal_fd(&before);
	if (before >= 0)
		store_drop(kept, true);
	if (fd >= 0)
		path_of(fd, path);
	return fd;
}

bool passed_keep(int fd)
{
	return store_put(kept, fd, true);
}

void passed_forget(void)
{
	store_drop(kept, true);
}
