/* SPDX-License-Identifier: MIT */
#include "policy/class_names.h"

enum { BASE = 0xff0000, SUB = 0xffff00, INTERFACE = 0xffffff };

/* PCI Code and ID Assignment 1.11, chapter 1. */
const struct class_name class_names[] = {
	{ "storage", 0x010000, BASE },
	{ "scsi", 0x010000, SUB },
	{ "ide", 0x010100, SUB },
	{ "raid", 0x010400, SUB },
	{ "sata", 0x010600, SUB },
	{ "ahci", 0x010601, INTERFACE },
	{ "nvme", 0x010802, INTERFACE },
	{ "network", 0x020000, BASE },
	{ "ethernet", 0x020000, SUB },
	{ "wifi", 0x028000, SUB },
	{ "display", 0x030000, BASE },
	{ "vga", 0x030000, INTERFACE },
	{ "multimedia", 0x040000, BASE },
	/* 0401 (AC'97 and older) and 0403 (HD Audio) differ in one bit. */
	{ "audio", 0x040100, 0xfffd00 },
	{ "hda", 0x040300, SUB },
	{ "serial", 0x070000, SUB },
	{ "sdhci", 0x080500, SUB },
	{ "usb", 0x0c0300, SUB },
	{ "uhci", 0x0c0300, INTERFACE },
	{ "ohci", 0x0c0310, INTERFACE },
	{ "ehci", 0x0c0320, INTERFACE },
	{ "xhci", 0x0c0330, INTERFACE },
	{ "smbus", 0x0c0500, SUB },
};
const size_t class_name_count = sizeof(class_names) / sizeof(class_names[0]);
