/* SPDX-License-Identifier: MIT */
/*
 * The broker of --serve: sockets, the form of packets, and what is said of a client that
 * sends them wrong.
 */
#include "kit.h"
#include "model.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 256, CLIENT_CONNECTIONS = 24 };

struct connection *connections;
bool from_the_future;
static const char *broken_rule;
static unsigned faults_seen;
static volatile sig_atomic_t stopped;

bool keeps(const char *rule)
{
	return broken_rule == NULL || strcmp(rule, broken_rule) != 0;
}

enum status fault(const char *rule, enum status status)
{
	return keeps(rule) ? status : HOST_ERROR;
}

/* ---- out ---- */

static bool send_now(struct connection *connection, const struct packet *packet)
{
	return wire_send(connection->fd, packet, packet->fds, packet->fd_count, MSG_DONTWAIT) ||
	       errno != EAGAIN;
}

static void send_queued(struct connection *connection)
{
	while (connection->queue != NULL && send_now(connection, &connection->queue->packet)) {
		struct queued *sent = connection->queue;
		connection->queue = sent->next;
		connection->full_since = now_ms();
		packet_drop(&sent->packet);
		free(sent);
	}
}

void post(struct connection *connection, struct packet *packet)
{
	struct queued **end = &connection->queue;
	struct queued *queued = malloc(sizeof(*queued));

	if (queued == NULL)
		abort();
	queued->packet = *packet;
	queued->next = NULL;
	packet->fd_count = 0;
	if (*end == NULL)
		connection->full_since = now_ms();
	while (*end != NULL)
		end = &(*end)->next;
	*end = queued;
	send_queued(connection);
}

void post_event(struct connection *connection, const struct device *device, uint32_t session,
                uint32_t change)
{
	struct packet packet;

	message(&packet, EVENT_DEVICE, keeps("event-header") ? 0 : 7,
	        keeps("event-session") ? session : 0, 16);
	put(&packet, KIND, 2, EVENT);
	put(&packet, HEADER, 8, device->address);
	put32(&packet, HEADER + 8, change);
	put32(&packet, HEADER + 12, keeps("event-grace") ? 0 : 100);
	for (int i = keeps("event-freed") ? 1 : 2; i > 0; i--)
		post(connection, &packet);
}

/* What a later broker may say, and no client of today knows. */
static void add_future(struct connection *connection, struct packet *reply)
{
	struct packet event;

	if (!connection->greeted)
		return;
	if (get(reply, OPCODE, 2) == HELLO) {
		put(reply, HEADER + 2, 2, 0xffff);
		put(reply, HEADER + 8, 8, body64(reply, 8) | 1ull << 40);
		return;
	}
	message(&event, 0x8f, 0, 0, 8);
	put(&event, KIND, 2, EVENT);
	post(connection, &event);
}

/* Faults of a reply, or of a refusal, that only its reader sees. */
static void spoil(struct packet *reply)
{
	uint32_t opcode = (uint32_t)get(reply, OPCODE, 2);
	bool refusal = get32(reply, STATUS) != OK;

	if (opcode == PING && !refusal) {
		put(reply, VERSION, 2, keeps("header-version") ? 1 : 2);
		put32(reply, LENGTH, keeps("header-length") ? HEADER : HEADER + 8);
		put(reply, KIND, 2, keeps("header-kind") ? REPLY : 7);
		put(reply, FDS, 2, keeps("header-fds") ? 0 : 1);
		put(reply, OPCODE, 2, keeps("reply-opcode") ? PING : CLOSE);
		put32(reply, SESSION, keeps("reply-session") ? 0 : 5);
		if (!keeps("reply-serial") && get32(reply, SERIAL) >= 0x80000000)
			put32(reply, SERIAL, get32(reply, SERIAL) + 1);
	}
	if (opcode == IO_MEM_OPEN && get32(reply, STATUS) == NOT_FOUND) {
		put32(reply, HEADER, keeps("refusal-errno") ? 0 : 5);
		put32(reply, HEADER + 12, keeps("refusal-form") ? 0 : 1);
		reply->bytes[HEADER + 16] = keeps("refusal-reason") ? 'n' : 0xff;
	}
	if (opcode == DEVICE_INFO && !refusal && !keeps("reply-body"))
		reply->length -= 8;
	if (opcode == CONFIG_READ && !refusal && !keeps("body-length"))
		reply->length += 8;
	if (opcode != PING)
		put32(reply, LENGTH, (uint32_t)reply->length);
}

