/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* struct ucred */
#include "notify.h"

#include "util/cleanup.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

int notify_open(void)
{
	const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = NOTIFY_PATH };
	const int yes = 1;
	_cleanup_fd_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || (mkdir(NOTIFY_DIRECTORY, 0700) != 0 && errno != EEXIST) ||
	    setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)) != 0 ||
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
		return -1;
	return steal_fd(&fd);
}

static bool has_line(const char *text, const char *line)
{
	size_t length = strlen(line);

	for (; text != NULL; text = strchr(text, '\n')) {
		text += *text == '\n';
		if (strncmp(text, line, length) == 0 &&
		    (text[length] == '\0' || text[length] == '\n'))
			return true;
	}
	return false;
}

/* Who sent it, as the kernel says. */
static pid_t sender(struct msghdr *message)
{
	struct ucred credentials;
	const struct cmsghdr *header = CMSG_FIRSTHDR(message);

	if (header == NULL || header->cmsg_level != SOL_SOCKET ||
	    header->cmsg_type != SCM_CREDENTIALS)
		return 0;
	memcpy(&credentials, CMSG_DATA(header), sizeof(credentials));
	return credentials.pid;
}

bool notify_take(int fd, pid_t process, bool *ready)
{
	char text[512];
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct ucred))];
	struct iovec data = { .iov_base = text, .iov_len = sizeof(text) - 1 };
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t length = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);

	*ready = false;
	if (length < 0)
		return errno == EINTR;
	text[length] = '\0';
	*ready = process > 0 && sender(&message) == process && has_line(text, "READY=1");
	return true;
}
