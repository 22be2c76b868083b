# SPDX-License-Identifier: MIT
"""QEMU's monitor (QMP), and the picture that it takes of the display."""

import json
import re
import struct
import zlib

import report

ANSWER_SECONDS = 60


class Monitor:
    """A connection to QEMU's monitor: one command at a time."""

    def __init__(self, connection):
        connection.settimeout(ANSWER_SECONDS)
        self.stream = connection.makefile("rw", encoding="utf-8")
        self._receive()
        self.command("qmp_capabilities")

    def _receive(self):
        try:
            line = self.stream.readline()
        except OSError as error:
            raise report.Failure(f"QEMU's monitor does not answer: {error}") from error
        if not line:
            raise report.Failure("QEMU ended")
        return json.loads(line)

    def command(self, name, **arguments):
        """Runs a command; returns its result or raises Failure with QEMU's words."""
        try:
            self.stream.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
            self.stream.flush()
        except OSError as error:
            raise report.Failure("QEMU ended") from error
        while True:
            answer = self._receive()
            if "error" in answer:
                raise report.Failure(answer["error"]["desc"])
            if "return" in answer:
                return answer["return"]

    def screendump(self, device, work, target):
        """Writes what the display shows as the PNG file `target`."""
        # QEMU 7.2 can write PNG only where it was built with libpng.
        picture = work / "screen.ppm"
        self.command("screendump", filename=str(picture), device=device)
        try:
            target.write_bytes(ppm_to_png(picture.read_bytes()))
        finally:
            picture.unlink()


def ppm_to_png(data):
    """Converts a binary PPM picture (P6, 8 bit)."""
    fields = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", data)
    if fields is None:
        raise report.Failure("the monitor's screendump is no PPM picture")
    width, height = int(fields[1]), int(fields[2])
    pixels = data[fields.end():]
    if len(pixels) != width * height * 3:
        raise report.Failure("the monitor's screendump is cut short")
    rows = b"".join(b"\0" + pixels[y * width * 3:(y + 1) * width * 3] for y in range(height))

    def chunk(kind, body):
        return (struct.pack(">I", len(body)) + kind + body +
                struct.pack(">I", zlib.crc32(kind + body)))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
