#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""hwbroker-mkimage's parts, against made-up modules, programs and folders."""

import argparse
import gzip
import io
import lzma
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
IMAGE = pathlib.Path(__file__).resolve().parents[2] / "genode-client/image"
sys.path.insert(0, str(IMAGE))

# pylint: disable=wrong-import-position
from hwbimage import Failure, compose, cpio, elf, modules, session  # noqa: E402


def program(needed=(), interpreter=None, machine=62, run_path=None):
    """A small ELF file that says what it needs; it cannot run."""
    names = list(needed) + ([run_path] if run_path else [])
    strings = b"\0" + b"".join(name.encode() + b"\0" for name in names)
    places = [1 + sum(len(name) + 1 for name in names[:i]) for i in range(len(names))]
    tags = [1] * len(needed) + ([29] if run_path else [])
    count = 3 if interpreter else 2
    strings_at = 64 + 56 * count
    dynamic_at = strings_at + len(strings)
    dynamic = b"".join(struct.pack("<qQ", tag, place) for tag, place in zip(tags, places))
    dynamic += struct.pack("<qQqQ", 5, 0x1000 + strings_at, 0, 0)
    text = (interpreter or "").encode() + b"\0"
    size = dynamic_at + len(dynamic) + len(text)
    headers = [(1, 0, 0x1000, size), (2, dynamic_at, 0x1000 + dynamic_at, len(dynamic)),
               (3, dynamic_at + len(dynamic), 0, len(text))][:count]
    data = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHI", 3, machine, 1)
    data += struct.pack("<QQQIHHHHHH", 0, 64, 0, 0, 64, 56, count, 0, 0, 0)
    for kind, offset, address, length in headers:
        data += struct.pack("<IIQQQQQQ", kind, 4, offset, address, address, length, length, 1)
    return data + strings + dynamic + text


class Case(unittest.TestCase):
    """A folder of its own for each test."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.work = pathlib.Path(folder.name)

    def put(self, name, data=b"", mode=0o644):
        """A file below the folder."""
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(mode)
        return path

    def refused(self, text, function, *arguments):
        """The function fails, and says that."""
        with self.assertRaises(Failure) as caught:
            function(*arguments)
        self.assertIn(text, str(caught.exception))


class Cpio(Case):
    """The archive."""

    @staticmethod
    def bytes_of(archive):
        """The whole archive."""
        stream = io.BytesIO()
        archive.write(stream)
        return stream.getvalue()

    def test_entries(self):
        """Header fields, sorted paths, folders that come by themselves."""
        archive = cpio.Archive()
        archive.file("b/c", b"hello", 0o755)
        archive.link("a", "b/c")
        archive.character_device("d", 5, 1)
        data = self.bytes_of(archive)
        found = []
        at = 0
        while True:
            self.assertEqual(data[at:at + 6], b"070701")
            field = [int(data[at + 6 + 8 * i:at + 14 + 8 * i], 16) for i in range(13)]
            name = data[at + 110:at + 110 + field[11] - 1].decode()
            body = at + 110 + field[11] + -(110 + field[11]) % 4
            content = data[body:body + field[6]]
            if name == "TRAILER!!!":
                break
            found.append((name, oct(field[1]), field[2:4], field[5], content, field[9:11]))
            at = body + field[6] + -field[6] % 4
        self.assertEqual(found, [("a", "0o120777", [0, 0], 0, b"b/c", [0, 0]),
                                 ("b", "0o40755", [0, 0], 0, b"", [0, 0]),
                                 ("b/c", "0o100755", [0, 0], 0, b"hello", [0, 0]),
                                 ("d", "0o20600", [0, 0], 0, b"", [5, 1])])

    def test_order_does_not_matter(self):
        """The same entries, the same bytes."""
        archives = [cpio.Archive(), cpio.Archive()]
        for archive, names in zip(archives, [["x/a", "x/b", "y"], ["y", "x/b", "x/a"]]):
            for name in names:
                archive.file(name, name.encode())
        self.assertEqual(self.bytes_of(archives[0]), self.bytes_of(archives[1]))

    def test_date(self):
        """SOURCE_DATE_EPOCH is the time of all entries."""
        archive = cpio.Archive()
        archive.file("a", b"")
        os.environ["SOURCE_DATE_EPOCH"] = "255"
        self.addCleanup(os.environ.pop, "SOURCE_DATE_EPOCH", None)
        self.assertEqual(self.bytes_of(archive)[46:54], b"000000ff")
        os.environ["SOURCE_DATE_EPOCH"] = "today"
        self.refused("SOURCE_DATE_EPOCH is `today'", self.bytes_of, archive)

    def test_refused(self):
        """What cannot be."""
        archive = cpio.Archive()
        archive.file("a", b"1")
        archive.file("/a", b"1")
        self.refused("/a comes twice", archive.file, "a", b"2")
        self.refused("/a is no folder", archive.file, "a/b", b"")
        self.refused("is no place", archive.file, "../b", b"")


class Modules(Case):
    """Kernel modules."""

    def test_order(self):
        """What is needed comes first, once; what is built in does not come."""
        self.put("modules.dep", b"kernel/a-b.ko.xz: kernel/c.ko kernel/d.ko\nkernel/c.ko: kernel/d.ko"
                 b"\nkernel/d.ko:\n")
        self.put("modules.builtin", b"kernel/e-f.ko\n")
        found = modules.Modules(self.work)
        self.assertEqual([path.name for path in found.order(["c", "a_b", "e_f", "a-b"])],
                         ["d.ko", "c.ko", "a-b.ko.xz"])
        self.refused("no module `g'", found.order, ["g"])
        self.refused("no modules of a kernel are here", modules.Modules, self.work / "none")

    def test_read(self):
        """Modules come unpacked."""
        for name, data in [("x-y.ko", b"m"), ("x-y.ko.xz", lzma.compress(b"m")),
                           ("x-y.ko.gz", gzip.compress(b"m"))]:
            self.assertEqual(modules.read(self.put(name, data)), ("x_y.ko", b"m"))
        self.refused("cannot be read", modules.read, self.put("z.ko.xz", b"no"))
        self.refused("cannot be read", modules.read, self.work / "none.ko")


class Elf(Case):
    """Programs and libraries."""

    def test_closure(self):
        """Libraries of libraries; of another machine's not."""
        self.put("etc/ld.so.conf", b"include /etc/more/*.conf\n")
        self.put("etc/more/x.conf", b"# comment\n/opt/lib\n")
        self.put("opt/lib/liba.so", program(machine=183))
        self.put("usr/lib/liba.so", program(["libb.so", "libc.so"]))
        self.put("opt/lib/libb.so", program(["liba.so"]))
        self.put("own/libc.so", program())
        self.put("lib/libc.so", program())
        top = self.put("bin/top", program(["liba.so", "libc.so"], "/ld", run_path="$ORIGIN/../own"))
        top = elf.Program(top, top.read_bytes())
        self.assertEqual((top.interpreter, top.needed), ("/ld", ["liba.so", "libc.so"]))
        libraries = elf.Libraries([self.work])
        found = {name: str(library.path.resolve().relative_to(self.work.resolve()))
                 for name, library in libraries.closure([top]).items()}
        self.assertEqual(found, {"liba.so": "usr/lib/liba.so", "libb.so": "opt/lib/libb.so",
                                 "libc.so": "own/libc.so"})

    def test_refused(self):
        """Missing libraries, files that are no programs, and damaged ones."""
        lone = elf.Program("/x/lone", program(["libnone.so"]))
        self.refused("/x/lone needs libnone.so", elf.Libraries([self.work]).closure, [lone])
        self.refused("no program", elf.Program, "/x", b"#!/bin/sh\n")
        data = program(["liba.so"], "/ld")
        for length in range(8, len(data) - 4):
            with self.subTest(length=length):
                self.refused("/x", lambda part: elf.Program("/x", part).needed[0], data[:length])