static void refuse(struct connection *connection, const struct packet *request, enum status status,
                   uint32_t field, const char *rule)
{
	static const char text[] = "not to be had";
	struct packet reply;
	bool whole = request->length >= HEADER;

	message(&reply, whole ? (uint32_t)get(request, OPCODE, 2) : 0,
	        whole ? get32(request, SERIAL) : 0, whole ? get32(request, SESSION) : 0,
	        16 + sizeof(text) - 1);
	put32(&reply, STATUS, status);
	put(&reply, KIND, 2, REPLY);
	if (status == HOST_ERROR)
		put32(&reply, HEADER, 5);
	bool named = keeps("refusal-field") || !whole || get(request, OPCODE, 2) != IO_MEM_OPEN;
	put32(&reply, HEADER + 4, named ? field : 0);
	put32(&reply, HEADER + 8, sizeof(text) - 1);
	memcpy(reply.bytes + HEADER + 16, text, sizeof(text) - 1);
	spoil(&reply);
	bool final = status == MALFORMED || status == BAD_VERSION || status == NOT_ADMITTED;
	if (final && rule != NULL) {
		printf("not ok R-%s: %s: expected a request as it says, got %s for offset %u\n",
		       rule, opcode_name((uint32_t)get(&reply, OPCODE, 2)), status_name(status),
		       field);
		fflush(stdout);
		faults_seen++;
	}
	if (!keeps("one-reply") && whole && get32(request, SESSION) == 0xffff)
		return;
	if (!final || keeps("final-refusal") || !whole || get32(request, LENGTH) != 100)
		post(connection, &reply);
	connection->ends = connection->ends || final;
}

/* ---- in ---- */

