#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""many.py FOLDER NUMBER: a folder like /sys with so many PCI functions, all of one kind and
with a host driver, for `tests/bench'."""
import os
import struct
import sys

ROOT, NUMBER = sys.argv[1], int(sys.argv[2])
BAR, BAR_SIZE = 0xd0000000, 0x10000
FACTS = {"vendor": "0x8086", "device": "0x154c", "class": "0x020000", "revision": "0x01",
         "subsystem_vendor": "0x8086", "subsystem_device": "0x0000", "irq": "0", "reset": "",
         "boot_vga": "0", "enable": "0", "numa_node": "-1"}


def config(base):
    """Type 0, with a PCIe and an MSI-X capability."""
    space = bytearray(256)
    struct.pack_into("<HHHH", space, 0, 0x8086, 0x154c, 0x6, 0x10)
    space[9:12] = bytes([0, 0, 2])
    struct.pack_into("<I", space, 0x10, base)
    space[0x34] = 0x40
    space[0x40:0x42] = bytes([0x10, 0x70])
    space[0x70:0x73] = bytes([0x11, 0, 4])
    return bytes(space)


def function(number):
    """One of them, in an IOMMU group of its own."""
    name = f"{number >> 16:04x}:{number >> 8 & 255:02x}:{number >> 3 & 31:02x}.{number & 7}"
    folder = f"{ROOT}/devices/pci0000:00/{name}"
    group = f"{ROOT}/kernel/iommu_groups/{number}/devices"
    base = BAR + number * BAR_SIZE
    os.makedirs(folder)
    os.makedirs(group)
    for file, text in FACTS.items():
        with open(f"{folder}/{file}", "w", encoding="ascii") as out:
            out.write(text + "\n")
    with open(f"{folder}/config", "wb") as out:
        out.write(config(base))
    with open(f"{folder}/resource", "w", encoding="ascii") as out:
        out.write(f"{base:#018x} {base + BAR_SIZE - 1:#018x} 0x0000000000040200\n")
        out.write(f"{0:#018x} {0:#018x} {0:#018x}\n" * 12)
    with open(f"{folder}/resource0", "wb") as out:
        out.truncate(BAR_SIZE)
    os.symlink(f"../../../devices/pci0000:00/{name}", f"{ROOT}/bus/pci/devices/{name}")
    os.symlink(f"../../../../devices/pci0000:00/{name}", f"{group}/{name}")
    os.symlink(f"../../../kernel/iommu_groups/{number}", f"{folder}/iommu_group")
    os.symlink("../../../bus/pci/drivers/iavf", f"{folder}/driver")


for made in ["bus/pci/devices", "bus/pci/drivers/iavf", "bus/pci/slots"]:
    os.makedirs(f"{ROOT}/{made}")
for each in range(NUMBER):
    function(each)
