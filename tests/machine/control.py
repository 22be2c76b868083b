# SPDX-License-Identifier: MIT
"""The lines that the guest's script sends, and those among them that are meant for us.

README.md lists them; guest/control.sh is the other side."""

import base64
import binascii
import json
import re

import report

# Nothing that the guest names may lead out of the output folder.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


def _name(text):
    if not _NAME.fullmatch(text):
        raise report.Failure(f"`{text}' is no plain file name")
    return text


class Control:
    """Understands the guest's lines; `status` is set once it has said `@exit'."""

    def __init__(self, send, monitor, work, out):
        self.send = send        # takes bytes for the guest
        self.monitor = monitor
        self.work = work
        self.out = out
        self.status = None
        self.started = False
        self.upload = None      # (name, size, parts) of a file on its way
        self.partial = b""
        self.empty = False      # an empty line that may be a request's
        self.verbs = {"phase": self.phase, "start": self.start, "exit": self.exit,
                      "screendump": self.screendump, "device_add": self.device_add,
                      "device_del": self.device_del, "aer_inject": self.aer_inject,
                      "sendkey": self.sendkey, "file": self.file}

    def receive(self, data):
        """Takes bytes as they come from the serial port."""
        *lines, self.partial = (self.partial + data).split(b"\n")
        for line in lines:
            self.line(line.decode(errors="replace").rstrip("\r"))

    def end(self):
        """No more will come: shows what was no whole line."""
        if self.partial and self.upload is None:
            report.output(self.partial.decode(errors="replace"))
        self.partial = b""

    def line(self, line):
        """One line: for us, or for whoever watches."""
        if self.upload is not None:
            self.upload_line(line)
            return
        word, _, rest = line.partition(" ")
        verb = self.verbs.get(word[1:]) if word.startswith("@") else None
        # Requests come after a line end of their own, as the line before may lack its.
        if self.empty and verb is None:
            report.output("")
        self.empty = line == ""
        if self.empty:
            return
        if verb is None:
            # Not answered: an answer that nobody waits for would be taken for the next one.
            report.output(line)
            return
        self.answer(verb, rest)

    def answer(self, verb, *arguments):
        """Carries a request out; replies unless the verb has no reply."""
        try:
            reply = verb(*arguments)
        except (report.Failure, ValueError, TypeError, OSError) as error:
            reply = "err " + " ".join(str(error).split())
        if reply is not None:
            self.send(reply.encode() + b"\n")

    def phase(self, text):
        """@phase TEXT: how far the boot is. No reply."""
        report.progress(text)

    def start(self, _):
        """@start: the script begins. No reply."""
        self.started = True
        report.progress("the guest is up, its script starts")

    def exit(self, text):
        """@exit N: the end. No reply."""
        self.status = int(text)

    def screendump(self, text):
        """@screendump NAME: the display's picture as NAME.png."""
        self.monitor.screendump("display", self.work, self.out / f"{_name(text)}.png")
        return "ok"

    def device_add(self, text):
        """@device_add JSON: plugs a device in."""
        self.monitor.command("device_add", **json.loads(text))
        return "ok"

    def device_del(self, text):
        """@device_del ID: asks the guest to let a device go."""
        self.monitor.command("device_del", id=text)
        return "ok"

    def aer_inject(self, text):
        """@aer_inject ID ERROR: the device's port reports that error of it."""
        said = self.monitor.command("human-monitor-command",
                                    **{"command-line": f"pcie_aer_inject_error {text}"})
        return "ok" if said.startswith("OK") else f"err {said.strip()}"

    def sendkey(self, text):
        """@sendkey KEYS: they are pressed together and let go, such as `shift-a'."""
        keys = [{"type": "qcode", "data": key} for key in text.split("-")]
        self.monitor.command("send-key", keys=keys)
        return "ok"

    def file(self, text):
        """@file NAME SIZE: base64 lines follow, up to @end, which has the reply."""
        name, _, size = text.rpartition(" ")
        self.upload = (name, size, [])

    def upload_line(self, line):
        """One line of a file on its way."""
        if line == "@end":
            upload, self.upload = self.upload, None
            self.answer(self.store, *upload)
        else:
            self.upload[2].append(line)

    def store(self, name, size, parts):
        """Writes a file that has come whole."""
        try:
            data = base64.b64decode("".join(parts), validate=True)
        except binascii.Error as error:
            raise report.Failure(f"{name}: damaged on the way ({error})") from error
        if len(data) != int(size):
            raise report.Failure(f"{name}: {len(data)} bytes came instead of {size}")
        (self.out / _name(name)).write_bytes(data)
        return "ok"
