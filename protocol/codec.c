/* SPDX-License-Identifier: MIT */
/* The shape of every message in one table, and the checks that read it. */
#include <hwbroker/codec.h>

/* How the body of one direction is made up. */
enum tail {
	NO_TAIL,
	PORT_OPS, /* a count at offset 0, then that many hwb_port_op */
	MEM_OPS,  /* the same with hwb_mem_op */
	RECORDS,  /* hwb_list_reply, then records of the size that it names */
	TEXT      /* hwb_status_reply, then text_length bytes */
};

/* How many descriptors a reply carries, where its body says so. */
enum {
	LINE_FDS = 0xfb,
	REGION_FDS = 0xfc,
	REGION_AND_IRQ_FDS = 0xfd,
	INTERRUPT_FDS = 0xfe,
	COUNTED_FDS = 0xff
};

enum { RESERVED_FIELDS = 2 };

struct span {
	uint16_t offset; /* in the body */
	uint16_t size;   /* 0: unused entry */
};

struct shape {
	uint16_t request_size; /* fixed part of the body */
	uint16_t reply_size;
	uint8_t request_fds;
	uint8_t reply_fds;     /* exact, or one of the rules above */
	uint8_t about_nothing; /* header.session must be zero in the request */
	uint16_t record_size;  /* RECORDS: of a record in version 1 */
	enum tail request_tail;
	enum tail reply_tail;
	struct span flags; /* in the request; size 0: has none */
	uint32_t known_flags;
	struct span reserved[RESERVED_FIELDS]; /* in the request */
	const char *name;
};

#define SIZE(s) sizeof(struct s)
#define FIELD(s, f)                                               \
	{                                                         \
		offsetof(struct s, f), sizeof(((struct s *)0)->f) \
	}

enum { OPCODES = 0x72 };

