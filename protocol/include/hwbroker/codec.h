/* SPDX-License-Identifier: MIT */
/*
 * Checks that a received packet is a well-formed message before anybody looks
 * inside, and builds headers and refusals. Used by the broker and by clients
 * alike, so that both read PROTOCOL.md the same way.
 *
 * One table (codec.c) holds the shape of every opcode: sizes, trailing arrays,
 * descriptors, reserved fields, known flags. After HWB_OK, the body may be used
 * in place through hwb_body(): it has the size that its opcode names.
 *
 * Needs no libc, allocates nothing, keeps no state, is safe from any thread.
 * Packets must start at an address that is a multiple of 8.
 */
#ifndef HWBROKER_CODEC_H
#define HWBROKER_CODEC_H

#include <hwbroker/protocol.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is wrong with a packet. `status` HWB_OK: nothing. */
struct hwb_check {
	enum hwb_status status;
	uint32_t field;     /* offset in the packet of the culprit, or 0 */
	const char *reason; /* a sentence for people; static; "" if all is well */
};

/* Checks a packet of `received` bytes that came with `fds` descriptors as a
 * request. The header is copied to `header` as far as it was readable (zeroed
 * otherwise), also if the check fails, so that a refusal can name the serial. */
struct hwb_check hwb_check_request(const void *packet, size_t received, uint32_t fds,
                                   struct hwb_header *header);

/* The same for what a client receives: replies and events. A reply with a
 * status other than HWB_OK is checked to be a struct hwb_refusal. */
struct hwb_check hwb_check_answer(const void *packet, size_t received, uint32_t fds,
                                  struct hwb_header *header);

/* The body: behind the header. */
static inline const void *hwb_body(const void *packet)
{
	return (const unsigned char *)packet + sizeof(struct hwb_header);
}

static inline void *hwb_body_rw(void *packet)
{
	return (unsigned char *)packet + sizeof(struct hwb_header);
}

/* Bytes of the body of a message that passed a check. */
static inline uint32_t hwb_body_length(const struct hwb_header *header)
{
	return header->length - (uint32_t)sizeof(struct hwb_header);
}

/* Fills a refusal for `request` into `packet` (HWB_MESSAGE_MAX bytes). `reason`
 * of `reason_length` bytes is cut at HWB_REASON_MAX. Returns the message's length. */
uint32_t hwb_make_refusal(void *packet, const struct hwb_header *request, enum hwb_status status,
                          uint32_t field, uint32_t host_errno, const char *reason,
                          size_t reason_length);

/* Whether the connection ends after this status; PROTOCOL.md, "Errors". */
int hwb_status_is_final(enum hwb_status status);

/* Static names, as PROTOCOL.md spells them without HWB_; "?" if unknown. */
const char *hwb_status_name(uint32_t status);
const char *hwb_opcode_name(uint32_t opcode);

#ifdef __cplusplus
}
#endif

#endif