/* The first fault of a packet, in the order that PROTOCOL.md gives, and the rule it is of. */
static enum status check_form(const struct connection *connection, const struct packet *packet,
                              uint32_t *field, const char **rule)
{
	*field = 0;
	if (packet->fd_count > FDS_MAX || packet->cut) {
		*rule = packet->fd_count > FDS_MAX ? "fds-cut" : "too-long";
		return fault(*rule, MALFORMED);
	}
	if (packet->length > MESSAGE_MAX) {
		*rule = "too-long";
		return fault(*rule, MALFORMED);
	}
	if (packet->length < HEADER) {
		*rule = "short-header";
		return fault(*rule, MALFORMED);
	}
	const struct operation *operation = operation_of((uint32_t)get(packet, OPCODE, 2));
	*field = VERSION;
	*rule = "version-header";
	if (get(packet, VERSION, 2) != 1)
		return get(packet, OPCODE, 2) == PING ? fault(*rule, BAD_VERSION) : BAD_VERSION;
	*field = LENGTH;
	*rule = "bad-header";
	uint32_t said = get32(packet, LENGTH);
	if (said != packet->length) {
		*rule = said == 0 ? "bad-header" : "length";
		return said == 0 || get(packet, OPCODE, 2) == DMA_UNMAP ? fault(*rule, MALFORMED)
		                                                        : MALFORMED;
	}
	*field = FDS;
	*rule = "fds-unexpected";
	if (get(packet, FDS, 2) != packet->fd_count)
		return get(packet, FDS, 2) == 0xffff ? fault("bad-header", MALFORMED) : MALFORMED;
	*field = KIND;
	*rule = "bad-header";
	if (get(packet, KIND, 2) != REQUEST)
		return get(packet, KIND, 2) == 0xffff ? fault(*rule, MALFORMED) : MALFORMED;
	*field = STATUS;
	*rule = "request-status";
	if (get32(packet, STATUS) != 0)
		return get32(packet, STATUS) == 1 ? RESERVED_NOT_ZERO
		                                  : fault(*rule, RESERVED_NOT_ZERO);
	*field = SERIAL;
	*rule = "serial-zero";
	if (get32(packet, SERIAL) == 0)
		return operation != NULL && operation->opcode == PING ? fault(*rule, INVALID)
		                                                      : INVALID;
	*field = OPCODE;
	*rule = "unknown-opcode";
	if (operation == NULL && packet->fd_count == 0)
		return connection->greeted ? fault(*rule, UNKNOWN_OPCODE) : UNKNOWN_OPCODE;
	*field = FDS;
	*rule = "unknown-opcode-fds";
	if (operation == NULL)
		return fault(*rule, MALFORMED);
	*rule = "fds-unexpected";
	if (packet->fd_count != operation->fds)
		return packet->length == (size_t)HEADER + operation->body && packet->fd_count != 1
		               ? fault(*rule, MALFORMED)
		               : MALFORMED;
	*field = LENGTH;
	size_t body = packet->length - HEADER, wanted = operation->body;
	*rule = "length";
	if (operation->opcode == IO_PORT_BATCH && body >= wanted) {
		uint32_t count = body32(packet, 0);
		*rule = "batch-count";
		if (count > 256)
			return fault(*rule, MALFORMED);
		wanted += 8 * (size_t)count;
	}
	if (operation->opcode == IO_MEM_BATCH && body >= wanted) {
		uint32_t count = body32(packet, 0);
		*rule = "mem-batch-count";
		if (count > 254)
			return fault(*rule, MALFORMED);
		wanted += 16 * (size_t)count;
	}
	if (body != wanted)
		return MALFORMED;
	bool swapped = !keeps("check-order");
	*field = SESSION;
	*rule = "session-unused";
	bool session = operation->takes == TAKES_NONE && get32(packet, SESSION) != 0;
	if (session && !swapped)
		return operation->opcode == DEVICE_LIST ? fault(*rule, RESERVED_NOT_ZERO)
		                                        : RESERVED_NOT_ZERO;
	*field = HEADER + operation->reserved.offset;
	*rule = "reserved-zero";
	for (uint16_t i = 0; i < operation->reserved.size; i++)
		if (packet->bytes[*field + i] != 0)
			/* One of the last bytes is what brokers forget. */
			return i == 3u ? fault(*rule, RESERVED_NOT_ZERO) : RESERVED_NOT_ZERO;
	*field = SESSION;
	*rule = "session-unused";
	if (session)
		return RESERVED_NOT_ZERO;
	*rule = "unknown-flag";
	if (operation->flags >= 0) {
		uint32_t flags = body32(packet, (size_t)operation->flags);
		*field = HEADER + (uint32_t)operation->flags;
		if ((flags & ~(operation->unused - 1)) == 0) {
			*field = 0;
			return OK;
		}
		if (operation->opcode == DMA_MAP)
			return fault("map-flags", UNKNOWN_FLAG);
		if (operation->opcode == IO_PORT_OPEN_BAR && flags == 1)
			return get32(packet, SESSION) != 0 ? fault("port-bar-flags", UNKNOWN_FLAG)
			                                   : UNKNOWN_FLAG;
		return flags == 0x40000000 ? fault(*rule, UNKNOWN_FLAG) : UNKNOWN_FLAG;
	}
	*field = 0;
	return OK;
}

/* Until HELLO was answered, every refusal ends the connection. */
static enum status check_place(const struct connection *connection, const struct packet *packet,
                               enum status status, const char **rule)
{
	bool is_hello = packet->length >= HEADER && get(packet, OPCODE, 2) == HELLO;

	if (connection->greeted && status == OK && is_hello) {
		*rule = "hello-once";
		return fault(*rule, MALFORMED);
	}
	if (connection->greeted || status == MALFORMED || status == BAD_VERSION)
		return status;
	if (status == OK && !is_hello) {
		*rule = "hello-first";
		return get(packet, OPCODE, 2) == DMA_UNMAP ? fault(*rule, MALFORMED) : MALFORMED;
	}
	if (status == OK)
		return OK;
	*rule = "before-hello";
	return keeps(*rule) ? MALFORMED : status;
}

