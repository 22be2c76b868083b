/* SPDX-License-Identifier: MIT */
/*
 * The wire format between hwbrokerd and its clients, protocol version 1.
 *
 * PROTOCOL.md is the specification; this header is the same in C. Every
 * structure is little-endian, naturally aligned, without implicit padding, and
 * pinned by a static assertion below it. Fields named `reserved` must be zero
 * when sent; the broker checks them, a client ignores them, so that they can
 * become something later.
 *
 * One SOCK_SEQPACKET packet carries one message: a struct hwb_header, then the
 * body that the opcode names, then nothing. File descriptors travel beside it
 * as SCM_RIGHTS and belong to the receiver.
 *
 * Units: addresses, offsets and sizes are bytes unless a name says otherwise.
 * The header needs no libc, defines no storage, and is clean in C11 and C++20.
 */
#ifndef HWBROKER_PROTOCOL_H
#define HWBROKER_PROTOCOL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define HWB_PIN(condition) static_assert(condition, #condition)
#else
#define HWB_PIN(condition) _Static_assert(condition, #condition)
#endif

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "hwbroker's structures are used in place: a big-endian host needs swapping accessors"
#endif

#define HWB_PROTOCOL_VERSION 1u
#define HWB_SOCKET_PATH "/run/hwbroker/hwbroker.sock"

/* Limits of the wire format itself; what a broker allows a client is in the
 * reply to HELLO and may be less. */
#define HWB_MESSAGE_MAX 4096u      /* bytes of one packet, header included */
#define HWB_FDS_MAX 64u            /* descriptors beside one packet */
#define HWB_NAME_SIZE 32u          /* a name with its terminating NUL */
#define HWB_BARS 6u                /* PCI Local Bus 3.0, 6.2.5: type 0 header */
#define HWB_PORT_OPS_MAX 256u      /* records of one IO_PORT_BATCH */
#define HWB_MEM_OPS_MAX 254u       /* records of one IO_MEM_BATCH */
#define HWB_BATCH_POLL_MAX 100000u /* microseconds, of all POLLs of a batch together */
#define HWB_REASON_MAX 1024u       /* bytes of a refusal's sentence */
#define HWB_CONFIG_SIZE 4096u      /* PCI Express 3.0, 7.2: extended config space */
#define HWB_IRQ_VECTORS_MAX 2048u  /* PCI Local Bus 3.0, 6.8.2: MSI-X table size */

/* What a message is. A reply repeats its request's opcode and serial. */
enum hwb_kind { HWB_REQUEST = 0, HWB_REPLY = 1, HWB_EVENT = 2 };

enum hwb_opcode {
	HWB_HELLO = 0x01,
	HWB_PING = 0x02,
	HWB_CLOSE = 0x03,

	HWB_DEVICE_LIST = 0x10,
	HWB_DEVICE_INFO = 0x11,
	HWB_DEVICE_ACQUIRE = 0x12,
	HWB_CONFIG_READ = 0x13,
	HWB_CONFIG_WRITE = 0x14,
	HWB_DEVICE_ACQUIRE_ANY = 0x15,
	HWB_DEVICE_FD = 0x16,

	HWB_IO_MEM_OPEN = 0x20,
	HWB_IO_MEM_OPEN_BAR = 0x21,
	HWB_IO_MEM_BATCH = 0x22,
	HWB_IO_MEM_LIST = 0x23,

	HWB_IO_PORT_OPEN = 0x30,
	HWB_IO_PORT_OPEN_BAR = 0x31,
	HWB_IO_PORT_BATCH = 0x32,
	HWB_IO_PORT_LIST = 0x33,

	HWB_IRQ_OPEN = 0x40,
	HWB_IRQ_ENABLE = 0x41,
	HWB_IRQ_ACK = 0x42,
	HWB_IRQ_FDS = 0x43,
	HWB_IRQ_OPEN_NUMBER = 0x44,
	HWB_IRQ_LIST = 0x45,

	HWB_DOMAIN_OPEN = 0x50,
	HWB_DOMAIN_INFO = 0x51,
	HWB_DOMAIN_ASSIGN = 0x52,
	HWB_DOMAIN_DEASSIGN = 0x53,
	HWB_DMA_ALLOC = 0x54,
	HWB_DMA_MAP = 0x55,
	HWB_DMA_UNMAP = 0x56,

	HWB_ADMIN_STATUS = 0x60,
	HWB_ADMIN_DEVICES = 0x61,
	HWB_ADMIN_CLIENTS = 0x62,
	HWB_ADMIN_SESSIONS = 0x63,
	HWB_ADMIN_GIVEN = 0x64,
	HWB_ADMIN_REVOKE = 0x65,
	HWB_ADMIN_CLEAR = 0x66,
	HWB_ADMIN_GROUPS = 0x67,
	HWB_ADMIN_EXPLAIN = 0x68,
	HWB_ADMIN_AUDIT = 0x69,
	HWB_ADMIN_RELEASE = 0x6a,
	HWB_ADMIN_RELOAD = 0x6b,
	HWB_ADMIN_RULES = 0x6c,

	HWB_ADMIN_MONITOR = 0x70,
	HWB_ADMIN_METRICS = 0x71,

	HWB_EVENT_DEVICE = 0x80,
	HWB_EVENT_POLICY = 0x81,
	HWB_EVENT_HAPPENING = 0x82
};

/* Outcome of a request. Whether the connection survives is said per code in
 * PROTOCOL.md: only HWB_MALFORMED, HWB_BAD_VERSION and HWB_NOT_ADMITTED end it. */
