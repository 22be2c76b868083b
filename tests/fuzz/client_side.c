/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memfd_create, F_ADD_SEALS */
#include "client_side.h"

#include "model.h"
#include "requests_made.h"

#include "server/peer.h"
#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <hwbroker/codec.h>
#include <sys/mman.h>
#include <sys/socket.h>

enum { FDS = 253 };

void client_close(struct client *client)
{
	client->fd = close_fd(client->fd);
}

void client_drop_kept(struct client *client)
{
	while (client->kept_count != 0)
		close_fd(client->kept[--client->kept_count]);
}

static void take_fd(struct client *client, int fd)
{
	must(fcntl(fd, F_GETFD) >= 0, "what comes is a descriptor");
	if (client->keeps && client->kept_count < KEPT && model_behind(fd) != NULL)
		client->kept[client->kept_count++] = fd;
	else
		close(fd);
}

void client_shut_down(const struct client *client, struct input *input)
{
	shutdown(client->fd, take8(input) % 3);
}

/* ---- sending ---- */

static int memory(unsigned seals, int flags)
{
	int fd = model_shared_memory(0x10000, seals);
	char path[40];

	if (flags == O_RDWR)
		return fd;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int other = open(path, flags | O_CLOEXEC);
	close(fd);
	return other;
}

/* A descriptor of some kind. */
static int make_fd(const struct client *client, uint8_t kind)
{
	int ends[2];

	switch (kind % 12) {
	case 0:
		return memory(F_SEAL_SHRINK, O_RDWR);
	case 1:
		return memory(F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL, O_RDWR);
	case 2:
		return memory(0, O_RDWR);
	case 3:
		return memory(F_SEAL_SHRINK | F_SEAL_WRITE, O_RDWR);
	case 4:
		return memory(F_SEAL_SHRINK, O_RDONLY);
	case 5:
		return memory(F_SEAL_SHRINK, O_WRONLY);
	case 6:
		return memory(F_SEAL_SHRINK, O_PATH);
	case 7:
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	case 8:
		return model_eventfd();
	case 9:
		must(pipe(ends) == 0, "there are pipes");
		close(ends[1]);
		return ends[0];
	case 10:
		must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "there are sockets");
		close(ends[1]);
		return ends[0];
	default:
		return dup(client->fd);
	}
}

static uint32_t make_fds(const struct client *client, uint16_t opcode, int *fds,
                         struct input *input)
{
	uint8_t how = take8(input);
	uint32_t count = (how & 0x80) != 0 ? how % 4u : opcode == HWB_DMA_MAP ? 1 : 0;

	if (how == 0xff)
		count = FDS;
	for (uint32_t i = 0; i < count; i++)
		fds[i] = make_fd(client, count == FDS ? 7 : (uint8_t)(how >> 2 & 0x1f));
	return count;
}

/* The broker answers by what it finds in the header, if there is one. */
static void await(struct client *client, const union packet *packet, size_t length)
{
	uint32_t serial = length >= sizeof(packet->header) ? packet->header.serial : 0;

	client->sent++;
	for (uint32_t i = 0; i < SERIALS && serial != 0; i++)
		if (client->serials[i] == 0) {
			client->serials[i] = serial;
			return;
		}
}

