/* SPDX-License-Identifier: MIT */
#include "requests_made.h"

#include "model.h"

static const uint8_t opcodes[] = {
	HWB_HELLO,           HWB_DEVICE_ACQUIRE,     HWB_DOMAIN_OPEN,   HWB_DMA_ALLOC,
	HWB_DMA_MAP,         HWB_DMA_UNMAP,          HWB_DOMAIN_ASSIGN, HWB_DOMAIN_DEASSIGN,
	HWB_IRQ_OPEN,        HWB_IRQ_ENABLE,         HWB_IRQ_ACK,       HWB_IRQ_FDS,
	HWB_IO_MEM_OPEN,     HWB_IO_MEM_OPEN_BAR,    HWB_IO_PORT_OPEN,  HWB_IO_PORT_OPEN_BAR,
	HWB_IO_PORT_BATCH,   HWB_CONFIG_READ,        HWB_CONFIG_WRITE,  HWB_CLOSE,
	HWB_DEVICE_LIST,     HWB_DEVICE_INFO,        HWB_DOMAIN_INFO,   HWB_PING,
	HWB_ADMIN_STATUS,    HWB_ADMIN_DEVICES,      HWB_ADMIN_CLIENTS, HWB_ADMIN_SESSIONS,
	HWB_ADMIN_GIVEN,     HWB_ADMIN_REVOKE,       HWB_ADMIN_CLEAR,   HWB_IO_PORT_LIST,
	HWB_EVENT_DEVICE,    HWB_DEVICE_ACQUIRE_ANY, HWB_ADMIN_GROUPS,  HWB_ADMIN_RELEASE,
	HWB_ADMIN_RELOAD,    HWB_ADMIN_RULES,        HWB_ADMIN_MONITOR, HWB_ADMIN_METRICS,
	HWB_ADMIN_EXPLAIN,   HWB_ADMIN_AUDIT,        HWB_IO_MEM_LIST,   HWB_IO_MEM_BATCH,
	HWB_IRQ_OPEN_NUMBER, HWB_IRQ_LIST,           HWB_DEVICE_FD,
};

/* One that was told, counted back from the last, or none that is. */
static uint32_t handle(const struct client *client, struct input *input)
{
	uint32_t which = take8(input);

	if (which >= 0xf0 || client->handle_count == 0)
		return which - 0xf0;
	return client->handles[(client->handle_count - 1 - which % HANDLES) % HANDLES];
}

static struct hwb_pci_address address(struct input *input)
{
	uint8_t which = take8(input);

	return which < 0xf0 ? model.devices[which % MODEL_DEVICES].address
	                    : (struct hwb_pci_address){ .device = take8(input) };
}

/* Small, of pages, or what it likes. */
static uint64_t size(struct input *input)
{
	uint8_t kind = take8(input);

	switch (kind & 7) {
	case 0:
	case 1:
	case 2:
		return (uint64_t)(kind >> 3) * 4096;
	case 3:
		return take16(input);
	case 4:
		return (uint64_t)take16(input) << 12;
	case 5:
		return 2ull << 20;
	case 6:
		return UINT64_MAX - take16(input);
	default:
		return (uint64_t)take32(input) << 32 | take32(input);
	}
}

static size_t explain(void *body, struct input *input)
{
	static const char *const clients[] = { "alpha", "beta", "" };
	struct hwb_explain_request *request = body;

	*request = (struct hwb_explain_request){
		.cursor = take8(input) & 3,
		.kind = take8(input) & 1,
		.address = address(input),
		.base = take8(input),
		.count = take8(input) & 7,
		.uid = 1000u + (take8(input) & 7),
	};
	snprintf(request->client, sizeof(request->client), "%s", clients[take8(input) % 3]);
	/* Mostly without what is refused, as the rest is of no use then. */
	if (request->client[0] != '\0')
		request->uid = 0;
	if (request->kind == HWB_RULE_DEVICE)
		request->base = request->count = 0;
	else if (request->count != 0)
		request->address = (struct hwb_pci_address){ 0 };
	return sizeof(*request);
}

