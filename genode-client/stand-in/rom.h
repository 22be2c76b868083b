/* SPDX-License-Identifier: MIT */
/* Core's ROM modules, made from the broker's list. Text that the next call replaces. */
#ifndef STAND_IN_ROM_H
#define STAND_IN_ROM_H

const char *rom_devices(void);
const char *rom_platform_info(void);

#endif
