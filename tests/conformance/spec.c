/* SPDX-License-Identifier: MIT */
#include "spec.h"

#define NO_FLAGS .flags = -1

const struct operation operations[] = {
	{ HELLO, "HELLO", 16, TAKES_NONE, .reply = 72, .reserved = { 4, 4 }, NO_FLAGS },
	{ PING, "PING", 0, TAKES_NONE, NO_FLAGS },
	{ CLOSE, "CLOSE", 0, TAKES_ANY, NO_FLAGS },
	{ DEVICE_LIST, "DEVICE_LIST", 8, TAKES_NONE, .reply = 16, .record = 192, NO_FLAGS },
	{ DEVICE_INFO, "DEVICE_INFO", 8, TAKES_DEVICE_OR_NONE, .reply = 192, .reserved = { 7, 1 },
	  NO_FLAGS },
	{ DEVICE_ACQUIRE, "DEVICE_ACQUIRE", 32, TAKES_NONE, .reply = 400, .reserved = { 7, 1 },
	  .flags = 8, .unused = 8 },
	{ CONFIG_READ, "CONFIG_READ", 8, TAKES_DEVICE, .reply = 8, .reserved = { 4, 4 }, NO_FLAGS },
	{ CONFIG_WRITE, "CONFIG_WRITE", 8, TAKES_DEVICE, .reply = 8, NO_FLAGS },
	{ DEVICE_ACQUIRE_ANY, "DEVICE_ACQUIRE_ANY", 56, TAKES_NONE, .reply = 400, .flags = 32,
	  .unused = 8 },
	{ DEVICE_FD, "DEVICE_FD", 0, TAKES_DEVICE, NO_FLAGS },
	{ IO_MEM_OPEN, "IO_MEM_OPEN", 24, TAKES_NONE, .reply = 32, .reserved = { 20, 4 },
	  .flags = 16, .unused = 2 },
	{ IO_MEM_OPEN_BAR, "IO_MEM_OPEN_BAR", 24, TAKES_DEVICE, .reply = 32, .flags = 4,
	  .unused = 2 },
	{ IO_MEM_BATCH, "IO_MEM_BATCH", 8, TAKES_IO_MEM, .reply = 8, .reserved = { 4, 4 },
	  NO_FLAGS },
	{ IO_MEM_LIST, "IO_MEM_LIST", 8, TAKES_NONE, .reply = 16, .record = 24, NO_FLAGS },
	{ IO_PORT_OPEN, "IO_PORT_OPEN", 8, TAKES_NONE, NO_FLAGS },
	{ IO_PORT_OPEN_BAR, "IO_PORT_OPEN_BAR", 24, TAKES_DEVICE, .reply = 32, .flags = 4,
	  .unused = 1 },
	{ IO_PORT_BATCH, "IO_PORT_BATCH", 8, TAKES_PORTS, .reply = 8, .reserved = { 4, 4 },
	  NO_FLAGS },
	{ IO_PORT_LIST, "IO_PORT_LIST", 8, TAKES_NONE, .reply = 16, .record = 8, NO_FLAGS },
	{ IRQ_OPEN, "IRQ_OPEN", 24, TAKES_DEVICE_OR_NONE, .reply = 16, .reserved = { 20, 4 },
	  .flags = 16, .unused = 2 },
	{ IRQ_ENABLE, "IRQ_ENABLE", 0, TAKES_IRQ, NO_FLAGS },
	{ IRQ_ACK, "IRQ_ACK", 0, TAKES_IRQ, NO_FLAGS },
	{ IRQ_FDS, "IRQ_FDS", 8, TAKES_IRQ, .reply = 8, NO_FLAGS },
	{ IRQ_OPEN_NUMBER, "IRQ_OPEN_NUMBER", 8, TAKES_NONE, .reply = 16, .reserved = { 4, 4 },
	  NO_FLAGS },
	{ IRQ_LIST, "IRQ_LIST", 8, TAKES_NONE, .reply = 16, .record = 8, NO_FLAGS },
	{ DOMAIN_OPEN, "DOMAIN_OPEN", 0, TAKES_NONE, NO_FLAGS },
	{ DOMAIN_INFO, "DOMAIN_INFO", 8, TAKES_DOMAIN, .reply = 16, .record = 16, NO_FLAGS },
	{ DOMAIN_ASSIGN, "DOMAIN_ASSIGN", 8, TAKES_DOMAIN, .reserved = { 4, 4 }, NO_FLAGS },
	{ DOMAIN_DEASSIGN, "DOMAIN_DEASSIGN", 8, TAKES_DOMAIN, .reserved = { 4, 4 }, NO_FLAGS },
	{ DMA_ALLOC, "DMA_ALLOC", 40, TAKES_DOMAIN, .reply = 24, .reserved = { 36, 4 }, .flags = 32,
	  .unused = 32 },
	{ DMA_MAP, "DMA_MAP", 48, TAKES_DOMAIN, .fds = 1, .reply = 24, .reserved = { 44, 4 },
	  .flags = 40, .unused = 8 },
	{ DMA_UNMAP, "DMA_UNMAP", 8, TAKES_DOMAIN, NO_FLAGS },
	{ ADMIN_STATUS, "ADMIN_STATUS", 0, TAKES_NONE, .reply = 256, NO_FLAGS },
	{ ADMIN_DEVICES, "ADMIN_DEVICES", 8, TAKES_NONE, .reply = 16, .record = 416, NO_FLAGS },
	{ ADMIN_CLIENTS, "ADMIN_CLIENTS", 8, TAKES_NONE, .reply = 16, .record = 80, NO_FLAGS },
	{ ADMIN_SESSIONS, "ADMIN_SESSIONS", 8, TAKES_NONE, .reply = 16, .record = 128, NO_FLAGS },
	{ ADMIN_GIVEN, "ADMIN_GIVEN", 40, TAKES_NONE, .reply = 16, .record = 192, NO_FLAGS },
	{ ADMIN_REVOKE, "ADMIN_REVOKE", 16, TAKES_NONE, .reply = 136, .reserved = { 12, 4 },
	  .flags = 8, .unused = 2 },
	{ ADMIN_CLEAR, "ADMIN_CLEAR", 8, TAKES_NONE, .reply = 136, NO_FLAGS },
	{ ADMIN_GROUPS, "ADMIN_GROUPS", 8, TAKES_NONE, .reply = 16, .record = 512, NO_FLAGS },
	{ ADMIN_EXPLAIN, "ADMIN_EXPLAIN", 216, TAKES_NONE, .reply = 16, .record = 512,
	  .reserved = { 164, 4 }, NO_FLAGS },
	{ ADMIN_AUDIT, "ADMIN_AUDIT", 8, TAKES_NONE, .reply = 16, .record = 512, NO_FLAGS },
	{ ADMIN_RELEASE, "ADMIN_RELEASE", 8, TAKES_NONE, .reply = 136, NO_FLAGS },
	{ ADMIN_RELOAD, "ADMIN_RELOAD", 0, TAKES_NONE, .reply = 16, .record = 512, NO_FLAGS },
	{ ADMIN_RULES, "ADMIN_RULES", 8, TAKES_NONE, .reply = 16, .record = 472, NO_FLAGS },
	{ ADMIN_MONITOR, "ADMIN_MONITOR", 0, TAKES_NONE, NO_FLAGS },
	{ ADMIN_METRICS, "ADMIN_METRICS", 8, TAKES_NONE, .reply = 16, .record = 48, NO_FLAGS },
};

const size_t operation_count = sizeof(operations) / sizeof(operations[0]);

const struct operation *operation_of(uint32_t opcode)
{
	for (size_t i = 0; i < operation_count; i++)
		if (operations[i].opcode == opcode)
			return &operations[i];
	return NULL;
}

const char *opcode_name(uint32_t opcode)
{
	const struct operation *operation = operation_of(opcode);

	return operation != NULL ? operation->name : "an unknown opcode";
}

const char *status_name(uint32_t status)
{
	static const char *const names[STATUSES] = {
		"OK",
		"MALFORMED",
		"BAD_VERSION",
		"NOT_ADMITTED",
		"UNKNOWN_OPCODE",
		"UNKNOWN_FLAG",
		"RESERVED_NOT_ZERO",
		"INVALID",
		"NO_SESSION",
		"NOT_FOUND",
		"DENIED",
		"UNSAFE",
		"BUSY",
		"QUOTA",
		"WRONG_STATE",
		"CONFLICT",
		"BAD_FD",
		"UNSUPPORTED",
		"GONE",
		"HOST_ERROR",
		"NO_MEMORY",
	};
	return status < STATUSES ? names[status] : "an unknown status";
}