/* Often whole: a second record has a mask and few microseconds, or values. */
static size_t batch(void *body, struct input *input)
{
	struct hwb_port_batch *head = body;
	struct hwb_port_op *ops = (struct hwb_port_op *)(head + 1);

	head->count = take8(input) % 16u;
	for (uint32_t i = 0; i < head->count; i++) {
		uint8_t port = take8(input), action = take8(input);
		ops[i] = (struct hwb_port_op){
			.port = (uint16_t)(((action & 16) != 0 ? 0x370 : 0x40) + port),
			.action = action & 15,
			.width = (uint8_t)(1u << (take8(input) & 3)),
			.value = i,
		};
		if (ops[i].action > HWB_BATCH_WRITE && ++i < head->count)
			*(struct hwb_port_operand *)&ops[i] = (struct hwb_port_operand){
				.mask = ops[i - 1].action >= HWB_BATCH_MODIFY ? take8(input) : 0,
				.microseconds = ops[i - 1].action == HWB_BATCH_POLL ? 2 : 0,
			};
	}
	return sizeof(*head) + head->count * sizeof(*ops);
}

static size_t memory_batch(void *body, struct input *input)
{
	struct hwb_mem_batch *head = body;
	struct hwb_mem_op *ops = (struct hwb_mem_op *)(head + 1);

	head->count = take8(input) % 16u;
	for (uint32_t i = 0; i < head->count; i++) {
		ops[i] = (struct hwb_mem_op){
			.offset = take8(input) * 8u,
			.action = take8(input) & 15,
			.width = (uint8_t)(1u << (take8(input) & 3)),
			.value = i,
		};
		if (ops[i].action > HWB_BATCH_WRITE && ++i < head->count)
			*(struct hwb_mem_operand *)&ops[i] = (struct hwb_mem_operand){
				.mask = ops[i - 1].action >= HWB_BATCH_MODIFY ? take8(input) : 0,
				.microseconds = ops[i - 1].action == HWB_BATCH_POLL ? 2 : 0,
			};
	}
	return sizeof(*head) + head->count * sizeof(*ops);
}

static size_t dma(void *body, uint16_t opcode, const struct client *client, struct input *input)
{
	uint8_t flags = take8(input);
	uint64_t iova = (flags & HWB_DMA_FIXED) == 0 ? 0
	                : (flags & 0x80) != 0        ? client->iova
	                                             : size(input);

	if (opcode == HWB_DMA_ALLOC) {
		*(struct hwb_dma_alloc_request *)body = (struct hwb_dma_alloc_request){
			.size = size(input),
			.alignment = (flags & 0x40) != 0 ? size(input) : 0,
			.iova = iova,
			.limit = (flags & 0x20) != 0 ? size(input) : 0,
			.flags = flags & 0x1f,
		};
		return sizeof(struct hwb_dma_alloc_request);
	}
	*(struct hwb_dma_map_request *)body = (struct hwb_dma_map_request){
		.offset = size(input),
		.size = size(input),
		.alignment = (flags & 0x40) != 0 ? size(input) : 0,
		.iova = iova,
		.limit = (flags & 0x20) != 0 ? size(input) : 0,
		.flags = flags & 7,
	};
	return sizeof(struct hwb_dma_map_request);
}

static size_t acquire(void *body, const struct client *client, struct input *input)
{
	*(struct hwb_acquire_request *)body = (struct hwb_acquire_request){
		.address = address(input),
		.flags = take8(input) & 7,
		.domain = handle(client, input),
		.bars = take8(input) & 0x3f,
		.wc = take8(input) & 0x3f,
		.irq_type = take8(input) % 5u,
		.irq_count = take8(input),
	};
	return sizeof(struct hwb_acquire_request);
}

static size_t acquire_any(void *body, const struct client *client, struct input *input)
{
	static const char *const names[] = { "pool", "rest", "toy", "disk" };
	struct hwb_acquire_any_request *request = body;

	*request = (struct hwb_acquire_any_request){
		.flags = take8(input) & 7,
		.domain = handle(client, input),
		.bars = take8(input) & 0x3f,
		.wc = take8(input) & 0x3f,
		.irq_type = take8(input) % 5u,
		.irq_count = take8(input),
	};
	strncpy(request->rule, names[take8(input) & 3], sizeof(request->rule));
	return sizeof(*request);
}