/* By opcode: one look-up per message. Without a name: there is no such opcode. */
static const struct shape shapes[OPCODES] = {
	[HWB_HELLO] = { .name = "HELLO",
	                .about_nothing = 1,
	                .request_size = SIZE(hwb_hello_request),
	                .reply_size = SIZE(hwb_hello_reply),
	                .reserved = { FIELD(hwb_hello_request, reserved) } },
	[HWB_PING] = { .name = "PING", .about_nothing = 1 },
	[HWB_CLOSE] = { .name = "CLOSE" },

	[HWB_DEVICE_LIST] = { .name = "DEVICE_LIST",
	                      .about_nothing = 1,
	                      .request_size = SIZE(hwb_list_request),
	                      .reply_size = SIZE(hwb_list_reply),
	                      .reply_tail = RECORDS,
	                      .record_size = SIZE(hwb_device) },
	[HWB_DEVICE_INFO] = { .name = "DEVICE_INFO",
	                      .request_size = SIZE(hwb_device_info_request),
	                      .reply_size = SIZE(hwb_device),
	                      .reserved = { FIELD(hwb_device_info_request, address.reserved) } },
	[HWB_DEVICE_ACQUIRE] = { .name = "DEVICE_ACQUIRE",
	                         .about_nothing = 1,
	                         .request_size = SIZE(hwb_acquire_request),
	                         .reply_size = SIZE(hwb_acquire_reply),
	                         .reply_fds = REGION_AND_IRQ_FDS,
	                         .flags = FIELD(hwb_acquire_request, flags),
	                         .known_flags = HWB_ACQUIRE_ALL_BARS | HWB_ACQUIRE_NO_WAIT |
	                                        HWB_ACQUIRE_IRQ_ENABLE,
	                         .reserved = { FIELD(hwb_acquire_request, address.reserved) } },
	[HWB_DEVICE_FD] = { .name = "DEVICE_FD", .reply_fds = 1 },
	[HWB_CONFIG_READ] = { .name = "CONFIG_READ",
	                      .request_size = SIZE(hwb_config_access),
	                      .reply_size = SIZE(hwb_config_access),
	                      .reserved = { FIELD(hwb_config_access, value) } },
	[HWB_CONFIG_WRITE] = { .name = "CONFIG_WRITE",
	                       .request_size = SIZE(hwb_config_access),
	                       .reply_size = SIZE(hwb_config_access) },

	[HWB_IO_MEM_OPEN] = { .name = "IO_MEM_OPEN",
	                      .about_nothing = 1,
	                      .request_size = SIZE(hwb_io_mem_request),
	                      .reply_size = SIZE(hwb_region),
	                      .reply_fds = REGION_FDS,
	                      .flags = FIELD(hwb_io_mem_request, flags),
	                      .known_flags = HWB_IO_MEM_WC,
	                      .reserved = { FIELD(hwb_io_mem_request, reserved) } },
	[HWB_IO_MEM_OPEN_BAR] = { .name = "IO_MEM_OPEN_BAR",
	                          .request_size = SIZE(hwb_bar_request),
	                          .reply_size = SIZE(hwb_region),
	                          .reply_fds = REGION_FDS,
	                          .flags = FIELD(hwb_bar_request, flags),
	                          .known_flags = HWB_IO_MEM_WC },
	[HWB_IO_MEM_BATCH] = { .name = "IO_MEM_BATCH",
	                       .request_size = SIZE(hwb_mem_batch),
	                       .reply_size = SIZE(hwb_mem_batch),
	                       .request_tail = MEM_OPS,
	                       .reply_tail = MEM_OPS,
	                       .reserved = { FIELD(hwb_mem_batch, stopped) } },

	[HWB_IO_MEM_LIST] = { .name = "IO_MEM_LIST",
	                      .about_nothing = 1,
	                      .request_size = SIZE(hwb_list_request),
	                      .reply_size = SIZE(hwb_list_reply),
	                      .reply_tail = RECORDS,
	                      .record_size = SIZE(hwb_memory_range) },

	[HWB_IO_PORT_OPEN] = { .name = "IO_PORT_OPEN",
	                       .about_nothing = 1,
	                       .request_size = SIZE(hwb_io_port_request) },
	[HWB_IO_PORT_OPEN_BAR] = { .name = "IO_PORT_OPEN_BAR",
	                           .request_size = SIZE(hwb_bar_request),
	                           .reply_size = SIZE(hwb_region),
	                           .reply_fds = REGION_FDS,
	                           .flags = FIELD(hwb_bar_request, flags) },
	[HWB_IO_PORT_BATCH] = { .name = "IO_PORT_BATCH",
	                        .request_size = SIZE(hwb_port_batch),
	                        .reply_size = SIZE(hwb_port_batch),
	                        .request_tail = PORT_OPS,
	                        .reply_tail = PORT_OPS,
	                        .reserved = { FIELD(hwb_port_batch, stopped) } },
	[HWB_IO_PORT_LIST] = { .name = "IO_PORT_LIST",
	                       .about_nothing = 1,
	                       .request_size = SIZE(hwb_list_request),
	                       .reply_size = SIZE(hwb_list_reply),
	                       .reply_tail = RECORDS,
	                       .record_size = SIZE(hwb_port_range) },

	[HWB_IRQ_OPEN] = { .name = "IRQ_OPEN",
	                   .request_size = SIZE(hwb_irq_request),
	                   .reply_size = SIZE(hwb_interrupt),
	                   .reply_fds = INTERRUPT_FDS,
	                   .flags = FIELD(hwb_irq_request, flags),
	                   .known_flags = HWB_IRQ_OPEN_ENABLE,
	                   .reserved = { FIELD(hwb_irq_request, reserved) } },
	[HWB_IRQ_ENABLE] = { .name = "IRQ_ENABLE" },
	[HWB_IRQ_ACK] = { .name = "IRQ_ACK" },
	[HWB_IRQ_FDS] = { .name = "IRQ_FDS",
	                  .request_size = SIZE(hwb_irq_fds),
	                  .reply_size = SIZE(hwb_irq_fds),
	                  .reply_fds = COUNTED_FDS },
	[HWB_IRQ_OPEN_NUMBER] = { .name = "IRQ_OPEN_NUMBER",
	                          .about_nothing = 1,
	                          .request_size = SIZE(hwb_line_request),
	                          .reply_size = SIZE(hwb_line),
	                          .reply_fds = LINE_FDS,
	                          .reserved = { FIELD(hwb_line_request, reserved) } },
	[HWB_IRQ_LIST] = { .name = "IRQ_LIST",
	                   .about_nothing = 1,
	                   .request_size = SIZE(hwb_list_request),
	                   .reply_size = SIZE(hwb_list_reply),
	                   .reply_tail = RECORDS,
	                   .record_size = SIZE(hwb_line_grant) },

	[HWB_DOMAIN_OPEN] = { .name = "DOMAIN_OPEN", .about_nothing = 1 },
	[HWB_DOMAIN_INFO] = { .name = "DOMAIN_INFO",
	                      .request_size = SIZE(hwb_list_request),
	                      .reply_size = SIZE(hwb_list_reply),
	                      .reply_tail = RECORDS,
	                      .record_size = SIZE(hwb_iova_range) },
	[HWB_DOMAIN_ASSIGN] = { .name = "DOMAIN_ASSIGN",
	                        .request_size = SIZE(hwb_assign_request),
	                        .reserved = { FIELD(hwb_assign_request, reserved) } },
	[HWB_DOMAIN_DEASSIGN] = { .name = "DOMAIN_DEASSIGN",
	                          .request_size = SIZE(hwb_assign_request),
	                          .reserved = { FIELD(hwb_assign_request, reserved) } },
	[HWB_DMA_ALLOC] = { .name = "DMA_ALLOC",
	                    .request_size = SIZE(hwb_dma_alloc_request),
	                    .reply_size = SIZE(hwb_dma_reply),
	                    .reply_fds = 1,
	                    .flags = FIELD(hwb_dma_alloc_request, flags),
	                    .known_flags = HWB_DMA_DEVICE_READS | HWB_DMA_DEVICE_WRITES |
	                                   HWB_DMA_FIXED | HWB_DMA_PAGES_4K | HWB_DMA_PAGES_2M,
	                    .reserved = { FIELD(hwb_dma_alloc_request, reserved) } },
	[HWB_DMA_MAP] = { .name = "DMA_MAP",
	                  .request_size = SIZE(hwb_dma_map_request),
	                  .reply_size = SIZE(hwb_dma_reply),
	                  .request_fds = 1,
	                  .flags = FIELD(hwb_dma_map_request, flags),
	                  .known_flags =
	                          HWB_DMA_DEVICE_READS | HWB_DMA_DEVICE_WRITES | HWB_DMA_FIXED,
	                  .reserved = { FIELD(hwb_dma_map_request, reserved) } },
	[HWB_DMA_UNMAP] = { .name = "DMA_UNMAP", .request_size = SIZE(hwb_dma_unmap_request) },

	[HWB_ADMIN_STATUS] = { .name = "ADMIN_STATUS",
	                       .about_nothing = 1,
	                       .reply_size = SIZE(hwb_status_reply),
	                       .reply_tail = TEXT },
	[HWB_ADMIN_DEVICES] = { .name = "ADMIN_DEVICES",
	                        .about_nothing = 1,
	                        .request_size = SIZE(hwb_list_request),
	                        .reply_size = SIZE(hwb_list_reply),
	                        .reply_tail = RECORDS,
	                        .record_size = SIZE(hwb_admin_device) },
	[HWB_ADMIN_CLIENTS] = { .name = "ADMIN_CLIENTS",
	                        .about_nothing = 1,
	                        .request_size = SIZE(hwb_list_request),
	                        .reply_size = SIZE(hwb_list_reply),
	                        .reply_tail = RECORDS,
	                        .record_size = SIZE(hwb_admin_client) },
	[HWB_ADMIN_SESSIONS] = { .name = "ADMIN_SESSIONS",
	                         .about_nothing = 1,
	                         .request_size = SIZE(hwb_list_request),
	                         .reply_size = SIZE(hwb_list_reply),
	                         .reply_tail = RECORDS,
	                         .record_size = SIZE(hwb_admin_session) },
	[HWB_ADMIN_GIVEN] = { .name = "ADMIN_GIVEN",
	                      .about_nothing = 1,
	                      .request_size = SIZE(hwb_given_request),
	                      .reply_size = SIZE(hwb_list_reply),
	                      .reply_tail = RECORDS,
	                      .record_size = SIZE(hwb_device) },
	[HWB_ADMIN_REVOKE] = { .name = "ADMIN_REVOKE",
	                       .about_nothing = 1,
	                       .request_size = SIZE(hwb_revoke_request),
	                       .reply_size = SIZE(hwb_outcome_reply),
	                       .flags = FIELD(hwb_revoke_request, flags),
	                       .known_flags = HWB_REVOKE_NOW,
	                       .reserved = { FIELD(hwb_revoke_request, address.reserved),
	                                     FIELD(hwb_revoke_request, reserved) } },
	[HWB_ADMIN_CLEAR] = { .name = "ADMIN_CLEAR",
	                      .about_nothing = 1,
	                      .request_size = SIZE(hwb_clear_request),
	                      .reply_size = SIZE(hwb_outcome_reply),
	                      .reserved = { FIELD(hwb_clear_request, address.reserved) } },

	[HWB_DEVICE_ACQUIRE_ANY] = { .name = "DEVICE_ACQUIRE_ANY",
	                             .about_nothing = 1,
	                             .request_size = SIZE(hwb_acquire_any_request),
	                             .reply_size = SIZE(hwb_acquire_reply),
	                             .reply_fds = REGION_AND_IRQ_FDS,
	                             .flags = FIELD(hwb_acquire_any_request, flags),
	                             .known_flags = HWB_ACQUIRE_ALL_BARS | HWB_ACQUIRE_NO_WAIT |
	                                            HWB_ACQUIRE_IRQ_ENABLE },
	[HWB_ADMIN_GROUPS] = { .name = "ADMIN_GROUPS",
	                       .about_nothing = 1,
	                       .request_size = SIZE(hwb_list_request),
	                       .reply_size = SIZE(hwb_list_reply),
	                       .reply_tail = RECORDS,
	                       .record_size = SIZE(hwb_admin_member) },
	[HWB_ADMIN_RELEASE] = { .name = "ADMIN_RELEASE",
	                        .about_nothing = 1,
	                        .request_size = SIZE(hwb_release_request),
	                        .reply_size = SIZE(hwb_outcome_reply),
	                        .reserved = { FIELD(hwb_release_request, address.reserved) } },
	[HWB_ADMIN_RELOAD] = { .name = "ADMIN_RELOAD",
	                       .about_nothing = 1,
	                       .reply_size = SIZE(hwb_list_reply),
	                       .reply_tail = RECORDS,
	                       .record_size = SIZE(hwb_finding) },
	[HWB_ADMIN_RULES] = { .name = "ADMIN_RULES",
	                      .about_nothing = 1,
	                      .request_size = SIZE(hwb_list_request),
	                      .reply_size = SIZE(hwb_list_reply),
	                      .reply_tail = RECORDS,
	                      .record_size = SIZE(hwb_admin_rule) },
	[HWB_ADMIN_EXPLAIN] = { .name = "ADMIN_EXPLAIN",
	                        .about_nothing = 1,
	                        .request_size = SIZE(hwb_explain_request),
	                        .reply_size = SIZE(hwb_list_reply),
	                        .reply_tail = RECORDS,
	                        .record_size = SIZE(hwb_finding),
	                        .reserved = { FIELD(hwb_explain_request, address.reserved),
	                                      FIELD(hwb_explain_request, reserved) } },
	[HWB_ADMIN_AUDIT] = { .name = "ADMIN_AUDIT",
	                      .about_nothing = 1,
	                      .request_size = SIZE(hwb_list_request),
	                      .reply_size = SIZE(hwb_list_reply),
	                      .reply_tail = RECORDS,
	                      .record_size = SIZE(hwb_finding) },
	[HWB_ADMIN_MONITOR] = { .name = "ADMIN_MONITOR", .about_nothing = 1 },
	[HWB_ADMIN_METRICS] = { .name = "ADMIN_METRICS",
	                        .about_nothing = 1,
	                        .request_size = SIZE(hwb_list_request),
	                        .reply_size = SIZE(hwb_list_reply),
	                        .reply_tail = RECORDS,
	                        .record_size = SIZE(hwb_metric) },
};

