/* SPDX-License-Identifier: MIT */
/* Transport and monitor of an ordinary program. */
#define _GNU_SOURCE /* MSG_CMSG_CLOEXEC */
#include <hwbroker/codec.h>
#include <hwbroker/ports.h>
#include <hwbroker/posix.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#if defined(__has_include)
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#define HAVE_SINGLE_THREADED
#endif
#endif

union control {
	struct cmsghdr header;
	unsigned char bytes[CMSG_SPACE(sizeof(int) * HWB_FDS_MAX)];
};

/* A process with one thread, as most drivers are, needs no lock, and nobody can ask
 * for descriptors while it waits: together a twentieth of the smallest request. */
static int alone(void)
{
#ifdef HAVE_SINGLE_THREADED
	return __libc_single_threaded;
#else
	return 0;
#endif
}

/* ---- transport: the context is the struct hwb_posix ---- */

/* For what is a header alone, send() is the shorter way through the kernel. */
static int send_header(int socket, const struct hwb_part *part)
{
	ssize_t sent;

	do
		sent = send(socket, part->bytes, part->length, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

static int send_parts(int socket, const struct hwb_part *parts, uint32_t count, int fd)
{
	struct iovec pieces[HWB_PARTS_MAX];
	struct msghdr message = { .msg_iov = pieces, .msg_iovlen = count };
	union {
		struct cmsghdr header;
		unsigned char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .header.cmsg_level = SOL_SOCKET,
		      .header.cmsg_type = SCM_RIGHTS,
		      .header.cmsg_len = CMSG_LEN(sizeof(int)) };
	ssize_t sent;

	for (uint32_t i = 0; i < count; i++)
		pieces[i] = (struct iovec){ (void *)parts[i].bytes, parts[i].length };
	if (fd >= 0) {
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control);
	}
	do
		sent = sendmsg(socket, &message, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

static int posix_send(void *context, const struct hwb_part *parts, uint32_t count, int fd)
{
	const struct hwb_posix *posix = context;

	return count == 1 && fd < 0 ? send_header(posix->socket, parts)
	                            : send_parts(posix->socket, parts, count, fd);
}

static uint32_t take_fds(struct msghdr *message, int *fds)
{
	uint32_t count = 0;

	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL;
	     part = CMSG_NXTHDR(message, part)) {
		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
			continue;
		size_t here = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < here; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(fd));
			if (count < HWB_FDS_MAX)
				fds[count++] = fd;
			else
				close(fd);
		}
	}
	return count;
}

/* RESET comes once, when the broker left a request unread, and before what it had said; the end of
 * the stream still follows. */
static int comes_again(ssize_t length)
{
	return length < 0 && (errno == EINTR || errno == ECONNRESET);
}

/* What nobody waits for a descriptor with. One that came would be closed, and be missing; a
 * packet that is cut is not as long as it says. */
static long receive_plain(int socket, void *packet)
{
	ssize_t length;

	do
		length = recv(socket, packet, HWB_MESSAGE_MAX, 0);
	while (comes_again(length));
	return length < 0 ? -errno : length;
}

static long receive_with_fds(int socket, void *packet, int *fds, uint32_t *fd_count, int wait)
{
	struct iovec part = { packet, HWB_MESSAGE_MAX };
	union control control;
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control),
	};
	const int flags = MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT);
	ssize_t length;

	do
		length = recvmsg(socket, &message, flags);
	while (comes_again(length));
	if (length < 0)
		return -errno;
	*fd_count = take_fds(&message, fds);
	/* Cut: the descriptor table may be full. What came is of no use alone. */
	if ((message.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) != 0) {
		while (*fd_count > 0)
			close(fds[--*fd_count]);
		return -EPROTO;
	}
	return length;
}

static long posix_receive(void *context, void *packet, int *fds, uint32_t *fd_count, int wait)
{
	const struct hwb_posix *posix = context;

	*fd_count = 0;
	return wait == HWB_WAIT_PLAIN && alone()
	               ? receive_plain(posix->socket, packet)
	               : receive_with_fds(posix->socket, packet, fds, fd_count, wait);
}

static void posix_close_fd(void *context, int fd)
{
	(void)context;
	close(fd);
}

/* ---- monitor: the context is the struct hwb_posix ---- */

