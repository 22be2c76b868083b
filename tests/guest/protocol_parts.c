/* SPDX-License-Identifier: MIT */
#include "protocol_parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const int wire_patience_ms = PROMPT_MS;
const int leak_patience_ms = PROMPT_MS;

_Noreturn void expect_failed(const char *file, int line, const char *condition, const char *format,
                             ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	ck_abort_msg("%s:%d: not %s: %s", file, line, condition, text);
}

bool reply(int fd, struct packet *packet)
{
	bool came = wire_reply(fd, packet);

	close_fds(packet->fds, packet->fd_count);
	return came;
}

void fill_hello(struct packet *packet, uint16_t lowest, uint16_t highest)
{
	wire_fill(packet, HWB_HELLO, 1, 0, sizeof(struct hwb_hello_request));
	*(struct hwb_hello_request *)body_of(packet) =
	        (struct hwb_hello_request){ .version_min = lowest, .version_max = highest };
}

int exchange(int fd, struct packet *packet)
{
	int status = wire_exchange(fd, packet);

	if (status != NO_STATUS)
		close_fds(packet->fds, packet->fd_count);
	return status;
}

int ping(int fd)
{
	struct packet packet;

	wire_fill(&packet, HWB_PING, 0x70696e67, 0, 0);
	return exchange(fd, &packet);
}

int wire_greeted(struct hwb_hello_reply *hello)
{
	struct packet packet;
	int fd = wire_open();

	fill_hello(&packet, 1, 1);
	ck_assert_msg(exchange(fd, &packet) == HWB_OK,
	              "HELLO is refused: does the policy make uid %u a client?", getuid());
	ck_assert_uint_eq(packet.length, HEADER + sizeof(*hello));
	if (hello != NULL)
		memcpy(hello, body_of(&packet), sizeof(*hello));
	return fd;
}

void witness(void)
{
	int64_t start = now_ms();
	int fd = wire_greeted(NULL);

	ck_assert_int_eq(ping(fd), HWB_OK);
	ck_assert_int_lt(now_ms() - start, PROMPT_MS);
	close(fd);
}

void expect_alive(int fd)
{
	ck_assert_int_eq(ping(fd), HWB_OK);
}

void expect_final(const struct packet *packet, size_t length, enum hwb_status status)
{
	struct packet answer;
	int fd = wire_greeted(NULL);

	ck_assert(wire_send(fd, packet->bytes, length, NULL, 0));
	ck_assert_msg(reply(fd, &answer), "no refusal before the end (%zu bytes)", length);
	ck_assert_uint_eq(header_of(&answer)->status, status);
	expect_end(fd);
	close(fd);
}

