# SPDX-License-Identifier: MIT
"""Kernel modules: which others one needs, in loading order, and their bytes as they are."""

import gzip
import lzma
import pathlib
import shutil
import subprocess

from hwbimage import Failure


def plain(name):
    """`vfio-pci', `vfio_pci' and `kernel/drivers/vfio/pci/vfio-pci.ko.xz' are one module."""
    return name.rpartition("/")[2].partition(".ko")[0].replace("-", "_")


class Modules:
    """The modules of one kernel: a folder as /lib/modules/VERSION."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.needs = {}  # name: (path, paths of all that it needs)
        try:
            listing = (self.folder / "modules.dep").read_text(encoding="utf-8")
        except OSError as error:
            raise Failure(f"{self.folder}: no modules of a kernel are here ({error.strerror}: "
                          "modules.dep); install its package, or run depmod for it") from error
        for line in listing.splitlines():
            path, _, others = line.partition(":")
            self.needs[plain(path)] = (path, others.split())
        self.builtin = set()
        builtin = self.folder / "modules.builtin"
        if builtin.exists():
            lines = builtin.read_text(encoding="utf-8").splitlines()
            self.builtin = {plain(line) for line in lines}

    def order(self, names):
        """Files of the named modules and of all that they need, in loading order; nothing for
        what is part of the kernel itself."""
        found = []
        for name in names:
            if plain(name) in self.builtin:
                continue
            if plain(name) not in self.needs:
                raise Failure(f"{self.folder}: this kernel has no module `{name}'; install its "
                              "whole module package, or one with that driver")
            path, others = self.needs[plain(name)]
            # modules.dep names what is needed most directly first.
            for file in [*reversed(others), path]:
                if file not in found:
                    found.append(file)
        return [self.folder / file for file in found]


def _unpack(path, data):
    if path.suffix == ".xz":
        return lzma.decompress(data)
    if path.suffix == ".gz":
        return gzip.decompress(data)
    if path.suffix != ".zst":
        return data
    # Python has no such library before 3.14.
    if shutil.which("zstd") is None:
        raise Failure(f"{path}: to unpack it the program zstd is needed; install it")
    done = subprocess.run(["zstd", "-dcq"], input=data, stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise Failure(f"{path}: zstd cannot unpack it")
    return done.stdout


def read(path):
    """A module's name without what says how it is packed, and its bytes unpacked."""
    try:
        data = _unpack(path, path.read_bytes())
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise Failure(f"{path}: cannot be read: {error}") from error
    return plain(path.name) + ".ko", data
