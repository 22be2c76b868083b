/* SPDX-License-Identifier: MIT */
/* A page of memory that passes for a function's configuration space. */
#include <hwbroker/genode.h>

/* Linux errno, asm-generic/errno-base.h. */
enum { E_INVAL = 22 };

/* PCI Local Bus 3.0, 6.1, 6.2 and 6.8; PCI Power Management 1.2, 3.2; PCI Express
 * Base 3.0, 7.8. */
enum {
	VENDOR = 0x00,
	DEVICE = 0x02,
	COMMAND = 0x04,
	COMMAND_KEPT = 0x0007, /* I/O and memory decoding, bus master */
	STATUS = 0x06,
	STATUS_CAPABILITIES = 0x0010,
	STATUS_KEPT = 0x06a0, /* what the device is, not what happened to it */
	REVISION = 0x08,
	HEADER_TYPE = 0x0e,
	MULTI_FUNCTION = 0x80,
	BIST = 0x0f,
	BARS = 0x10,
	BAR_IO = 0x1,
	BAR_64BIT = 0x4,
	BAR_PREFETCHABLE = 0x8,
	SUBSYSTEM_VENDOR = 0x2c,
	SUBSYSTEM_DEVICE = 0x2e,
	EXPANSION_ROM = 0x30,
	CAPABILITIES = 0x34,
	INTERRUPT_LINE = 0x3c,
	LINE_UNKNOWN = 0xff,
	INTERRUPT_PIN = 0x3d,
	HEADER_END = 0x40,
	COPY_END = 0x100, /* of the part that is a copy */
	LINKS_MAX = (COPY_END - HEADER_END) / 4,

	CAP_PM = 0x01,
	PM_CONTROL = 0x04,
	PM_STATE = 0x0003,
	PM_NO_SOFT_RESET = 0x0008,
	PM_EVENT = 0x8100, /* PME: status, which a write clears, and enable */
	PM_SIZE = 8,

	CAP_MSI = 0x05,
	MSI_CONTROL = 0x02,
	MSI_64BIT = 0x0080,
	MSI_ADDRESS = 0x04,
	MSI_SIZE = 10,
	MSI_64BIT_SIZE = 14,

	CAP_VENDOR = 0x09,

	CAP_EXPRESS = 0x10,
	EXPRESS_CAPABILITIES = 0x04,
	EXPRESS_FUNCTION_RESET = 1 << 28,
	EXPRESS_CONTROL = 0x08,
	EXPRESS_RESET = 0x8000,
	EXPRESS_STATUS = 0x0a,
	EXPRESS_EVENTS = 0x002f, /* errors, and transactions pending */
	EXPRESS_SIZE = 12,       /* up to what is looked at here */

	CAP_MSIX = 0x11,
	MSIX_SIZE = 12
};

static uint32_t load16(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8;
}

static void store16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
}

static void store32(uint8_t *at, uint32_t value)
{
	store16(at, value);
	store16(at + 2, value >> 16);
}

static void zero(uint8_t *at, size_t size)
{
	__builtin_memset(at, 0, size);
}

static void clear16(uint8_t *at, uint32_t bits)
{
	store16(at, load16(at) & ~bits);
}

/* ---- the header ---- */

static uint32_t bar_bits(const struct hwb_bar *bar)
{
	if ((bar->flags & HWB_BAR_IO) != 0)
		return BAR_IO;
	return ((bar->flags & HWB_BAR_64BIT) != 0 ? BAR_64BIT : 0u) |
	       ((bar->flags & HWB_BAR_PREFETCHABLE) != 0 ? BAR_PREFETCHABLE : 0u);
}

static void fill_bars(uint8_t *page, const struct hwb_device *device)
{
	zero(page + BARS, 4 * (size_t)HWB_BARS);
	for (uint32_t i = 0; i < HWB_BARS; i++) {
		const struct hwb_bar *bar = &device->bars[i];
		uint8_t *at = page + BARS + 4 * (size_t)i;
		if (bar->size == 0)
			continue;
		store32(at, (uint32_t)bar->address | bar_bits(bar));
		if ((bar->flags & HWB_BAR_64BIT) == 0 || i + 1 == HWB_BARS)
			continue;
		store32(at + 4, (uint32_t)(bar->address >> 32));
		i++;
	}
}

static void fill_header(uint8_t *page, const struct hwb_device *device)
{
	store16(page + VENDOR, device->vendor);
	store16(page + DEVICE, device->device);
	store16(page + COMMAND, load16(page + COMMAND) & COMMAND_KEPT);
	store16(page + STATUS, load16(page + STATUS) & STATUS_KEPT);
	store32(page + REVISION, device->class_code << 8 | device->revision);
	page[HEADER_TYPE] = device->header_type & MULTI_FUNCTION;
	page[BIST] = 0;
	fill_bars(page, device);
	store16(page + SUBSYSTEM_VENDOR, device->subsystem_vendor);
	store16(page + SUBSYSTEM_DEVICE, device->subsystem_device);
	store32(page + EXPANSION_ROM, 0);
	page[INTERRUPT_LINE] = LINE_UNKNOWN;
	page[INTERRUPT_PIN] = device->intx_pin;
}

/* ---- capabilities ---- */