static enum status greet(struct connection *connection, const struct packet *request,
                         struct packet *reply)
{
	uint32_t lowest = (uint32_t)get(request, HEADER, 2);
	uint32_t highest = (uint32_t)get(request, HEADER + 2, 2);

	if (lowest > 1 || highest < 1 || lowest > highest)
		return fault("version-none", BAD_VERSION);
	unsigned greeted_count = 0;
	for (const struct connection *at = connections; at != NULL; at = at->next)
		greeted_count += at->greeted;
	if (greeted_count >= CLIENT_CONNECTIONS)
		return fault("connections-limit", NOT_ADMITTED);
	if (!keeps("features-unknown") && (body64(request, 8) >> 32) != 0)
		return INVALID;
	connection->greeted = true;
	reply->length = HEADER + 72;
	put(reply, HEADER, 2, !keeps("version-pick") && highest > 2 ? 2 : 1);
	put32(reply, HEADER + 4, MESSAGE_MAX);
	if (!keeps("little-endian"))
		put32(reply, HEADER + 4, 0x00100000);
	if (!keeps("hello-message-max"))
		put32(reply, HEADER + 4, 2048);
	put(reply, HEADER + 8, 8, FEATURE_IO_PORT | FEATURE_DMA);
	put32(reply, HEADER + 16, keeps("hello-requests-max") ? 64 : 0);
	put32(reply, HEADER + 20, HANDLES_MAX);
	put(reply, HEADER + 24, 8, DMA_BYTES_MAX);
	put32(reply, HEADER + 32, MAPPINGS_MAX);
	put32(reply, HEADER + 36,
	      (uint32_t)sysconf(_SC_PAGESIZE) * (keeps("hello-page-size") ? 1 : 2));
	if (keeps("hello-client"))
		memcpy(reply->bytes + HEADER + 40, "model", 5);
	if (!keeps("name"))
		reply->bytes[HEADER + 60] = 'x';
	return OK;
}

static void serve_packet(struct connection *connection, struct packet *request)
{
	struct packet reply;
	const char *rule = NULL;
	uint32_t field;
	enum status status = check_form(connection, request, &field, &rule);

	status = check_place(connection, request, status, &rule);
	if (status != OK) {
		refuse(connection, request, status, field, rule);
		return;
	}
	message(&reply, (uint32_t)get(request, OPCODE, 2), get32(request, SERIAL),
	        get32(request, SESSION), 0);
	put(&reply, KIND, 2, REPLY);
	field = 0;
	connection->requests++;
	bool again = get32(request, SERIAL) == connection->last_serial;
	connection->last_serial = get32(request, SERIAL);
	if (again && !keeps("serial-twice"))
		return;
	bool is_hello = get(request, OPCODE, 2) == HELLO;
	status = is_hello ? greet(connection, request, &reply)
	                  : serve_request(connection, request, &reply, &field);
	if (status != OK) {
		packet_drop(&reply);
		refuse(connection, request, status, field,
		       status == BAD_VERSION ? "version-none" : NULL);
		return;
	}
	put32(&reply, LENGTH, (uint32_t)reply.length);
	put(&reply, FDS, 2, reply.fd_count);
	spoil(&reply);
	if (from_the_future)
		add_future(connection, &reply);
	post(connection, &reply);
	if (connection->closed != NULL)
		post_event(connection, connection->closed, connection->closed_handle, CHANGE_FREED);
	connection->closed = NULL;
}

/* ---- connections ---- */

static void drop_connection(struct connection *connection)
{
	for (struct connection **at = &connections; *at != NULL; at = &(*at)->next)
		if (*at == connection) {
			*at = connection->next;
			break;
		}
	close_all(connection);
	while (connection->queue != NULL) {
		struct queued *left = connection->queue;
		connection->queue = left->next;
		packet_drop(&left->packet);
		free(left);
	}
	close(connection->fd);
	free(connection);
}