enum hwb_status {
	HWB_OK = 0,
	HWB_MALFORMED = 1,    /* length, kind, count or descriptors do not fit */
	HWB_BAD_VERSION = 2,  /* no common protocol version */
	HWB_NOT_ADMITTED = 3, /* no policy section matches this peer */
	HWB_UNKNOWN_OPCODE = 4,
	HWB_UNKNOWN_FLAG = 5,
	HWB_RESERVED_NOT_ZERO = 6,
	HWB_INVALID = 7,      /* a value out of its range */
	HWB_NO_SESSION = 8,   /* not a handle of this connection, or of another kind */
	HWB_NOT_FOUND = 9,    /* no such device, BAR, vector or mapping that this client may see */
	HWB_DENIED = 10,      /* the policy says no */
	HWB_UNSAFE = 11,      /* would weaken isolation; needs an explicit policy key */
	HWB_BUSY = 12,        /* in use by another owner */
	HWB_QUOTA = 13,       /* a limit of this client is reached */
	HWB_WRONG_STATE = 14, /* right request, wrong moment */
	HWB_CONFLICT = 15,    /* overlaps a mapping or a reserved region */
	HWB_BAD_FD = 16,      /* descriptor is not of an acceptable kind */
	HWB_UNSUPPORTED = 17, /* this device, kernel or broker cannot */
	HWB_GONE = 18,        /* device was removed or revoked, or ports were */
	HWB_HOST_ERROR = 19,  /* the kernel failed; host_errno says how */
	HWB_NO_MEMORY = 20
};

/* Optional abilities, bits of `features` in HELLO. A bit that the broker does
 * not set stands for messages that it answers with HWB_UNSUPPORTED. */
#define HWB_FEATURE_IO_PORT (1ull << 0) /* legacy ports: x86 only */
#define HWB_FEATURE_DMA (1ull << 1)     /* domains are offered, of whichever kind */
#define HWB_FEATURE_ADMIN (1ull << 2)   /* this peer may use the ADMIN requests */
#define HWB_FEATURE_HOTPLUG (1ull << 3) /* EVENT_DEVICE tells arrival and removal */
#define HWB_FEATURE_REVOKE (1ull << 4)  /* grants can be revoked by force */
#define HWB_FEATURE_CONTROL (1ull << 5) /* this peer may change what others have */

struct hwb_header {
	uint16_t version; /* HWB_PROTOCOL_VERSION */
	uint16_t opcode;  /* enum hwb_opcode */
	uint32_t length;  /* bytes of the whole message, this header included */
	uint32_t serial;  /* chosen by the client, never 0; 0 in events */
	uint32_t session; /* handle that the message is about, or 0 */
	uint32_t status;  /* enum hwb_status in replies, else 0 */
	uint16_t kind;    /* enum hwb_kind */
	uint16_t fds;     /* descriptors that travel beside this message */
};
HWB_PIN(sizeof(struct hwb_header) == 24);

/* Body of every reply whose status is not HWB_OK. The sentence follows. */
struct hwb_refusal {
	uint32_t host_errno;    /* Linux errno for HWB_HOST_ERROR, else 0 */
	uint32_t field;         /* offset in the request of the culprit, or 0 */
	uint32_t reason_length; /* bytes of UTF-8 that follow, without NUL */
	uint32_t reserved;
};
HWB_PIN(sizeof(struct hwb_refusal) == 16);

/* A PCI function as Linux names it: DDDD:BB:DD.F. */
struct hwb_pci_address {
	uint32_t domain;
	uint8_t bus;
	uint8_t device;   /* 0..31 */
	uint8_t function; /* 0..7 */
	uint8_t reserved;
};
HWB_PIN(sizeof(struct hwb_pci_address) == 8);

/* ---- connection ------------------------------------------------------- */

struct hwb_hello_request {
	uint16_t version_min; /* lowest and highest version the client speaks */
	uint16_t version_max;
	uint32_t reserved;
	uint64_t features; /* what the client would use; unknown bits are ignored */
};
HWB_PIN(sizeof(struct hwb_hello_request) == 16);

struct hwb_hello_reply {
	uint16_t version; /* that all further messages use */
	uint16_t reserved;
	uint32_t message_max;       /* bytes; longer packets end the connection */
	uint64_t features;          /* HWB_FEATURE_* that this broker offers this peer */
	uint32_t requests_max;      /* requests in flight before the broker stops reading */
	uint32_t sessions_max;      /* open handles */
	uint64_t dma_bytes_max;     /* sum of all mappings */
	uint32_t dma_mappings_max;  /* number of mappings */
	uint32_t page_size;         /* of the host's MMU */
	char client[HWB_NAME_SIZE]; /* policy's name of this client, NUL padded */
};
HWB_PIN(sizeof(struct hwb_hello_reply) == 72);

/* PING, CLOSE: no body either way. CLOSE names the handle in the header. */

/* ---- Platform: devices ------------------------------------------------ */

enum hwb_device_state {
	HWB_DEVICE_HOST = 0,        /* with its host driver, or with none */
	HWB_DEVICE_FREE = 1,        /* claimed by the broker, without an owner */
	HWB_DEVICE_GRANTED = 2,     /* owned by a connection */
	HWB_DEVICE_REVOKING = 3,    /* being taken back */
	HWB_DEVICE_QUARANTINED = 4, /* unfit for any owner; `list devices` says why */
	HWB_DEVICE_GONE = 5         /* no longer on the bus */
};

#define HWB_BAR_IO (1u << 0) /* ports, not memory */
#define HWB_BAR_64BIT (1u << 1)
#define HWB_BAR_PREFETCHABLE (1u << 2) /* may be mapped write-combined */
#define HWB_BAR_MSIX_TABLE (1u << 3)   /* holds the MSI-X table or pending bits */
#define HWB_BAR_PARTIAL_PAGE (1u << 4) /* smaller than a page, or shares one */

