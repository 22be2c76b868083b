# SPDX-License-Identifier: MIT
"""Which shared libraries a program needs, and where they are, found without running it."""

import glob
import os
import pathlib
import struct

from hwbimage import Failure

_PT_LOAD, _PT_DYNAMIC, _PT_INTERP = 1, 2, 3
_DT_NEEDED, _DT_STRTAB, _DT_RPATH, _DT_RUNPATH = 1, 5, 15, 29
_DEFAULT = ["lib64", "usr/lib64", "lib", "usr/lib"]


class Program:
    """What an ELF file says: `machine', `interpreter' or None, `needed', `run_path'."""

    def __init__(self, path, data):
        self.path = path
        self.data = data
        self.needed = []
        self.run_path = []
        self.interpreter = None
        self.loads = []
        if data[:4] != b"\x7fELF" or data[4:6] != b"\x02\x01":
            raise Failure(f"{path}: this is no program for a 64-bit little-endian machine")
        try:
            self._read()
        except (struct.error, ValueError, IndexError, UnicodeDecodeError) as error:
            raise Failure(f"{path}: damaged, it cannot be read as a program") from error

    def _read(self):
        self.machine, = struct.unpack_from("<H", self.data, 18)
        table, = struct.unpack_from("<Q", self.data, 32)
        size, count = struct.unpack_from("<HH", self.data, 54)
        dynamic = b""
        for number in range(count):
            kind, _, offset, address, _, length = struct.unpack_from(
                "<IIQQQQ", self.data, table + number * size)
            if kind in (_PT_DYNAMIC, _PT_INTERP) and offset + length > len(self.data):
                raise ValueError("the file is cut short")
            if kind == _PT_LOAD:
                self.loads.append((address, offset, length))
            elif kind == _PT_INTERP:
                self.interpreter = self.data[offset:offset + length].rstrip(b"\0").decode()
            elif kind == _PT_DYNAMIC:
                dynamic = self.data[offset:offset + length // 16 * 16]
        self._read_dynamic(list(struct.iter_unpack("<qQ", dynamic)))

    def _read_dynamic(self, entries):
        strings = [self._offset(value) for tag, value in entries if tag == _DT_STRTAB]
        for tag, value in entries:
            if tag in (_DT_NEEDED, _DT_RPATH, _DT_RUNPATH):
                start = strings[0] + value
                text = self.data[start:self.data.index(b"\0", start)].decode()
                if tag == _DT_NEEDED:
                    self.needed.append(text)
                else:
                    self.run_path += text.split(":")

    def _offset(self, address):
        for start, offset, length in self.loads:
            if start <= address < start + length:
                return address - start + offset
        raise ValueError("an address outside of the file")


def _configured(root, name):
    """Folders that etc/ld.so.conf names, in its order."""
    folders = []
    try:
        lines = (root / name.lstrip("/")).read_text(encoding="utf-8").splitlines()
    except OSError:
        return folders
    for line in lines:
        words = line.partition("#")[0].split()
        if words[:1] == ["include"]:
            for pattern in words[1:]:
                for path in sorted(glob.glob(str(root / pattern.lstrip("/")))):
                    folders += _configured(root, os.path.relpath(path, root))
        elif words and words[0].startswith("/"):
            folders.append(words[0].lstrip("/"))
    return folders


class Libraries:
    """Looks for libraries below `roots', first match wins."""

    def __init__(self, roots):
        self.folders = []
        for root in roots:
            for name in _configured(root, "etc/ld.so.conf") + _DEFAULT:
                self.folders.append(root / name)

    def find(self, name, user):
        """The library that `user', a Program, means by `name'."""
        origin = str(pathlib.Path(user.path).parent)
        own = [pathlib.Path(folder.replace("$ORIGIN", origin).replace("${ORIGIN}", origin))
               for folder in user.run_path if folder]
        for folder in own + self.folders:
            path = folder / name
            if not path.is_file():
                continue
            library = Program(path, path.read_bytes())
            if library.machine == user.machine:
                return library
        raise Failure(f"{user.path} needs {name}, which is in none of "
                      f"{', '.join(str(folder) for folder in own + self.folders)}; install its "
                      "package")

    def closure(self, programs):
        """All that the programs need, and what that needs: Programs by name."""
        found = {}
        waiting = list(programs)
        while waiting:
            user = waiting.pop()
            for name in user.needed:
                if name not in found:
                    found[name] = self.find(name, user)
                    waiting.append(found[name])
        return found