static const struct shape *find(uint32_t opcode)
{
	return opcode < OPCODES && shapes[opcode].name != NULL ? &shapes[opcode] : NULL;
}

static struct hwb_check fail(enum hwb_status status, size_t field, const char *reason)
{
	struct hwb_check check = { status, (uint32_t)field, reason };
	return check;
}

static uint32_t load32(const unsigned char *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
	       (uint32_t)at[3] << 24;
}

static int all_zero(const unsigned char *at, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (at[i] != 0)
			return 0;
	return 1;
}

/* What both directions require of a header, whatever the opcode. */
static struct hwb_check check_header(const void *packet, size_t received, uint32_t fds,
                                     struct hwb_header *header)
{
	static const struct hwb_header none;

	*header = none;
	if (received < sizeof(*header))
		return fail(HWB_MALFORMED, 0, "packet is shorter than a message header (24 bytes)");
	*header = *(const struct hwb_header *)packet;
	if (received > HWB_MESSAGE_MAX)
		return fail(HWB_MALFORMED, offsetof(struct hwb_header, length),
		            "packet is longer than a message may be (4096 bytes)");
	if (header->version != HWB_PROTOCOL_VERSION)
		return fail(HWB_BAD_VERSION, offsetof(struct hwb_header, version),
		            "header.version is not 1");
	if (header->length != received)
		return fail(HWB_MALFORMED, offsetof(struct hwb_header, length),
		            "header.length is not the length of the packet");
	if (header->fds != fds)
		return fail(HWB_MALFORMED, offsetof(struct hwb_header, fds),
		            "header.fds is not the number of descriptors that came");
	return fail(HWB_OK, 0, "");
}