static void monitor_acquire(void *context)
{
	struct hwb_posix *posix = context;

	if (alone())
		return;
	pthread_mutex_lock(&posix->mutex);
	posix->locked = 1;
}

static void monitor_release(void *context)
{
	struct hwb_posix *posix = context;

	if (!posix->locked)
		return;
	posix->locked = 0;
	pthread_mutex_unlock(&posix->mutex);
}

static void monitor_wait(void *context)
{
	struct hwb_posix *posix = context;

	posix->locked = 0;
	pthread_cond_wait(&posix->changed, &posix->mutex);
	posix->locked = 1;
}

static void monitor_wake_all(void *context)
{
	pthread_cond_broadcast(&((struct hwb_posix *)context)->changed);
}

/* ---- connecting ---- */

static void explain(struct hwb_error *error, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

static void explain(struct hwb_error *error, const char *format, ...)
{
	va_list arguments;

	if (error == NULL)
		return;
	*error = (struct hwb_error){ 0 };
	va_start(arguments, format);
	vsnprintf(error->reason, sizeof(error->reason), format, arguments);
	va_end(arguments);
}

static int open_socket(const char *path, struct hwb_error *error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path)) {
		explain(error, "the socket path %s is too long", path);
		return -ENAMETOOLONG;
	}
	strcpy(address.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	int result = -errno;
	if (fd >= 0)
		close(fd);
	if (result == -ENOENT || result == -ECONNREFUSED)
		explain(error,
		        "no broker answers at %s: is hwbrokerd running? Try `systemctl start "
		        "hwbrokerd'",
		        path);
	else
		explain(error, "cannot connect to %s: %s", path, strerror(-result));
	return result;
}

int hwb_posix_open(struct hwb_posix *posix, const char *path, hwb_event_handler on_event,
                   void *event_context, struct hwb_error *error)
{
	const struct hwb_transport transport = { posix, posix_send, posix_receive, posix_close_fd };
	const struct hwb_monitor monitor = { posix, monitor_acquire, monitor_release, monitor_wait,
		                             monitor_wake_all };

	if (path == NULL)
		path = getenv("HWBROKER_SOCKET");
	if (path == NULL || path[0] == '\0')
		path = HWB_SOCKET_PATH;
	if (error != NULL)
		*error = (struct hwb_error){ 0 };
	posix->socket = open_socket(path, error);
	if (posix->socket < 0)
		return posix->socket;
	posix->locked = 0;
	pthread_mutex_init(&posix->mutex, NULL);
	pthread_cond_init(&posix->changed, NULL);
	int result =
	        hwb_connect(&posix->client, &transport, &monitor, on_event, event_context, error);
	if (result == 0)
		return 0;
	if (hwb_refusal_of(result) == HWB_OK)
		explain(error, "the broker at %s hung up: %s", path,
		        result == -EPIPE
		                ? "it has too many connections of this user, or is stopping"
		                : strerror(-result));
	hwb_posix_close(posix);
	return result;
}

void hwb_posix_close(struct hwb_posix *posix)
{
	close(posix->socket);
	pthread_cond_destroy(&posix->changed);
	pthread_mutex_destroy(&posix->mutex);
}

int hwb_posix_ports_native(uint32_t base, uint32_t count)
{
	return hwb_ports_listed(getenv("HWB_NATIVE_PORTS"), base, count);
}

void hwb_posix_print_error(const char *what, int result, const struct hwb_error *error)
{
	enum hwb_status status = hwb_refusal_of(result);
	char text[sizeof(error->reason)] = "";
	const char *reason = text;

	/* It came from outside: nothing in it may talk to the terminal. */
	if (error != NULL)
		memcpy(text, error->reason, sizeof(text));
	text[sizeof(text) - 1] = '\0';
	for (char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	if (text[0] == '\0')
		reason = NULL;
	if (status != HWB_OK)
		fprintf(stderr, "%s: %s (%s)\n", what, reason != NULL ? reason : "refused",
		        hwb_status_name(status));
	else
		fprintf(stderr, "%s: %s\n", what,
		        reason != NULL                              ? reason
		        : result == -EPIPE || result == -ECONNRESET ? "the broker has hung up"
		                                                    : strerror(-result));
}