struct hwb_bar {
	uint64_t address; /* host physical address, or port number */
	uint64_t size;    /* 0: this BAR does not exist */
	uint32_t flags;   /* HWB_BAR_* */
	uint32_t reserved;
};
HWB_PIN(sizeof(struct hwb_bar) == 24);

#define HWB_DEVICE_MINE (1u << 0)    /* owned by this very connection */
#define HWB_DEVICE_RESETS (1u << 1)  /* the kernel offers a reset method */
#define HWB_DEVICE_MAY_DMA (1u << 2) /* the policy allows DMA */
#define HWB_DEVICE_REVOCABLE (1u << 3)
#define HWB_DEVICE_PCIE (1u << 4)       /* config space is 4096 bytes, else 256 */
#define HWB_DEVICE_DMA_UNSAFE (1u << 5) /* no IOMMU: its DMA reaches all of memory */
#define HWB_DEVICE_VIRTUAL (1u << 6)    /* a virtual function (SR-IOV) */

struct hwb_device {
	struct hwb_pci_address address;
	uint16_t vendor;
	uint16_t device;
	uint16_t subsystem_vendor;
	uint16_t subsystem_device;
	uint32_t class_code; /* base << 16 | sub << 8 | interface */
	uint8_t revision;
	uint8_t header_type; /* bit 7: multi-function */
	uint8_t intx_pin;    /* 0: none, 1..4: INTA..INTD */
	uint8_t reserved0;
	uint32_t iommu_group; /* UINT32_MAX: none */
	uint32_t state;       /* enum hwb_device_state */
	uint32_t flags;       /* HWB_DEVICE_* */
	uint16_t msi_vectors; /* 0: no MSI capability */
	uint16_t msix_vectors;
	uint32_t irq_number; /* virtual interrupt number, unique per device */
	/* Of a VIRTUAL one: whose it is, in the same domain: bus << 8 | device << 3 | function;
	 * else 0. */
	uint16_t physical_function;
	uint16_t virtual_functions; /* how many this one has made of itself (SR-IOV) */
	struct hwb_bar bars[HWB_BARS];
};
HWB_PIN(sizeof(struct hwb_device) == 192);

struct hwb_list_request {
	uint64_t cursor; /* 0 at first, then `next` of the reply before */
};
HWB_PIN(sizeof(struct hwb_list_request) == 8);

/* Followed by `count` records of `record_size` bytes each. A reader takes the
 * fields it knows and skips the rest, so records may grow. */
struct hwb_list_reply {
	uint64_t next; /* cursor of the next page, 0: this was the last */
	uint32_t count;
	uint32_t record_size;
};
HWB_PIN(sizeof(struct hwb_list_reply) == 16);

/* DEVICE_INFO: header.session is a device handle and `address` zero, or
 * header.session is 0 and `address` names the device. Reply: hwb_device. */
struct hwb_device_info_request {
	struct hwb_pci_address address;
};
HWB_PIN(sizeof(struct hwb_device_info_request) == 8);

enum hwb_irq_type { HWB_IRQ_NONE = 0, HWB_IRQ_INTX = 1, HWB_IRQ_MSI = 2, HWB_IRQ_MSIX = 3 };

#define HWB_ACQUIRE_ALL_BARS (1u << 0)   /* every BAR that may be granted */
#define HWB_ACQUIRE_NO_WAIT (1u << 1)    /* BUSY rather than wait for a reset */
#define HWB_ACQUIRE_IRQ_ENABLE (1u << 2) /* as IRQ_ENABLE for the interrupt below */

struct hwb_acquire_request {
	struct hwb_pci_address address;
	uint32_t flags;     /* HWB_ACQUIRE_* */
	uint32_t domain;    /* handle to assign the device to, 0: none */
	uint32_t bars;      /* bit n: a descriptor for BAR n */
	uint32_t wc;        /* bit n: write-combined if the kernel can */
	uint32_t irq_type;  /* enum hwb_irq_type */
	uint32_t irq_count; /* vectors; 0 with HWB_IRQ_NONE, 1 with INTx */
};
HWB_PIN(sizeof(struct hwb_acquire_request) == 32);

/* The same for any device that a rule gives, which the reply names. */
struct hwb_acquire_any_request {
	char rule[HWB_NAME_SIZE]; /* of the policy's section, NUL padded */
	uint32_t flags;
	uint32_t domain;
	uint32_t bars;
	uint32_t wc;
	uint32_t irq_type;
	uint32_t irq_count;
};
HWB_PIN(sizeof(struct hwb_acquire_any_request) == 56);

#define HWB_REGION_WC (1u << 0)        /* mappings are write-combined */
#define HWB_REGION_IO (1u << 1)        /* pread/pwrite a port; no mmap */
#define HWB_REGION_REVOCABLE (1u << 2) /* the broker can cut it off */
#define HWB_REGION_MEDIATED (1u << 3)  /* no descriptor: IO_MEM_BATCH reads and writes it */
#define HWB_REGION_COPY (1u << 5)      /* of what was there: a sealed memfd */
/* The descriptor is one of /dev/mem: it reaches more than the region, and whoever has it keeps
 * it. */
#define HWB_REGION_DEV_MEM (1u << 6)
#define HWB_REGION_READ_ONLY (1u << 7)