/* Length of `tail` behind a fixed part that is present. SIZE_MAX: impossible.
 * Records may be longer than version 1 knows them, never shorter: a reader would
 * find the next record, or nothing, where it expects fields. */
static size_t tail_length(const struct shape *shape, enum tail tail, const unsigned char *body)
{
	switch (tail) {
	case PORT_OPS: {
		uint32_t count = load32(body);
		return count > HWB_PORT_OPS_MAX ? SIZE_MAX : count * sizeof(struct hwb_port_op);
	}
	case MEM_OPS: {
		uint32_t count = load32(body);
		return count > HWB_MEM_OPS_MAX ? SIZE_MAX : count * sizeof(struct hwb_mem_op);
	}
	case RECORDS: {
		uint32_t count = load32(body + offsetof(struct hwb_list_reply, count));
		uint32_t size = load32(body + offsetof(struct hwb_list_reply, record_size));
		if (count > HWB_MESSAGE_MAX || size > HWB_MESSAGE_MAX)
			return SIZE_MAX;
		if (count != 0 && (size < shape->record_size || size % 8 != 0))
			return SIZE_MAX;
		return (size_t)count * size;
	}
	case TEXT: {
		uint32_t length = load32(body + offsetof(struct hwb_status_reply, text_length));
		return length > HWB_MESSAGE_MAX ? SIZE_MAX : length;
	}
	case NO_TAIL:
		break;
	}
	return 0;
}

