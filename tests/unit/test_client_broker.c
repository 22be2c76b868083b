/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* accept4 */
#include "test_client_broker.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- the broker's side ---- */

void must(bool condition, const char *what)
{
	if (!condition)
		ck_abort_msg("does not hold: %s", what);
}

void *body_of(union packet *packet)
{
	return &packet->header + 1;
}

void send_packet(int broker, const void *bytes, size_t length, const int *fds, unsigned count)
{
	static const int none;
	union {
		struct cmsghdr header;
		unsigned char bytes[CMSG_SPACE(sizeof(int) * 128)];
	} control;
	struct iovec part = { (void *)bytes, length };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	memset(&control, 0, sizeof(control));
	if (count != 0) {
		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int) * count);
		memcpy(CMSG_DATA(&control.header), fds != NULL ? fds : &none, sizeof(int) * count);
	}
	must(sendmsg(broker, &message, MSG_NOSIGNAL) == (ssize_t)length, "the broker can send");
}

bool take_with_fd(int broker, union packet *packet, int *fd)
{
	union {
		struct cmsghdr header;
		unsigned char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = { packet, sizeof(*packet) };
	struct msghdr message = { .msg_iov = &part,
		                  .msg_iovlen = 1,
		                  .msg_control = control.bytes,
		                  .msg_controllen = sizeof(control) };
	struct hwb_header header;
	ssize_t length = recvmsg(broker, &message, MSG_CMSG_CLOEXEC);

	*fd = -1;
	if (length <= 0)
		return false;
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&message);
	if (cmsg != NULL)
		memcpy(fd, CMSG_DATA(cmsg), sizeof(*fd));
	struct hwb_check check =
	        hwb_check_request(packet, (size_t)length, cmsg != NULL ? 1 : 0, &header);
	must(check.status == HWB_OK, check.reason);
	return true;
}

bool take(int broker, union packet *packet)
{
	int fd;
	bool came = take_with_fd(broker, packet, &fd);

	must(fd < 0, "no descriptor came with the request");
	return came;
}

struct hwb_header reply_to(const struct hwb_header *request, size_t length)
{
	struct hwb_header header = *request;

	header.kind = HWB_REPLY;
	header.length = (uint32_t)(sizeof(header) + length);
	header.fds = 0;
	return header;
}

void answer_with_fds(int broker, const struct hwb_header *request, uint32_t session,
                     const void *body, size_t length, const int *fds, unsigned count)
{
	union packet packet;

	packet.header = reply_to(request, length);
	packet.header.session = session;
	packet.header.fds = (uint16_t)count;
	if (length != 0)
		memcpy(body_of(&packet), body, length);
	send_packet(broker, &packet, packet.header.length, fds, count);
}

void answer(int broker, const struct hwb_header *request, uint32_t session, const void *body,
            size_t length)
{
	answer_with_fds(broker, request, session, body, length, NULL, 0);
}

void refuse(int broker, const struct hwb_header *request, enum hwb_status status,
            const char *reason)
{
	union packet packet;
	uint32_t length = hwb_make_refusal(&packet, request, status, 24, 5, reason, strlen(reason));

	send_packet(broker, &packet, length, NULL, 0);
}

void tell(int broker, uint16_t opcode, const void *body, size_t length)
{
	const struct hwb_header about = { .version = HWB_PROTOCOL_VERSION, .opcode = opcode };
	union packet packet;

	packet.header = reply_to(&about, length);
	packet.header.kind = HWB_EVENT;
	if (length != 0)
		memcpy(body_of(&packet), body, length);
	send_packet(broker, &packet, packet.header.length, NULL, 0);
}

void welcome(int broker)
{
	static const struct hwb_hello_reply hello = {
		.version = 1,
		.message_max = HWB_MESSAGE_MAX,
		.features = HWB_FEATURE_DMA,
		.requests_max = 64,
		.sessions_max = 99,
		.page_size = 4096,
		.client = "tester",
	};
	union packet packet;

	must(take(broker, &packet), "HELLO comes first");
	must(packet.header.opcode == HWB_HELLO, "HELLO comes first");
	answer(broker, &packet.header, 0, &hello, sizeof(hello));
}

void serve_rest(int broker)
{
	union packet packet;

	while (take(broker, &packet))
		answer(broker, &packet.header, 0, NULL, 0);
}

void welcome_and_serve(int broker)
{
	welcome(broker);
	serve_rest(broker);
}

void take_three_and_leave(int broker)
{
	union packet packet;

	welcome(broker);
	for (int i = 0; i < 3; i++)
		must(take(broker, &packet), "three requests come");
}

/* ---- the client's side ---- */

static char folder[] = "/tmp/test_client-XXXXXX";
char path[64];
int listener;
pthread_t thread;
static void (*script)(int broker);
struct hwb_posix posix;
struct hwb_client *const client = &posix.client;
unsigned fds_before;

unsigned count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count;
}

static void *broker_main(void *argument)
{
	int broker = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	(void)argument;
	must(broker >= 0, "accept");
	script(broker);
	close(broker);
	return NULL;
}

void setup(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/socket", folder);
	strcpy(address.sun_path, path);
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(listener, 0);
	ck_assert_int_eq(bind(listener, (const struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(listener, 4), 0);
	fds_before = count_fds();
}

void teardown(void)
{
	close(listener);
	unlink(path);
	rmdir(folder);
}

void start(void (*what)(int broker))
{
	script = what;
	ck_assert_int_eq(pthread_create(&thread, NULL, broker_main, NULL), 0);
}

void start_open(void (*what)(int broker), hwb_event_handler on_event, void *context)
{
	struct hwb_error error;

	start(what);
	ck_assert_int_eq(hwb_posix_open(&posix, path, on_event, context, &error), 0);
}

void finish(void)
{
	hwb_posix_close(&posix);
	pthread_join(thread, NULL);
	ck_assert_uint_eq(count_fds(), fds_before);
}
