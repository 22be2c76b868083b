/* SPDX-License-Identifier: MIT */
/* The ROM modules `devices' and `platform_info' as XML. */
#include <hwbroker/genode.h>

enum { CLASS_DISPLAY = 0x03, VENDOR_INTEL = 0x8086, HEADER_LAYOUT = 0x7f };

/* Where the text goes. What does not fit is counted only. */
struct sink {
	char *buffer;
	size_t size;
	size_t length;
};

static void put_character(struct sink *sink, char character)
{
	if (sink->length + 1 < sink->size)
		sink->buffer[sink->length] = character;
	sink->length++;
}

static void put(struct sink *sink, const char *text)
{
	for (; *text != '\0'; text++)
		put_character(sink, *text);
}

/* Ends the text, whole or cut. */
static size_t finish(const struct sink *sink)
{
	if (sink->size != 0)
		sink->buffer[sink->length < sink->size ? sink->length : sink->size - 1] = '\0';
	return sink->length;
}

/* At least `digits` of them. */
static void put_hex(struct sink *sink, uint64_t value, unsigned digits)
{
	unsigned shift = 60;

	while (shift != 0 && value >> shift == 0 && shift >= 4 * digits)
		shift -= 4;
	for (;; shift -= 4) {
		put_character(sink, "0123456789abcdef"[value >> shift & 15]);
		if (shift == 0)
			break;
	}
}

static void put_decimal(struct sink *sink, uint32_t value)
{
	uint32_t unit = 1;

	while (value / unit >= 10)
		unit *= 10;
	for (; unit != 0; unit /= 10)
		put_character(sink, (char)('0' + value / unit % 10));
}

/* Text from elsewhere within quotes. XML has no way to write control characters. */
static void put_escaped(struct sink *sink, const char *text)
{
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '<':
			put(sink, "&lt;");
			break;
		case '>':
			put(sink, "&gt;");
			break;
		case '&':
			put(sink, "&amp;");
			break;
		case '"':
			put(sink, "&quot;");
			break;
		case '\'':
			put(sink, "&apos;");
			break;
		default:
			put_character(sink,
			              (unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text);
			break;
		}
	}
}

static void put_hex_attribute(struct sink *sink, const char *name, uint64_t value)
{
	put_character(sink, ' ');
	put(sink, name);
	put(sink, "=\"0x");
	put_hex(sink, value, 1);
	put_character(sink, '"');
}

static void put_attribute(struct sink *sink, const char *name, uint32_t value)
{
	put_character(sink, ' ');
	put(sink, name);
	put(sink, "=\"");
	put_decimal(sink, value);
	put_character(sink, '"');
}

static void put_name(struct sink *sink, const struct hwb_pci_address *address)
{
	if (address->domain != 0) {
		put_hex(sink, address->domain, 4);
		put_character(sink, ':');
	}
	put_hex(sink, address->bus, 2);
	put_character(sink, ':');
	put_hex(sink, address->device, 2);
	put_character(sink, '.');
	put_hex(sink, address->function, 1);
}

static void put_config(struct sink *sink, const struct hwb_device *device)
{
	put(sink, "\t\t<pci-config");
	put_hex_attribute(sink, "address", hwb_genode_config_address(&device->address));
	put_hex_attribute(sink, "bus", device->address.bus);
	put_hex_attribute(sink, "device", device->address.device);
	put_hex_attribute(sink, "function", device->address.function);
	put_hex_attribute(sink, "vendor_id", device->vendor);
	put_hex_attribute(sink, "device_id", device->device);
	put_hex_attribute(sink, "class", device->class_code);
	put_hex_attribute(sink, "revision", device->revision);
	put_hex_attribute(sink, "sub_vendor_id", device->subsystem_vendor);
	put_hex_attribute(sink, "sub_device_id", device->subsystem_device);
	put(sink, " bridge=\"no\"/>\n");
}

