/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* pipe2 */
#include "resume/store.h"

#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

/* sd_listen_fds(3): the first descriptor that is passed. */
enum { FIRST_PASSED = 3 };

/* So many are kept at most; FileDescriptorStoreMax of the unit is no less. Their names go
 * to the next daemon in one string, which may have 128 KiB (execve(2)). */
enum { KEPT_MAX = 4000, SHARE_MAX = KEPT_MAX / 4, SHARES_MAX = KEPT_MAX - SHARE_MAX };

enum { PATIENCE_SECONDS = 5, MESSAGE = 96 };

struct passed {
	char name[STORE_NAME];
	int fd; /* -1: taken */
};

static struct passed *passed; /* ascending by name */
static uint32_t passed_count;
static atomic_uint kept;
static atomic_uint kept_of_shares;

/* What is to be dropped, and the manager was not told. */
struct untold {
	struct untold *next;
	char name[STORE_NAME];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct untold *untold;

/* Set once, by store_open(). */
static struct sockaddr_un manager;
static socklen_t manager_length;
static int notify_socket = -1;

/* ---- what was passed ---- */

static uint32_t number_in(const char *variable)
{
	const char *text = getenv(variable);
	char *end;

	if (text == NULL || *text == '\0')
		return 0;
	unsigned long number = strtoul(text, &end, 10);
	return *end == '\0' && number <= INT32_MAX ? (uint32_t)number : 0;
}

static void read_names(const char *names)
{
	for (uint32_t i = 0; i < passed_count; i++) {
		size_t length = strcspn(names, ":");
		struct passed *item = &passed[i];
		item->fd = FIRST_PASSED + (int)i;
		fcntl(item->fd, F_SETFD, FD_CLOEXEC);
		if (length < STORE_NAME)
			memcpy(item->name, names, length);
		names += length + (names[length] == ':');
	}
}

static int by_name(const void *left, const void *right)
{
	const struct passed *a = left, *b = right;
	int order = strcmp(a->name, b->name);

	return order != 0 ? order : a->fd - b->fd;
}

static void take_over(void)
{
	const char *names = getenv("LISTEN_FDNAMES");
	uint32_t count = number_in("LISTEN_FDS");

	if (number_in("LISTEN_PID") != (uint32_t)getpid() || count == 0)
		return;
	passed = calloc(count, sizeof(*passed));
	if (passed == NULL)
		return;
	passed_count = count;
	atomic_store(&kept, count);
	read_names(names != NULL ? names : "");
	qsort(passed, passed_count, sizeof(*passed), by_name);
}

/* The first that is not before that name, which may be the beginning of some. */
static uint32_t first_from(const char *name)
{
	uint32_t low = 0, high = passed_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (strcmp(passed[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void store_open(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	const struct timeval patience = { .tv_sec = PATIENCE_SECONDS };

	take_over();
	/* Not for what we start. */
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	if (path == NULL || (path[0] != '/' && path[0] != '@') ||
	    strlen(path) >= sizeof(manager.sun_path))
		return;
	manager.sun_family = AF_UNIX;
	strcpy(manager.sun_path, path);
	manager_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (path[0] == '@')
		manager.sun_path[0] = '\0'; /* an abstract name */
	notify_socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (notify_socket >= 0)
		setsockopt(notify_socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

void store_use(uint32_t *count, uint32_t *max)
{
	*count = atomic_load(&kept);
	*max = KEPT_MAX;
}

uint32_t store_passed(void)
{
	return passed_count;
}

bool store_works(void)
{
	return notify_socket >= 0;
}

static bool find(const char *prefix, bool taken, uint32_t *at, char name[STORE_NAME])
{
	if (*at == 0)
		*at = first_from(prefix);
	for (; *at < passed_count; ++*at) {
		const struct passed *item = &passed[*at];
		if (strncmp(item->name, prefix, strlen(prefix)) != 0)
			return false;
		if (!taken && item->fd < 0)
			continue;
		memcpy(name, item->name, STORE_NAME);
		++*at;
		return true;
	}
	return false;
}

bool store_find(const char *prefix, uint32_t *at, char name[STORE_NAME])
{
	return find(prefix, false, at, name);
}

bool store_find_any(const char *prefix, uint32_t *at, char name[STORE_NAME])
{
	return find(prefix, true, at, name);
}

int store_take(const char *name)
{
	uint32_t at = first_from(name);

	for (; at < passed_count && strcmp(passed[at].name, name) == 0; at++)
		if (passed[at].fd >= 0)
			return steal_fd(&passed[at].fd);
	return -1;
}

int store_take_if(bool (*wanted)(int fd), char name[STORE_NAME])
{
	for (uint32_t at = 0; at < passed_count; at++) {
		struct passed *item = &passed[at];
		if (item->fd < 0 || !wanted(item->fd))
			continue;
		memcpy(name, item->name, STORE_NAME);
		return steal_fd(&item->fd);
	}
	return -1;
}

/* ---- to the manager ---- */

static bool tell(const char *text, int fd, bool wait)
{
	union {
		struct cmsghdr header;
		unsigned char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec part = { .iov_base = (void *)text, .iov_len = strlen(text) };
	struct msghdr message = {
		.msg_name = &manager,
		.msg_namelen = manager_length,
		.msg_iov = &part,
		.msg_iovlen = 1,
	};
	ssize_t sent;

	if (fd >= 0) {
		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control.bytes);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	}
	do
		sent = sendmsg(notify_socket, &message, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT));
	while (sent < 0 && errno == EINTR);
	return sent >= 0;
}

bool store_put(const char *name, int fd, bool wait)
{
	char text[MESSAGE];

	if (notify_socket < 0)
		return false;
	if (atomic_fetch_add(&kept, 1) >= KEPT_MAX) {
		atomic_fetch_sub(&kept, 1);
		return false;
	}
	/* The manager is not to drop a connection by itself that was hung up. */
	snprintf(text, sizeof(text), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
	if (tell(text, fd, wait))
		return true;
	atomic_fetch_sub(&kept, 1);
	return false;
}

static bool tell_drop(const char *name, bool wait)
{
	char text[MESSAGE];

	snprintf(text, sizeof(text), "FDSTOREREMOVE=1\nFDNAME=%s", name);
	if (!tell(text, -1, wait))
		return false;
	atomic_fetch_sub(&kept, 1);
	return true;
}

void store_drop(const char *name, bool wait)
{
	if (notify_socket < 0 || tell_drop(name, wait))
		return;
	/* Without memory it stays until the next start. */
	struct untold *item = calloc(1, sizeof(*item));
	if (item == NULL)
		return;
	memcpy(item->name, name, strnlen(name, STORE_NAME - 1));
	pthread_mutex_lock(&lock);
	item->next = untold;
	untold = item;
	pthread_mutex_unlock(&lock);
}

/* ---- on the books of a client ---- */

bool store_has_room(struct store_share *share, uint32_t count)
{
	return atomic_load(&share->kept) + count <= SHARE_MAX &&
	       atomic_load(&kept_of_shares) + count <= SHARES_MAX;
}

static void book(struct store_share *share)
{
	atomic_fetch_add(&share->kept, 1);
	atomic_fetch_add(&kept_of_shares, 1);
}

static void strike(struct store_share *share)
{
	atomic_fetch_sub(&share->kept, 1);
	atomic_fetch_sub(&kept_of_shares, 1);
}

bool store_put_of(struct store_share *share, const char *name, int fd, bool wait)
{
	/* Booked first, as others do the same at this moment. */
	book(share);
	if (store_has_room(share, 0) && store_put(name, fd, wait))
		return true;
	strike(share);
	return false;
}

void store_drop_of(struct store_share *share, const char *name, bool wait)
{
	store_drop(name, wait);
	strike(share);
}

int store_take_of(struct store_share *share, const char *name)
{
	int fd = store_take(name);

	if (fd >= 0)
		book(share);
	return fd;
}

/* ---- again ---- */

bool store_flush(void)
{
	bool all = true;

	pthread_mutex_lock(&lock);
	while (untold != NULL && all) {
		struct untold *item = untold;
		all = tell_drop(item->name, false);
		if (!all)
			break;
		untold = item->next;
		free(item);
	}
	pthread_mutex_unlock(&lock);
	return all;
}

void store_settle(void)
{
	int ends[2];

	if (notify_socket < 0 || pipe2(ends, O_CLOEXEC) != 0)
		return;
	/* The manager closes its end once it has come to this message. */
	bool told = tell("BARRIER=1", ends[1], true);
	close_fd(ends[1]);
	struct pollfd closed = { .fd = ends[0] };
	if (told && poll(&closed, 1, PATIENCE_SECONDS * 1000) == 0)
		log_warning("the service manager does not answer");
	close_fd(ends[0]);
}
