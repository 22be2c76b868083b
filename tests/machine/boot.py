# SPDX-License-Identifier: MIT
"""Starts the virtual PC and serves its second serial port until it is done."""

import base64
import ctypes
import json
import pathlib
import re
import selectors
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import zlib

import devices
import image

# Exit statuses of `pc run` beside the script's own.
TIMED_OUT = 124
BROKEN = 125

PR_SET_PDEATHSIG = 1


def die_with_parent():
    """The virtual PC must not outlive the runner, however that ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def qemu_command(options, artefacts, files):
    """The whole command line. Software emulation always."""
    series = options.kernel
    append = ["console=ttyS0", "root=LABEL=hwbroker", "rw", "quiet", "loglevel=4", "panic=-1",
              "systemd.show_status=no", "hugepages=64", "mitigations=off", "audit=0",
              "net.ifnames=0", "fsck.mode=skip"]
    if not options.no_iommu:
        append.append("intel_iommu=on")
    if options.script:
        append.append(f"hwbroker.script={options.script}")
    append += options.append
    command = ["qemu-system-x86_64", "-accel", "tcg,thread=multi",
               "-machine", "q35,kernel-irqchip=split", "-cpu", "max", "-smp", "2", "-m", "2G",
               "-nodefaults", "-no-reboot", "-display", "none", "-vga", "none",
               "-kernel", artefacts / f"vmlinuz-{series}",
               "-initrd", artefacts / f"initramfs-{series}", "-append", " ".join(append),
               "-device", "virtio-rng-pci,addr=12.0,disable-legacy=on"]
    if not options.no_iommu:
        remap = "off" if options.no_intremap else "on"
        command += ["-device", f"intel-iommu,intremap={remap},caching-mode=on"]
    return command + devices.arguments(files, options.without)


class Qmp:
    """A connection to QEMU's monitor: one command at a time."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.stream = self.socket.makefile("rw")
        self.stream.readline()
        self.command("qmp_capabilities")

    def command(self, name, **arguments):
        """Runs a command; returns its result or raises Failure with QEMU's words."""
        self.stream.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
        self.stream.flush()
        while True:
            answer = json.loads(self.stream.readline())
            if "error" in answer:
                raise image.Failure(answer["error"]["desc"])
            if "return" in answer:
                return answer["return"]


def ppm_to_png(ppm, png):
    """Converts a binary PPM (P6, 8 bit) file."""
    data = ppm.read_bytes()
    fields = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", data)
    if fields is None:
        raise image.Failure("the monitor's screendump is no PPM picture")
    width, height = int(fields[1]), int(fields[2])
    pixels = data[fields.end():]
    rows = b"".join(b"\0" + pixels[y * width * 3:(y + 1) * width * 3] for y in range(height))

    def chunk(kind, body):
        return (struct.pack(">I", len(body)) + kind + body +
                struct.pack(">I", zlib.crc32(kind + body)))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    png.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) +
                    chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


