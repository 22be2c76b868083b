/* SPDX-License-Identifier: MIT */
/*
 * The numbers of PROTOCOL.md, copied from its text by hand: this folder uses none of
 * the project's own headers, so that a mistake in those cannot hide behind itself.
 */
#ifndef CONFORMANCE_SPEC_H
#define CONFORMANCE_SPEC_H

#include <stddef.h>
#include <stdint.h>

#define DEFAULT_SOCKET "/run/hwbroker/hwbroker.sock"

enum {
	HEADER = 24,
	MESSAGE_MAX = 4096,
	FDS_MAX = 64,
	REASON_MAX = 1024,
	PAGE = 4096,
	HUGE_PAGE = 2 << 20,
	HANDSHAKE_MS = 10000,
	READER_MS = 5000
};

/* Offsets of the header. */
enum {
	VERSION = 0,
	OPCODE = 2,
	LENGTH = 4,
	SERIAL = 8,
	SESSION = 12,
	STATUS = 16,
	KIND = 20,
	FDS = 22
};

enum { REQUEST = 0, REPLY = 1, EVENT = 2 };

enum opcode {
	HELLO = 0x01,
	PING = 0x02,
	CLOSE = 0x03,
	DEVICE_LIST = 0x10,
	DEVICE_INFO = 0x11,
	DEVICE_ACQUIRE = 0x12,
	CONFIG_READ = 0x13,
	CONFIG_WRITE = 0x14,
	DEVICE_ACQUIRE_ANY = 0x15,
	DEVICE_FD = 0x16,
	IO_MEM_OPEN = 0x20,
	IO_MEM_OPEN_BAR = 0x21,
	IO_MEM_BATCH = 0x22,
	IO_MEM_LIST = 0x23,
	IO_PORT_OPEN = 0x30,
	IO_PORT_OPEN_BAR = 0x31,
	IO_PORT_BATCH = 0x32,
	IO_PORT_LIST = 0x33,
	IRQ_OPEN = 0x40,
	IRQ_ENABLE = 0x41,
	IRQ_ACK = 0x42,
	IRQ_FDS = 0x43,
	IRQ_OPEN_NUMBER = 0x44,
	IRQ_LIST = 0x45,
	DOMAIN_OPEN = 0x50,
	DOMAIN_INFO = 0x51,
	DOMAIN_ASSIGN = 0x52,
	DOMAIN_DEASSIGN = 0x53,
	DMA_ALLOC = 0x54,
	DMA_MAP = 0x55,
	DMA_UNMAP = 0x56,
	ADMIN_STATUS = 0x60,
	ADMIN_DEVICES = 0x61,
	ADMIN_CLIENTS = 0x62,
	ADMIN_SESSIONS = 0x63,
	ADMIN_GIVEN = 0x64,
	ADMIN_REVOKE = 0x65,
	ADMIN_CLEAR = 0x66,
	ADMIN_GROUPS = 0x67,
	ADMIN_EXPLAIN = 0x68,
	ADMIN_AUDIT = 0x69,
	ADMIN_RELEASE = 0x6a,
	ADMIN_RELOAD = 0x6b,
	ADMIN_RULES = 0x6c,
	ADMIN_MONITOR = 0x70,
	ADMIN_METRICS = 0x71,
	EVENT_DEVICE = 0x80,
	EVENT_POLICY = 0x81,
	EVENT_HAPPENING = 0x82
};

enum status {
	OK,
	MALFORMED,
	BAD_VERSION,
	NOT_ADMITTED,
	UNKNOWN_OPCODE,
	UNKNOWN_FLAG,
	RESERVED_NOT_ZERO,
	INVALID,
	NO_SESSION,
	NOT_FOUND,
	DENIED,
	UNSAFE,
	BUSY,
	QUOTA,
	WRONG_STATE,
	CONFLICT,
	BAD_FD,
	UNSUPPORTED,
	GONE,
	HOST_ERROR,
	NO_MEMORY,
	STATUSES
};

enum {
	FEATURE_IO_PORT = 1,
	FEATURE_DMA = 2,
	FEATURE_ADMIN = 4,
	FEATURE_CONTROL = 0x20,
	FEATURE_HOTPLUG = 8,
	FEATURE_REVOKE = 16
};
enum { BAR_IO = 1, BAR_64BIT = 2, BAR_PREFETCHABLE = 4, BAR_MSIX_TABLE = 8, BAR_PARTIAL_PAGE = 16 };
enum { STATE_HOST, STATE_FREE, STATE_GRANTED, STATE_REVOKING, STATE_QUARANTINED, STATE_GONE };
enum {
	DEVICE_MINE = 1,
	DEVICE_RESETS = 2,
	DEVICE_MAY_DMA = 4,
	DEVICE_REVOCABLE = 8,
	DEVICE_PCIE = 16
};
enum { ACQUIRE_ALL_BARS = 1, ACQUIRE_NO_WAIT = 2, ACQUIRE_IRQ_ENABLE = 4 };
enum { IRQ_NONE, IRQ_INTX, IRQ_MSI, IRQ_MSIX };
enum { TRIGGER_ANY, TRIGGER_EDGE, TRIGGER_LEVEL };
enum { POLARITY_ANY, POLARITY_HIGH, POLARITY_LOW };
enum { REGION_WC = 1, REGION_IO = 2, REGION_MEDIATED = 8 };
enum { DMA_READS = 1, DMA_WRITES = 2, DMA_FIXED = 4, DMA_PAGES_4K = 8, DMA_PAGES_2M = 16 };
enum { HAPPENED_CONNECTED = 11, METRIC_HAPPENED = 1 };
enum { CHANGE_ASKED_BACK = 3, CHANGE_FREED = 5, CHANGE_QUARANTINED = 6 };

/* Offsets in the body of a message, after the header. */
enum {
	DEVICE_SIZE = 192,
	DEVICE_VENDOR = 8,
	DEVICE_ID = 10,
	DEVICE_PIN = 22,
	DEVICE_GROUP = 24,
	DEVICE_STATE = 28,
	DEVICE_FLAGS = 32,
	DEVICE_MSI = 36,
	DEVICE_MSIX = 38,
	DEVICE_IRQ_NUMBER = 40,
	DEVICE_BARS = 48,
	BAR_SIZE_OF = 24,
	ACQUIRE_REGIONS = 192,
	ACQUIRE_INTERRUPT = 384,
	REGION_SIZE_OF = 32,
	LIST_RECORDS = 16
};

/* header.session of a request. */
enum takes {
	TAKES_NONE,
	TAKES_ANY,
	TAKES_DEVICE,
	TAKES_DEVICE_OR_NONE,
	TAKES_IO_MEM,
	TAKES_PORTS,
	TAKES_IRQ,
	TAKES_DOMAIN
};

/* A row of the table of opcodes, and what the layouts say of its request. */
struct operation {
	uint16_t opcode;
	const char *name;
	uint16_t body;
	enum takes takes;
	uint8_t fds;
	uint16_t reply;
	uint16_t record; /* at least so many bytes has each; 0: no list */
	struct {
		uint16_t offset, size;
	} reserved;      /* in the body; size 0: none */
	int16_t flags;   /* offset in the body, or -1 */
	uint32_t unused; /* a flag that no one knows */
};

extern const struct operation operations[];
extern const size_t operation_count;

const struct operation *operation_of(uint32_t opcode);
const char *opcode_name(uint32_t opcode);
const char *status_name(uint32_t status);

#endif
