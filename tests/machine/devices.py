# SPDX-License-Identifier: MIT
"""The virtual PC's hardware: one table, at fixed PCI addresses."""

# (name for --without, expected address, QEMU arguments). Order matters: a
# bridge precedes what hangs on it. {scratch}, {disk}, {spare} are files.
DEVICES = [
    ("display", "0000:00:02.0", ["-device", "bochs-display,id=display,addr=02.0"]),
    ("edu", "0000:00:03.0", ["-device", "edu,id=edu,addr=03.0,dma_mask=0xffffffff"]),
    ("edu2", "0000:00:04.0", ["-device", "edu,id=edu2,addr=04.0,dma_mask=0xffffffff"]),
    ("e1000e", "0000:00:05.0", ["-netdev", "user,id=net,restrict=on",
                                "-device", "e1000e,id=nic,netdev=net,addr=05.0,mac=52:54:00:12:34:56"]),
    ("nvme", "0000:00:06.0", ["-drive", "file={scratch},if=none,id=scratch,format=raw",
                              "-device", "nvme,id=nvme,drive=scratch,serial=HWB0001,addr=06.0"]),
    ("testdev", "0000:00:07.0", ["-device", "pci-testdev,id=testdev,addr=07.0"]),
    ("ivshmem", "0000:00:08.0", ["-object", "memory-backend-ram,id=shared,size=1M",
                                 "-device", "ivshmem-plain,id=ivshmem,memdev=shared,addr=08.0"]),
    ("sdhci", "0000:00:09.0", ["-device", "sdhci-pci,id=sdhci,addr=09.0"]),
    ("bridge", "0000:00:0a.0", ["-device", "pcie-pci-bridge,id=bridge,addr=0a.0"]),
    ("pair0", "0000:01:01.0", ["-device", "edu,id=pair0,bus=bridge,addr=01.0,dma_mask=0xffffffff"]),
    ("pair1", "0000:01:02.0", ["-device", "edu,id=pair1,bus=bridge,addr=02.0,dma_mask=0xffffffff"]),
    ("port0", "0000:00:0b.0", ["-device", "pcie-root-port,id=port0,addr=0b.0,chassis=1,slot=1"]),
    ("port1", "0000:00:0c.0", ["-device", "pcie-root-port,id=port1,addr=0c.0,chassis=2,slot=2"]),
    ("spare", "0000:00:0d.0", ["-drive", "file={spare},if=none,id=spare,format=raw",
                               "-device", "virtio-blk-pci,id=spare-disk,drive=spare,addr=0d.0,"
                               "disable-legacy=on"]),
]

# The root disk is not optional.
DISKS = ["-drive", "file={disk},if=none,id=root,format=qcow2,cache=unsafe",
         "-device", "virtio-blk-pci,id=root-disk,drive=root,addr=10.0,disable-legacy=on",
         "-drive", "file={payload},if=none,id=payload,format=raw,readonly=on",
         "-device", "virtio-blk-pci,id=payload-disk,drive=payload,addr=11.0,disable-legacy=on"]


def arguments(files, without):
    """QEMU arguments for all devices but those named in `without`."""
    chosen = [word for name, _, words in DEVICES if name not in without for word in words]
    return [word.format(**files) for word in chosen + DISKS]