/* A granted register region. Its descriptor, if it has one, maps from `fd_offset`. */
struct hwb_region {
	uint32_t session; /* handle; 0: no region in this place */
	uint32_t flags;   /* HWB_REGION_* */
	uint64_t base;    /* physical address or port of the region's first byte */
	uint64_t size;
	uint64_t fd_offset; /* of that byte in the descriptor */
};
HWB_PIN(sizeof(struct hwb_region) == 32);

struct hwb_interrupt {
	uint32_t session; /* handle; 0: none */
	uint32_t type;    /* enum hwb_irq_type */
	uint32_t vectors; /* that exist in this session */
	uint32_t fds;     /* eventfds beside this message, for vectors 0.. */
};
HWB_PIN(sizeof(struct hwb_interrupt) == 16);

/* Descriptors, in this order: one per region with a session, by BAR number;
 * then interrupt.fds trigger eventfds; then, for INTx, the unmask eventfd. */
struct hwb_acquire_reply {
	struct hwb_device device;
	struct hwb_region regions[HWB_BARS];
	struct hwb_interrupt interrupt;
};
HWB_PIN(sizeof(struct hwb_acquire_reply) == 400);

/* header.session: device handle. Reply: the same with `value`. */
struct hwb_config_access {
	uint16_t offset; /* multiple of width, below the size of config space */
	uint16_t width;  /* 1, 2 or 4 bytes */
	uint32_t value;  /* to write; 0 in a read request */
};
HWB_PIN(sizeof(struct hwb_config_access) == 8);

/* DEVICE_FD: header.session: device handle; no body. Reply: no body, and VFIO's descriptor
 * of the device (linux/vfio.h), if its rule says `grant = device'. */

/* ---- IO_MEM ----------------------------------------------------------- */

#define HWB_IO_MEM_WC (1u << 0)

/* header.session: 0. The range must lie in one BAR of a device that this
 * connection owns. Reply: hwb_region and one descriptor. */
struct hwb_io_mem_request {
	uint64_t base;
	uint64_t size;
	uint32_t flags; /* HWB_IO_MEM_* */
	uint32_t reserved;
};
HWB_PIN(sizeof(struct hwb_io_mem_request) == 24);

/* In place of a BAR's number: the option ROM, of which a copy comes. */
#define HWB_BAR_ROM 6u

/* header.session: device handle. Reply: hwb_region and one descriptor.
 * IO_PORT_OPEN_BAR takes the same with flags 0. */
struct hwb_bar_request {
	uint32_t bar;
	uint32_t flags;  /* HWB_IO_MEM_* */
	uint64_t offset; /* in the BAR */
	uint64_t size;   /* 0: up to the BAR's end */
};
HWB_PIN(sizeof(struct hwb_bar_request) == 24);

/* ---- batches ---------------------------------------------------------- */

/* What an operation of a batch does, be it with ports or with memory. Values that a REPEAT
 * or a BLOCK reads or writes are in the records that follow its own, one behind the other,
 * each `width` bytes, and zeros up to the end of the last record; `value` says how many. */
enum hwb_batch_action {
	HWB_BATCH_READ = 0,
	HWB_BATCH_WRITE = 1,
	HWB_BATCH_READ_REPEAT = 2,  /* as often as `value` says, of the same place */
	HWB_BATCH_WRITE_REPEAT = 3, /* to the same place */
	HWB_BATCH_READ_BLOCK = 4,   /* from the place on, upwards */
	HWB_BATCH_WRITE_BLOCK = 5,
	HWB_BATCH_MODIFY = 6, /* read, replace the bits of a mask by `value`, write */
	HWB_BATCH_POLL = 7    /* read until the bits of a mask are those of `value` */
};

/* header.session: handle of a region that is MEDIATED. Followed by `count` records,
 * carried out in order once all have passed their checks. Reply: the same. */
struct hwb_mem_batch {
	uint32_t count;
	uint32_t stopped; /* request: 0; reply: 0, or the number, from 1, of the record of the
	                   * POLL whose time was up: what follows it was not carried out */
};
HWB_PIN(sizeof(struct hwb_mem_batch) == 8);

struct hwb_mem_op {
	uint32_t offset; /* in the region; a multiple of width */
	uint8_t action;  /* enum hwb_batch_action */
	uint8_t width;   /* 1, 2, 4 or 8 bytes */
	uint16_t reserved;
	uint64_t value;
};
HWB_PIN(sizeof(struct hwb_mem_op) == 16);

/* Follows the record of a MODIFY or a POLL. */
struct hwb_mem_operand {
	uint64_t mask;
	uint32_t microseconds; /* POLL: how long at most; else 0 */
	uint32_t reserved;
};
HWB_PIN(sizeof(struct hwb_mem_operand) == 16);

#define HWB_MEMORY_WRITE (1u << 0) /* else only for reading */
#define HWB_MEMORY_FD (1u << 1)    /* by a descriptor of /dev/mem */

/* IO_MEM_LIST: hwb_list_request; reply: hwb_list_reply and these records, the memory beside
 * BARs that the policy gives this client, ascending. An IO_MEM_OPEN lies within one. */
struct hwb_memory_range {
	uint64_t base; /* physical address */
	uint64_t size;
	uint32_t flags; /* HWB_MEMORY_* */
	uint32_t reserved;
};
HWB_PIN(sizeof(struct hwb_memory_range) == 24);

/* ---- IO_PORT ---------------------------------------------------------- */

/* header.session: 0. Reply: no body, header.session is the handle. */
struct hwb_io_port_request {
	uint32_t base;
	uint32_t count;
};
HWB_PIN(sizeof(struct hwb_io_port_request) == 8);

/* The first two of enum hwb_batch_action by their usual names. */
enum hwb_port_action { HWB_PORT_IN = 0, HWB_PORT_OUT = 1 };

