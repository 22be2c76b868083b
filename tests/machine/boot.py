# SPDX-License-Identifier: MIT
"""`pc boot': an initramfs of one's own on the virtual PC, as far as its console tells."""

import pathlib
import re
import selectors
import socket
import subprocess
import sys
import time

import devices
import image
import machine
import report
import workdir

# What Linux says last, whatever its log level.
_POWERED_OFF = "reboot: Power down"
_PANIC = "Kernel panic"

_REASON = {machine.PANICKED: "the kernel panicked",
           machine.TIMED_OUT: "the time was up",
           machine.BROKEN: "the virtual PC ended without being powered off"}


def _disks(work):
    """The disks of the table, empty."""
    files = {name: work / name for name in ["root", "payload", "scratch", "spare"]}
    for name, path in files.items():
        kind = "qcow2" if name == "root" else "raw"
        report.run(["qemu-img", "create", "-q", "-f", kind, path, "64M"])
    return files


def _command(options, artefacts, work):
    """As for a script, without root disk, payload and second serial port."""
    # What stands on the kernel's command line is the same but for what starts a script.
    options.script, options.without, options.instead = None, [], []
    command = machine.qemu_command(options, artefacts, _disks(work))
    command[command.index("-initrd") + 1] = options.initrd
    return command


class Console:
    """The serial port's lines, shown as they come."""

    def __init__(self, until):
        self.until = until
        self.lines = []
        self.partial = b""
        self.seen = False  # what we wait for

    def receive(self, data):
        """Takes bytes as they come."""
        *lines, self.partial = (self.partial + data).split(b"\n")
        for line in lines:
            self.line(line.decode(errors="replace").rstrip("\r"))

    def line(self, text):
        """One line; what firmware and kernel send to a terminal is none of it."""
        report.output(text)
        self.lines.append(text)
        if self.until is not None and self.until.search(text):
            self.seen = True

    def has(self, text):
        """Whether a line holds the text."""
        return any(text in line for line in self.lines)

    def user_space(self):
        """Whether somebody but the kernel, whose lines have a time in front, has spoken."""
        return any(line and not line.startswith("[") for line in self.lines)

    def verdict(self):
        """QEMU has ended: how the machine did."""
        if self.has(_PANIC):
            return machine.PANICKED
        return 0 if self.until is None and self.has(_POWERED_OFF) else machine.BROKEN


def _follow(process, serial, console, seconds):
    """Until QEMU is gone, the line has come, or the time is up; returns the status."""
    begin = time.monotonic()
    with selectors.DefaultSelector() as selector:
        selector.register(serial, selectors.EVENT_READ)
        while time.monotonic() < begin + seconds:
            if time.monotonic() > begin + machine.BOOT_SECONDS and not console.user_space():
                break
            if not selector.select(0.5):
                continue
            data = serial.recv(65536)
            if not data:
                process.wait()
                console.receive(b"\n" if console.partial else b"")
                return 0 if console.seen else console.verdict()
            console.receive(data)
            if console.seen:
                return 0
    return machine.TIMED_OUT


def _boot(options, work, until):
    """One boot; returns the exit status and the console."""
    out = pathlib.Path(options.out) if options.out else work
    out.mkdir(parents=True, exist_ok=True)
    artefacts = image.artefacts()
    near, far = socket.socketpair()
    log = str(out / "console.log").replace(",", ",,")
    command = _command(options, artefacts, work) + [
        "-chardev", f"socket,id=console,fd={far.fileno()},logfile={log}",
        "-serial", "chardev:console"]
    report.progress(f"the virtual PC boots {options.initrd} with kernel {options.kernel}")
    console = Console(until)
    with open(work / "qemu.log", "wb") as said:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                                   start_new_session=True, pass_fds=[far.fileno()],
                                   preexec_fn=report.die_with_parent())
    far.close()
    try:
        status = _follow(process, near, console, options.timeout)
    finally:
        process.kill()
        process.wait()
    if status != 0:
        reason = _REASON[status]
        if until is not None and status == machine.BROKEN:
            reason = f"the virtual PC ended, and no line matched `{options.until}'"
        print(f"pc: {reason}", file=sys.stderr)
        print((work / "qemu.log").read_text(errors="replace"), end="", file=sys.stderr)
    return status, console


def run(options):
    """`pc boot': returns the exit status."""
    if not pathlib.Path(options.initrd).is_file():
        raise report.Failure(f"--initrd {options.initrd}: there is no such file")
    try:
        until = re.compile(options.until) if options.until else None
    except re.error as error:
        raise report.Failure(f"--until `{options.until}': {error}") from error
    for _ in range(machine.BOOTS):
        with workdir.make() as work:
            status, console = _boot(options, work, until)
        # Nothing of the image has run: see machine.BOOTS.
        if status not in (machine.PANICKED, machine.TIMED_OUT) or console.user_space():
            break
        report.progress("its first process has not begun, which is the emulation's fault")
    return status
