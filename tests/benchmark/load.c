/* SPDX-License-Identifier: MIT */
/* A client that asks for much, one kind of it without end, until it is killed. */
#define _GNU_SOURCE /* MSG_NOSIGNAL */
#include <errno.h>
#include <hwbroker/posix.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { CONNECTIONS = 16, PIPELINE = 16, MANY_FDS = 64 };

static const uint64_t memory_size = 1ull << 30;

static void check(int result, const char *what, const struct hwb_error *error)
{
	if (result == 0)
		return;
	hwb_posix_print_error(what, result, error);
	exit(EXIT_FAILURE);
}

static void open_client(struct hwb_posix *posix)
{
	struct hwb_error error;

	check(hwb_posix_open(posix, NULL, NULL, NULL, &error), "connect", &error);
}

/* Nobody asks the broker; the processor alone is busy. */
static void compute(void)
{
	volatile unsigned number = 0;

	for (;;)
		number++;
}

static void map_memory(void)
{
	const struct hwb_dma_alloc_request request = {
		.size = memory_size,
		.flags = HWB_DMA_DEVICE_READS | HWB_DMA_DEVICE_WRITES,
	};
	struct hwb_acquire_request device = { .address = { .device = 4 } };
	struct hwb_acquire_reply acquired;
	struct hwb_posix posix;
	struct hwb_error error;
	struct hwb_dma_reply reply;
	uint32_t handle, count;
	int fds[HWB_FDS_MAX], fd;

	open_client(&posix);
	/* With a device in it: only then has the kernel an address space to map into. */
	check(hwb_domain_open(&posix.client, &device.domain, &error), "domain", &error);
	check(hwb_device_acquire(&posix.client, &device, &handle, &acquired, fds, &count, &error),
	      "acquire", &error);
	for (;;) {
		check(hwb_dma_alloc(&posix.client, device.domain, &request, &reply, &fd, &error),
		      "allocate", &error);
		close(fd);
		check(hwb_dma_unmap(&posix.client, device.domain, reply.iova, &error), "unmap",
		      &error);
	}
}

/* The disk: it is reset each time. */
static void take_and_give(void)
{
	struct hwb_acquire_request request = {
		.address = { .device = 6 },
		.flags = HWB_ACQUIRE_ALL_BARS,
		.irq_type = HWB_IRQ_MSIX,
		.irq_count = 16,
	};
	struct hwb_acquire_reply reply;
	struct hwb_posix posix;
	struct hwb_error error;
	uint32_t handle, count;
	int fds[HWB_FDS_MAX];

	open_client(&posix);
	check(hwb_domain_open(&posix.client, &request.domain, &error), "domain", &error);
	for (;;) {
		check(hwb_device_acquire(&posix.client, &request, &handle, &reply, fds, &count,
		                         &error),
		      "acquire", &error);
		while (count > 0)
			close(fds[--count]);
		check(hwb_close(&posix.client, handle, &error), "close", &error);
	}
}

/* Each of `count` connections has PIPELINE requests under way. */
static void ping_on(unsigned count)
{
	static struct hwb_call calls[CONNECTIONS][PIPELINE];
	static struct hwb_posix posix[CONNECTIONS];

	for (unsigned i = 0; i < count; i++)
		open_client(&posix[i]);
	for (unsigned i = 0;; i++) {
		struct hwb_client *client = &posix[i % count].client;
		struct hwb_call *call = &calls[i % count][i / count % PIPELINE];
		if ((call->opcode != 0 && hwb_finish(client, call) != 0) ||
		    hwb_begin(client, call, HWB_PING, 0, NULL, 0, -1) != 0)
			exit(EXIT_FAILURE);
	}
}

/* As fast as the answers are read. */
static void ping_and_read(void)
{
	ping_on(1);
}

static void ping_on_all(void)
{
	ping_on(CONNECTIONS);
}

