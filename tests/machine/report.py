# SPDX-License-Identifier: MIT
"""What the user sees: failures, progress, and the output of failed commands."""

import ctypes
import os
import shlex
import signal
import subprocess
import sys
import time

from shared import Failure

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1
_START = time.monotonic()


def _clear_line():
    """Removes what `waiting` left on the terminal."""
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def progress(text):
    """One line per phase, with the seconds since the start."""
    _clear_line()
    print(f"[{time.monotonic() - _START:6.1f} s] {text}", file=sys.stderr, flush=True)


def waiting(text):
    """A line that counts the seconds in place; nothing where that cannot be seen."""
    if sys.stderr.isatty():
        print(f"\r[{time.monotonic() - _START:6.1f} s] {text} ...", end="", file=sys.stderr,
              flush=True)


def output(line):
    """A line of the guest's script, as it is."""
    _clear_line()
    print(line, flush=True)


def die_with_parent():
    """For preexec_fn: a child must not outlive us, however we end."""
    parent = os.getpid()

    def prepare():
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)  # we ended before the child could ask to be told
    return prepare


def run(command, **options):
    """Runs a command and returns its output, which is shown only if it fails."""
    words = [str(word) for word in command]
    try:
        result = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, check=False,
                                preexec_fn=die_with_parent(), **options)
    except FileNotFoundError as error:
        raise Failure(f"`{words[0]}' is not installed: run tests/machine/install "
                      "tests/machine/packages") from error
    text = result.stdout.decode(errors="replace")
    if result.returncode != 0:
        tail = "\n  ".join(text.strip().splitlines()[-20:])
        raise Failure(f"`{shlex.join(words)}' failed with status {result.returncode}:\n  {tail}")
    return text
