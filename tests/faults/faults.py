#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""faults.py --plain COMMAND...: runs the daemon, by that command, through a script, and ends as it.
faults.py DAEMON CALLS [NAME...]: each system call that the daemon makes while it starts,
serves a script and ends fails once, in each way that is plausible; or only calls of those
names. CALLS is the built calls.c. Then nobody may notice but the client that was served, who
gets an answer, a refusal or the end of the connection; who asks next is served as ever;
nothing is left, and nothing spins."""
import array
import errno
import mmap
import os
import pathlib
import pwd
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

NAME, CALLS = 24, 64
# Seconds; more than a client has for HELLO: libev tells of a socket that it cannot watch when it
# next wakes for another reason.
PATIENCE = 15.0

NO_ROOM = ["EMFILE", "ENFILE", "ENOMEM"]
OUT = ["EINTR", "EAGAIN", "ENOBUFS", "ENOMEM", "EPIPE", "ECONNRESET"]
IN = ["EINTR", "EAGAIN", "ENOMEM", "ECONNRESET"]
FILE = ["EACCES", "EIO", "ENOMEM"]
WAYS = {
    "accept4": ["EINTR", "EAGAIN", "ECONNABORTED", "EPERM", *NO_ROOM],
    "bind": ["EADDRINUSE", "EACCES", "ENOMEM"], "connect": ["EAGAIN", "ECONNREFUSED", "ENOMEM"],
    "epoll_create1": NO_ROOM, "epoll_ctl": ["ENOMEM", "ENOSPC"], "epoll_wait": ["EINTR"], "eventfd": NO_ROOM,
    "fcntl": ["EMFILE", "EAGAIN", "ENOMEM"], "fdopen": ["ENOMEM"], "ferror": ["EIO"], "fflush": ["ENOSPC", "EIO"],
    "fopen": [*NO_ROOM, *FILE], "fstat": FILE, "getgrnam_r": ["EINTR", "EIO", *NO_ROOM],
    "getpwnam_r": ["EINTR", "EIO", *NO_ROOM], "getrlimit": ["EPERM"], "getsockopt": ["ENOMEM"],
    "ioperm": ["EPERM", "ENOMEM"], "listen": ["EADDRINUSE"], "lstat": FILE, "mmap": ["ENOMEM", "EINVAL", "EPERM"],
    "open": ["EINTR", "EMFILE", "EACCES"], "opendir": ["EMFILE", "EACCES"], "poll": ["EINTR", "ENOMEM"],
    "posix_spawn": ["EAGAIN", "ENOMEM"], "pread": ["EINTR", "EIO"], "pthread_create": ["EAGAIN"],
    "read": ["EINTR", "EIO"], "readlink": FILE, "recv": IN, "recvfrom": [*IN, "ENOBUFS"], "recvmsg": IN,
    "rename": ["ENOSPC", "EIO"], "send": OUT, "sendmsg": [*OUT, "ETOOMANYREFS"], "sendto": OUT,
    "setrlimit": ["EPERM"], "setsockopt": ["ENOMEM"], "shutdown": ["ENOTCONN"], "socket": [*NO_ROOM, "ENOBUFS"],
    "stat": FILE, "unlink": ["EIO"], "waitpid": ["EINTR"], "write": ["EINTR", "EAGAIN", "ENOSPC", "EIO"],
}

HELLO, PING, CLOSE, LIST, INFO, ACQUIRE, PORT_OPEN, PORT_BATCH = 1, 2, 3, 0x10, 0x11, 0x12, 0x30, 0x32
ACQUIRE_ANY, PORT_LIST = 0x15, 0x33
GROUPS, EXPLAIN, AUDIT, RELEASE, RELOAD, RULES, MONITOR, METRICS = 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x70, 0x71
DOMAIN_OPEN, DMA_MAP, EVENT_POLICY, EVENT = 0x50, 0x55, 0x81, 2

POLICY = """
[broker]
query_group = root

[client driver]
user = {user}

[device all]
client = driver
class = network
take = yes