static size_t interrupt(void *body, struct hwb_header *header, struct input *input)
{
	uint8_t flags = take8(input);
	const struct model_device *device = &model.devices[take8(input) % MODEL_DEVICES];

	*(struct hwb_irq_request *)body = (struct hwb_irq_request){
		.type = flags & 3,
		.count = (flags & 4) != 0 ? take8(input) : 1,
		.number = (flags & 8) != 0 ? (device->address.domain + 1) << 16 |
		                                     (uint32_t)device->address.bus << 8 |
		                                     (uint32_t)device->address.device << 3
		                           : 0,
		.trigger = (flags & 16) != 0 ? take8(input) : (uint8_t)0,
		.polarity = (flags & 32) != 0 ? take8(input) : (uint8_t)0,
		.flags = (flags & 64) != 0 ? HWB_IRQ_OPEN_ENABLE : 0,
	};
	if ((flags & 8) != 0)
		header->session = 0;
	return sizeof(struct hwb_irq_request);
}

static size_t region(void *body, struct input *input)
{
	static const uint64_t fixed[] = { 0xfed00000, 0xa0000, 0xc0000, 0xfee00000 };
	const struct model_device *device = &model.devices[take8(input) % MODEL_DEVICES];
	struct hwb_io_mem_request *wanted = body;

	*wanted = (struct hwb_io_mem_request){
		.base = device->bars[take8(input) % HWB_BARS].address +
		        (uint64_t)take8(input) * 256,
		.size = size(input),
	};
	uint8_t flags = take8(input);
	wanted->flags = flags & 1;
	/* Or memory that is of no device. */
	if ((flags & 2) != 0)
		wanted->base = fixed[flags >> 2 & 3] + wanted->base % 0x1000;
	return sizeof(struct hwb_io_mem_request);
}

static size_t bar(void *body, struct input *input)
{
	*(struct hwb_bar_request *)body = (struct hwb_bar_request){
		.bar = take8(input) % 7u,
		.flags = take8(input) & 1,
		.offset = size(input),
		.size = size(input),
	};
	return sizeof(struct hwb_bar_request);
}

static size_t ports(void *body, struct input *input)
{
	static const uint16_t bases[] = { 0x40, 0x61, 0xc000, 0xc040, 0x44, 0xcf8, 0xffff, 0x3b8 };

	*(struct hwb_io_port_request *)body = (struct hwb_io_port_request){
		.base = (uint32_t)bases[take8(input) % 8u] + (take8(input) & 7u),
		.count = take8(input),
	};
	return sizeof(struct hwb_io_port_request);
}

static size_t config(void *body, struct input *input)
{
	*(struct hwb_config_access *)body = (struct hwb_config_access){
		.offset = take16(input) & 0x1fff,
		.width = (uint16_t)(1u << (take8(input) & 3)),
		.value = take32(input),
	};
	return sizeof(struct hwb_config_access);
}

/* By its handle, or by its address, or by both. */
static size_t info(void *body, struct hwb_header *header, const struct client *client,
                   struct input *input)
{
	uint8_t by = take8(input);

	if ((by & 1) != 0)
		header->session = handle(client, input);
	if ((by & 1) == 0 || (by & 2) != 0)
		*(struct hwb_device_info_request *)body =
		        (struct hwb_device_info_request){ address(input) };
	return sizeof(struct hwb_device_info_request);
}

static size_t list(void *body, struct input *input)
{
	*(struct hwb_list_request *)body = (struct hwb_list_request){ .cursor = take8(input) };
	return sizeof(struct hwb_list_request);
}

static size_t given(void *body, struct input *input)
{
	static const char *const names[] = { "alpha", "beta", "gamma", "nobody" };
	struct hwb_given_request *request = body;

	*request = (struct hwb_given_request){ .cursor = take8(input) };
	strncpy(request->client, names[take8(input) & 3], sizeof(request->client));
	return sizeof(*request);
}

static size_t revoke(void *body, struct input *input)
{
	struct hwb_revoke_request *request = body;

	*request = (struct hwb_revoke_request){
		.address = address(input),
		.flags = take8(input) & HWB_REVOKE_NOW,
	};
	return sizeof(*request);
}

