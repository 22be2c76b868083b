/* SPDX-License-Identifier: MIT */
/*
 * The client library against a hostile broker. Input: which transport, what is asked,
 * then what the broker says to it. With a transport of our own (as a program without a
 * libc has it) every descriptor is counted: it reaches the caller or is closed, once.
 * With the POSIX one the broker is the other end of a socket.
 */
#define _GNU_SOURCE /* SOCK_CLOEXEC */
#include "broker_side.h"
#include "fds.h"
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <hwbroker/posix.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CALLS = 12, FDS_MAX = 4096, FD_FIRST = 100000 };

static struct {
	struct input *input;
	struct hwb_header request; /* sent last */
	bool open[FDS_MAX];        /* of those that were handed out */
	uint32_t fds;
	bool real; /* they are descriptors */
	int peer;  /* the broker's end of a socket */
	uint8_t opcodes[CALLS + 1];
	uint32_t opcode_count;
} world;

/* What a caller does with what it got. */
static void got_fd(int fd)
{
	if (world.real) {
		must(fcntl(fd, F_GETFD) == FD_CLOEXEC, "what comes is open, and close-on-exec");
		close(fd);
		return;
	}
	must(fd >= FD_FIRST && (uint32_t)(fd - FD_FIRST) < world.fds && world.open[fd - FD_FIRST],
	     "a descriptor is there, and nobody else's");
	world.open[fd - FD_FIRST] = false;
}

static void got_fds(const int *fds, uint32_t count)
{
	must(count <= HWB_FDS_MAX, "no more descriptors than there is room for");
	for (uint32_t i = 0; i < count; i++)
		got_fd(fds[i]);
}

/* ---- a transport in memory ---- */

static int memory_send(void *context, const struct hwb_part *parts, uint32_t count, int fd)
{
	(void)context;
	(void)fd;
	must(count >= 1 && count <= HWB_PARTS_MAX, "a packet has parts");
	size_t length = 0;
	for (uint32_t i = 0; i < count; i++) {
		must(parts[i].length != 0, "no part is empty");
		length += parts[i].length;
	}
	memcpy(&world.request, parts[0].bytes, sizeof(world.request));
	must(world.request.length == length && length <= HWB_MESSAGE_MAX, "a request is whole");
	return (take8(world.input) & 0xf) == 0xf ? -EAGAIN : 0;
}

static long memory_receive(void *context, void *packet, int *fds, uint32_t *fd_count, int wait)
{
	struct said said;
	(void)context;

	if (world.input->left == 0)
		return 0;
	if (wait == 0 && (take8(world.input) & 1) == 0)
		return -EAGAIN;
	broker_says(&said, &world.request, world.input);
	if (said.length > HWB_MESSAGE_MAX || said.fds > HWB_FDS_MAX ||
	    world.fds + said.fds > FDS_MAX)
		return -EPROTO;
	memcpy(packet, said.packet, said.length);
	*fd_count = wait == HWB_WAIT_PLAIN ? 0 : said.fds;
	for (uint32_t i = 0; i < *fd_count; i++) {
		world.open[world.fds] = true;
		fds[i] = FD_FIRST + (int)world.fds++;
	}
	return (long)said.length;
}

static void memory_close(void *context, int fd)
{
	(void)context;
	got_fd(fd);
}

static void nothing(void *context)
{
	(void)context;
}

static void wait_alone(void *context)
{
	(void)context;
	must(false, "a single thread waits for no other");
}

/* ---- a socket, into which the broker has said all beforehand ---- */

static void send_said(const struct said *said)
{
	static const int none;
	int fds[HWB_FDS_MAX + 2];
	union {
		struct cmsghdr header;
		unsigned char bytes[CMSG_SPACE(sizeof(fds))];
	} control = { 0 };
	struct iovec part = { (void *)said->packet, said->length };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	for (uint32_t i = 0; i < said->fds; i++)
		fds[i] = none;
	if (said->fds != 0) {
		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * said->fds);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int) * said->fds);
		memcpy(CMSG_DATA(&control.header), fds, sizeof(int) * said->fds);
	}
	sendmsg(world.peer, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

int __wrap_connect(int fd, const struct sockaddr *address, socklen_t size);

int __wrap_connect(int fd, const struct sockaddr *address, socklen_t size)
{
	int ends[2];
	struct said said;
	(void)address;
	(void)size;

	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0, "there are sockets");
	must(dup3(ends[0], fd, O_CLOEXEC) == fd, "one takes the other's place");
	close(ends[0]);
	world.peer = ends[1];
	for (uint32_t i = 0; i < world.opcode_count; i++) {
		struct hwb_header request = {
			.version = HWB_PROTOCOL_VERSION,
			.opcode = world.opcodes[i],
			.serial = i + 1,
		};
		broker_says(&said, &request, world.input);
		send_said(&said);
	}
	shutdown(world.peer, SHUT_WR);
	return 0;
}

/* ---- calls ---- */

static volatile unsigned sink;

static void on_event(void *context, const struct hwb_header *header, const void *body)
{
	(void)context;
	for (uint32_t i = 0; i < header->length - sizeof(*header); i++)
		sink = sink + ((const uint8_t *)body)[i];
}