static struct hwb_check check_length(const struct shape *shape, const unsigned char *body,
                                     size_t length, size_t fixed, enum tail tail)
{
	if (length < fixed)
		return fail(HWB_MALFORMED, offsetof(struct hwb_header, length),
		            "message is shorter than its opcode needs");
	size_t rest = tail_length(shape, tail, body);
	if (rest == SIZE_MAX)
		return fail(HWB_MALFORMED, sizeof(struct hwb_header),
		            "count of trailing records is out of range");
	if (length - fixed != rest)
		return fail(HWB_MALFORMED, offsetof(struct hwb_header, length),
		            "message's length does not fit its opcode");
	return fail(HWB_OK, 0, "");
}

struct hwb_check hwb_check_request(const void *packet, size_t received, uint32_t fds,
                                   struct hwb_header *header)
{
	struct hwb_check check = check_header(packet, received, fds, header);
	if (check.status != HWB_OK)
		return check;
	if (header->kind != HWB_REQUEST)
		return fail(HWB_MALFORMED, offsetof(struct hwb_header, kind),
		            "a client sends requests only (header.kind 0)");
	if (header->status != 0)
		return fail(HWB_RESERVED_NOT_ZERO, offsetof(struct hwb_header, status),
		            "header.status is not zero in a request");
	if (header->serial == 0)
		return fail(HWB_INVALID, offsetof(struct hwb_header, serial),
		            "header.serial is zero, which stands for events");

	const struct shape *shape = find(header->opcode);
	if (shape == NULL && fds == 0)
		return fail(HWB_UNKNOWN_OPCODE, offsetof(struct hwb_header, opcode),
		            "no such opcode in protocol version 1");
	if (shape == NULL || shape->request_fds != fds)
		return fail(HWB_MALFORMED, offsetof(struct hwb_header, fds),
		            "this opcode takes another number of descriptors");