class Machine:
    """One run of the virtual PC."""

    def __init__(self, options, work):
        self.options = options
        self.work = work
        self.out = pathlib.Path(options.out) if options.out else work
        self.out.mkdir(parents=True, exist_ok=True)
        self.console = self.out / "console.log"
        self.process = None
        self.serial = None
        self.qmp = None
        self.status = None
        self.upload = None

    def files(self, artefacts):
        """Writable disks for this run only."""
        disk = self.work / "root.qcow2"
        image.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2",
                   "-b", artefacts / "root.qcow2", disk])
        for name in ["scratch", "spare"]:
            with open(self.work / name, "wb") as file:
                file.truncate(64 << 20)
        payload = self.work / "payload"
        with open(payload, "wb") as target:
            for name in self.options.payload:
                with open(name, "rb") as source:
                    shutil.copyfileobj(source, target)
            # A disk is whole sectors, and an empty one is no tar archive.
            target.truncate(max(4096, -(-target.tell() // 512) * 512))
        return {"disk": disk, "payload": payload, "scratch": self.work / "scratch",
                "spare": self.work / "spare"}

    def start(self):
        """Starts QEMU and connects to its serial port and monitor."""
        artefacts = image.artefacts()
        serial, monitor = self.work / "serial", self.work / "monitor"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(serial))
        listener.listen(1)
        listener.settimeout(10)
        command = qemu_command(self.options, artefacts, self.files(artefacts))
        command += ["-serial", f"file:{self.console}", "-serial", f"unix:{serial}",
                    "-qmp", f"unix:{monitor},server=on,wait=off"]
        with open(self.work / "qemu.log", "wb") as log:
            self.process = subprocess.Popen([str(word) for word in command],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            preexec_fn=die_with_parent)
        try:
            # QEMU opens the serial port before the monitor, and waits for nobody.
            self.serial, _ = listener.accept()
            deadline = time.monotonic() + 10
            while not monitor.exists() and time.monotonic() < deadline:
                time.sleep(0.02)
            self.qmp = Qmp(monitor)
        except OSError as error:
            raise image.Failure("QEMU did not start: " +
                                (self.work / "qemu.log").read_text().strip()) from error

    def stop(self):
        """Ends QEMU if it still runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def answer(self, text):
        """Replies to a control line."""
        self.serial.sendall(text.encode() + b"\n")

    def control(self, line):
        """Carries out one line that the guest began with `@'."""
        word, _, rest = line.partition(" ")
        try:
            if word == "exit":
                self.status = int(rest)
            elif word == "start":
                image.progress("the guest is up")
            elif word == "screendump":
                name = pathlib.PurePath(rest).name
                ppm = self.work / "screen.ppm"
                self.qmp.command("screendump", filename=str(ppm), device="display")
                ppm_to_png(ppm, self.out / f"{name}.png")
                self.answer("ok")
            elif word == "device_add":
                self.qmp.command("device_add", **json.loads(rest))
                self.answer("ok")
            elif word == "device_del":
                self.qmp.command("device_del", id=rest)
                self.answer("ok")
            elif word == "file":
                self.upload = (pathlib.PurePath(rest).name, [])
            else:
                self.answer(f"err unknown control line `{word}'")
        except (image.Failure, ValueError, OSError) as error:
            self.answer(f"err {error}".replace("\n", " "))

    def line(self, line):
        """One line from the guest: for us, or for whoever watches."""
        if self.upload is not None:
            name, parts = self.upload
            if line == "@end":
                (self.out / name).write_bytes(base64.b64decode("".join(parts)))
                self.upload = None
            else:
                parts.append(line)
        elif line.startswith("@"):
            self.control(line[1:])
        else:
            print(line, flush=True)

    def serve(self):
        """Until the script has ended, the time is up, or QEMU is gone."""
        selector = selectors.DefaultSelector()
        selector.register(self.serial, selectors.EVENT_READ)
        deadline = time.monotonic() + self.options.timeout
        pending = b""
        while self.status is None:
            if time.monotonic() > deadline:
                return TIMED_OUT
            if not selector.select(1.0):
                if self.process.poll() is not None:
                    return BROKEN
                continue
            data = self.serial.recv(65536)
            if not data:
                return BROKEN
            pending += data
            *lines, pending = pending.split(b"\n")
            for line in lines:
                self.line(line.decode(errors="replace").rstrip("\r"))
        return self.status

    def explain(self, status):
        """Why there is no result, as far as the console tells."""
        text = {TIMED_OUT: f"no end within {self.options.timeout} s",
                BROKEN: "the virtual PC ended before its script did"}[status]
        lines = []
        if self.console.exists():
            lines = self.console.read_text(errors="replace").splitlines()[-40:]
        log = (self.work / "qemu.log").read_text(errors="replace").strip()
        print("\n".join([f"pc: {text}; the last lines of its console:"] +
                        [f"  | {line}" for line in lines] + ([log] if log else [])),
              file=sys.stderr)


def run(options):
    """`pc run`: returns the exit status."""
    with tempfile.TemporaryDirectory(prefix="hwbroker-pc-") as name:
        machine = Machine(options, pathlib.Path(name))
        try:
            machine.start()
            image.progress(f"the virtual PC boots (Debian's kernel {options.kernel})")
            status = machine.serve()
            if status in (TIMED_OUT, BROKEN):
                machine.explain(status)
            return status
        finally:
            machine.stop()


def shell(options):
    """`pc shell`: the console in this terminal, ended with Ctrl-A X."""
    with tempfile.TemporaryDirectory(prefix="hwbroker-pc-") as name:
        machine = Machine(options, pathlib.Path(name))
        artefacts = image.artefacts()
        command = qemu_command(options, artefacts, machine.files(artefacts))
        return subprocess.run([str(word) for word in command] +
                              ["-serial", "mon:stdio", "-serial", "null"],
                              check=False, preexec_fn=die_with_parent).returncode
