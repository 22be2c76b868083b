/* SPDX-License-Identifier: MIT */
#include "kernel/uevent.h"

#include "util/cleanup.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

/* The kernel's own messages; udev's come in another group. */
enum { KERNEL_GROUP = 1 };

/* A burst of thousands of devices; what does not fit shows as ENOBUFS. */
enum { BUFFER = 1 << 20 };

int uevent_open(struct fault *fault)
{
	const struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = KERNEL_GROUP };
	const int size = BUFFER;
	_cleanup_fd_ int fd =
	        socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
		return fault_errno(fault, errno,
		                   "cannot listen to the kernel for devices that come and go");
	/* Without the right to exceed the system's limit it stays as it is. */
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return steal_fd(&fd);
}

bool uevent_concerns_pci(const char *message, size_t length)
{
	bool moves = false, pci = false;

	while (length != 0) {
		size_t line = strnlen(message, length);
		if (line == length)
			return false;
		moves = moves || strcmp(message, "ACTION=add") == 0 ||
		        strcmp(message, "ACTION=remove") == 0;
		pci = pci || strcmp(message, "SUBSYSTEM=pci") == 0;
		message += line + 1;
		length -= line + 1;
	}
	return moves && pci;
}

bool uevent_drain(int fd)
{
	char message[4096];
	bool concerns = false;

	for (;;) {
		struct sockaddr_nl from = { 0 };
		socklen_t size = sizeof(from);
		ssize_t length = recvfrom(fd, message, sizeof(message), MSG_DONTWAIT,
		                          (struct sockaddr *)&from, &size);
		if (length < 0 && errno == ENOBUFS)
			concerns = true; /* some were lost */
		else if (length < 0 && errno != EINTR)
			return concerns;
		else if (length > 0 && from.nl_pid == 0)
			concerns = uevent_concerns_pci(message, (size_t)length) || concerns;
	}
}
