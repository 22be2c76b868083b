/* SPDX-License-Identifier: MIT */
#include "names.h"

#include <inttypes.h>
#include <pciaccess.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool started;

void names_device(const struct hwb_device *device, char *text, size_t size)
{
	struct pci_id_match match = {
		.vendor_id = device->vendor,
		.device_id = device->device,
		.subvendor_id = PCI_MATCH_ANY,
		.subdevice_id = PCI_MATCH_ANY,
	};
	const char *name = NULL, *vendor = NULL;

	/* The library reads pci.ids only once it is started. */
	if (!started)
		started = pci_system_init() == 0;
	if (started)
		pci_get_strings(&match, &name, &vendor, NULL, NULL);
	if (name != NULL && vendor != NULL)
		snprintf(text, size, "%s %s", vendor, name);
	else if (vendor != NULL)
		snprintf(text, size, "%s %04x:%04x", vendor, device->vendor, device->device);
	else
		snprintf(text, size, "%04x:%04x", device->vendor, device->device);
}

void names_end(void)
{
	if (started)
		pci_system_cleanup();
	started = false;
}

const char *names_state(uint32_t state)
{
	static const char *const names[] = {
		[HWB_DEVICE_HOST] = "host",
		[HWB_DEVICE_FREE] = "free",
		[HWB_DEVICE_GRANTED] = "granted",
		[HWB_DEVICE_REVOKING] = "revoking",
		[HWB_DEVICE_QUARANTINED] = "quarantined",
		[HWB_DEVICE_GONE] = "gone",
	};
	return state < sizeof(names) / sizeof(names[0]) ? names[state] : "?";
}

const char *names_session(uint32_t kind)
{
	static const char *const names[] = {
		"?", "PLATFORM", "IO_MEM", "IO_PORT", "IRQ", "DMA", "LINE",
	};
	return kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "?";
}

const char *names_happening(uint32_t kind)
{
	static const char *const names[] = {
		"?",
		"granted",
		"refused",
		"asked-back",
		"revoked",
		"held",
		"released",
		"quarantined",
		"cleared",
		"ports-granted",
		"ports-released",
		"connected",
		"disconnected",
		"not-admitted",
		"policy-loaded",
		"policy-refused",
		"device-arrived",
		"device-left",
		"line-opened",
		"line-closed",
		"memory-granted",
		"memory-released",
	};
	return kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "?";
}

void names_address(const struct hwb_pci_address *address, char text[32])
{
	snprintf(text, 32, "%04x:%02x:%02x.%x", address->domain, address->bus, address->device,
	         address->function);
}

void names_physical(const struct hwb_pci_address *virtual, uint16_t function, char text[32])
{
	const struct hwb_pci_address address = {
		.domain = virtual->domain,
		.bus = (uint8_t)(function >> 8),
		.device = function >> 3 & 0x1f,
		.function = function & 7,
	};

	names_address(&address, text);
}

/* Digits of a hexadecimal number of up to `max`, without 0x, behind which `end` is. */
static bool read_part(const char **text, char end, unsigned max, unsigned *value)
{
	size_t digits = strspn(*text, "0123456789abcdefABCDEF");

	if (digits == 0 || (*text)[digits] != end)
		return false;
	unsigned long number = strtoul(*text, NULL, 16);
	if (number > max)
		return false;
	*value = (unsigned)number;
	*text += digits + (end != '\0');
	return true;
}

bool names_read_address(const char *text, struct hwb_pci_address *address)
{
	const char *colon = strchr(text, ':');
	unsigned domain = 0, bus, device, function;

	if (colon != NULL && strchr(colon + 1, ':') != NULL &&
	    !read_part(&text, ':', UINT32_MAX, &domain))
		return false;
	if (!read_part(&text, ':', 0xff, &bus) || !read_part(&text, '.', 31, &device) ||
	    !read_part(&text, '\0', 7, &function))
		return false;
	*address = (struct hwb_pci_address){
		.domain = domain,
		.bus = (uint8_t)bus,
		.device = (uint8_t)device,
		.function = (uint8_t)function,
	};
	return true;
}

void names_size(uint64_t bytes, char text[16])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	unsigned unit = 0;
	double value = (double)bytes;

	/* What would be rounded up to 1024 belongs to the next unit. */
	while (value >= 1023.5 && unit < 4) {
		value /= 1024.0;
		unit++;
	}
	/* One digit behind the point where it says something. */
	uint64_t tenths = (uint64_t)(value * 10.0 + 0.5);
	if (tenths % 10 == 0 || tenths >= 1000)
		snprintf(text, 16, "%.0f %s", value, units[unit]);
	else
		snprintf(text, 16, "%.1f %s", value, units[unit]);
}

void names_duration(uint64_t milliseconds, char text[16])
{
	uint64_t seconds = milliseconds / 1000;

	if (seconds < 120)
		snprintf(text, 16, "%" PRIu64 " s", seconds);
	else if (seconds < 7200)
		snprintf(text, 16, "%" PRIu64 " min", seconds / 60);
	else if (seconds < 48 * 3600)
		snprintf(text, 16, "%" PRIu64 " h", seconds / 3600);
	else
		snprintf(text, 16, "%" PRIu64 " d", seconds / 86400);
}
