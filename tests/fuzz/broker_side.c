/* SPDX-License-Identifier: MIT */
#include "broker_side.h"

#include <hwbroker/codec.h>

static size_t reply_size(uint16_t opcode)
{
	switch (opcode) {
	case HWB_HELLO:
		return sizeof(struct hwb_hello_reply);
	case HWB_DEVICE_INFO:
		return sizeof(struct hwb_device);
	case HWB_DEVICE_ACQUIRE:
	case HWB_DEVICE_ACQUIRE_ANY:
		return sizeof(struct hwb_acquire_reply);
	case HWB_CONFIG_READ:
	case HWB_CONFIG_WRITE:
		return sizeof(struct hwb_config_access);
	case HWB_IO_MEM_OPEN:
	case HWB_IO_MEM_OPEN_BAR:
	case HWB_IO_PORT_OPEN_BAR:
		return sizeof(struct hwb_region);
	case HWB_IRQ_OPEN:
		return sizeof(struct hwb_interrupt);
	case HWB_IRQ_FDS:
		return sizeof(struct hwb_irq_fds);
	case HWB_IRQ_OPEN_NUMBER:
		return sizeof(struct hwb_line);
	case HWB_DMA_ALLOC:
	case HWB_DMA_MAP:
		return sizeof(struct hwb_dma_reply);
	default:
		return 0;
	}
}

static size_t record_size(uint16_t opcode)
{
	return opcode == HWB_DOMAIN_INFO ? sizeof(struct hwb_iova_range)
	                                 : sizeof(struct hwb_device);
}

static size_t make_list(struct hwb_list_reply *list, uint16_t opcode, struct input *input)
{
	uint8_t how = take8(input);
	size_t size = record_size(opcode) + (how >> 6) * 8u;
	size_t room = HWB_MESSAGE_MAX - sizeof(struct hwb_header) - sizeof(*list);

	list->next = (how & 1) != 0 ? take8(input) : 0;
	list->record_size = (uint32_t)size;
	list->count = (uint32_t)((how >> 1 & 31) < room / size ? how >> 1 & 31 : room / size);
	take_bytes(input, list + 1, list->count * size);
	return sizeof(*list) + list->count * size;
}

static size_t make_batch(struct hwb_port_batch *batch, struct input *input)
{
	batch->count = take8(input);
	return sizeof(*batch) + batch->count * sizeof(struct hwb_port_op);
}

static size_t make_memory_batch(struct hwb_mem_batch *batch, struct input *input)
{
	batch->count = take8(input) % (HWB_MEM_OPS_MAX + 1);
	return sizeof(*batch) + batch->count * sizeof(struct hwb_mem_op);
}

static size_t make_reply(void *body, uint16_t opcode, struct input *input)
{
	switch (opcode) {
	case HWB_DEVICE_LIST:
	case HWB_DOMAIN_INFO:
	case HWB_ADMIN_GIVEN:
		return make_list(body, opcode, input);
	case HWB_IO_PORT_BATCH:
		return make_batch(body, input);
	case HWB_IO_MEM_BATCH:
		return make_memory_batch(body, input);
	default:
		take_bytes(input, body, reply_size(opcode));
		return reply_size(opcode);
	}
}

static size_t make_refusal(void *body, struct hwb_header *header, struct input *input)
{
	struct hwb_refusal *refusal = body;

	header->status = take8(input) + 1u;
	if (header->status == 0x100)
		header->status = take32(input) | 1;
	refusal->field = take8(input);
	refusal->reason_length = (uint32_t)take8(input) * 4;
	take_bytes(input, refusal + 1, refusal->reason_length);
	return sizeof(*refusal) + refusal->reason_length;
}

static size_t make_event(void *body, struct hwb_header *header, struct input *input)
{
	uint8_t which = take8(input);

	header->kind = HWB_EVENT;
	header->serial = 0;
	header->opcode = which < 0x80 ? HWB_EVENT_DEVICE : which;
	if (header->opcode != HWB_EVENT_DEVICE)
		return header->opcode == HWB_EVENT_POLICY ? 0 : which & 31;
	take_bytes(input, body, sizeof(struct hwb_device_event));
	return sizeof(struct hwb_device_event);
}

/* As many descriptors as make it a good message, if any number does. */
static uint32_t fitting_fds(struct said *said)
{
	struct hwb_header *header = (struct hwb_header *)said->packet;
	struct hwb_header read;

	for (uint32_t fds = 0; fds <= HWB_FDS_MAX; fds++) {
		header->fds = (uint16_t)fds;
		if (hwb_check_answer(said->packet, said->length, fds, &read).status == HWB_OK)
			return fds;
	}
	header->fds = 0;
	return 0;
}

static void spoil(struct said *said, struct input *input)
{
	uint8_t *bytes = (uint8_t *)said->packet;

	for (uint8_t times = take8(input) & 3; times > 0 && said->length != 0; times--)
		bytes[take16(input) % said->length] = take8(input);
	said->fds = take8(input) % (HWB_FDS_MAX + 2);
}

void broker_says(struct said *said, const struct hwb_header *request, struct input *input)
{
	struct hwb_header *header = (struct hwb_header *)said->packet;
	void *body = header + 1;
	uint8_t how = take8(input);
	size_t length;

	memset(said, 0, sizeof(*said));
	if ((how & 7) == 7) {
		said->length = take16(input) % sizeof(said->packet);
		said->fds = take8(input) % (HWB_FDS_MAX + 2);
		take_bytes(input, said->packet, said->length);
		return;
	}
	*header = *request;
	header->kind = HWB_REPLY;
	header->session = take8(input);
	switch (how & 7) {
	case 5:
		length = make_event(body, header, input);
		break;
	case 6:
		length = make_refusal(body, header, input);
		break;
	default:
		length = make_reply(body, header->opcode, input);
		break;
	}
	said->length = sizeof(*header) + length;
	header->length = (uint32_t)said->length;
	said->fds = fitting_fds(said);
	if ((how & 0xc0) == 0xc0)
		spoil(said, input);
}
