#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`hwbroker-ctl top' on a terminal: another size, ^Z and what comes after, and how it ends.

test_ctl_top.py HWBROKERD CTL: of a daemon that serves whoever runs this.
"""
import fcntl
import functools
import grp
import os
import pathlib
import pty
import pwd
import resource
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

PATIENCE = 20.0  # seconds
OTHER_SCREEN, FORMER_SCREEN = b"\033[?1049h", b"\033[?1049l"
HOME, QUIT = b"\033[H", b"q: quit"

failed = 0


def check(what, holds, why=""):
    """One line of the result."""
    global failed
    print(f"{'ok' if holds else 'not ok'} top: {what}{'' if holds else f': {why!r}'[-300:]}")
    failed += not holds


class Top:
    """The program on a terminal of its own, in a group of its own, so that it can be stopped."""

    def __init__(self, ctl, socket, lines, columns):
        self.master, self.slave = pty.openpty()
        self.size(lines, columns)
        self.before = termios.tcgetattr(self.slave)
        self.program = subprocess.Popen([ctl, "--socket", socket, "top"], stdin=self.slave, stdout=self.slave,
                                        stderr=subprocess.STDOUT, process_group=0)
        self.screen = b""

    def size(self, lines, columns):
        """Of the window: whoever changes it also sends SIGWINCH."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def until(self, holds):
        """Reads what is drawn until that is true of it."""
        end = time.monotonic() + PATIENCE
        while not holds(self.screen) and time.monotonic() < end:
            if select.select([self.master], [], [], 0.1)[0]:
                self.screen += os.read(self.master, 65536)
        return holds(self.screen)

    def frame(self):
        """The lines of a frame that is drawn from now on as a whole."""
        self.screen = b""
        if not self.until(lambda screen: screen.count(QUIT) >= 2):
            return []
        whole = self.screen.split(QUIT)[-2].split(HOME)[-1]
        return whole.replace(b"\r", b"").split(b"\n")

    def as_before(self):
        """Whether the terminal has the settings that it had."""
        return termios.tcgetattr(self.slave)[:4] == self.before[:4]

    def stopped(self):
        """Whether it is, as a shell would be told."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            pid, status = os.waitpid(self.program.pid, os.WUNTRACED | os.WNOHANG)
            if pid != 0:
                return os.WIFSTOPPED(status)
            time.sleep(0.05)
        return False


def sizes(top):
    """Each frame fits the window of now."""
    lines = top.frame()
    check("the first frame fills what it needs of 24 lines", 3 < len(lines) <= 24, lines)
    top.size(6, 200)
    os.kill(top.program.pid, signal.SIGWINCH)
    top.frame()
    lines = top.frame()
    check("it fits a window of 6 lines", 3 < len(lines) <= 6, lines)
    top.size(24, 80)
    os.kill(top.program.pid, signal.SIGWINCH)
    top.frame()
    again = top.frame()
    check("and has more in one of 24 again", len(again) > len(lines), again)


def stop_and_go(top):
    """^Z, and `fg'."""
    top.screen = b""
    os.kill(top.program.pid, signal.SIGTSTP)
    check("^Z stops it", top.stopped())
    check("the former screen is there meanwhile", top.until(lambda screen: FORMER_SCREEN in screen), top.screen)
    check("and so are the terminal's settings", top.as_before())
    top.screen = b""
    os.kill(top.program.pid, signal.SIGCONT)
    check("then it has the screen again", top.until(lambda screen: OTHER_SCREEN in screen), top.screen)
    check("and draws", len(top.frame()) > 3)
    check("and takes keys one by one", not termios.tcgetattr(top.slave)[3] & termios.ICANON)


def ends(top, how, by, status):
    """And leaves the terminal as it was."""
    top.screen = b""
    by()
    try:
        got = top.program.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        got = "does not end"
        top.program.kill()
    check(f"{how} ends it", got == status, got)
    check("the former screen is there", top.until(lambda screen: FORMER_SCREEN in screen), top.screen)
    check("and the terminal's settings", top.as_before())


def main():
    """With a broker, which is ended in any case."""
    daemon, ctl = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory() as work:
        socket, policy = f"{work}/socket", pathlib.Path(f"{work}/policy")
        policy.write_text(f"[broker]\nquery_group = {grp.getgrgid(os.getgid()).gr_name}\n"
                          f"[client me]\nuser = {pwd.getpwuid(os.getuid()).pw_name}\n", encoding="utf-8")
        policy.chmod(0o644)
        # pylint: disable-next=consider-using-with
        broker = subprocess.Popen([daemon, "--socket", socket, "--state", f"{work}/state", "--policy", policy],
                                  stderr=subprocess.DEVNULL)
        try:
            end = time.monotonic() + PATIENCE
            while not pathlib.Path(socket).exists() and time.monotonic() < end:
                time.sleep(0.05)
            top = Top(ctl, socket, 24, 80)
            sizes(top)
            stop_and_go(top)
            ends(top, "q", lambda: os.write(top.master, b"q"), 0)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
                top = Top(ctl, socket, 24, 80)
                top.frame()
                ends(top, number.name, functools.partial(top.program.send_signal, number), -number)
        finally:
            broker.kill()
            broker.wait()
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