	const unsigned char *body = (const unsigned char *)hwb_body(packet);
	check = check_length(shape, body, hwb_body_length(header), shape->request_size,
	                     shape->request_tail);
	if (check.status != HWB_OK)
		return check;
	if (shape->about_nothing && header->session != 0)
		return fail(HWB_RESERVED_NOT_ZERO, offsetof(struct hwb_header, session),
		            "header.session is not zero, but this opcode takes no handle there");
	for (size_t i = 0; i < RESERVED_FIELDS; i++) {
		const struct span *span = &shape->reserved[i];
		if (!all_zero(body + span->offset, span->size))
			return fail(HWB_RESERVED_NOT_ZERO, sizeof(struct hwb_header) + span->offset,
			            "a reserved field is not zero");
	}
	if (shape->flags.size != 0 &&
	    (load32(body + shape->flags.offset) & ~shape->known_flags) != 0)
		return fail(HWB_UNKNOWN_FLAG, sizeof(struct hwb_header) + shape->flags.offset,
		            "a flag is set that protocol version 1 does not know");
	return check;
}

static struct hwb_check check_refusal(const unsigned char *body, size_t length, uint32_t fds)
{
	if (length < sizeof(struct hwb_refusal))
		return fail(HWB_MALFORMED, offsetof(struct hwb_header, length),
		            "refusal is too short");
	uint32_t reason = load32(body + offsetof(struct hwb_refusal, reason_length));
	if (fds != 0 || reason > HWB_REASON_MAX || length != sizeof(struct hwb_refusal) + reason)
		return fail(HWB_MALFORMED, offsetof(struct hwb_header, length),
		            "refusal's length does not fit its reason");
	return fail(HWB_OK, 0, "");
}

/* Eventfds that a hwb_interrupt announces: the triggers, and INTx's unmask. */
static uint64_t interrupt_fds(const unsigned char *interrupt)
{
	uint64_t fds = load32(interrupt + offsetof(struct hwb_interrupt, fds));
	uint32_t session = load32(interrupt + offsetof(struct hwb_interrupt, session));
	uint32_t type = load32(interrupt + offsetof(struct hwb_interrupt, type));

	return session != 0 && type == HWB_IRQ_INTX ? fds + 1 : fds;
}

/* Whether a region comes with a descriptor. */
static uint64_t region_fds(const unsigned char *region)
{
	return (load32(region + offsetof(struct hwb_region, flags)) & HWB_REGION_MEDIATED) == 0;
}

/* Descriptors that a reply of full length says it comes with. A client takes
 * them by these same fields, so a wrong sum would make it take one not there. */
static uint64_t announced_fds(const struct shape *shape, const unsigned char *body)
{
	uint64_t fds = 0;

	switch (shape->reply_fds) {
	case REGION_FDS:
		return region_fds(body);
	case REGION_AND_IRQ_FDS:
		for (size_t i = 0; i < HWB_BARS; i++) {
			const unsigned char *region = body +
			                              offsetof(struct hwb_acquire_reply, regions) +
			                              i * sizeof(struct hwb_region);
			if (load32(region + offsetof(struct hwb_region, session)) != 0)
				fds += region_fds(region);
		}
		return fds + interrupt_fds(body + offsetof(struct hwb_acquire_reply, interrupt));
	case INTERRUPT_FDS:
		return interrupt_fds(body);
	case LINE_FDS:
		return load32(body + offsetof(struct hwb_line, source)) == HWB_LINE_UIO ? 2 : 1;
	case COUNTED_FDS:
		return load32(body + offsetof(struct hwb_irq_fds, count));
	default:
		return shape->reply_fds;
	}
}

struct hwb_check hwb_check_answer(const void *packet, size_t received, uint32_t fds,
                                  struct hwb_header *header)
{
	struct hwb_check check = check_header(packet, received, fds, header);
	if (check.status != HWB_OK)
		return check;
	const unsigned char *body = (const unsigned char *)hwb_body(packet);
	size_t length = hwb_body_length(header);

	if (header->kind == HWB_EVENT) {
		/* Events that a later broker may add pass; the client skips them. */
		if (header->serial != 0 || header->status != 0 || fds != 0)
			return fail(HWB_MALFORMED, offsetof(struct hwb_header, serial),
			            "an event has no serial, status or descriptors");
		if (header->opcode == HWB_EVENT_DEVICE)
			return check_length(NULL, body, length, sizeof(struct hwb_device_event),
			                    NO_TAIL);
		if (header->opcode == HWB_EVENT_POLICY)
			return check_length(NULL, body, length, 0, NO_TAIL);
		if (header->opcode == HWB_EVENT_HAPPENING)
			return check_length(NULL, body, length, sizeof(struct hwb_happening_event),
			                    NO_TAIL);
		return check;
	}
	if (header->kind != HWB_REPLY)
		return fail(HWB_MALFORMED, offsetof(struct hwb_header, kind),
		            "a broker sends replies and events only");
	if (header->status != HWB_OK)
		return check_refusal(body, length, fds);

