/* SPDX-License-Identifier: MIT */
/*
 * The codec, both ways. Input: direction, number of descriptors, packet. What passes a
 * check is read as its opcode says, all of it within the packet; what is refused gets a
 * refusal that passes.
 */
#include "input.h"

#include <hwbroker/codec.h>

struct words {
	uint64_t words[HWB_MESSAGE_MAX / 8 + 1];
};

/* The names are there for every code that the codec itself may give. */
static void check_verdict(const struct hwb_check *check, size_t received)
{
	must(check->reason != NULL, "a verdict has words");
	must((check->status == HWB_OK) == (check->reason[0] == '\0'), "words are for mistakes");
	must(check->field <= HWB_MESSAGE_MAX, "the culprit is within a message");
	must(strcmp(hwb_status_name(check->status), "?") != 0, "each status has a name");
	(void)received;
}

/* A refusal of this, as the broker sends it, passes at the client. */
static void check_refusal(const struct hwb_header *header, const struct hwb_check *check,
                          const uint8_t *text, size_t size)
{
	struct words packet;
	struct hwb_header again;
	enum hwb_status status = check->status == HWB_OK ? HWB_DENIED : check->status;
	uint32_t length = hwb_make_refusal(&packet, header, status, check->field, 0,
	                                   (const char *)text, size);
	struct hwb_check of_refusal = hwb_check_answer(&packet, length, 0, &again);

	must(of_refusal.status == HWB_OK, "a refusal is a good answer");
	must(again.serial == header->serial && again.session == header->session &&
	             again.opcode == header->opcode && again.status == (uint32_t)status,
	     "a refusal names its request");
	const struct hwb_refusal *body = hwb_body(&packet);
	must(body->reason_length <= size, "a refusal's words are those that it was given");
	must(memcmp(body + 1, text, body->reason_length) == 0, "and not changed");
}

/* Sums all bytes up, so that one outside of the packet is seen by the sanitizer. */
static unsigned sum(const void *bytes, size_t size)
{
	unsigned result = 0;

	for (size_t i = 0; i < size; i++)
		result += ((const uint8_t *)bytes)[i];
	return result;
}

static unsigned read_list(const struct hwb_header *header, const void *body, size_t known)
{
	const struct hwb_list_reply *list = body;
	const uint8_t *record = (const uint8_t *)(list + 1);
	unsigned result = 0;

	must(list->count == 0 || list->record_size >= known, "records are whole");
	for (uint32_t i = 0; i < list->count; i++)
		result += sum(record + (size_t)i * list->record_size, known);
	must(sizeof(*list) + (size_t)list->count * list->record_size == hwb_body_length(header),
	     "records fill the message");
	return result;
}

static unsigned read_answer(const struct hwb_header *header, const void *body)
{
	switch (header->opcode) {
	case HWB_DEVICE_LIST:
	case HWB_ADMIN_GIVEN:
		return read_list(header, body, sizeof(struct hwb_device));
	case HWB_IO_MEM_LIST:
		return read_list(header, body, sizeof(struct hwb_memory_range));
	case HWB_IO_PORT_LIST:
		return read_list(header, body, sizeof(struct hwb_port_range));
	case HWB_IRQ_LIST:
		return read_list(header, body, sizeof(struct hwb_line_grant));
	case HWB_DOMAIN_INFO:
		return read_list(header, body, sizeof(struct hwb_iova_range));
	case HWB_ADMIN_DEVICES:
		return read_list(header, body, sizeof(struct hwb_admin_device));
	case HWB_ADMIN_CLIENTS:
		return read_list(header, body, sizeof(struct hwb_admin_client));
	case HWB_ADMIN_SESSIONS:
		return read_list(header, body, sizeof(struct hwb_admin_session));
	case HWB_ADMIN_METRICS:
		return read_list(header, body, sizeof(struct hwb_metric));
	case HWB_ADMIN_STATUS: {
		const struct hwb_status_reply *status = body;
		return sum(status + 1, status->text_length);
	}
	case HWB_IO_PORT_BATCH: {
		const struct hwb_port_batch *batch = body;
		return sum(batch + 1, batch->count * sizeof(struct hwb_port_op));
	}
	case HWB_IO_MEM_BATCH: {
		const struct hwb_mem_batch *batch = body;
		return sum(batch + 1, batch->count * sizeof(struct hwb_mem_op));
	}
	default:
		return sum(body, hwb_body_length(header));
	}
}

/* So that the sums are made. */
static volatile unsigned sink;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	struct hwb_header header;
	bool answer = (take8(&input) & 1) != 0;
	uint32_t fds = take8(&input);
	size_t length = input.left <= HWB_MESSAGE_MAX + 1 ? input.left : HWB_MESSAGE_MAX + 1;
	/* Just so large: what is behind it is not the codec's. */
	void *packet = aligned_alloc(8, (length + 8) & ~(size_t)7);
	uint8_t *exact = (uint8_t *)packet;

	if (packet == NULL)
		return 0;
	if (length != 0)
		memcpy(exact, input.at, length);
	struct hwb_check check = answer ? hwb_check_answer(packet, length, fds, &header)
	                                : hwb_check_request(packet, length, fds, &header);
	check_verdict(&check, length);
	if (check.status == HWB_OK) {
		must(header.length == length && header.fds == fds, "a good message is whole");
		must(memcmp(&header, packet, sizeof(header)) == 0, "its header is as it came");
		sink = sink + (answer && header.kind == HWB_REPLY && header.status == HWB_OK
		                       ? read_answer(&header, hwb_body(packet))
		                       : sum(hwb_body(packet), hwb_body_length(&header)));
		must(strcmp(hwb_opcode_name(header.opcode), "?") != 0 || answer,
		     "each opcode that passes has a name");
		struct hwb_header other;
		struct hwb_check turned = answer ? hwb_check_request(packet, length, fds, &other)
		                                 : hwb_check_answer(packet, length, fds, &other);
		must(turned.status != HWB_OK, "no message goes both ways");
	}
	check_refusal(&header, &check, exact, length);
	free(packet);
	return 0;
}