[ports speaker]
client = driver
range = 0x61
"""


# Libev's own pipe, without which it ends the program itself.
LIBEV_PIPE = ("epoll_ctl", 1)


class Failed(Exception):
    pass


def must(condition, what):
    if not condition:
        raise Failed(what)


class Control:
    """The file that calls.c looks into."""

    def __init__(self, path):
        size = NAME + 8 + CALLS * (NAME + 4)
        path.write_bytes(bytes(size))
        self.path = path
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), size)

    def fail(self, name, number, error):
        """Call `number`, from now, fails."""
        self.map[0:NAME + 8] = struct.pack("<24sIi", name.encode(), 0, error)
        self.map[NAME:NAME + 4] = struct.pack("<I", number)

    def counts(self):
        found = {}
        for at in range(NAME + 8, len(self.map), NAME + 4):
            name, made = struct.unpack_from("<24sI", self.map, at)
            if name[0] != 0:
                found[name.rstrip(b"\0").decode()] = made
        return found

    def clear(self):
        self.map[:] = bytes(len(self.map))


class Client:
    """A connection; `answers` are of all requests, in order."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(PATIENCE)
        self.ended = False
        self.serial = 0
        self.answers = []
        self.events = 0
        try:
            self.socket.connect(str(path))
        except OSError:
            self.ended = True

    def close(self):
        self.socket.close()

    def receive(self):
        """Kind, opcode, serial, session, status and length of a message; None: there is no more."""
        try:
            packet = self.socket.recv(8192)
        except ConnectionResetError:
            packet = b""
        except TimeoutError:
            raise Failed("a request has an answer, or an end") from None
        if packet == b"":
            self.ended = True
            return None
        _, opcode, length, serial, session, status, kind, _ = struct.unpack_from("<HHIIIIHH", packet)
        must(length == len(packet), "a message is whole")
        if kind == EVENT:
            self.events += opcode == EVENT_POLICY
        else:
            must(status == 0 or struct.unpack_from("<I", packet, 32)[0] != 0, "a refusal has words")
        return kind, opcode, serial, session, status, length

    def send(self, opcode, body=b"", session=0, fds=()):
        self.serial += 1
        header = struct.pack("<HHIIIIHH", 1, opcode, 24 + len(body), self.serial, session, 0, 0, len(fds))
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        try:
            self.socket.sendmsg([header + body], rights)
        except OSError:
            pass  # then there is no answer either

    def ask(self, opcode, body=b"", session=0, fds=()):
        """Answered or ended. The handle that the answer has."""
        if self.ended:
            return 0
        self.send(opcode, body, session, fds)
        while True:
            message = self.receive()
            if message is None:
                self.answers.append((opcode, None, 0))
                return 0
            kind, is_opcode, serial, handle, status, length = message
            if kind == EVENT:
                continue
            must((is_opcode, serial) == (opcode, self.serial), "an answer is to its request")
            # What is told to operators tells of others.
            self.answers.append((opcode, status, length if status == 0 and opcode < 0x60 else 0))
            return handle if status == 0 else 0

    def hello(self):
        self.ask(HELLO, struct.pack("<HHIQ", 1, 1, 0, 0))

    def ping(self):
        self.ask(PING)


class Daemon:
    def __init__(self, command, folder, control, variables=None):
        self.socket = folder / "socket"
        self.log = folder / "log"
        self.policy = folder / "policy"
        self.control = control
        self.socket.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as dead:
            dead.bind(str(self.socket))
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [*command, "--verbose", "--socket", self.socket, "--policy", self.policy, "--state", folder / "state"],
                stderr=log, stdin=subprocess.DEVNULL, env=variables)

    def wait_ready(self):
        """Whether it serves; False: it has ended."""
        end = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as probe:
                if b"ready: " in self.log.read_bytes() or time.monotonic() > end - PATIENCE + 1:
                    try:
                        probe.connect(str(self.socket))
                        return True
                    except OSError:
                        pass
            must(time.monotonic() < end, "it starts, or ends")
            time.sleep(0.005)
        return False

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.status()

    def status(self):
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise Failed("it ends") from None

    def kill(self):
        self.process.kill()
        self.process.wait()


def environment(program, calls, control):
    """With sanitizers the run-time library of one has to come second, which it does not like."""
    linked = subprocess.run(["ldd", program], stdout=subprocess.PIPE, text=True, check=True).stdout
    runtime = [line.split()[2] for line in linked.splitlines() if "libasan" in line]
    return {**os.environ, "LD_PRELOAD": " ".join([str(calls), *runtime]), "HWBROKER_FAULTS": str(control.path),
            "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=1", "NOTIFY_SOCKET": "/none"}


def reload(daemon, witness):
    """A policy with one rule more, or less. Ends when that is in force, or was refused."""
    before = witness.events
    said = len(daemon.log.read_bytes())
    daemon.process.send_signal(signal.SIGHUP)
    end = time.monotonic() + PATIENCE
    while not witness.ended and witness.events == before:
        text = daemon.log.read_bytes()[said:]
        if b"the policy in force stays" in text or b"no memory to reload" in text:
            return
        must(time.monotonic() < end, "the policy is read, or not")
        witness.ping()


