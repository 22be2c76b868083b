/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* accept4, struct ucred */
#include "server/listener.h"

#include "resume/store.h"
#include "server/closer.h"
#include "server/descriptors.h"
#include "server/passed.h"
#include "server/whence.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define PAUSE_SECONDS 0.1
#define VIGIL_SECONDS 1.0

/* Connections that wait for accept: what the kernel allows by default. */
enum { BACKLOG = 4096 };

static void pause_listening(struct listener *listener)
{
	ev_io_stop(listener->broker->loop, &listener->watcher);
	ev_timer_set(&listener->pause, PAUSE_SECONDS, 0.0);
	ev_timer_start(listener->broker->loop, &listener->pause);
}

static bool is_of_root(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == 0;
}

/* With the table full, the caller at least gets an end of file; and root, who can mend it, is
 * served. -1: not even that. */
static int accept_beyond_limit(struct listener *listener)
{
	struct rlimit limit = descriptors_all();
	int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	descriptors_clients_only(&limit);
	log_limited(&listener->broker->log, LOG_LEVEL_WARNING,
	            "no descriptor left for a connection; raise LimitNOFILE");
	if (fd < 0)
		return -1;
	if (is_of_root(fd))
		peer_accept(listener->broker, fd);
	else
		closer_hang_up(listener->broker, &listener->broker->strangers, fd);
	return 0;
}

static void on_connection(struct ev_loop *loop, ev_io *watcher, int revents)
{
	struct listener *listener = watcher->data;
	(void)loop;

	if ((revents & EV_ERROR) != 0) {
		log_limited(&listener->broker->log, LOG_LEVEL_WARNING,
		            "cannot wait for connections: the kernel is short of memory");
		pause_listening(listener);
		return;
	}
	int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0) {
		peer_accept(listener->broker, fd);
		return;
	}
	switch (errno) {
	case EAGAIN:
	case EINTR:
	case ECONNABORTED:
		return;
	case EMFILE:
		if (accept_beyond_limit(listener) == 0)
			return;
		break;
	default:
		log_limited(&listener->broker->log, LOG_LEVEL_WARNING,
		            "cannot accept a connection: %s", strerror(errno));
		break;
	}
	pause_listening(listener);
}

static void on_pause_over(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct listener *listener = timer->data;
	(void)revents;

	ev_io_start(loop, &listener->watcher);
}

/* The time is taken first: a connection that comes meanwhile is later than that. */
static void on_vigil(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct listener *listener = timer->data;
	struct pollfd waiting = { .fd = listener->fd, .events = POLLIN };
	double now = whence_now();
	(void)loop;
	(void)revents;

	if (poll(&waiting, 1, 0) == 0)
		listener->broker->quiet = now;
}

static int new_socket(void)
{
	return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* Removes a socket that a dead broker left; a live one's stays. */
static int clear_path(const struct sockaddr_un *address, struct fault *fault)
{
	struct stat status;
	_cleanup_fd_ int probe = new_socket();

	if (lstat(address->sun_path, &status) != 0)
		return 0;
	if (!S_ISSOCK(status.st_mode))
		return fault_set(fault, HWB_HOST_ERROR,
		                 "%s exists and is not a socket: remove it, or choose another "
		                 "path with --socket",
		                 address->sun_path);
	if (probe < 0)
		return fault_errno(fault, errno, "cannot make a socket");
	int error = connect(probe, (const struct sockaddr *)address, sizeof(*address)) == 0
	                    ? EISCONN
	                    : errno;
	if (error == EISCONN || error == EAGAIN)
		return fault_set(fault, HWB_BUSY, "another hwbrokerd serves %s already",
		                 address->sun_path);
	if (error != ECONNREFUSED)
		return fault_errno(fault, error, "cannot tell whether anybody serves %s",
		                   address->sun_path);
	unlink(address->sun_path);
	return 0;
}

static int bind_path(const char *path, struct fault *fault)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_fd_ int fd = new_socket();

	strcpy(address.sun_path, path);
	if (fd < 0)
		return fault_errno(fault, errno, "cannot make a socket");
	if (clear_path(&address, fault) != 0)
		return -1;
	/* Who may talk is the policy's business, not the file mode's: everybody
	 * may connect and be told why not. */
	mode_t old = umask(0111);
	int result = bind(fd, (const struct sockaddr *)&address, sizeof(address));
	umask(old);
	if (result != 0 || listen(fd, BACKLOG) != 0)
		return fault_errno(fault, errno, "cannot listen on %s", path);
	if (!passed_keep(fd) && store_works())
		log_warning("who connects while the broker is started again is refused");
	return steal_fd(&fd);
}

int listener_start(struct listener *listener, struct broker *broker, const char *path,
                   struct fault *fault)
{
	if (strlen(path) >= sizeof(listener->path))
		return fault_set(fault, HWB_INVALID, "socket path %s is longer than %zu bytes",
		                 path, sizeof(listener->path) - 1);
	strcpy(listener->path, path);
	int fd = passed_take(listener->path, &listener->passed, fault);
	if (fd >= 0)
		fcntl(fd, F_SETFL, O_NONBLOCK);
	else if (!listener->passed)
		fd = bind_path(path, fault);
	if (fd < 0)
		return -1;
	listener->broker = broker;
	listener->fd = fd;
	ev_io_init(&listener->watcher, on_connection, listener->fd, EV_READ);
	ev_timer_init(&listener->pause, on_pause_over, 0.0, 0.0);
	listener->watcher.data = listener;
	listener->pause.data = listener;
	ev_timer_init(&listener->vigil, on_vigil, 0.0, VIGIL_SECONDS);
	listener->vigil.data = listener;
	if (!whence_keeps(listener->fd))
		ev_timer_start(broker->loop, &listener->vigil);
	ev_io_start(broker->loop, &listener->watcher);
	return 0;
}

void listener_pause(struct listener *listener)
{
	ev_io_stop(listener->broker->loop, &listener->watcher);
	ev_timer_stop(listener->broker->loop, &listener->pause);
}

void listener_stop(struct listener *listener)
{
	if (listener->fd < 0)
		return;
	listener_pause(listener);
	ev_timer_stop(listener->broker->loop, &listener->vigil);
	if (!listener->passed) {
		unlink(listener->path);
		passed_forget();
	}
	listener->fd = close_fd(listener->fd);
}