class Session(Case):
    """The folder that runs."""

    def add(self):
        """The folder, packed."""
        archive = cpio.Archive()
        session.add_folder(archive, self.work)
        return archive

    def test_folder(self):
        """Links become files, modes are two."""
        self.put("core", b"c", 0o700)
        self.put("sub/config", b"x", 0o600)
        (self.work / "init").symlink_to("core")
        archive = self.add()
        self.assertEqual({path: (oct(entry[0]), entry[1])
                          for path, entry in archive.entries.items()},
                         {"session": ("0o40755", b""), "session/core": ("0o100755", b"c"),
                          "session/init": ("0o100755", b"c"), "session/sub": ("0o40755", b""),
                          "session/sub/config": ("0o100644", b"x")})

    def test_refused_folders(self):
        """What cannot be packed."""
        self.refused("no such folder", session.add_folder, cpio.Archive(), self.work / "none")
        link = self.work / "link"
        link.symlink_to("nowhere")
        self.refused("points to nowhere, which is not there", self.add)
        link.unlink()
        link.symlink_to(".")
        self.refused("leads back to a folder above", self.add)
        link.unlink()
        os.mkfifo(self.work / "pipe")
        self.refused("pipe: is neither a file nor a folder", self.add)

    def test_command(self):
        """A file of the folder, executable."""
        self.assertEqual(session.command_words("core a  b"), ["/session/core", "a", "b"])
        self.assertEqual(session.command_words("./core"), ["/session/core"])
        self.refused("--command is empty", session.command_words, " ")
        self.refused("`a;b' cannot stand", session.command_words, "core a;b")
        self.put("core", b"c")
        self.refused("is not executable", session.check_command, self.add(), ["/session/core"])
        self.refused("there is no /session/cor ", session.check_command, self.add(),
                     ["/session/cor"])


