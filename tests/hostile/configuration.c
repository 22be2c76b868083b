/* SPDX-License-Identifier: MIT */
/* Configuration space: what a client may write there, and in what pieces. */
#include "hostile.h"

#include <string.h>

enum { SPACE = 4096 };

static int config(int fd, uint32_t device, uint32_t opcode, struct hwb_config_access *access)
{
	struct packet packet;

	fill(&packet, opcode, device, access, sizeof(*access));
	int status = wire_exchange(fd, &packet);
	if (status == HWB_OK)
		memcpy(access, body_of(&packet), sizeof(*access));
	return status;
}

static uint32_t read_config(int fd, uint32_t device, uint16_t offset, uint16_t width)
{
	struct hwb_config_access access = { .offset = offset, .width = width };

	expect(config(fd, device, HWB_CONFIG_READ, &access) == HWB_OK, "offset 0x%x", offset);
	return access.value;
}

/* The value that is there, with these bits turned. */
static int turn(int fd, uint32_t device, uint16_t offset, uint16_t width, uint32_t bits)
{
	struct hwb_config_access access = { .offset = offset, .width = width };

	access.value = read_config(fd, device, offset, width) ^ bits;
	return config(fd, device, HWB_CONFIG_WRITE, &access);
}

static void denied(int fd, uint32_t device, uint16_t offset, uint16_t width, uint32_t bits)
{
	uint32_t before = read_config(fd, device, offset, width);
	int status = turn(fd, device, offset, width, bits);

	expect(status == HWB_DENIED, "bits 0x%x at 0x%x: status %d", bits, offset, status);
	expect(read_config(fd, device, offset, width) == before, "offset 0x%x was written", offset);
}

/* Offset of a capability; 0: none. PCI Local Bus 3.0, 6.7. */
static uint16_t capability(int fd, uint32_t device, uint8_t wanted)
{
	uint16_t at = (uint16_t)read_config(fd, device, 0x34, 1);

	for (unsigned i = 0; i < 48 && at != 0; i++) {
		if (read_config(fd, device, at, 1) == wanted)
			return at;
		at = (uint16_t)read_config(fd, device, (uint16_t)(at + 1), 1);
	}
	return 0;
}

/* The rule of the card names all that is tried here, and still. */
static void writes(void)
{
	enum { PM = 0x01, MSI = 0x05, EXPRESS = 0x10, MSIX = 0x11 };
	const struct hwb_acquire_request wanted = { .bars = 0 };
	int fd = client();
	struct taken card, disk;
	char why[256];

	expect(try_take(fd, NETWORK, &wanted, &card, why, sizeof(why)) == HWB_OK, "%s", why);
	static const uint8_t kinds[] = { PM, MSI, EXPRESS, MSIX };
	/* Where the bit is that matters most: power state, enable, function level reset. */
	static const uint8_t offsets[] = { 4, 2, 8, 2 };
	static const uint32_t bits[] = { 3, 1, 1u << 15, 1u << 15 };
	for (size_t i = 0; i < sizeof(kinds); i++) {
		uint16_t at = capability(fd, card.handle, kinds[i]);
		expect(at != 0, "the card has no capability 0x%x", kinds[i]);
		denied(fd, card.handle, (uint16_t)(at + offsets[i]), 2, bits[i]);
		denied(fd, card.handle, at, 1, 0xff);
		denied(fd, card.handle, (uint16_t)(at + 1), 1, 0xff);
	}
	denied(fd, card.handle, 0x04, 2, 4);
	denied(fd, card.handle, 0x04, 2, 2);
	for (uint16_t bar = 0x10; bar < 0x28; bar = (uint16_t)(bar + 4))
		denied(fd, card.handle, bar, 4, 0x1000);
	denied(fd, card.handle, 0x30, 4, 1);
	denied(fd, card.handle, 0x34, 1, 0xff);
	/* What the rule names and is harmless. */
	expect(turn(fd, card.handle, 0x3c, 1, 0xff) == HWB_OK, "the interrupt line");
	expect(turn(fd, card.handle, 0x3c, 1, 0xff) == HWB_OK, "the interrupt line");

	/* A rule that names nothing: nothing of all the space. */
	expect(try_take(fd, DISK, &wanted, &disk, why, sizeof(why)) == HWB_OK, "%s", why);
	for (uint16_t offset = 0; offset < SPACE; offset = (uint16_t)(offset + 4)) {
		int status = turn(fd, disk.handle, offset, 4, UINT32_MAX);
		expect(status == HWB_DENIED, "offset 0x%x: status %d", offset, status);
		/* Some of the rest are as good as all. */
		if (offset >= 0x200)
			offset = (uint16_t)(offset + 60);
	}
}

static void pieces(void)
{
	static const struct hwb_config_access wrong[] = {
		{ 0, 0, 0 },         { 0, 3, 0 },         { 0, 5, 0 },      { 0, 8, 0 },
		{ 0, 0xffff, 0 },    { 1, 2, 0 },         { 2, 4, 0 },      { 3, 4, 0 },
		{ 0xd, 4, 0 },       { SPACE, 1, 0 },     { SPACE, 4, 0 },  { SPACE - 2, 4, 0 },
		{ SPACE - 1, 2, 0 }, { SPACE + 4, 4, 0 }, { 0xfffc, 4, 0 }, { 0xffff, 1, 0 },
	};
	static const struct hwb_config_access too_large[] = {
		{ 0x3c, 1, 0x100 },
		{ 0x3c, 1, UINT32_MAX },
		{ 0x3c, 2, 0x10000 },
	};
	const struct hwb_acquire_request wanted = { .bars = 0 };
	int fd = client();
	struct taken card;
	char why[256];

	expect(try_take(fd, NETWORK, &wanted, &card, why, sizeof(why)) == HWB_OK, "%s", why);
	uint32_t before = read_config(fd, card.handle, 0x3c, 4);
	for (uint32_t opcode = HWB_CONFIG_READ; opcode <= HWB_CONFIG_WRITE; opcode++)
		for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
			struct hwb_config_access access = wrong[i];
			int status = config(fd, card.handle, opcode, &access);
			expect(status == HWB_INVALID, "offset 0x%x, width %u: status %d",
			       wrong[i].offset, wrong[i].width, status);
		}
	for (size_t i = 0; i < sizeof(too_large) / sizeof(too_large[0]); i++) {
		struct hwb_config_access access = too_large[i];
		expect(config(fd, card.handle, HWB_CONFIG_WRITE, &access) == HWB_INVALID,
		       "value 0x%x", too_large[i].value);
	}
	/* The interrupt line may be written, the pin beside it may not: all or nothing. */
	denied(fd, card.handle, 0x3c, 2, 0x01ff);
	denied(fd, card.handle, 0x3c, 4, UINT32_MAX);
	expect(read_config(fd, card.handle, 0x3c, 4) == before, "part of it was written");
}

const struct hostile_case configuration_cases[] = {
	{ 25, "configuration space is written where the rule and the device's nature let", writes,
	  0, 0 },
	{ 26, "accesses that straddle or leave the space are refused as a whole", pieces, 0, 0 },
	{ 0 },
};