struct hwb_port_op {
	uint16_t port;  /* absolute */
	uint8_t action; /* enum hwb_batch_action */
	uint8_t width;  /* 1, 2 or 4 bytes */
	uint32_t value; /* OUT: to write; IN: 0 in the request, what was read in the reply */
};
HWB_PIN(sizeof(struct hwb_port_op) == 8);

/* Follows the record of a MODIFY or a POLL. */
struct hwb_port_operand {
	uint32_t mask;
	uint32_t microseconds; /* POLL: how long at most; else 0 */
};
HWB_PIN(sizeof(struct hwb_port_operand) == 8);

/* header.session: IO_PORT handle. Followed by `count` records, carried out in order
 * once all have passed their checks. Reply: the same. */
struct hwb_port_batch {
	uint32_t count;
	uint32_t stopped; /* as in hwb_mem_batch */
};
HWB_PIN(sizeof(struct hwb_port_batch) == 8);

/* IO_PORT_LIST: hwb_list_request; reply: hwb_list_reply and these records, the legacy
 * ports that the policy gives this client, ascending. Ranges do not touch. */
struct hwb_port_range {
	uint32_t base;
	uint32_t count;
};
HWB_PIN(sizeof(struct hwb_port_range) == 8);

/* ---- IRQ -------------------------------------------------------------- */

enum hwb_irq_trigger {
	HWB_TRIGGER_ANY = 0, /* as the type needs it */
	HWB_TRIGGER_EDGE = 1,
	HWB_TRIGGER_LEVEL = 2
};

enum hwb_irq_polarity { HWB_POLARITY_ANY = 0, HWB_POLARITY_HIGH = 1, HWB_POLARITY_LOW = 2 };

#define HWB_IRQ_OPEN_ENABLE (1u << 0) /* as if IRQ_ENABLE followed */

/* header.session: device handle, or 0 and `number` names one of this
 * connection's devices by its hwb_device.irq_number. Reply: hwb_interrupt;
 * descriptors: trigger eventfds, then for INTx the unmask eventfd. */
struct hwb_irq_request {
	uint32_t type;     /* enum hwb_irq_type, not NONE */
	uint32_t count;    /* vectors, from 0; 1 with INTx */
	uint32_t number;   /* 0 with a device handle */
	uint16_t trigger;  /* enum hwb_irq_trigger */
	uint16_t polarity; /* enum hwb_irq_polarity */
	uint32_t flags;    /* HWB_IRQ_OPEN_* */
	uint32_t reserved;
};
HWB_PIN(sizeof(struct hwb_irq_request) == 24);

/* IRQ_ENABLE, IRQ_ACK: header.session is the IRQ handle, no body.
 * IRQ_FDS: `count` eventfds from vector `first` on; the reply is the same. */
struct hwb_irq_fds {
	uint32_t first;
	uint32_t count; /* 1..HWB_FDS_MAX */
};
HWB_PIN(sizeof(struct hwb_irq_fds) == 8);

#define HWB_LINES 16u /* interrupt lines of a PC, from its ISA bus: 0..15 */

enum hwb_line_source {
	HWB_LINE_POLLED = 1, /* the trigger is a clock's, not the device's */
	HWB_LINE_UIO = 2     /* by a UIO device of the host's, through the broker */
};

/* IRQ_OPEN_NUMBER: a line that no PCI function has. */
struct hwb_line_request {
	uint32_t number; /* 0..15 */
	uint32_t reserved;
};
HWB_PIN(sizeof(struct hwb_line_request) == 8);

/* Reply of IRQ_OPEN_NUMBER. Descriptors: the trigger, then for UIO the unmask eventfd. */
struct hwb_line {
	uint32_t session; /* handle */
	uint32_t number;
	uint32_t source; /* enum hwb_line_source */
	uint32_t rate;   /* POLLED: times a second, else 0 */
};
HWB_PIN(sizeof(struct hwb_line) == 16);

/* IRQ_LIST: hwb_list_request; reply: hwb_list_reply and these records, the lines that
 * the policy gives this client, ascending. */
struct hwb_line_grant {
	uint32_t number;
	uint32_t rate; /* the policy's, if it is polled; 0: it never is */
};
HWB_PIN(sizeof(struct hwb_line_grant) == 8);

/* ---- DMA -------------------------------------------------------------- */

/* DOMAIN_OPEN: no body; reply: no body, header.session is the handle.
 * DOMAIN_INFO: hwb_list_request; reply: hwb_list_reply and hwb_iova_range
 * records, the windows in which mappings may lie, ascending. */
struct hwb_iova_range {
	uint64_t first;
	uint64_t last; /* inclusive */
};
HWB_PIN(sizeof(struct hwb_iova_range) == 16);

/* header.session: domain handle. Reply: no body. */
struct hwb_assign_request {
	uint32_t device; /* handle */
	uint32_t reserved;
};
HWB_PIN(sizeof(struct hwb_assign_request) == 8);

#define HWB_DMA_DEVICE_READS (1u << 0)  /* the device may read the memory */
#define HWB_DMA_DEVICE_WRITES (1u << 1) /* the device may write it */
#define HWB_DMA_FIXED (1u << 2)         /* at `iova`; else the broker chooses */
#define HWB_DMA_PAGES_4K (1u << 3)      /* ALLOC: 4 KiB pages */
#define HWB_DMA_PAGES_2M (1u << 4)      /* ALLOC: 2 MiB pages or a refusal */

/* In a reply: no IOMMU confines the devices of the domain, `iova` is the memory's own bus
 * address, and the memory is in one piece there. */
#define HWB_DMA_UNSAFE (1u << 0)