static void on_done(void *context, struct hwb_call *call)
{
	if (call->result == 0)
		got_fds(call->fds, call->fd_count);
	*(bool *)context = true;
}

static void list_devices(struct hwb_client *client, bool given)
{
	static struct hwb_list list;
	struct hwb_device devices[5];
	struct hwb_error error;
	int count = 1;

	memset(&list, 0, sizeof(list));
	for (int i = 0; i < 20 && count > 0; i++) {
		count = given ? hwb_admin_given(client, "alpha", &list, devices, 5, &error)
		              : hwb_device_list(client, &list, devices, 5, &error);
		must(count <= 5, "a list fits where it goes");
	}
}

static void list_windows(struct hwb_client *client)
{
	static struct hwb_list list;
	struct hwb_iova_range windows[3];
	int count = 1;

	memset(&list, 0, sizeof(list));
	for (int i = 0; i < 20 && count > 0; i++) {
		count = hwb_domain_info(client, 1, &list, windows, 3, NULL);
		must(count <= 3, "a list fits where it goes");
	}
}

static void acquire(struct hwb_client *client, uint8_t opcode)
{
	const struct hwb_acquire_request request = { .bars = 1 };
	const struct hwb_acquire_any_request any = { .rule = "net", .bars = 1 };
	struct hwb_acquire_reply reply;
	struct hwb_error error;
	int fds[HWB_FDS_MAX];
	uint32_t session, count = 0;

	int result = opcode == HWB_DEVICE_ACQUIRE
	                     ? hwb_device_acquire(client, &request, &session, &reply, fds, &count,
	                                          &error)
	                     : hwb_device_acquire_any(client, &any, &session, &reply, fds, &count,
	                                              &error);
	if (result == 0)
		got_fds(fds, count);
}

static void open_region(struct hwb_client *client, uint16_t opcode)
{
	struct hwb_bar_request request = { .size = 4096 };
	struct hwb_region region;
	struct hwb_error error;
	int fd = -1;
	int result = opcode == HWB_IO_MEM_OPEN
	                     ? hwb_io_mem_open(client, 0, 1, 0, &region, &fd, &error)
	             : opcode == HWB_IO_MEM_OPEN_BAR
	                     ? hwb_io_mem_open_bar(client, 1, &request, &region, &fd, &error)
	                     : hwb_io_port_open_bar(client, 1, 1, &region, &fd, &error);

	if (result != 0)
		return;
	must((fd < 0) == ((region.flags & HWB_REGION_MEDIATED) != 0),
	     "a descriptor, unless it is by request");
	if (fd >= 0)
		got_fd(fd);
}

static void batch(struct hwb_client *client)
{
	struct hwb_port_op ops[8] = { { .port = 1, .width = 1 } };

	hwb_io_port_batch(client, 1, ops, 8, NULL);
}

static void memory_batch(struct hwb_client *client)
{
	struct hwb_mem_op ops[8] = { { .offset = 1, .width = 1 } };

	hwb_io_mem_batch(client, 1, ops, 8, NULL);
}

static void open_interrupt(struct hwb_client *client)
{
	struct hwb_irq_request request = { .type = HWB_IRQ_MSI, .count = 3 };
	struct hwb_interrupt reply;
	int fds[HWB_FDS_MAX];
	uint32_t count = 0;

	if (hwb_irq_open(client, 1, &request, &reply, fds, &count, NULL) == 0)
		got_fds(fds, count);
}

static void open_line(struct hwb_client *client)
{
	struct hwb_line line;
	int fds[2];

	if (hwb_irq_open_number(client, 1, &line, fds, NULL) != 0)
		return;
	must((fds[1] >= 0) == (line.source == HWB_LINE_UIO), "an unmask eventfd with UIO");
	got_fd(fds[0]);
	if (fds[1] >= 0)
		got_fd(fds[1]);
}

static void more_interrupts(struct hwb_client *client)
{
	int fds[HWB_FDS_MAX];

	if (hwb_irq_fds(client, 1, 1, 3, fds, NULL) == 0)
		got_fds(fds, 3);
}

static void alloc(struct hwb_client *client)
{
	struct hwb_dma_alloc_request request = { .size = 4096, .flags = 3 };
	struct hwb_dma_reply reply;
	int fd = -1;

	if (hwb_dma_alloc(client, 1, &request, &reply, &fd, NULL) == 0)
		got_fd(fd);
}

static void map(struct hwb_client *client)
{
	struct hwb_dma_map_request request = { .size = 4096, .flags = 3 };
	struct hwb_dma_reply reply;

	hwb_dma_map(client, 1, &request, 0, &reply, NULL);
}