/* The most that one request can have the broker do while nobody else is served. */
static void use_ports(void)
{
	struct hwb_port_op ops[HWB_PORT_OPS_MAX];
	struct hwb_posix posix;
	struct hwb_error error;
	uint32_t ports;

	open_client(&posix);
	check(hwb_io_port_open(&posix.client, 0x40, 4, &ports, &error), "open ports", &error);
	for (;;) {
		for (unsigned i = 0; i < HWB_PORT_OPS_MAX; i++)
			ops[i] = (struct hwb_port_op){ .port = 0x40, .width = 1 };
		check(hwb_io_port_batch(&posix.client, ports, ops, HWB_PORT_OPS_MAX, &error),
		      "use ports", &error);
	}
}

/* ---- without the library, which would not do such things ---- */

static int open_socket(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	strcpy(address.sun_path, HWB_SOCKET_PATH);
	while (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
		if (fd < 0 || errno != EAGAIN) {
			perror("connect");
			exit(EXIT_FAILURE);
		}
	return fd;
}

static int greeted(void)
{
	const struct {
		struct hwb_header header;
		struct hwb_hello_request body;
	} hello = {
		.header = { .version = HWB_PROTOCOL_VERSION,
		            .opcode = HWB_HELLO,
		            .length = sizeof(hello),
		            .serial = 1 },
		.body = { .version_min = HWB_PROTOCOL_VERSION,
		          .version_max = HWB_PROTOCOL_VERSION },
	};
	int fd = open_socket();

	send(fd, &hello, sizeof(hello), MSG_NOSIGNAL);
	return fd;
}

static const struct hwb_header ping = {
	.version = HWB_PROTOCOL_VERSION,
	.opcode = HWB_PING,
	.length = sizeof(ping),
	.serial = 2,
};

static void ping_without_reading(void)
{
	for (;;) {
		int fd = greeted();
		struct pollfd wait = { .fd = fd, .events = POLLOUT };
		while (send(fd, &ping, sizeof(ping), MSG_NOSIGNAL) > 0 || errno == EAGAIN)
			poll(&wait, 1, -1);
		close(fd);
	}
}

static void connect_and_hang_up(void)
{
	for (;;)
		close(open_socket());
}

static void send_descriptors(void)
{
	union {
		struct cmsghdr header;
		unsigned char bytes[CMSG_SPACE(sizeof(int) * MANY_FDS)];
	} control = { .header = { .cmsg_len = CMSG_LEN(sizeof(int) * MANY_FDS),
		                  .cmsg_level = SOL_SOCKET,
		                  .cmsg_type = SCM_RIGHTS } };
	struct iovec part = { (void *)&ping, sizeof(ping) };
	const struct msghdr message = { .msg_iov = &part,
		                        .msg_iovlen = 1,
		                        .msg_control = control.bytes,
		                        .msg_controllen = sizeof(control.bytes) };
	const int zero[MANY_FDS] = { 0 };

	memcpy(CMSG_DATA(&control.header), zero, sizeof(zero));
	for (;;) {
		int fd = greeted();
		struct pollfd wait = { .fd = fd, .events = 0 };
		sendmsg(fd, &message, MSG_NOSIGNAL);
		poll(&wait, 1, -1); /* until it hangs up */
		close(fd);
	}
}

static const struct {
	const char *name;
	void (*run)(void);
} loads[] = {
	{ "compute", compute },
	{ "map", map_memory },
	{ "take", take_and_give },
	{ "ping", ping_and_read },
	{ "pings", ping_on_all },
	{ "ports", use_ports },
	{ "deaf", ping_without_reading },
	{ "connect", connect_and_hang_up },
	{ "descriptors", send_descriptors },
};

int main(int argc, char **argv)
{
	for (unsigned i = 0; argc == 2 && i < sizeof(loads) / sizeof(loads[0]); i++)
		if (strcmp(argv[1], loads[i].name) == 0)
			loads[i].run();
	fputs("Usage: bench-load compute|map|take|ping|pings|ports|deaf|connect|descriptors\n",
	      stderr);
	return EXIT_FAILURE;
}