/* header.session: domain handle. Reply: hwb_dma_reply and a memfd. */
struct hwb_dma_alloc_request {
	uint64_t size;
	uint64_t alignment; /* of the device address; 0 or a power of two */
	uint64_t iova;      /* with HWB_DMA_FIXED, else 0 */
	uint64_t limit;     /* highest address the device can reach, 0: no limit */
	uint32_t flags;     /* HWB_DMA_* */
	uint32_t reserved;
};
HWB_PIN(sizeof(struct hwb_dma_alloc_request) == 40);

/* header.session: domain handle; one descriptor: the memfd. */
struct hwb_dma_map_request {
	uint64_t offset; /* in the memfd */
	uint64_t size;
	uint64_t alignment;
	uint64_t iova;
	uint64_t limit;
	uint32_t flags; /* HWB_DMA_*, without PAGES */
	uint32_t reserved;
};
HWB_PIN(sizeof(struct hwb_dma_map_request) == 48);

struct hwb_dma_reply {
	uint64_t iova;      /* device address of the first byte */
	uint64_t size;      /* rounded up to page_size */
	uint32_t page_size; /* of the memory behind it: 4096, 2097152, ... */
	uint32_t flags;     /* HWB_DMA_UNSAFE */
};
HWB_PIN(sizeof(struct hwb_dma_reply) == 24);

/* header.session: domain handle. `iova` starts a mapping. Reply: no body. */
struct hwb_dma_unmap_request {
	uint64_t iova;
};
HWB_PIN(sizeof(struct hwb_dma_unmap_request) == 8);

/* ---- events: from the broker, serial 0 -------------------------------- */

enum hwb_device_change {
	HWB_CHANGE_ARRIVED = 1,    /* policy gives this client a new device */
	HWB_CHANGE_REMOVED = 2,    /* it left the bus; handle is dead */
	HWB_CHANGE_ASKED_BACK = 3, /* release within grace_ms or lose it */
	HWB_CHANGE_REVOKED = 4,    /* taken; handle is dead */
	HWB_CHANGE_FREED = 5,      /* what this client released is reset and free */
	HWB_CHANGE_QUARANTINED = 6 /* what this client released could not be reset */
};

/* header.session: the device handle, if it is (or was) this connection's. */
struct hwb_device_event {
	struct hwb_pci_address address;
	uint32_t change; /* enum hwb_device_change */
	uint32_t grace_ms;
};
HWB_PIN(sizeof(struct hwb_device_event) == 16);

/* EVENT_POLICY: no body. The policy was replaced; list the devices again. */

/* ---- administration: HWB_FEATURE_ADMIN -------------------------------- */

#define HWB_STATUS_IOMMU (1u << 0)
#define HWB_STATUS_INTERRUPT_REMAPPING (1u << 1)
#define HWB_STATUS_LOCKDOWN (1u << 2)
#define HWB_STATUS_VFIO (1u << 3)
#define HWB_STATUS_STRICT_DEVMEM (1u << 4) /* known: grants are revocable */
#define HWB_STATUS_RESUMES (1u << 5)       /* sessions outlive a restart of the broker */

/* ADMIN_STATUS: no request body. Followed by `text_length` bytes: one line per
 * problem, each saying what is missing and what to do. */
struct hwb_status_reply {
	uint64_t uptime_ms;
	uint32_t pid;
	uint32_t flags; /* HWB_STATUS_* */
	uint32_t devices;
	uint32_t devices_granted;
	uint32_t connections;
	uint32_t sessions;
	uint64_t dma_bytes;
	uint64_t requests; /* served since start */
	uint32_t workers;
	uint32_t workers_busy;
	uint32_t rules;
	uint32_t text_length;
	char version[HWB_NAME_SIZE];
	char backend[HWB_NAME_SIZE];
	char policy[128]; /* path of the policy in force, cut if longer */
};
HWB_PIN(sizeof(struct hwb_status_reply) == 256);

/* Record of ADMIN_DEVICES (hwb_list_request, hwb_list_reply). */
struct hwb_admin_device {
	struct hwb_device device;
	char host_driver[HWB_NAME_SIZE]; /* bound now; empty: none */
	char client[HWB_NAME_SIZE];      /* owner; empty: none */
	char rule[HWB_NAME_SIZE];        /* first policy section that matches */
	char note[128];                  /* why quarantined or not assignable */
};
HWB_PIN(sizeof(struct hwb_admin_device) == 416);

struct hwb_admin_client {
	uint32_t id; /* of the connection */
	uint32_t pid;
	uint32_t uid;
	uint32_t gid;
	uint32_t sessions;
	uint32_t mappings;
	uint64_t dma_bytes;
	uint64_t connected_ms; /* how long it has been connected */
	uint64_t requests;
	char client[HWB_NAME_SIZE];
};
HWB_PIN(sizeof(struct hwb_admin_client) == 80);

enum hwb_session_kind {
	HWB_SESSION_DEVICE = 1,
	HWB_SESSION_IO_MEM = 2,
	HWB_SESSION_IO_PORT = 3,
	HWB_SESSION_IRQ = 4,
	HWB_SESSION_DOMAIN = 5,
	HWB_SESSION_LINE = 6 /* of IRQ_OPEN_NUMBER */
};

struct hwb_admin_session {
	uint32_t connection; /* hwb_admin_client.id */
	uint32_t handle;
	uint32_t kind; /* enum hwb_session_kind */
	uint32_t reserved;
	char client[HWB_NAME_SIZE];
	char resource[80]; /* e.g. "0000:00:03.0 BAR 0 0xfebc0000-0xfebdffff wc" */
};
HWB_PIN(sizeof(struct hwb_admin_session) == 128);