/* A call that is begun, and ends while others are waited for, or never. */
static void begin(struct hwb_client *client, uint16_t opcode)
{
	static struct hwb_call call;
	static struct hwb_acquire_reply reply;
	static int fds[HWB_FDS_MAX];
	static bool done;

	done = false;
	call = (struct hwb_call){
		.reply = &reply,
		.reply_size = sizeof(reply),
		.fds = fds,
		.fds_max = 7,
		.on_done = on_done,
		.done_context = &done,
	};
	if (hwb_begin(client, &call, opcode, 1, NULL, 0, -1) != 0)
		return;
	for (int i = 0; i < 40 && !done; i++)
		if (hwb_receive_one(client) != 0)
			break;
	must(done || client->dead == 0, "whoever waits is told of the end");
	while (!done && hwb_receive_one(client) == 0)
		;
	must(done, "whoever waits is told of the end");
}

static void make_call(struct hwb_client *client, uint8_t opcode)
{
	struct hwb_pci_address address = { 0 };
	struct hwb_device device;
	struct hwb_error error;
	uint32_t value;

	switch (opcode) {
	case HWB_DEVICE_LIST:
	case HWB_ADMIN_GIVEN:
		list_devices(client, opcode == HWB_ADMIN_GIVEN);
		break;
	case HWB_DEVICE_INFO:
		hwb_device_info(client, &address, &device, &error);
		break;
	case HWB_DEVICE_ACQUIRE:
	case HWB_DEVICE_ACQUIRE_ANY:
		acquire(client, opcode);
		break;
	case HWB_CONFIG_READ:
		hwb_config_read(client, 1, 0, 4, &value, &error);
		break;
	case HWB_IO_MEM_OPEN:
	case HWB_IO_MEM_OPEN_BAR:
	case HWB_IO_PORT_OPEN_BAR:
		open_region(client, opcode);
		break;
	case HWB_IO_PORT_BATCH:
		batch(client);
		break;
	case HWB_IO_MEM_BATCH:
		memory_batch(client);
		break;
	case HWB_IRQ_OPEN:
		open_interrupt(client);
		break;
	case HWB_IRQ_FDS:
		more_interrupts(client);
		break;
	case HWB_IRQ_OPEN_NUMBER:
		open_line(client);
		break;
	case HWB_DOMAIN_OPEN:
		hwb_domain_open(client, &value, &error);
		break;
	case HWB_DOMAIN_INFO:
		list_windows(client);
		break;
	case HWB_DMA_ALLOC:
		alloc(client);
		break;
	case HWB_DMA_MAP:
		map(client);
		break;
	case HWB_IRQ_ACK:
		begin(client, HWB_IRQ_OPEN);
		break;
	case HWB_CLOSE:
		hwb_close(client, 1, &error);
		break;
	default:
		hwb_receive_ready(client);
		hwb_ping(client, &error);
		break;
	}
}

static void make_calls(struct hwb_client *client)
{
	for (uint32_t i = 1; i < world.opcode_count; i++)
		make_call(client, world.opcodes[i]);
}

static void in_memory(void)
{
	static struct hwb_client client;
	const struct hwb_transport transport = {
		.send = memory_send,
		.receive = memory_receive,
		.close_fd = memory_close,
	};
	const struct hwb_monitor monitor = {
		.acquire = nothing,
		.release = nothing,
		.wait = wait_alone,
		.wake_all = nothing,
	};
	struct hwb_error error;

	if (hwb_connect(&client, &transport, &monitor, on_event, NULL, &error) == 0)
		make_calls(&client);
	for (uint32_t i = 0; i < world.fds; i++)
		must(!world.open[i], "each descriptor reaches somebody");
}

static void by_socket(void)
{
	static struct hwb_posix posix;
	struct hwb_error error;
	unsigned before = count_fds();

	world.real = true;
	world.peer = -1;
	if (hwb_posix_open(&posix, "/fuzz", on_event, NULL, &error) == 0) {
		make_calls(&posix.client);
		hwb_posix_close(&posix);
	}
	close(world.peer);
	must(count_fds() == before, "no descriptor is left");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t opcodes[] = {
		HWB_PING,         HWB_DEVICE_LIST,   HWB_DEVICE_INFO,     HWB_DEVICE_ACQUIRE,
		HWB_CONFIG_READ,  HWB_IO_MEM_OPEN,   HWB_IO_MEM_OPEN_BAR, HWB_IO_PORT_OPEN_BAR,
		HWB_IRQ_OPEN,     HWB_IO_PORT_BATCH, HWB_IRQ_FDS,         HWB_IRQ_OPEN_NUMBER,
		HWB_DOMAIN_OPEN,  HWB_DOMAIN_INFO,   HWB_DMA_ALLOC,       HWB_DMA_MAP,
		HWB_IRQ_ACK,      HWB_CLOSE,         HWB_ADMIN_GIVEN,     HWB_DEVICE_ACQUIRE_ANY,
		HWB_IO_MEM_BATCH,
	};
	struct input input = { data, size };
	bool socket = (take8(&input) & 1) != 0;

	memset(&world, 0, sizeof(world));
	world.input = &input;
	world.opcodes[0] = HWB_HELLO;
	world.opcode_count = 1 + take8(&input) % CALLS;
	for (uint32_t i = 1; i < world.opcode_count; i++)
		world.opcodes[i] = opcodes[take8(&input) % sizeof(opcodes)];
	if (socket)
		by_socket();
	else
		in_memory();
	return 0;
}
