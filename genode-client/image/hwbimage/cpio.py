# SPDX-License-Identifier: MIT
"""Archives that the kernel unpacks as its first root file system (cpio, format `newc').

The same entries give the same bytes: sorted, all root's, of one time."""

import os
import stat

from hwbimage import Failure

_MODE_MAX = 0o7777


def source_date():
    """The time of all entries: SOURCE_DATE_EPOCH, or 0."""
    text = os.environ.get("SOURCE_DATE_EPOCH", "0")
    if not text.isascii() or not text.isdigit() or int(text) >= 1 << 32:
        raise Failure(f"SOURCE_DATE_EPOCH is `{text}'; it is a number of seconds since 1970")
    return int(text)


class Archive:
    """Entries by their path, which begins with no slash."""

    def __init__(self):
        self.entries = {}  # path: (mode, data, device)

    def _add(self, path, mode, data=b"", device=(0, 0)):
        path = os.path.normpath(path).lstrip("/")
        if path in ("", ".") or path.split("/")[0] == "..":
            raise Failure(f"`{path}' is no place in an image")
        known = self.entries.get(path)
        if known is not None:
            if known == (mode, data, device) or stat.S_ISDIR(known[0]) and stat.S_ISDIR(mode):
                return
            raise Failure(f"/{path} comes twice into the image, with different contents")
        parent = os.path.dirname(path)
        if parent:
            if not stat.S_ISDIR(self.entries.get(parent, (stat.S_IFDIR,))[0]):
                raise Failure(f"/{path} cannot be in the image: /{parent} is no folder there")
            self.directory(parent)
        self.entries[path] = (mode, data, device)

    def directory(self, path, mode=0o755):
        """A folder; those above it come by themselves."""
        self._add(path, stat.S_IFDIR | mode & _MODE_MAX)

    def file(self, path, data, mode=0o644):
        """A file with these bytes."""
        self._add(path, stat.S_IFREG | mode & _MODE_MAX, data)

    def link(self, path, target):
        """A symbolic link."""
        self._add(path, stat.S_IFLNK | 0o777, os.fsencode(target))

    def character_device(self, path, major, minor, mode=0o600):
        """A node, which needs no root to be put into an archive."""
        self._add(path, stat.S_IFCHR | mode & _MODE_MAX, b"", (major, minor))

    def __contains__(self, path):
        return path.lstrip("/") in self.entries

    def write(self, stream):
        """The whole archive. Without an entry for the root itself, which thus stays at the
        kernel's mode 0755."""
        date = source_date()
        for number, path in enumerate(sorted(self.entries, key=os.fsencode), 1):
            mode, data, device = self.entries[path]
            links = 2 if stat.S_ISDIR(mode) else 1
            _write_entry(stream, path, data, (number, mode, 0, 0, links, date, len(data), 0, 0)
                         + device)
        _write_entry(stream, "TRAILER!!!", b"", (0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0))


def _write_entry(stream, path, data, fields):
    """inode, mode, uid, gid, links, time, size, device of the file, device that it is."""
    if len(data) >= 1 << 32:
        raise Failure(f"/{path} has 4 GiB or more, which this format cannot hold")
    name = os.fsencode(path) + b"\0"
    numbers = fields + (len(name), 0)
    header = b"070701" + b"".join(b"%08x" % number for number in numbers)
    stream.write(header + name + bytes(-(len(header) + len(name)) % 4))
    stream.write(data + bytes(-len(data) % 4))
