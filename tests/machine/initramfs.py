# SPDX-License-Identifier: MIT
"""The initramfs that reaches the root disk: busybox, a few modules, guest/init.sh."""

import lzma
import pathlib
import shutil

import report

# What it loads to reach the root disk, in this order; ext4 wants its checksum first.
MODULES = ["crc32c_generic", "virtio_pci", "virtio_blk", "ext4"]


def module_files(root, version):
    """The modules and what they need, in loading order."""
    found = []
    for name in MODULES:
        listing = report.run(["modprobe", "-d", root, "-S", version, "--show-depends", name])
        for line in listing.splitlines():
            kind, _, path = line.strip().partition(" ")
            if kind == "insmod" and path not in found:
                found.append(path)
    return [pathlib.Path(path) for path in found]


def make(root, version, init, tree, target):
    """Makes `target` for the kernel whose modules are in `root`; `tree` is for us to fill."""
    for name in ["bin", "dev", "proc", "sys", "root", "modules"]:
        (tree / name).mkdir(parents=True)
    shutil.copy2("/bin/busybox", tree / "bin/busybox")
    order = []
    for module in module_files(root, version):
        data = module.read_bytes()
        if module.suffix == ".xz":
            # busybox's insmod takes modules only as they are.
            data = lzma.decompress(data)
        order.append(module.name.removesuffix(".xz"))
        (tree / "modules" / order[-1]).write_bytes(data)
    (tree / "modules/order").write_text("\n".join(order) + "\n")
    shutil.copy2(init, tree / "init")
    (tree / "init").chmod(0o755)
    # Without an entry for the root itself, which thus stays at the kernel's mode 0755.
    report.run(["sh", "-c", 'find . -mindepth 1 | LC_ALL=C sort | cpio -o -H newc --quiet > "$1"',
                "sh", target], cwd=tree)
