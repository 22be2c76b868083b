/* SPDX-License-Identifier: MIT */
/*
 * What is made for Genode out of what a broker and a device say: the ROM of devices and
 * the shadow of configuration space. Input: sizes, a text, a page, devices. The XML is
 * well formed whatever they hold; cut texts are the beginnings of whole ones; the
 * shadow's chain of capabilities ends, and its page stays a page.
 */
#include "input.h"

#include <hwbroker/genode.h>

enum { DEVICES = 6, DEPTH = 8, ALL = 64 * 1024 };

/* ---- XML, as far as ours goes: elements, attributes, no text that matters ---- */

struct xml {
	const char *at;
	const char *open[DEPTH];
	size_t lengths[DEPTH];
	int depth;
};

static size_t name_length(const char *at)
{
	return strspn(at, "abcdefghijklmnopqrstuvwxyz_-0123456789");
}

static void read_attribute(struct xml *xml)
{
	size_t length = name_length(xml->at);

	must(length != 0 && strncmp(xml->at + length, "=\"", 2) == 0, "attributes are quoted");
	for (xml->at += length + 2; *xml->at != '"'; xml->at++) {
		must((unsigned char)*xml->at >= 0x20 && *xml->at != '<' && *xml->at != '>' &&
		             *xml->at != 0x7f,
		     "values are escaped");
		if (*xml->at == '&')
			must(strcspn(xml->at, ";") <= 6, "entities have an end");
	}
	xml->at++;
}

static void read_tag(struct xml *xml)
{
	bool closes = *++xml->at == '/';
	xml->at += closes;
	size_t length = name_length(xml->at);
	const char *name = xml->at;

	must(length != 0, "elements have names");
	xml->at += length;
	if (closes) {
		must(xml->depth > 0 && xml->lengths[--xml->depth] == length &&
		             memcmp(xml->open[xml->depth], name, length) == 0,
		     "what is closed is what was opened");
	} else {
		while (strspn(xml->at, " \n\t") != 0) {
			xml->at += strspn(xml->at, " \n\t");
			if (*xml->at != '/' && *xml->at != '>')
				read_attribute(xml);
		}
		if (*xml->at == '/') {
			xml->at++;
		} else {
			must(xml->depth < DEPTH, "the tree is low");
			xml->open[xml->depth] = name;
			xml->lengths[xml->depth++] = length;
		}
	}
	must(*xml->at++ == '>', "tags have an end");
}

static void check_xml(const char *text)
{
	struct xml xml = { .at = text };

	while (*xml.at != '\0') {
		if (*xml.at == '<') {
			read_tag(&xml);
		} else {
			must(strchr(" \t\n", *xml.at) != NULL, "there is no text");
			xml.at++;
		}
	}
	must(xml.depth == 0, "all is closed");
}

/* ---- what is checked ---- */

static void check_rom(const struct hwb_device *devices, uint32_t count, const char *text,
                      size_t cut)
{
	static char all[ALL], part[ALL];
	const struct hwb_genode_property properties[] = {
		{ .device = 0, .name = "model", .value = text },
		{ .device = count - 1, .name = text, .value = "x" },
	};
	size_t length = hwb_genode_devices(devices, count, properties, 2, all, sizeof(all));

	must(length < sizeof(all) && strlen(all) == length, "the length is that of the text");
	check_xml(all);
	memset(part, 0x55, cut + 1);
	must(hwb_genode_devices(devices, count, properties, 2, part, cut) == length,
	     "the length is that of the whole");
	must(part[cut] == 0x55, "nothing is written behind the buffer");
	if (cut != 0 && cut <= length)
		must(strlen(part) == cut - 1 && memcmp(part, all, cut - 1) == 0,
		     "a cut text is the beginning");
}

static void check_numbers(const struct hwb_device *devices, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t number = hwb_genode_irq_number(devices, count, i);
		int found = number != 0 ? hwb_genode_irq_device(devices, count, number) : (int)i;
		/* Of several if the broker gave them the same. */
		must(found >= 0 && (uint32_t)found < count &&
		             hwb_genode_irq_number(devices, count, (uint32_t)found) == number,
		     "a number leads to a device that has it");
		must(hwb_genode_irq_type(&devices[i]) <= HWB_IRQ_MSIX, "there are four types");
	}
}

static void check_shadow(const struct hwb_device *device, const uint8_t *config)
{
	static uint8_t page[HWB_GENODE_CONFIG_SIZE + 1];

	memset(page, 0x55, sizeof(page));
	memcpy(page, config, 256);
	int msi = hwb_genode_shadow(device, page);
	must(page[HWB_GENODE_CONFIG_SIZE] == 0x55, "nothing is written behind the page");
	if (msi < 0) {
		must(memcmp(page, config, 256) == 0, "what is refused is left alone");
		return;
	}
	must(msi == 0 || (msi >= 0x40 && msi < 0x100 && page[msi] == 0x05), "MSI is where it says");
	bool seen = msi == 0;
	int steps = 0;
	for (unsigned at = (page[6] & 0x10) != 0 ? page[0x34] : 0; at != 0; at = page[at + 1]) {
		must(at >= 0x40 && ++steps < 64, "the chain has an end");
		must(page[at] != 0x11, "MSI-X is the kernel's");
		seen = seen || at == (unsigned)msi;
	}
	must(seen, "MSI is in the chain");
	for (size_t i = 256; i < HWB_GENODE_CONFIG_SIZE; i++)
		must(page[i] == 0, "there are no extended capabilities");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	struct hwb_device devices[DEVICES];
	uint32_t count = 1 + take8(&input) % DEVICES;
	size_t cut = take16(&input) % 2048;
	char text[80] = "";
	uint8_t config[256];

	take_bytes(&input, text, take8(&input) % (sizeof(text) - 1));
	take_bytes(&input, config, sizeof(config));
	take_bytes(&input, devices, count * sizeof(devices[0]));
	check_rom(devices, count, text, cut);
	check_numbers(devices, count);
	for (uint32_t i = 0; i < count; i++)
		check_shadow(&devices[i], config);
	return 0;
}