def script(daemon, witness):
    """What clients may do of which a host without an IOMMU has something to say."""
    client = Client(daemon.socket)
    client.hello()
    client.ask(LIST, bytes(8))
    client.ask(INFO, struct.pack("<IBBBB", 0, 0xff, 31, 7, 0))
    witness.ping()
    client.ask(ACQUIRE, bytes(32))
    client.ask(DOMAIN_OPEN)
    handle = client.ask(PORT_OPEN, struct.pack("<II", 0x61, 1))
    client.ask(PORT_BATCH, struct.pack("<IIHBBI", 1, 0, 0x61, 0, 1, 0), handle)
    witness.ping()
    client.ask(CLOSE, b"", handle)
    for opcode in range(0x60, 0x64):
        client.ask(opcode, bytes(0 if opcode == 0x60 else 8))
    client.ask(0x64, bytes(8) + b"driver".ljust(32, b"\0"))
    client.ask(0x66, bytes(8))
    client.ask(ACQUIRE_ANY, b"nothing".ljust(56, b"\0"))
    client.ask(PORT_LIST, bytes(8))
    for opcode in (GROUPS, AUDIT, RULES, METRICS):
        client.ask(opcode, bytes(8))
    client.ask(EXPLAIN, bytes(184) + b"driver".ljust(32, b"\0"))
    client.ask(RELEASE, bytes(8))
    client.ask(MONITOR)
    client.ask(0x7f)
    memory = os.memfd_create("memory")
    client.ask(DMA_MAP, bytes(48), 77, [memory])
    os.close(memory)
    reload(daemon, witness)
    client.ping()
    client.ask(RELOAD)
    client.ask(LIST, bytes(7))  # malformed: the connection ends
    if not client.ended:
        client.ping()
    witness.ping()
    client.close()
    silent = Client(daemon.socket)
    silent.close()
    return client.answers


def served(witness):
    """Whether nothing has happened to it."""
    return all(status == 0 for _, status, _ in witness.answers)


def wait_for(condition, what):
    end = time.monotonic() + PATIENCE
    while not condition():
        must(time.monotonic() < end, what)
        time.sleep(0.002)


class Session:
    """One daemon, one script after another."""

    def __init__(self, new_daemon):
        self.daemon = new_daemon()
        must(self.daemon.wait_ready(), "it starts")
        self.witness = None
        self.join()
        self.expected = script(self.daemon, self.witness)
        # A second time, so that what is made once is there.
        must(script(self.daemon, self.witness) == self.expected, "the script has the same answers each time")
        must(self.idles(), "it sleeps before anything fails")
        self.descriptors = self.daemon.descriptors()

    def join(self):
        self.witness = Client(self.daemon.socket)
        self.witness.hello()
        must(not self.witness.ended, "who comes next is served")

    def count(self):
        before = self.daemon.control.counts()
        self.plain()
        return {name: made - before.get(name, 0) for name, made in self.daemon.control.counts().items()}

    def plain(self):
        self.witness.answers.clear()
        must(script(self.daemon, self.witness) == self.expected and served(self.witness), "who asks next is served")

    def run(self, name, number, error):
        control = self.daemon.control
        self.witness.answers.clear()
        control.fail(name, number, error)
        answers = script(self.daemon, self.witness)
        control.fail("", 0, 0)
        differ = [(was, now) for was, now in zip(self.expected, answers) if was != now]
        for was, now in differ:
            must(now[1] is None or now[1] != 0, f"an answer is right or refused: {was} {now}")
        must(served(self.witness) or not differ, "one client at most is harmed")
        must(self.daemon.process.poll() is None, "it lives")
        if not served(self.witness) or self.witness.ended:
            self.witness.close()
            self.join()
        self.plain()
        wait_for(lambda: self.daemon.descriptors() == self.descriptors, "no descriptor is left")

    def idles(self):
        """Whether it comes to make no calls without a reason; a policy that was read has it look at the bus."""
        for _ in range(20):
            before = sum(self.daemon.control.counts().values())
            time.sleep(0.05)
            if sum(self.daemon.control.counts().values()) - before < 50:
                return True
        return False

    def end(self):
        self.witness.close()
        must(self.daemon.end() == 0, "it ends well, and nothing is left")


def wanted(counts, names):
    for name, made in sorted(counts.items()):
        if names and name not in names:
            continue
        for number in range(1, made + 1):
            for way in WAYS[name]:
                yield name, number, way


def report(daemon, phase, name, number, way, why):
    print(f"not ok {phase}: {name} number {number} fails with {way}: {why}")
    log = daemon.log.read_text(errors="replace")
    print("".join(f"  {line}\n" for line in log.splitlines()[-40:]), end="", flush=True)


