/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* unshare */
#include "fuse.h"

#include "hostile.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* It ends by itself: a test that fails waits for that, too, as its descriptors are closed. */
enum { ROOM = 1 << 17, ROOT_NODE = 1, FILE_NODE = 2, SECONDS = 20 };

static const char place[] = "/tmp/hostile-silent";

/* ---- the program ---- */

static void answer(int device, uint64_t unique, int error, const void *body, size_t size)
{
	struct fuse_out_header header = {
		.len = (uint32_t)(sizeof(header) + size),
		.error = error,
		.unique = unique,
	};
	const struct iovec parts[] = { { &header, sizeof(header) }, { (void *)body, size } };

	if (writev(device, parts, size != 0 ? 2 : 1) < 0)
		return;
}

static struct fuse_attr attributes(uint64_t node)
{
	return (struct fuse_attr){
		.ino = node,
		.mode = node == ROOT_NODE ? S_IFDIR | 0755 : S_IFREG | 0666,
		.nlink = 1,
		.blksize = PAGE,
	};
}

static void serve(int device, const struct fuse_in_header *header)
{
	const struct fuse_init_out start = {
		.major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
		.max_readahead = PAGE,
		.max_write = PAGE,
	};
	const struct fuse_entry_out entry = {
		.nodeid = FILE_NODE,
		.entry_valid = 3600,
		.attr_valid = 3600,
		.attr = attributes(FILE_NODE),
	};
	const struct fuse_attr_out attr = {
		.attr_valid = 3600,
		.attr = attributes(header->nodeid),
	};
	const struct fuse_open_out opened = { .fh = 1 };

	switch (header->opcode) {
	case FUSE_INIT:
		answer(device, header->unique, 0, &start, sizeof(start));
		break;
	case FUSE_LOOKUP:
		answer(device, header->unique, 0, &entry, sizeof(entry));
		break;
	case FUSE_GETATTR:
		answer(device, header->unique, 0, &attr, sizeof(attr));
		break;
	case FUSE_OPEN:
		answer(device, header->unique, 0, &opened, sizeof(opened));
		break;
	case FUSE_FLUSH:
	case FUSE_INTERRUPT:
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
		break;
	default:
		answer(device, header->unique, -ENOSYS, NULL, 0);
		break;
	}
}

static _Noreturn void run(int device)
{
	static _Alignas(8) unsigned char room[ROOM];

	alarm(SECONDS);
	while (read(device, room, sizeof(room)) > 0 || errno == EINTR || errno == ENOENT)
		serve(device, (const struct fuse_in_header *)room);
	_exit(0);
}

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	close(fd);
	return good;
}

/* As a user in a namespace of his own may. */
static int mount_it(uid_t user)
{
	char map[48], options[80];

	snprintf(map, sizeof(map), "0 %u 1", user);
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0 ||
	    !write_file("/proc/self/setgroups", "deny") || !write_file("/proc/self/uid_map", map) ||
	    !write_file("/proc/self/gid_map", map))
		return -1;
	int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", device);
	mkdir(place, 0755);
	if (device < 0 || mount("hostile", place, "fuse", MS_NOSUID | MS_NODEV, options) != 0) {
		printf("fuse: %s\n", strerror(errno));
		return -1;
	}
	return device;
}

/* The opening waits for the program, which is the child of who opens. */
static _Noreturn void offer(int socket, uid_t user)
{
	char path[sizeof(place) + 8], nothing = 0;

	become(user);
	prctl(PR_SET_DUMPABLE, 1);
	int device = mount_it(user);
	pid_t server = device < 0 ? -1 : fork();
	if (server == 0) {
		close(socket);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		run(device);
	}
	close(device);
	snprintf(path, sizeof(path), "%s/file", place);
	int file = server < 0 ? -1 : open(path, O_RDWR | O_CLOEXEC);
	if (file >= 0)
		wire_send(socket, &nothing, sizeof(nothing), &file, 1);
	close(socket);
	/* With the file still open: to close it would be to wait. */
	for (;;)
		pause();
}

bool silent_start(struct silent *silent, uid_t user)
{
	int ends[2];
	char byte;
	struct iovec part = { &byte, sizeof(byte) };
	union {
		struct cmsghdr header;
		unsigned char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr message = { .msg_iov = &part,
		                  .msg_iovlen = 1,
		                  .msg_control = control.bytes,
		                  .msg_controllen = sizeof(control.bytes) };

	silent->fd = -1;
	shell("modprobe -q fuse; udevadm settle");
	expect(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
	fflush(stdout);
	silent->server = fork();
	if (silent->server == 0) {
		close(ends[0]);
		alarm(0);
		setpgid(0, 0);
		offer(ends[1], user);
	}
	close(ends[1]);
	if (recvmsg(ends[0], &message, MSG_CMSG_CLOEXEC) == 1 && message.msg_controllen != 0)
		memcpy(&silent->fd, CMSG_DATA(&control.header), sizeof(silent->fd));
	close(ends[0]);
	if (silent->fd < 0)
		silent_end(silent);
	return silent->fd >= 0;
}

void silent_end(struct silent *silent)
{
	/* The file is closed as who opened it ends, which waits for the program: both at once. */
	kill(-silent->server, SIGKILL);
	kill(silent->server, SIGKILL);
	waitpid(silent->server, NULL, 0);
	if (silent->fd >= 0)
		close(silent->fd);
	rmdir(place);
}