/* ADMIN_GIVEN: what DEVICE_LIST would tell a connection of the client that the
 * policy calls `client`. Reply: hwb_list_reply and hwb_device records. */
struct hwb_given_request {
	uint64_t cursor;            /* as in hwb_list_request */
	char client[HWB_NAME_SIZE]; /* NUL padded */
};
HWB_PIN(sizeof(struct hwb_given_request) == 40);

#define HWB_REVOKE_NOW (1u << 0) /* without the grace of the owner's rule */

/* ADMIN_REVOKE: takes a device from its owner. ADMIN_CLEAR: brings a device that is
 * quarantined to rest again, for whom the policy gives it to. Both are answered when that
 * is done, or has failed. */
struct hwb_revoke_request {
	struct hwb_pci_address address;
	uint32_t flags; /* HWB_REVOKE_* */
	uint32_t reserved;
};
HWB_PIN(sizeof(struct hwb_revoke_request) == 16);

struct hwb_clear_request {
	struct hwb_pci_address address;
};
HWB_PIN(sizeof(struct hwb_clear_request) == 8);

struct hwb_outcome_reply {
	uint32_t state; /* enum hwb_device_state, afterwards */
	uint32_t reserved;
	char note[128]; /* why it is not free, as in hwb_admin_device */
};
HWB_PIN(sizeof(struct hwb_outcome_reply) == 136);

/* ADMIN_RELEASE: gives a device that is free back to its host driver. Answered by a
 * hwb_outcome_reply. */
struct hwb_release_request {
	struct hwb_pci_address address;
};
HWB_PIN(sizeof(struct hwb_release_request) == 8);

#define HWB_MEMBER_BRIDGE (1u << 0)     /* for nobody */
#define HWB_MEMBER_IN_THE_WAY (1u << 1) /* its driver keeps the group from everybody */
#define HWB_MEMBER_ON_BUS (1u << 2)     /* the broker has it in its list of devices */
#define HWB_MEMBER_VIRTUAL (1u << 3)    /* a virtual function (SR-IOV) */
#define HWB_MEMBER_OWN (1u << 4)        /* the broker has made its virtual functions */
#define HWB_MEMBER_OWN_END (1u << 5)    /* which go when no rule asks for them any more */
#define HWB_MEMBER_USED (1u << 6)       /* a client has it, or it is not at rest since */

/* Record of ADMIN_GROUPS (hwb_list_request, hwb_list_reply): a PCI function as a member of
 * its IOMMU group, and as rules see it. */
struct hwb_admin_member {
	struct hwb_pci_address address;
	uint32_t iommu_group; /* UINT32_MAX: none */
	uint32_t flags;       /* HWB_MEMBER_* */
	uint32_t state;       /* enum hwb_device_state, if it is ON_BUS */
	uint32_t class_code;
	uint16_t vendor;
	uint16_t device;
	uint16_t subsystem_vendor;
	uint16_t subsystem_device;
	uint64_t owned_ms;   /* how long its owner has had it */
	uint32_t connection; /* of its owner: hwb_admin_client.id; 0: none */
	uint32_t pid;        /* of its owner */
	uint32_t uid;
	uint16_t physical_function; /* as in hwb_device, with the next */
	uint16_t virtual_functions;
	char driver[HWB_NAME_SIZE]; /* bound now; empty: none */
	char client[HWB_NAME_SIZE]; /* owner; empty: none */
	char resets[64];            /* the kernel's ways to reset it, the first first: "flr bus" */
	char slot[HWB_NAME_SIZE];   /* name of its slot; empty: none */
	char path[256];             /* below /sys/devices; empty: not known */
	char home[HWB_NAME_SIZE];   /* host driver that rules see: it has it, or goes back to it */
	uint16_t functions_max;     /* virtual functions that it can make of itself */
	uint16_t reserved[3];
};
HWB_PIN(sizeof(struct hwb_admin_member) == 512);

enum hwb_rule_kind {
	HWB_RULE_DEVICE = 0,
	HWB_RULE_PORTS = 1,
	HWB_RULE_MEMORY = 2,
	HWB_RULE_INTERRUPT = 3,
	HWB_RULE_CLIENT = 4, /* who is the client, and its limits; not in ADMIN_EXPLAIN */
	HWB_RULE_VIRTUAL = 5 /* virtual functions of a device; likewise */
};

/* Record of ADMIN_RULES (hwb_list_request, hwb_list_reply): what the policy in force gives a
 * client. First devices, each with what is made of it, then ports, then memory, then interrupt
 * lines, then clients. A page may be empty though another follows. */
struct hwb_admin_rule {
	struct hwb_pci_address address; /* of a device, else 0 */
	uint32_t kind;                  /* enum hwb_rule_kind */
	uint32_t line;                  /* of `file`, where the section begins */
	uint32_t first;                 /* port, line or number of virtual functions, else 0 */
	uint32_t last;
	char client[HWB_NAME_SIZE];
	char rule[40];   /* "device net" */
	char file[128];  /* cut if longer */
	char grant[232]; /* words, sorted by meaning: "dma take reset=flr revoke=5" */
	uint64_t memory; /* first address, else 0 */
	uint64_t memory_size;
};
HWB_PIN(sizeof(struct hwb_admin_rule) == 472);

enum hwb_finding_level {
	HWB_FINDING_FINE = 0,
	HWB_FINDING_LIMITS = 1, /* it works, but less */
	HWB_FINDING_BLOCKS = 2  /* it does not, or is not safe */
};