	const struct shape *shape = find(header->opcode);
	if (shape == NULL)
		return fail(HWB_UNKNOWN_OPCODE, offsetof(struct hwb_header, opcode),
		            "no such opcode in protocol version 1");
	check = check_length(shape, body, length, shape->reply_size, shape->reply_tail);
	if (check.status == HWB_OK && announced_fds(shape, body) != fds)
		return fail(HWB_MALFORMED, offsetof(struct hwb_header, fds),
		            "this reply comes with another number of descriptors");
	return check;
}

uint32_t hwb_make_refusal(void *packet, const struct hwb_header *request, enum hwb_status status,
                          uint32_t field, uint32_t host_errno, const char *reason,
                          size_t reason_length)
{
	if (reason_length > HWB_REASON_MAX) {
		reason_length = HWB_REASON_MAX;
		/* Not within a character: 10xxxxxx belongs to the byte before it. */
		while (reason_length > 0 && ((unsigned char)reason[reason_length] & 0xc0) == 0x80)
			reason_length--;
	}
	uint32_t length =
	        (uint32_t)(sizeof(struct hwb_header) + sizeof(struct hwb_refusal) + reason_length);
	struct hwb_header *header = (struct hwb_header *)packet;
	struct hwb_refusal *refusal = (struct hwb_refusal *)hwb_body_rw(packet);
	char *text = (char *)(refusal + 1);

	header->version = HWB_PROTOCOL_VERSION;
	header->opcode = request->opcode;
	header->length = length;
	header->serial = request->serial;
	header->session = request->session;
	header->status = (uint32_t)status;
	header->kind = HWB_REPLY;
	header->fds = 0;
	refusal->host_errno = host_errno;
	refusal->field = field;
	refusal->reason_length = (uint32_t)reason_length;
	refusal->reserved = 0;
	for (size_t i = 0; i < reason_length; i++)
		text[i] = reason[i];
	return length;
}

int hwb_status_is_final(enum hwb_status status)
{
	return status == HWB_MALFORMED || status == HWB_BAD_VERSION || status == HWB_NOT_ADMITTED;
}

const char *hwb_status_name(uint32_t status)
{
	static const char *const names[] = {
		[HWB_OK] = "OK",
		[HWB_MALFORMED] = "MALFORMED",
		[HWB_BAD_VERSION] = "BAD_VERSION",
		[HWB_NOT_ADMITTED] = "NOT_ADMITTED",
		[HWB_UNKNOWN_OPCODE] = "UNKNOWN_OPCODE",
		[HWB_UNKNOWN_FLAG] = "UNKNOWN_FLAG",
		[HWB_RESERVED_NOT_ZERO] = "RESERVED_NOT_ZERO",
		[HWB_INVALID] = "INVALID",
		[HWB_NO_SESSION] = "NO_SESSION",
		[HWB_NOT_FOUND] = "NOT_FOUND",
		[HWB_DENIED] = "DENIED",
		[HWB_UNSAFE] = "UNSAFE",
		[HWB_BUSY] = "BUSY",
		[HWB_QUOTA] = "QUOTA",
		[HWB_WRONG_STATE] = "WRONG_STATE",
		[HWB_CONFLICT] = "CONFLICT",
		[HWB_BAD_FD] = "BAD_FD",
		[HWB_UNSUPPORTED] = "UNSUPPORTED",
		[HWB_GONE] = "GONE",
		[HWB_HOST_ERROR] = "HOST_ERROR",
		[HWB_NO_MEMORY] = "NO_MEMORY",
	};
	return status < sizeof(names) / sizeof(names[0]) ? names[status] : "?";
}

const char *hwb_opcode_name(uint32_t opcode)
{
	const struct shape *shape = find(opcode);
	if (shape != NULL)
		return shape->name;
	if (opcode == HWB_EVENT_DEVICE)
		return "EVENT_DEVICE";
	if (opcode == HWB_EVENT_HAPPENING)
		return "EVENT_HAPPENING";
	return opcode == HWB_EVENT_POLICY ? "EVENT_POLICY" : "?";
}