def while_serving(new_daemon, names):
    """How many were tried, and how many went wrong."""
    session, tried, wrong = Session(new_daemon), 0, 0
    for name, number, way in wanted(session.count(), names):
        tried += 1
        try:
            session.run(name, number, getattr(errno, way))
            must(session.idles(), "it sleeps when there is nothing to do")
        except Failed as why:
            wrong += 1
            report(session.daemon, "serving", name, number, way, why)
            session.daemon.kill()
            session = Session(new_daemon)
    try:
        session.end()
    except Failed as why:
        wrong += 1
        report(session.daemon, "serving", "everything", 0, "all of it", why)
        session.daemon.kill()
    return tried, wrong


def start_counts(new_daemon):
    daemon = new_daemon()
    must(daemon.wait_ready(), "it starts")
    counts = daemon.control.counts()
    # What is first needed later: threads.
    witness = Client(daemon.socket)
    witness.hello()
    script(daemon, witness)
    witness.close()
    counts["pthread_create"] = daemon.control.counts()["pthread_create"]
    must(daemon.end() == 0, "it ends well")
    return counts


def starts(daemon):
    """It serves as ever, or says why not and ends."""
    if daemon.wait_ready():
        witness = Client(daemon.socket)
        witness.hello()
        must(served(witness), "who comes is served")
        script(daemon, witness)
        witness.close()
        must(daemon.end() == 0, "it ends well, and nothing is left")
    else:
        must(daemon.status() in (1, 78), f"it ends in order, not with {daemon.process.returncode}")
        must(b"<3>" in daemon.log.read_bytes() or daemon.control.map[0:5] == b"write", "it says why it ends")


def while_starting(new_daemon, names):
    tried, wrong = 0, 0
    for name, number, way in wanted(start_counts(new_daemon), names):
        if (name, number) == LIBEV_PIPE:
            continue
        tried += 1
        daemon = new_daemon((name, number, getattr(errno, way)))
        try:
            starts(daemon)
        except Failed as why:
            wrong += 1
            report(daemon, "starting", name, number, way, why)
            daemon.kill()
    return tried, wrong


def ending(new_daemon):
    """A daemon that is about to be told to end, with two clients."""
    daemon = new_daemon()
    must(daemon.wait_ready(), "it starts")
    clients = [Client(daemon.socket), Client(daemon.socket)]
    for client in clients:
        client.hello()
        client.ask(PORT_OPEN, struct.pack("<II", 0x61, 1))
    return daemon, clients


def while_ending(new_daemon, names):
    tried, wrong = 0, 0
    daemon, clients = ending(new_daemon)
    before = daemon.control.counts()
    must(daemon.end() == 0, "it ends well")
    counts = {name: made - before.get(name, 0) for name, made in daemon.control.counts().items()}
    for name, number, way in wanted(counts, names):
        tried += 1
        daemon, clients = ending(new_daemon)
        try:
            daemon.control.fail(name, number, getattr(errno, way))
            must(daemon.end() == 0, "it ends well, and nothing is left")
            for client in clients:
                must(client.receive() is None, "who was connected sees the end")
                client.close()
        except Failed as why:
            wrong += 1
            report(daemon, "ending", name, number, way, why)
            daemon.kill()
    return tried, wrong


def plain(command, folder, control):
    daemon = Daemon(command, folder, control)
    try:
        must(daemon.wait_ready(), "it starts")
        witness = Client(daemon.socket)
        witness.hello()
        for _ in range(3):
            script(daemon, witness)
        must(served(witness), "who is connected is served")
        witness.close()
        return daemon.end()
    except Failed as why:
        daemon.kill()
        print(f"{why}\n{daemon.log.read_text(errors='replace')}")
        return 1


def with_failures(program, calls, names, folder, control):
    failed = False

    def new_daemon(fault=None):
        control.clear()
        if fault is not None:
            control.fail(*fault)
        return Daemon([program], folder, control, environment(program, calls, control))

    for phase in (while_starting, while_serving, while_ending):
        before = time.monotonic()
        tried, wrong = phase(new_daemon, names)
        print(f"{'not ok' if wrong else 'ok'} {phase.__name__.replace('_', ' ')}: {tried} failures, {wrong} of "
              f"them with consequences, {time.monotonic() - before:.0f} s", flush=True)
        failed = failed or wrong != 0
    return failed


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "policy").write_text(POLICY.format(user=pwd.getpwuid(os.getuid()).pw_name))
        control = Control(folder / "control")
        if sys.argv[1] == "--plain":
            failed = plain(sys.argv[2:], folder, control)
        else:
            failed = with_failures(sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), sys.argv[3:], folder, control)
    sys.exit(failed)


if __name__ == "__main__":
    main()