/* Record of ADMIN_EXPLAIN, ADMIN_AUDIT and ADMIN_RELOAD: one thing that was looked at. */
struct hwb_finding {
	struct hwb_pci_address address; /* that it is about, else 0 */
	uint32_t level;                 /* enum hwb_finding_level */
	uint32_t line;                  /* of `file`; 0: as a whole */
	char code[24];                  /* for programs: "loaded" */
	char rule[40];                  /* section of the policy; empty: none */
	char file[128];                 /* of the policy; empty: none */
	char text[304];                 /* for people: what it is, and what to do */
};
HWB_PIN(sizeof(struct hwb_finding) == 512);

#define HWB_EXPLAIN_GROUPS 32u /* of a user */

/* ADMIN_EXPLAIN: whether a client would get a device, ports or a line, and why. Reply:
 * hwb_list_reply and hwb_finding records, which say yes if none of them BLOCKS. */
struct hwb_explain_request {
	uint64_t cursor;                /* as in hwb_list_request */
	struct hwb_pci_address address; /* of the device, else 0 */
	uint32_t kind;                  /* enum hwb_rule_kind */
	uint32_t base;                  /* first port, or line, else 0 */
	uint32_t count;                 /* of ports; 1 for a line, else 0 */
	uint32_t uid;                   /* of whoever it is, if `client` is empty */
	uint32_t group_count;           /* his groups, the first one his own */
	uint32_t groups[HWB_EXPLAIN_GROUPS];
	uint32_t reserved;
	char client[HWB_NAME_SIZE]; /* section of the policy; empty: that of the user */
	uint64_t memory;            /* first address, else 0 */
	uint64_t memory_size;
};
HWB_PIN(sizeof(struct hwb_explain_request) == 216);

/* ADMIN_MONITOR: no body either way. From then on EVENT_HAPPENING tells what happens. */

enum hwb_happening_kind {
	HWB_HAPPENED_GRANTED = 1,       /* a device to a client */
	HWB_HAPPENED_REFUSED = 2,       /* a request */
	HWB_HAPPENED_ASKED_BACK = 3,    /* a device from its client */
	HWB_HAPPENED_REVOKED = 4,       /* a device, ports or memory, taken */
	HWB_HAPPENED_HELD = 5,          /* somebody still has a device's registers */
	HWB_HAPPENED_RELEASED = 6,      /* a device is at rest again */
	HWB_HAPPENED_QUARANTINED = 7,   /* it did not come to rest */
	HWB_HAPPENED_CLEARED = 8,       /* it is let out of that */
	HWB_HAPPENED_PORTS_GRANTED = 9, /* legacy ports, or an I/O BAR */
	HWB_HAPPENED_PORTS_RELEASED = 10,
	HWB_HAPPENED_CONNECTED = 11,
	HWB_HAPPENED_DISCONNECTED = 12,
	HWB_HAPPENED_NOT_ADMITTED = 13,
	HWB_HAPPENED_POLICY_LOADED = 14, /* another policy is in force */
	HWB_HAPPENED_POLICY_REFUSED = 15,
	HWB_HAPPENED_DEVICE_ARRIVED = 16,
	HWB_HAPPENED_DEVICE_LEFT = 17,
	HWB_HAPPENED_LINE_OPENED = 18, /* an interrupt line, by a client */
	HWB_HAPPENED_LINE_CLOSED = 19,
	HWB_HAPPENED_MEMORY_GRANTED = 20, /* that is of no device */
	HWB_HAPPENED_MEMORY_RELEASED = 21
};

/* EVENT_HAPPENING. Names and texts are NUL padded, and cut if longer; what does not
 * apply is 0 or empty. */
struct hwb_happening_event {
	uint64_t time_ms; /* since 1970, UTC */
	uint32_t kind;    /* enum hwb_happening_kind */
	uint32_t lost;    /* events before this one that the reader was too slow for */
	uint32_t status;  /* enum hwb_status */
	uint32_t opcode;  /* of the request that was refused */
	uint32_t pid;
	uint32_t uid;
	char client[HWB_NAME_SIZE];
	char resource[64]; /* address of a device, ports, a file */
	char rule[128];    /* that decided: "[device net] at FILE:LINE" */
	char reason[248];  /* a sentence, or part of one */
};
HWB_PIN(sizeof(struct hwb_happening_event) == 504);

enum hwb_metric_kind {
	HWB_METRIC_HAPPENED = 1,         /* since start; which: enum hwb_happening_kind */
	HWB_METRIC_REFUSED = 2,          /* requests since start; which: enum hwb_status */
	HWB_METRIC_DEVICES = 3,          /* now; which: enum hwb_device_state */
	HWB_METRIC_ROUNDS = 4,           /* of the event loop, since start */
	HWB_METRIC_ROUNDS_US = 5,        /* microseconds that they took in all */
	HWB_METRIC_LONGEST_ROUND_US = 6, /* and the longest of them */
	HWB_METRIC_MONITORS = 7,         /* connections that ADMIN_MONITOR tells, now */
	HWB_METRIC_CLIENT_REQUESTS = 16, /* served since start, over all its connections */
	HWB_METRIC_CLIENT_CONNECTIONS = 17,
	HWB_METRIC_CLIENT_DMA_BYTES = 18, /* mapped now */
	HWB_METRIC_CLIENT_DMA_MAPPINGS = 19
};

/* Record of ADMIN_METRICS (hwb_list_request, hwb_list_reply). */
struct hwb_metric {
	uint64_t value;
	uint32_t kind;              /* enum hwb_metric_kind */
	uint32_t which;             /* as the kind says, else 0 */
	char client[HWB_NAME_SIZE]; /* of the HWB_METRIC_CLIENT ones, else empty */
};
HWB_PIN(sizeof(struct hwb_metric) == 48);

#endif