static void send_packet(struct client *client, const union packet *packet, size_t length,
                        const int *fds, uint32_t count)
{
	union {
		struct cmsghdr header;
		unsigned char bytes[CMSG_SPACE(sizeof(int) * FDS)];
	} control = { 0 };
	struct iovec part = { (void *)packet, length };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (count != 0) {
		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int) * count);
		memcpy(CMSG_DATA(&control.header), fds, sizeof(int) * count);
	}
	if (model_sendmsg(client->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		await(client, packet, length);
	for (uint32_t i = 0; i < count; i++)
		close_fd(fds[i]);
}

/* What no client means. */
static size_t spoil(union packet *packet, size_t length, struct input *input)
{
	uint8_t how = take8(input);

	if ((how & 0xc0) != 0xc0)
		return length;
	if ((how & 1) != 0) {
		size_t at = take16(input) % length;
		packet->bytes[at] = take8(input);
	}
	if ((how & 2) != 0)
		length = take16(input) % (sizeof(*packet) - 6);
	if ((how & 4) != 0)
		packet->header.length = (uint32_t)length;
	return length;
}

void client_request(struct client *client, struct input *input)
{
	static union packet packet;
	int fds[FDS];
	size_t length = make_request(&packet, client, input);
	uint32_t count = make_fds(client, packet.header.opcode, fds, input);

	packet.header.fds = (uint16_t)count;
	length = spoil(&packet, length, input);
	send_packet(client, &packet, length, fds, count);
}

void client_send_raw(struct client *client, struct input *input)
{
	static union packet packet;
	int fds[FDS];
	size_t length = take8(input);
	uint32_t count = make_fds(client, 0, fds, input);

	memset(&packet, 0, sizeof(packet));
	take_bytes(input, packet.bytes, length);
	send_packet(client, &packet, length, fds, count);
}

static void say_hello(struct client *client)
{
	static const uint8_t nothing;
	static union packet packet;
	struct input zeros = { &nothing, 0 };
	size_t length = make_request(&packet, client, &zeros);

	send_packet(client, &packet, length, NULL, 0);
}

/* What the input says of it: who it is, by user and by group; whether it reads slowly;
 * whether it is polite; whether it keeps registers. */
void client_connect(struct client *client, struct broker *broker, struct input *input)
{
	static const uint32_t uids[] = { 1000, 1001, 1002, 0 };
	uint8_t who = take8(input);
	int ends[2];

	client_drop_kept(client);
	*client = (struct client){ .fd = -1, .keeps = (who & 0x20) != 0 };
	if (broker->stopping)
		return;
	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0,
	     "there are sockets");
	if ((who & 0x10) != 0) {
		const int small = 4608; /* full after a few answers */
		setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	}
	model.uid = uids[who & 3];
	client->uid = model.uid;
	model.gid = (who & 4) != 0 ? 2000 : 3000;
	client->fd = ends[1];
	peer_accept(broker, ends[0]);
	if ((who & 0x80) == 0)
		say_hello(client);
}

/* ---- receiving ---- */

static void remember(struct client *client, uint32_t handle)
{
	if (handle != 0)
		client->handles[client->handle_count++ % HANDLES] = handle;
}

static void learn(struct client *client, const struct hwb_header *header, const void *body)
{
	const struct hwb_acquire_reply *acquired = body;

	switch (header->opcode) {
	case HWB_DEVICE_ACQUIRE:
	case HWB_DEVICE_ACQUIRE_ANY:
		for (uint32_t i = 0; i < HWB_BARS; i++)
			remember(client, acquired->regions[i].session);
		remember(client, acquired->interrupt.session);
		remember(client, header->session);
		break;
	case HWB_DMA_ALLOC:
	case HWB_DMA_MAP:
		client->iova = ((const struct hwb_dma_reply *)body)->iova;
		break;
	case HWB_DOMAIN_OPEN:
	case HWB_IRQ_OPEN:
	case HWB_IO_MEM_OPEN:
	case HWB_IO_MEM_OPEN_BAR:
	case HWB_IO_PORT_OPEN:
	case HWB_IO_PORT_OPEN_BAR:
		remember(client, header->session);
		break;
	default:
		break;
	}
}

static void check_answer(struct client *client, const union packet *packet, size_t length,
                         uint32_t fds)
{
	struct hwb_header header;
	struct hwb_check check = hwb_check_answer(packet, length, fds, &header);

	/* What the codec does not know can only have been refused. */
	must(check.status == HWB_OK, "the broker sends good messages");
	if (header.kind == HWB_EVENT)
		return;
	must(++client->answered <= client->sent, "there are no more answers than requests");
	if (header.serial == 0)
		return;
	uint32_t at = 0;
	while (at < SERIALS && client->serials[at] != header.serial)
		at++;
	must(at < SERIALS || client->sent > SERIALS, "an answer is to a request");
	if (at < SERIALS)
		client->serials[at] = 0;
	if (header.status == HWB_OK)
		learn(client, &header, hwb_body(packet));
	else
		must(((const struct hwb_refusal *)hwb_body(packet))->reason_length != 0,
		     "a refusal has words");
}

bool client_read(struct client *client)
{
	static union packet packet;
	union {
		struct cmsghdr header;
		unsigned char bytes[CMSG_SPACE(sizeof(int) * FDS)];
	} control;
	struct iovec part = { &packet, sizeof(packet) };
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	uint32_t count = 0;

	if (client->fd < 0)
		return false;
	ssize_t length = model_recvmsg(client->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (length <= 0) {
		client->hung_up = client->hung_up || length == 0 || errno != EAGAIN;
		return length < 0 && errno == ECONNRESET; /* said once, ahead of the rest */
	}
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
	if (rights != NULL)
		count = (uint32_t)((rights->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	for (uint32_t i = 0; i < count; i++) {
		int fd;
		memcpy(&fd, CMSG_DATA(rights) + i * sizeof(int), sizeof(fd));
		take_fd(client, fd);
	}
	must((message.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) == 0, "nothing is cut");
	check_answer(client, &packet, (size_t)length, count);
	return true;
}