static size_t make_body(void *body, struct hwb_header *header, const struct client *client,
                        struct input *input)
{
	switch (header->opcode) {
	case HWB_HELLO:
		*(struct hwb_hello_request *)body =
		        (struct hwb_hello_request){ .version_min = 1, .version_max = 1 };
		return sizeof(struct hwb_hello_request);
	case HWB_DEVICE_ACQUIRE:
		return acquire(body, client, input);
	case HWB_DEVICE_ACQUIRE_ANY:
		return acquire_any(body, client, input);
	case HWB_DMA_ALLOC:
	case HWB_DMA_MAP:
		return dma(body, header->opcode, client, input);
	case HWB_DMA_UNMAP:
		*(struct hwb_dma_unmap_request *)body =
		        (struct hwb_dma_unmap_request){ client->iova };
		return sizeof(struct hwb_dma_unmap_request);
	case HWB_DOMAIN_ASSIGN:
	case HWB_DOMAIN_DEASSIGN:
		*(struct hwb_assign_request *)body =
		        (struct hwb_assign_request){ .device = handle(client, input) };
		return sizeof(struct hwb_assign_request);
	case HWB_IRQ_OPEN:
		return interrupt(body, header, input);
	case HWB_IRQ_FDS:
		*(struct hwb_irq_fds *)body =
		        (struct hwb_irq_fds){ .first = take8(input), .count = take8(input) };
		return sizeof(struct hwb_irq_fds);
	case HWB_IRQ_OPEN_NUMBER:
		*(struct hwb_line_request *)body =
		        (struct hwb_line_request){ .number = take8(input) % (HWB_LINES + 1) };
		return sizeof(struct hwb_line_request);
	case HWB_IO_MEM_OPEN:
		return region(body, input);
	case HWB_IO_MEM_OPEN_BAR:
	case HWB_IO_PORT_OPEN_BAR:
		return bar(body, input);
	case HWB_IO_PORT_OPEN:
		return ports(body, input);
	case HWB_IO_PORT_BATCH:
		return batch(body, input);
	case HWB_IO_MEM_BATCH:
		return memory_batch(body, input);
	case HWB_CONFIG_READ:
	case HWB_CONFIG_WRITE:
		return config(body, input);
	case HWB_DEVICE_INFO:
		return info(body, header, client, input);
	case HWB_DEVICE_LIST:
	case HWB_DOMAIN_INFO:
	case HWB_IO_MEM_LIST:
	case HWB_IO_PORT_LIST:
	case HWB_IRQ_LIST:
	case HWB_ADMIN_DEVICES:
	case HWB_ADMIN_CLIENTS:
	case HWB_ADMIN_SESSIONS:
	case HWB_ADMIN_GROUPS:
	case HWB_ADMIN_RULES:
	case HWB_ADMIN_METRICS:
	case HWB_ADMIN_AUDIT:
		return list(body, input);
	case HWB_ADMIN_GIVEN:
		return given(body, input);
	case HWB_ADMIN_REVOKE:
		return revoke(body, input);
	case HWB_ADMIN_EXPLAIN:
		return explain(body, input);
	case HWB_ADMIN_CLEAR:
	case HWB_ADMIN_RELEASE:
		*(struct hwb_clear_request *)body = (struct hwb_clear_request){ address(input) };
		return sizeof(struct hwb_clear_request);
	default:
		return 0;
	}
}

/* Whether header.session names what the request is about. */
static bool is_about_something(uint16_t opcode)
{
	switch (opcode) {
	case HWB_CLOSE:
	case HWB_DEVICE_FD:
	case HWB_CONFIG_READ:
	case HWB_CONFIG_WRITE:
	case HWB_IO_MEM_OPEN_BAR:
	case HWB_IO_PORT_OPEN_BAR:
	case HWB_IO_PORT_BATCH:
	case HWB_IO_MEM_BATCH:
	case HWB_IRQ_OPEN:
	case HWB_IRQ_ENABLE:
	case HWB_IRQ_ACK:
	case HWB_IRQ_FDS:
	case HWB_DOMAIN_INFO:
	case HWB_DOMAIN_ASSIGN:
	case HWB_DOMAIN_DEASSIGN:
	case HWB_DMA_ALLOC:
	case HWB_DMA_MAP:
	case HWB_DMA_UNMAP:
		return true;
	default:
		return false;
	}
}

size_t make_request(union packet *packet, struct client *client, struct input *input)
{
	uint8_t opcode = take8(input);
	struct hwb_header *header = &packet->header;

	memset(packet, 0, sizeof(*packet));
	*header = (struct hwb_header){
		.version = HWB_PROTOCOL_VERSION,
		.opcode = opcodes[opcode % (sizeof(opcodes) / sizeof(opcodes[0]))],
		.serial = ++client->next_serial,
		.kind = HWB_REQUEST,
	};
	if (is_about_something(header->opcode))
		header->session = handle(client, input);
	size_t length = sizeof(*header) + make_body(header + 1, header, client, input);
	header->length = (uint32_t)length;
	if (header->opcode == HWB_CONFIG_READ)
		((struct hwb_config_access *)(header + 1))->value = 0;
	return length;
}
