/* SPDX-License-Identifier: MIT */
#include "rom.h"

#include "device.h"

#include <hwbroker/genode.h>

enum { ROM_SIZE = 64 * 1024 };

static char text[ROM_SIZE];

const char *rom_devices(void)
{
	hwb_genode_devices(devices_listed, devices_count(), NULL, 0, text, sizeof(text));
	return text;
}

const char *rom_platform_info(void)
{
	hwb_genode_platform_info(NULL, text, sizeof(text));
	return text;
}
