# SPDX-License-Identifier: MIT
"""The initramfs that reaches the root disk: busybox, a few modules, guest/init.sh."""

import pathlib

from shared import cpio, modules

# What it loads to reach the root disk, in this order; ext4 wants its checksum first.
MODULES = ["crc32c_generic", "virtio_pci", "virtio_blk", "ext4"]


def make(folder, init, target, busybox=pathlib.Path("/bin/busybox")):
    """Makes `target` for the kernel whose modules are in `folder`; `init` is a text."""
    archive = cpio.Archive()
    for name in ["dev", "proc", "sys", "root"]:
        archive.directory(name)
    archive.file("bin/busybox", busybox.read_bytes(), 0o755)
    order = []
    for path in modules.Modules(folder).order(MODULES):
        # busybox's insmod takes modules only as they are.
        name, data = modules.read(path)
        order.append(name)
        archive.file(f"modules/{name}", data)
    archive.file("modules/order", ("\n".join(order) + "\n").encode())
    archive.file("init", init.encode(), 0o755)
    with open(target, "wb") as stream:
        archive.write(stream)