static void put_bar(struct sink *sink, const struct hwb_device *device, uint32_t number)
{
	const struct hwb_bar *bar = &device->bars[number];
	int display = device->class_code >> 16 == CLASS_DISPLAY;
	int registers = device->vendor == VENDOR_INTEL && number == 0;

	if (bar->size == 0)
		return;
	put(sink, (bar->flags & HWB_BAR_IO) != 0 ? "\t\t<io_port_range" : "\t\t<io_mem");
	put_attribute(sink, "pci_bar", number);
	put_hex_attribute(sink, "address", bar->address);
	put_hex_attribute(sink, "size", bar->size);
	if ((bar->flags & (HWB_BAR_IO | HWB_BAR_PREFETCHABLE)) == HWB_BAR_PREFETCHABLE) {
		put(sink, " prefetchable=\"yes\"");
		if (display && !registers)
			put(sink, " wc=\"yes\"");
	}
	put(sink, "/>\n");
}

static void put_irq(struct sink *sink, const struct hwb_device *devices, uint32_t count,
                    uint32_t index)
{
	uint32_t number = hwb_genode_irq_number(devices, count, index);

	if (number == 0)
		return;
	put(sink, "\t\t<irq");
	put_attribute(sink, "number", number);
	/* PCI Local Bus 3.0, 2.2.6: lines are level sensitive, asserted low. */
	put(sink, hwb_genode_irq_type(&devices[index]) == HWB_IRQ_INTX
	                  ? " mode=\"level\" polarity=\"low\"/>\n"
	                  : " type=\"msi\"/>\n");
}

static int is_usable(const struct hwb_device *device)
{
	return (device->header_type & HEADER_LAYOUT) == 0 &&
	       device->state != HWB_DEVICE_QUARANTINED && device->state != HWB_DEVICE_GONE;
}

static void put_property(struct sink *sink, const struct hwb_genode_property *property)
{
	put(sink, "\t\t<property name=\"");
	put_escaped(sink, property->name);
	put(sink, "\" value=\"");
	put_escaped(sink, property->value);
	put(sink, "\"/>\n");
}

size_t hwb_genode_devices(const struct hwb_device *devices, uint32_t count,
                          const struct hwb_genode_property *properties, uint32_t property_count,
                          char *buffer, size_t size)
{
	struct sink sink = { buffer, size, 0 };
	int none = 1;

	put(&sink, "<devices>\n");
	for (uint32_t i = 0; i < count; i++) {
		const struct hwb_device *device = &devices[i];
		if (!is_usable(device))
			continue;
		none = 0;
		put(&sink, "\t<device name=\"");
		put_name(&sink, &device->address);
		put(&sink, "\" type=\"pci\">\n");
		put_config(&sink, device);
		for (uint32_t bar = 0; bar < HWB_BARS; bar++)
			put_bar(&sink, device, bar);
		put_irq(&sink, devices, count, i);
		if (device->iommu_group != UINT32_MAX) {
			put(&sink, "\t\t<property name=\"iommu_group\" value=\"");
			put_decimal(&sink, device->iommu_group);
			put(&sink, "\"/>\n");
		}
		for (uint32_t j = 0; j < property_count; j++)
			if (properties[j].device == i)
				put_property(&sink, &properties[j]);
		put(&sink, "\t</device>\n");
	}
	put(&sink, none ? "\t<none/>\n</devices>\n" : "</devices>\n");
	return finish(&sink);
}

size_t hwb_genode_platform_info(const struct hwb_genode_framebuffer *framebuffer, char *buffer,
                                size_t size)
{
	struct sink sink = { buffer, size, 0 };

	put(&sink, "<platform_info>\n"
	           "\t<kernel name=\"linux\" acpi=\"no\" msi=\"yes\" iommu=\"yes\"/>\n");
	if (framebuffer != NULL) {
		put(&sink, "\t<boot>\n\t\t<framebuffer");
		put_hex_attribute(&sink, "phys", framebuffer->address);
		put_attribute(&sink, "width", framebuffer->width);
		put_attribute(&sink, "height", framebuffer->height);
		put_attribute(&sink, "bpp", framebuffer->bits_per_pixel);
		/* Multiboot 2, 3.6.12: direct RGB colour. */
		put_attribute(&sink, "type", 1);
		put_attribute(&sink, "pitch", framebuffer->pitch);
		put(&sink, "/>\n\t</boot>\n");
	}
	put(&sink, "</platform_info>\n");
	return finish(&sink);
}
