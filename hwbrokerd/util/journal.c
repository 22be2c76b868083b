/* SPDX-License-Identifier: MIT */
#include "util/journal.h"

#include "util/cleanup.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Not connected: the journal may be started anew, and has another socket then. */
static int fd = -1;
static struct sockaddr_un address = { .sun_family = AF_UNIX };

/* systemd.exec(5): the device and inode that stderr had when it was connected. */
static bool stderr_is_a_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t device, inode;
	struct stat status;

	return stream != NULL && sscanf(stream, "%ju:%ju", &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device &&
	       status.st_ino == inode;
}

bool journal_open(const char *path)
{
	if (!stderr_is_a_journal() || strlen(path) >= sizeof(address.sun_path))
		return false;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return fd >= 0;
}

void journal_close(void)
{
	fd = close_fd(fd);
}

static void append(struct journal_entry *entry, const void *bytes, size_t size)
{
	memcpy(entry->bytes + entry->used, bytes, size);
	entry->used += size;
}

/* NAME=VALUE, or with line breaks in it NAME, the length as 64 bits, VALUE: see
 * "Journal Native Protocol" in systemd's documentation. */
void journal_field(struct journal_entry *entry, const char *name, const char *value)
{
	size_t name_length = strlen(name), length = strlen(value);
	unsigned char size[8];

	if (length == 0 || sizeof(entry->bytes) - entry->used < name_length + length + 10)
		return;
	append(entry, name, name_length);
	if (strchr(value, '\n') == NULL) {
		append(entry, "=", 1);
	} else {
		for (unsigned i = 0; i < sizeof(size); i++)
			size[i] = (unsigned char)((uint64_t)length >> 8 * i);
		append(entry, "\n", 1);
		append(entry, size, sizeof(size));
	}
	append(entry, value, length);
	append(entry, "\n", 1);
}

void journal_number(struct journal_entry *entry, const char *name, unsigned value)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", value);
	journal_field(entry, name, text);
}

bool journal_send(const struct journal_entry *entry)
{
	return fd >= 0 &&
	       sendto(fd, entry->bytes, entry->used, MSG_DONTWAIT | MSG_NOSIGNAL,
	              (const struct sockaddr *)&address, sizeof(address)) == (ssize_t)entry->used;
}
