/* SPDX-License-Identifier: MIT */
#include "kernel/uevent.h"

#include "kernel/sysfs.h"
#include "util/cleanup.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
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

/* What is behind `key`, or NULL. */
static const char *value_of(const char *line, const char *key)
{
	size_t length = strlen(key);

	return strncmp(line, key, length) == 0 ? line + length : NULL;
}

bool uevent_of_driver(const char *message, size_t length, struct uevent_driver *change)
{
	bool bound = false, unbound = false, pci = false, placed = false;

	*change = (struct uevent_driver){ 0 };
	while (length != 0) {
		const char *value;
		size_t line = strnlen(message, length);
		if (line == length)
			return false;
		bound = bound || strcmp(message, "ACTION=bind") == 0;
		unbound = unbound || strcmp(message, "ACTION=unbind") == 0;
		pci = pci || strcmp(message, "SUBSYSTEM=pci") == 0;
		if ((value = value_of(message, "PCI_SLOT_NAME=")) != NULL)
			placed = sysfs_parse_address(value, &change->address);
		if ((value = value_of(message, "DRIVER=")) != NULL)
			snprintf(change->driver, sizeof(change->driver), "%s", value);
		message += line + 1;
		length -= line + 1;
	}
	if (unbound)
		change->driver[0] = '\0';
	return pci && placed && (unbound || (bound && change->driver[0] != '\0'));
}

unsigned uevent_drain(int fd, void (*tell)(void *context, const struct uevent_driver *change),
                      void *context)
{
	struct uevent_driver change;
	char message[4096];
	unsigned said = 0;

	for (;;) {
		struct sockaddr_nl from = { 0 };
		socklen_t size = sizeof(from);
		ssize_t length = recvfrom(fd, message, sizeof(message), MSG_DONTWAIT,
		                          (struct sockaddr *)&from, &size);
		if (length < 0 && errno == ENOBUFS)
			said |= UEVENT_LOST;
		else if (length < 0 && errno != EINTR)
			return said;
		if (length <= 0 || from.nl_pid != 0)
			continue;
		if (uevent_concerns_pci(message, (size_t)length))
			said |= UEVENT_MOVED;
		if (uevent_of_driver(message, (size_t)length, &change))
			tell(context, &change);
	}
}