static void read_from(struct connection *connection)
{
	struct packet packet;

	switch (wire_receive(connection->fd, &packet, 0)) {
	case NOTHING:
		return;
	case THE_END:
		/* The end of the stream, or a packet of length zero, which is taken for it. */
		connection->ends = true;
		if (!keeps("zero-length") && connection->greeted &&
		    recv(connection->fd, &packet, 1, MSG_DONTWAIT | MSG_PEEK) < 0 &&
		    errno == EAGAIN)
			connection->ends = false;
		return;
	case A_PACKET:
		break;
	}
	serve_packet(connection, &packet);
	if (keeps("fds-closed") || packet.fd_count != 1)
		packet_drop(&packet);
	/* What follows a fault that ends the connection. */
	while (connection->ends && !keeps("final-silence") &&
	       wire_receive(connection->fd, &packet, 50) == A_PACKET) {
		connection->ends = false;
		serve_packet(connection, &packet);
		connection->ends = true;
	}
}

static bool too_old(const struct connection *connection)
{
	int64_t now = now_ms();

	if (!connection->greeted && now - connection->since > HANDSHAKE_MS)
		return keeps("handshake-time");
	return connection->queue != NULL && now - connection->full_since > READER_MS &&
	       keeps("deaf-dropped");
}

static void accept_one(int listener)
{
	int fd = accept(listener, NULL, NULL);
	struct connection *connection = calloc(1, sizeof(*connection));

	if (fd < 0 || connection == NULL) {
		free(connection);
		return;
	}
	connection->fd = fd;
	connection->since = now_ms();
	connection->next = connections;
	connections = connection;
	if (!keeps("event-after-hello")) {
		struct packet packet;
		message(&packet, EVENT_POLICY, 0, 0, 0);
		put(&packet, KIND, 2, EVENT);
		post(connection, &packet);
	}
}

static bool anyone_stuck(void)
{
	for (const struct connection *at = connections; at != NULL; at = at->next)
		if (at->queue != NULL)
			return true;
	return false;
}

static void serve_once(int listener)
{
	struct pollfd waits[CONNECTIONS_MAX + 1];
	struct connection *polled[CONNECTIONS_MAX + 1];
	nfds_t count = 1;
	bool owned = devices[0].owner != NULL;

	waits[0] = (struct pollfd){ .fd = listener, .events = POLLIN };
	for (struct connection *at = connections; at != NULL && count <= CONNECTIONS_MAX;
	     at = at->next) {
		bool full = at->queue != NULL;
		/* Who does not read is not read from. */
		short events = full ? POLLOUT : POLLIN;
		if (full && !keeps("flow-room"))
			events = POLLIN | POLLOUT;
		waits[count] = (struct pollfd){ .fd = at->fd, .events = events };
		polled[count++] = at;
	}
	if (poll(waits, count, owned ? 1 : 100) < 0)
		return;
	/* One that waits for one client makes all others wait. */
	if (!keeps("deaf-alone") && anyone_stuck())
		sleep_ms(3000);
	run_devices();
	for (nfds_t i = 1; i < count; i++) {
		struct connection *at = polled[i];
		if ((waits[i].revents & POLLOUT) != 0)
			send_queued(at);
		if ((waits[i].revents & POLLIN) != 0 || (waits[i].revents & POLLHUP) != 0)
			read_from(at);
		if (at->ends || too_old(at))
			drop_connection(at);
	}
	if ((waits[0].revents & POLLIN) != 0)
		accept_one(listener);
}

static void stop(int number)
{
	(void)number;
	stopped = 1;
}

int serve(const char *path, const char *broken, bool future)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct sigaction action = { .sa_handler = stop };
	int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	broken_rule = broken;
	from_the_future = future;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	unlink(path);
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    chmod(path, keeps("anyone-connects") ? 0666 : 0600) != 0 ||
	    listen(listener, 128) != 0) {
		fprintf(stderr, "hwb-conformance: cannot serve at %s: %s\n", path, strerror(errno));
		return 2;
	}
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	open_devices();
	printf("# serving at %s\n", path);
	fflush(stdout);
	while (!stopped)
		serve_once(listener);
	unlink(path);
	printf("%u faults of clients\n", faults_seen);
	return faults_seen == 0 ? 0 : 1;
}