class Whole(Case):
    """The tool."""

    def make(self, *arguments):
        """Runs it; returns (status, what it says)."""
        done = subprocess.run([IMAGE / "hwbroker-mkimage", "--root", self.work, "--modules",
                               self.work / "modules", "--output", self.work / "out.cpio.gz",
                               *arguments], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def install(self):
        """All that it needs."""
        self.put("usr/sbin/hwbrokerd", program(["libc.so.6"], "/lib64/ld.so", 62))
        self.put("usr/libexec/hwbroker/hwb-init", program(["libc.so.6"], "/lib64/ld.so"))
        self.put("usr/libexec/hwbroker/hwb-stand-in", program(["libc.so.6"], "/lib64/ld.so"))
        self.put("lib64/libc.so.6", program(["ld.so"]))
        self.put("lib64/ld.so", program())
        self.put("etc/hwbroker/hwbroker.conf", b"[broker]\n")
        self.put("modules/modules.dep", b"vfio_iommu_type1.ko:\nvfio-pci.ko: vfio.ko\nvfio.ko:\n")
        for name in ["vfio_iommu_type1", "vfio-pci", "vfio"]:
            self.put(f"modules/{name}.ko", b"\0vermagic=6.1 SMP\0")
        self.put("modules/config", b"CONFIG\n")

    def test_default_session(self):
        """The stand-in; twice the same bytes; and what is in it."""
        self.install()
        status, said = self.make()
        self.assertEqual(status, 0, said)
        first = (self.work / "out.cpio.gz").read_bytes()
        self.assertEqual(self.make()[0], 0)
        self.assertEqual(first, (self.work / "out.cpio.gz").read_bytes())
        files = [line.split()[1] for line in said.splitlines()[1:-1]]
        self.assertEqual(files, [
            "/etc/group", "/etc/hwbroker/hwbroker.conf", "/etc/hwbroker/init.conf", "/etc/passwd",
            "/init", "/lib/modules/6.1/config", "/lib/modules/vfio.ko",
            "/lib/modules/vfio_iommu_type1.ko", "/lib/modules/vfio_pci.ko", "/lib64/ld.so",
            "/lib64/libc.so.6", "/session/hwb-stand-in", "/usr/sbin/hwbrokerd"])
        data = gzip.decompress(first)
        for text in [b"\nmodule = /lib/modules/vfio_iommu_type1.ko\nmodule = /lib/modules/vfio.ko\n"
                     b"module = /lib/modules/vfio_pci.ko\n",
                     b"\n[session hwb-stand-in]\ncommand = /session/hwb-stand-in all\n"
                     b"directory = /session\nuser = 1000\ngroup = 1000\nat_end = restart\n",
                     b"\ndriver:x:1000:1000:"]:
            self.assertIn(text, data)

    def test_policy_of_several_files(self):
        """As hwbrokerd takes them, no others."""
        self.install()
        for name in ["10-net.conf", "Z.conf", ".hidden.conf", "old.conf~"]:
            self.put(f"etc/hwbroker/policy.d/{name}", b"# " + name.encode())
        status, said = self.make()
        self.assertEqual(status, 0, said)
        files = [line.split()[1] for line in said.splitlines()[1:-1]]
        self.assertEqual([file for file in files if "policy.d/" in file],
                         ["/etc/hwbroker/policy.d/10-net.conf", "/etc/hwbroker/policy.d/Z.conf"])
        self.put("mine/policy.conf", b"[broker]\n")
        self.assertNotIn("policy.d", self.make("--policy", self.work / "mine/policy.conf")[1])

    def test_refused(self):
        """What is missing or cannot be is said, and nothing is written."""
        good = self.put("good/core", program(), 0o755).parent
        cases = [(["--user", "root"], "a session of root"), (["--user", "0"], "a session of root"),
                 (["--user", "a b"], "neither NAME"), (["--module", "none"], "no module `none'"),
                 (["--session", good], "--session needs --command"),
                 (["--session", good, "--command", "cor"], "there is no /session/cor"),
                 (["--session", good, "--command", "core " + 200 * "x"], "longer than init.conf"),
                 (["--policy", "/none"], "the policy /none: cannot be read"),
                 (["--append", "/none"], "--append /none: cannot be read")]
        self.refused("is not there; install hwbrokerd", compose.image, argparse.Namespace(
            root=self.work, user="driver:1000"))
        self.install()
        for arguments, text in cases:
            with self.subTest(text=text):
                status, said = self.make(*arguments)
                self.assertEqual(status, 1, said)
                self.assertIn(text, said)
                self.assertFalse((self.work / "out.cpio.gz").exists())
        self.assertEqual(self.make("--at-end", "never")[0], 2)

    def test_output(self):
        """A place that cannot be written to."""
        self.install()
        status, said = self.make("--output", self.work / "none/x")
        self.assertEqual(status, 1)
        self.assertIn("none/x: cannot be written", said)


if __name__ == "__main__":
    unittest.main()
