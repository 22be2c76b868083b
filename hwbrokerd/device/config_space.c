/* SPDX-License-Identifier: MIT */
#include "device/config_space.h"

/* PCI Local Bus 3.0, 6.1 and appendix H; PCI Express Base 3.0, 7.8 to 7.28. */
enum {
	STATUS = 0x06,
	STATUS_CAPABILITIES = 0x10,
	HEADER_TYPE = 0x0e,
	CAPABILITIES = 0x34,
	HEADER_END = 0x40,
	EXTENDED = 0x100,

	CAP_PM = 0x01,
	CAP_MSI = 0x05,
	CAP_EXPRESS = 0x10,
	CAP_MSIX = 0x11,
	CAP_AF = 0x13,
	CAP_EA = 0x14,

	EXT_ACS = 0x0d,
	EXT_ARI = 0x0e,
	EXT_ATS = 0x0f,
	EXT_SRIOV = 0x10,
	EXT_PRI = 0x13,
	EXT_RESIZABLE_BAR = 0x15,
	EXT_PASID = 0x1b,
	EXT_VF_RESIZABLE_BAR = 0x24,

	CHAIN_MAX = 48 /* (256 - 64) / 4: more links than that are a loop */
};

static uint16_t load16(const uint8_t *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

static uint32_t load32(const uint8_t *at)
{
	return (uint32_t)load16(at) | (uint32_t)load16(at + 2) << 16;
}

/* Next capability behind `at` (0: the first), 0 at the end of the chain. */
static uint32_t next_capability(const uint8_t *config, uint32_t at)
{
	if (at == 0 && (load16(config + STATUS) & STATUS_CAPABILITIES) == 0)
		return 0;
	uint32_t next = config[at == 0 ? CAPABILITIES : at + 1] & 0xfcu;
	return next < HEADER_END ? 0 : next;
}

void config_space_facts(const uint8_t config[256], struct config_facts *facts)
{
	*facts = (struct config_facts){ 0 };
	uint32_t at = 0;
	for (int links = 0; links < CHAIN_MAX; links++) {
		at = next_capability(config, at);
		if (at == 0)
			break;
		/* The longest that is read below; a chain may end at 0xfc. */
		if (at + 12 > 256)
			continue;
		switch (config[at]) {
		case CAP_MSI:
			/* Message Control bits 3:1: log2 of the vectors asked for. */
			facts->msi_vectors = (uint16_t)(1u << (load16(config + at + 2) >> 1 & 7));
			if (facts->msi_vectors > 32)
				facts->msi_vectors = 32;
			break;
		case CAP_MSIX:
			facts->msix_vectors = (uint16_t)((load16(config + at + 2) & 0x7ff) + 1);
			facts->msix_table_bar = config[at + 4] & 7;
			facts->msix_pba_bar = config[at + 8] & 7;
			break;
		case CAP_EXPRESS:
			facts->pcie = true;
			break;
		default:
			break;
		}
	}
}

static bool overlaps(uint32_t offset, uint32_t width, uint32_t start, uint32_t length)
{
	return offset < start + length && start < offset + width;
}

/* Bits of the access that fall on the 16-bit register at `at`. */
static uint32_t bits_in(uint32_t at, uint32_t offset, uint32_t width, uint32_t changed)
{
	uint64_t value = changed;
	if (!overlaps(offset, width, at, 2))
		return 0;
	return (uint32_t)(offset >= at ? value << 8 * (offset - at) : value >> 8 * (at - offset)) &
	       0xffff;
}

static const char *forbidden_header(uint32_t offset, uint32_t width)
{
	/* Cache line size, latency timer and interrupt line are scratch values. */
	if (offset >= 0x0c && offset + width <= 0x0e)
		return NULL;
	if (offset == 0x3c && width == 1)
		return NULL;
	if (overlaps(offset, width, 0x04, 2))
		return "command register";
	if (overlaps(offset, width, 0x10, 0x18))
		return "base address register";
	if (overlaps(offset, width, 0x30, 4))
		return "expansion ROM address";
	return "standard header";
}

static const char *forbidden_capability(const uint8_t *config, uint32_t at, uint32_t offset,
                                        uint32_t width, uint32_t changed)
{
	switch (config[at]) {
	case CAP_PM:
		return overlaps(offset, width, at, 8) ? "power management capability" : NULL;
	case CAP_MSI:
		return overlaps(offset, width, at, 24) ? "MSI capability" : NULL;
	case CAP_MSIX:
		return overlaps(offset, width, at, 12) ? "MSI-X capability" : NULL;
	case CAP_AF:
		return overlaps(offset, width, at, 6) ? "advanced features capability (reset)"
		                                      : NULL;
	case CAP_EA:
		return overlaps(offset, width, at, 64) ? "enhanced allocation capability" : NULL;
	case CAP_EXPRESS:
		/* Device Control bit 15: Initiate Function Level Reset. Link
		 * Control is shared with the port above and its other functions. */
		if ((bits_in(at + 8, offset, width, changed) & 0x8000) != 0)
			return "function level reset bit";
		return overlaps(offset, width, at + 0x10, 2) ? "link control register" : NULL;
	default:
		return NULL;
	}
}

static const char *extended_name(uint16_t id)
{
	switch (id) {
	case EXT_ACS:
		return "access control services capability";
	case EXT_ARI:
		return "alternative routing-ID capability";
	case EXT_ATS:
		return "address translation services capability";
	case EXT_SRIOV:
		return "SR-IOV capability";
	case EXT_PRI:
		return "page request capability";
	case EXT_RESIZABLE_BAR:
	case EXT_VF_RESIZABLE_BAR:
		return "resizable BAR capability";
	case EXT_PASID:
		return "PASID capability";
	default:
		return NULL;
	}
}

/* An extended capability reaches to the start of the next one above it. */
static uint32_t extended_end(const uint8_t *config, size_t size, uint32_t start)
{
	uint32_t end = (uint32_t)size;
	uint32_t at = EXTENDED;
	for (size_t links = 0; links < size / 8 && at >= EXTENDED && at + 4 <= size; links++) {
		if (at > start && at < end)
			end = at;
		at = load32(config + at) >> 20 & 0xffc;
	}
	return end;
}

static const char *forbidden_extended(const uint8_t *config, size_t size, uint32_t offset,
                                      uint32_t width)
{
	uint32_t at = EXTENDED;
	for (size_t links = 0; links < size / 8 && at >= EXTENDED && at + 4 <= size; links++) {
		uint32_t header = load32(config + at);
		const char *name = extended_name((uint16_t)header);
		if (name != NULL &&
		    overlaps(offset, width, at, extended_end(config, size, at) - at))
			return name;
		at = header >> 20 & 0xffc;
	}
	return NULL;
}

const char *config_space_forbidden(const uint8_t *config, size_t size, uint32_t offset,
                                   uint32_t width, uint32_t changed)
{
	if (offset < HEADER_END)
		return forbidden_header(offset, width);
	if (offset >= EXTENDED)
		return forbidden_extended(config, size, offset, width);
	uint32_t at = 0;
	for (int links = 0; links < CHAIN_MAX; links++) {
		at = next_capability(config, at);
		if (at == 0)
			break;
		const char *name = forbidden_capability(config, at, offset, width, changed);
		if (name != NULL)
			return name;
	}
	return NULL;
}