/* One that is off and has one message, of the form that was there. */
static int tame_msi(uint8_t *cap, uint32_t room)
{
	uint32_t form = load16(cap + MSI_CONTROL) & MSI_64BIT;
	uint32_t size = form != 0 ? MSI_64BIT_SIZE : MSI_SIZE;

	if (size > room)
		return 0;
	store16(cap + MSI_CONTROL, form);
	zero(cap + MSI_ADDRESS, size - MSI_ADDRESS);
	return 1;
}

static void make_msi(uint8_t *cap)
{
	cap[0] = CAP_MSI;
	store16(cap + MSI_CONTROL, 0);
	zero(cap + MSI_ADDRESS, MSI_SIZE - MSI_ADDRESS);
}

static void tame_power_management(uint8_t *cap)
{
	clear16(cap + PM_CONTROL, PM_STATE | PM_EVENT);
	store16(cap + PM_CONTROL, load16(cap + PM_CONTROL) | PM_NO_SOFT_RESET);
}

static void tame_express(uint8_t *cap)
{
	clear16(cap + EXPRESS_CAPABILITIES + 2, EXPRESS_FUNCTION_RESET >> 16);
	clear16(cap + EXPRESS_CONTROL, EXPRESS_RESET);
	clear16(cap + EXPRESS_STATUS, EXPRESS_EVENTS);
}

/* Makes the capability at `at` one that can be memory; 0: it cannot, hide it. */
static int tame(uint8_t *page, uint32_t at, uint32_t irq_type)
{
	uint8_t *cap = page + at;
	uint32_t room = COPY_END - at;

	switch (*cap) {
	case CAP_VENDOR:
		return 1;
	case CAP_PM:
		if (room < PM_SIZE)
			return 0;
		tame_power_management(cap);
		return 1;
	case CAP_EXPRESS:
		if (room < EXPRESS_SIZE)
			return 0;
		tame_express(cap);
		return 1;
	case CAP_MSI:
		return tame_msi(cap, room);
	case CAP_MSIX:
		if (room < MSIX_SIZE)
			return 0;
		zero(cap + MSI_CONTROL, MSIX_SIZE - MSI_CONTROL);
		if (irq_type == HWB_IRQ_MSIX)
			make_msi(cap);
		return irq_type == HWB_IRQ_MSIX;
	default:
		return 0;
	}
}

/* Tames the capabilities of the chain and lists those that stay. The list is made
 * into a chain only later: on a broken device capabilities overlap, and what is
 * done to one could bend another's link into a loop. */
static uint32_t tame_all(uint8_t *page, int has_chain, uint32_t irq_type, uint8_t kept[LINKS_MAX])
{
	uint64_t seen = 0; /* by offset / 4 */
	uint32_t count = 0;
	uint32_t at = has_chain ? page[CAPABILITIES] & 0xfcu : 0;

	while (at >= HEADER_END && (seen >> at / 4 & 1) == 0) {
		uint32_t next = page[at + 1] & 0xfcu;
		seen |= 1ull << at / 4;
		if (tame(page, at, irq_type))
			kept[count++] = (uint8_t)at;
		at = next;
	}
	return count;
}

static void link_all(uint8_t *page, const uint8_t *kept, uint32_t count)
{
	uint32_t last = CAPABILITIES;

	for (uint32_t i = 0; i < count; i++) {
		page[last] = kept[i];
		last = kept[i] + 1u;
	}
	page[last] = 0;
	if (count != 0)
		store16(page + STATUS, load16(page + STATUS) | STATUS_CAPABILITIES);
}

static int find_msi(const uint8_t *page, const uint8_t *kept, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (page[kept[i]] == CAP_MSI)
			return kept[i];
	return 0;
}

int hwb_genode_shadow(const struct hwb_device *device, void *page)
{
	uint8_t *bytes = (uint8_t *)page;
	uint8_t kept[LINKS_MAX];
	uint32_t irq_type = hwb_genode_irq_type(device);

	if ((device->header_type & ~MULTI_FUNCTION) != 0)
		return -E_INVAL;
	int has_chain = (load16(bytes + STATUS) & STATUS_CAPABILITIES) != 0 &&
	                bytes[CAPABILITIES] >= HEADER_END;
	fill_header(bytes, device);
	zero(bytes + COPY_END, HWB_GENODE_CONFIG_SIZE - COPY_END);
	uint32_t count = tame_all(bytes, has_chain, irq_type, kept);
	if (!has_chain && (irq_type == HWB_IRQ_MSI || irq_type == HWB_IRQ_MSIX)) {
		make_msi(bytes + HEADER_END);
		kept[count++] = HEADER_END;
	}
	link_all(bytes, kept, count);
	return find_msi(bytes, kept, count);
}

int hwb_genode_shadow_read(const struct hwb_device *device, hwb_genode_config_reader reader,
                           void *context, void *page)
{
	uint8_t *bytes = (uint8_t *)page;

	for (uint32_t offset = 0; offset < COPY_END; offset += 4) {
		uint32_t value = 0;
		int result = reader(context, offset, &value);
		if (result < 0)
			return result;
		store32(bytes + offset, value);
	}
	return hwb_genode_shadow(device, page);
}