const struct request requests[REQUESTS] = {
	{ HWB_HELLO, sizeof(struct hwb_hello_request), NO_SESSION, false },
	{ HWB_PING, 0, NO_SESSION, false },
	{ HWB_CLOSE, 0, ANY_SESSION, false },
	{ HWB_DEVICE_LIST, sizeof(struct hwb_list_request), NO_SESSION, false },
	{ HWB_DEVICE_INFO, sizeof(struct hwb_device_info_request), DEVICE_OR_NONE, false },
	{ HWB_DEVICE_ACQUIRE, sizeof(struct hwb_acquire_request), NO_SESSION, false },
	{ HWB_CONFIG_READ, sizeof(struct hwb_config_access), HWB_SESSION_DEVICE, false },
	{ HWB_CONFIG_WRITE, sizeof(struct hwb_config_access), HWB_SESSION_DEVICE, false },
	{ HWB_DEVICE_ACQUIRE_ANY, sizeof(struct hwb_acquire_any_request), NO_SESSION, false },
	{ HWB_DEVICE_FD, 0, HWB_SESSION_DEVICE, false },
	{ HWB_IO_MEM_OPEN, sizeof(struct hwb_io_mem_request), NO_SESSION, false },
	{ HWB_IO_MEM_OPEN_BAR, sizeof(struct hwb_bar_request), HWB_SESSION_DEVICE, false },
	{ HWB_IO_MEM_BATCH, sizeof(struct hwb_mem_batch), HWB_SESSION_IO_MEM, false },
	{ HWB_IO_MEM_LIST, sizeof(struct hwb_list_request), NO_SESSION, false },
	{ HWB_IO_PORT_OPEN, sizeof(struct hwb_io_port_request), NO_SESSION, false },
	{ HWB_IO_PORT_OPEN_BAR, sizeof(struct hwb_bar_request), HWB_SESSION_DEVICE, false },
	{ HWB_IO_PORT_BATCH, sizeof(struct hwb_port_batch), HWB_SESSION_IO_PORT, false },
	{ HWB_IO_PORT_LIST, sizeof(struct hwb_list_request), NO_SESSION, false },
	{ HWB_IRQ_OPEN, sizeof(struct hwb_irq_request), DEVICE_OR_NONE, false },
	{ HWB_IRQ_ENABLE, 0, HWB_SESSION_IRQ, false },
	{ HWB_IRQ_ACK, 0, HWB_SESSION_IRQ, false },
	{ HWB_IRQ_FDS, sizeof(struct hwb_irq_fds), HWB_SESSION_IRQ, false },
	{ HWB_IRQ_OPEN_NUMBER, sizeof(struct hwb_line_request), NO_SESSION, false },
	{ HWB_IRQ_LIST, sizeof(struct hwb_list_request), NO_SESSION, false },
	{ HWB_DOMAIN_OPEN, 0, NO_SESSION, false },
	{ HWB_DOMAIN_INFO, sizeof(struct hwb_list_request), HWB_SESSION_DOMAIN, false },
	{ HWB_DOMAIN_ASSIGN, sizeof(struct hwb_assign_request), HWB_SESSION_DOMAIN, false },
	{ HWB_DOMAIN_DEASSIGN, sizeof(struct hwb_assign_request), HWB_SESSION_DOMAIN, false },
	{ HWB_DMA_ALLOC, sizeof(struct hwb_dma_alloc_request), HWB_SESSION_DOMAIN, false },
	{ HWB_DMA_MAP, sizeof(struct hwb_dma_map_request), HWB_SESSION_DOMAIN, true },
	{ HWB_DMA_UNMAP, sizeof(struct hwb_dma_unmap_request), HWB_SESSION_DOMAIN, false },
	{ HWB_ADMIN_STATUS, 0, NO_SESSION, false },
	{ HWB_ADMIN_DEVICES, sizeof(struct hwb_list_request), NO_SESSION, false },
	{ HWB_ADMIN_CLIENTS, sizeof(struct hwb_list_request), NO_SESSION, false },
	{ HWB_ADMIN_SESSIONS, sizeof(struct hwb_list_request), NO_SESSION, false },
	{ HWB_ADMIN_GIVEN, sizeof(struct hwb_given_request), NO_SESSION, false },
	{ HWB_ADMIN_REVOKE, sizeof(struct hwb_revoke_request), NO_SESSION, false },
	{ HWB_ADMIN_CLEAR, sizeof(struct hwb_clear_request), NO_SESSION, false },
	{ HWB_ADMIN_GROUPS, sizeof(struct hwb_list_request), NO_SESSION, false },
	{ HWB_ADMIN_EXPLAIN, sizeof(struct hwb_explain_request), NO_SESSION, false },
	{ HWB_ADMIN_AUDIT, sizeof(struct hwb_list_request), NO_SESSION, false },
	{ HWB_ADMIN_RELEASE, sizeof(struct hwb_release_request), NO_SESSION, false },
	{ HWB_ADMIN_RELOAD, 0, NO_SESSION, false },
	{ HWB_ADMIN_RULES, sizeof(struct hwb_list_request), NO_SESSION, false },
	{ HWB_ADMIN_MONITOR, 0, NO_SESSION, false },
	{ HWB_ADMIN_METRICS, sizeof(struct hwb_list_request), NO_SESSION, false },
};
