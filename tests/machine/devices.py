# SPDX-License-Identifier: MIT
"""The virtual PC's hardware: one table, at fixed PCI addresses."""

import typing

import report


class Device(typing.NamedTuple):
    """A PCI device; `model` gets its id, bus and slot from the other fields."""
    name: str     # for --without, and its id in QEMU's monitor
    address: str  # as the guest sees it
    ids: str      # vendor:device
    model: str    # QEMU's name for it, and properties
    backend: tuple = ()  # QEMU arguments that must come before it; {out} etc. are files
    bus: str = "pcie.0"  # pcie.0 or the name of a bridge that stands above in this table
    parts: tuple = ()  # QEMU arguments that must come after it


_BLK = "virtio-blk-pci,disable-legacy=on"
_NEEDED = {"root", "payload"}

# A bridge's secondary bus number follows from its place among the bridges.
TABLE = [
    Device("display", "0000:00:02.0", "1234:1111", "bochs-display"),
    Device("edu", "0000:00:03.0", "1234:11e8", "edu"),
    Device("edu2", "0000:00:04.0", "1234:11e8", "edu"),
    # No ROM file: the firmware would spend a second on network boot.
    Device("e1000e", "0000:00:05.0", "8086:10d3",
           "e1000e,netdev=net,mac=52:54:00:12:34:56,romfile=",
           ("-netdev", "user,id=net,restrict=on")),
    # With SR-IOV: its virtual functions, when there are any, are 00:06.1 to 00:06.4. What they
    # have of its queues and vectors are for its driver to give them.
    Device("nvme", "0000:00:06.0", "1b36:0010",
           "nvme,subsys=disks,serial=HWB0001,max_ioqpairs=72,msix_qsize=73,"
           "sriov_max_vfs=4,sriov_vq_flexible=8,sriov_vi_flexible=8",
           ("-drive", "file={scratch},if=none,id=scratch,format=raw,cache=unsafe",
            "-device", "nvme-subsys,id=disks"),
           parts=("-device", "nvme-ns,bus=nvme,drive=scratch,nsid=1")),
    Device("testdev", "0000:00:07.0", "1b36:0005", "pci-testdev"),
    Device("ivshmem", "0000:00:08.0", "1af4:1110", "ivshmem-plain,memdev=shared",
           ("-object", "memory-backend-ram,id=shared,size=1M")),
    Device("sdhci", "0000:00:09.0", "1b36:0007", "sdhci-pci"),
    Device("bridge", "0000:00:0a.0", "1b36:000e", "pcie-pci-bridge"),
    Device("pair0", "0000:01:01.0", "1234:11e8", "edu", bus="bridge"),
    Device("pair1", "0000:01:02.0", "1234:11e8", "edu", bus="bridge"),
    # Slot numbers beyond those of the bridge, which counts its own from 1.
    Device("port0", "0000:00:0b.0", "1b36:000c", "pcie-root-port,chassis=40,slot=40"),
    Device("port1", "0000:00:0c.0", "1b36:000c", "pcie-root-port,chassis=41,slot=41"),
    Device("spare", "0000:00:0d.0", "1af4:1042", _BLK + ",drive=spare-disk,serial=spare",
           ("-drive", "file={spare},if=none,id=spare-disk,format=raw,cache=unsafe")),
    Device("root", "0000:00:10.0", "1af4:1042", _BLK + ",drive=root-disk,serial=root",
           ("-drive", "file={root},if=none,id=root-disk,format=qcow2,cache=unsafe")),
    Device("payload", "0000:00:11.0", "1af4:1042", _BLK + ",drive=payload-disk,serial=payload",
           ("-drive", "file={payload},if=none,id=payload-disk,format=raw,readonly=on")),
    Device("rng", "0000:00:12.0", "1af4:1044", "virtio-rng-pci,disable-legacy=on"),
]


# For --with: each in place of the device of its name above.
INSTEAD = {
    # With a video BIOS, which the firmware runs.
    "vga": Device("display", "0000:00:02.0", "1234:1111", "VGA"),
}


# What is behind a bridge from the start. QEMU's amd-iommu (of 7.2) notes the number of a device's
# bus when that becomes part of the machine: before the firmware numbers the buses, each is 0, so
# such a device's DMA would be translated by the table of 00:00.0. One that is plugged in later
# has its own.
BEHIND_BRIDGES = [device.name for device in TABLE if device.bus != "pcie.0"]


def replaced(instead):
    """The table with other devices in the places of some."""
    for name in instead:
        if name not in INSTEAD:
            raise report.Failure(f"--with {name}: no such device; there are "
                                 + ", ".join(sorted(INSTEAD)))
    others = {INSTEAD[name].name: INSTEAD[name] for name in instead}
    return [others.get(device.name, device) for device in TABLE]


def chosen(without, instead):
    """The table less the named devices, and less what hangs on them."""
    names = {device.name for device in TABLE}
    for name in without:
        if name not in names:
            raise report.Failure(f"--without {name}: no such device; there are "
                                 + ", ".join(sorted(names - _NEEDED)))
        if name in _NEEDED:
            raise report.Failure(f"--without {name}: the virtual PC starts from it")
    return [device for device in replaced(instead)
            if device.name not in without and device.bus not in without]


# Of each edu, also one that is plugged in later. By itself it has 28 bits, and cuts what is above
# off an address: without an IOMMU it then writes somewhere into the guest's memory, of which the
# kernel dies, now and then.
_EDU_REACH = ["-global", "edu.dma_mask=0xffffffff"]


def arguments(files, without, instead):
    """QEMU arguments for the chosen devices; `files` maps names to paths."""
    paths = {name: str(path).replace(",", ",,") for name, path in files.items()}
    words = list(_EDU_REACH)
    for device in chosen(without, instead):
        words += [word.format(**paths) for word in device.backend]
        slot = device.address.rpartition(":")[2]
        words += ["-device", f"{device.model},id={device.name},bus={device.bus},addr={slot}"]
        words += device.parts
    return words
