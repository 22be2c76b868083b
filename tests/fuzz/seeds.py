#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Seeds for the fuzzers: seeds.py codec|policy|record|kept|requests FOLDER.

What a fuzzer would need long to find by chance: messages of every opcode, and what
well-behaved clients do, step by step as requests.c reads them.
"""
import pathlib
import struct
import sys

OPCODES = """HELLO DEVICE_ACQUIRE DOMAIN_OPEN DMA_ALLOC DMA_MAP DMA_UNMAP DOMAIN_ASSIGN DOMAIN_DEASSIGN
IRQ_OPEN IRQ_ENABLE IRQ_ACK IRQ_FDS IO_MEM_OPEN IO_MEM_OPEN_BAR IO_PORT_OPEN IO_PORT_OPEN_BAR
IO_PORT_BATCH CONFIG_READ CONFIG_WRITE CLOSE DEVICE_LIST DEVICE_INFO DOMAIN_INFO PING ADMIN_STATUS
ADMIN_DEVICES ADMIN_CLIENTS ADMIN_SESSIONS ADMIN_GIVEN ADMIN_REVOKE ADMIN_CLEAR IO_PORT_LIST EVENT_DEVICE
DEVICE_ACQUIRE_ANY
ADMIN_GROUPS ADMIN_RELEASE ADMIN_RELOAD ADMIN_RULES ADMIN_MONITOR ADMIN_METRICS ADMIN_EXPLAIN
ADMIN_AUDIT IO_MEM_LIST IO_MEM_BATCH IRQ_OPEN_NUMBER IRQ_LIST DEVICE_FD""".split()

ALPHA, BETA, STRANGER, ROOT, GAMMA = 0, 1, 2, 3, 6
NET, DISK, TOY, NEIGHBOUR, SCREEN, SOUND, PLUGGED = range(7)
KEEPS = 0x20
READS_WRITES, FIXED, PAGES_2M, LAST_IOVA = 3, 4, 16, 0x80
ALL_BARS, NO_WAIT, IRQ_ENABLE = 1, 2, 4
INTX, MSI, MSIX = 1, 2, 3
NONE = 0xf0  # in place of a handle


def pages(count):
    return [count << 3]


def step(what, *more, client=0):
    return bytes([client << 5 | what, *more])


def ask(name, *fields, client=0):
    """A request, with the descriptors that it takes, not spoilt."""
    return step(2, OPCODES.index(name), *fields, 0, 0, client=client)


def connect(who, client=0):
    return step(0, who, client=client)


def acquire(device, flags=ALL_BARS, domain=NONE, bars=0, wc=0, irq=0, count=0, client=0):
    return ask("DEVICE_ACQUIRE", device, flags, domain, bars, wc, irq, count, client=client)


def acquire_any(rule, flags=ALL_BARS, domain=NONE, bars=0, client=0):
    """Rules by number: pool, rest, toy, disk."""
    return ask("DEVICE_ACQUIRE_ANY", flags, domain, bars, 0, 0, 0, rule, client=client)


def fire(which):
    return step(23, which)


SETTLE = step(31)
POLICY_GENEROUS, POLICY_MEAN, POLICY_BROKEN = (step(27, i) for i in range(3))

SCRIPTS = {
    "ports": connect(ALPHA) + ask("IO_PORT_OPEN", 0, 0, 4) + ask("IO_PORT_BATCH", 0, 2, 0, 0, 0, 3, 1, 0)
    + ask("IO_PORT_OPEN", 0, 2, 2) + ask("CLOSE", 0) + ask("CLOSE", 1),
    "ports-all-batches": connect(ALPHA) + ask("IO_PORT_OPEN", 0, 0, 8)
    + ask("IO_PORT_BATCH", 0, 12, 0, 2, 0, 0, 3, 0, 0, 4, 0, 0, 5, 0, 0, 6, 0, 0xf, 0, 7, 0, 0xf)
    + SETTLE + ask("IO_PORT_BATCH", 0, 2, 0, 7, 0, 1) + ask("CLOSE", 0) + SETTLE,
    "by-request": connect(ALPHA) + acquire(SOUND) + ask("IO_MEM_BATCH", 0, 6, 0, 0, 2, 1, 1, 2, 0, 2, 2, 0, 6, 2, 0xf, 0, 7, 2, 1)
    + SETTLE + ask("IO_MEM_BATCH", 0, 2, 0, 7, 2, 1) + ask("CLOSE", 1) + SETTLE + ask("DEVICE_FD", 1),
    "ports-of-others": connect(ALPHA) + connect(BETA, 1) + ask("IO_PORT_OPEN", 0, 0, 4)
    + ask("IO_PORT_OPEN", 0, 0, 2, client=1) + step(18) + ask("IO_PORT_OPEN", 0, 0, 2, client=1),
    "memory": connect(ALPHA) + ask("IO_MEM_LIST", 0) + ask("IO_MEM_OPEN", SCREEN, 0, 0, *pages(1), 2) + SETTLE
    + ask("IO_MEM_BATCH", 0, 2, 0, 0, 0, 3, 1, 0) + ask("IO_MEM_OPEN", SCREEN, 0, 0, *pages(1), 6) + SETTLE
    + ask("IO_MEM_OPEN", SCREEN, 0, 0, *pages(1), 10) + SETTLE + POLICY_MEAN + SETTLE + ask("CLOSE", 0),
    "memory-of-others": connect(ALPHA) + connect(BETA, 1) + ask("IO_MEM_OPEN", SCREEN, 0, 0, *pages(1), 2) + SETTLE
    + ask("IO_MEM_OPEN", SCREEN, 0, 0, *pages(1), 2, client=1) + SETTLE
    + ask("IO_MEM_OPEN", SCREEN, 0, 0, *pages(1), 14, client=1) + SETTLE + POLICY_MEAN + SETTLE + step(18),
    "vga": connect(ALPHA) + acquire(SCREEN, 0) + SETTLE + ask("IO_MEM_OPEN", SCREEN, 0, 0, *pages(1), 6) + SETTLE
    + ask("IO_MEM_BATCH", 0, 2, 0, 0, 0, 3, 1, 0) + SETTLE + ask("IO_PORT_OPEN", 7, 0, 8) + SETTLE
    + ask("IO_PORT_BATCH", 0, 2, 0x48, 16, 0, 0x49, 17, 0) + ask("IO_PORT_BATCH", 0, 1, 0x4c, 16, 0) + SETTLE
    + ask("IO_MEM_OPEN_BAR", 2, 6, 0, 0, 0) + SETTLE + POLICY_MEAN + SETTLE + ask("CLOSE", 0) + SETTLE,
    "net": connect(ALPHA) + ask("DEVICE_LIST", 0) + ask("DOMAIN_OPEN")
    + acquire(NET, ALL_BARS | IRQ_ENABLE, 0, irq=MSIX, count=5) + ask("IRQ_ACK", 1)
    + ask("IRQ_FDS", 1, 1, 3) + ask("CLOSE", 0) + SETTLE,
    "net-intx": connect(ALPHA) + acquire(NET, IRQ_ENABLE, irq=INTX, count=1) + ask("IRQ_ACK", 1)
    + ask("CONFIG_READ", 0, 0, 0, 2, 0, 0, 0, 0) + ask("CONFIG_WRITE", 0, 0xc0, 0, 2, 1, 0, 1, 0)
    + ask("CONFIG_WRITE", 0, 0x44, 0, 0, 9, 0, 0, 0) + ask("IO_PORT_OPEN", 2, 0, 8)
    + ask("IO_PORT_BATCH", 0, 0) + ask("IO_PORT_OPEN_BAR", 1, 2, 0, 0, 0),
    "irq": connect(ALPHA) + acquire(TOY) + ask("IRQ_OPEN", 0, INTX, 0) + ask("IRQ_ENABLE", 0)
    + ask("IRQ_ACK", 0) + ask("CLOSE", 0) + ask("DOMAIN_OPEN") + ask("DOMAIN_ASSIGN", 0, 2)
    + ask("IRQ_OPEN", 2, MSI | 64, 0) + ask("DOMAIN_DEASSIGN", 1, 3),
    "lines": connect(ALPHA) + connect(BETA, 1) + ask("IRQ_LIST", 0) + ask("IRQ_OPEN_NUMBER", 1) + SETTLE
    + ask("IRQ_OPEN_NUMBER", 1) + ask("IRQ_OPEN_NUMBER", 1, client=1) + SETTLE + ask("IRQ_ACK", 0)
    + POLICY_MEAN + SETTLE + ask("IRQ_ACK", 0) + ask("CLOSE", 0) + ask("IRQ_OPEN_NUMBER", 16) + SETTLE,
    "irq-number": connect(ALPHA) + acquire(NET) + ask("IRQ_OPEN", 0, INTX | 8 | 64, NET) + ask("CLOSE", 0),
    "dma": connect(ALPHA) + ask("DOMAIN_OPEN") + ask("DMA_ALLOC", 0, READS_WRITES, *pages(2))
    + ask("DMA_MAP", 0, READS_WRITES, *pages(0), *pages(1)) + acquire(DISK, ALL_BARS, 0)
    + ask("DOMAIN_INFO", 6, 0) + ask("DMA_UNMAP", 6) + ask("DMA_ALLOC", 6, READS_WRITES | PAGES_2M, 5)
    + ask("DMA_ALLOC", 6, READS_WRITES | FIXED, *pages(16), *pages(1)) + ask("CLOSE", 0) + SETTLE,
    "dma-churn": connect(ALPHA) + ask("DOMAIN_OPEN")
    + (ask("DMA_ALLOC", 0, READS_WRITES, *pages(1)) + ask("DMA_UNMAP", 0)
       + ask("DMA_ALLOC", 0, READS_WRITES | FIXED | LAST_IOVA, *pages(1))) * 4,
    "assign": connect(ALPHA) + ask("DOMAIN_OPEN") + acquire(TOY) + acquire(NEIGHBOUR)
    + ask("DOMAIN_ASSIGN", 4, 2) + ask("DOMAIN_ASSIGN", 4, 1) + ask("CLOSE", 4) + SETTLE,
    "contend": connect(ALPHA) + connect(BETA, 1) + acquire(SCREEN, ALL_BARS, wc=1)
    + acquire(SCREEN, client=1) + acquire(DISK, client=1) + acquire(DISK) + step(18)
    + acquire(SCREEN, NO_WAIT, client=1) + acquire(SCREEN, client=1) + SETTLE,
    "regions": connect(ALPHA) + acquire(SCREEN) + ask("IO_MEM_OPEN", SCREEN, 0, 0, *pages(16), 1)
    + ask("IO_MEM_OPEN_BAR", 1, 2, 0, 0, 0) + ask("CLOSE", 0),
    "reload": connect(ALPHA) + connect(BETA, 1) + acquire(DISK) + acquire(SCREEN, client=1)
    + POLICY_MEAN + SETTLE + fire(9) + fire(12) + SETTLE + POLICY_BROKEN + POLICY_GENEROUS + SETTLE
    + ask("CLOSE", 0) + acquire(DISK) + SETTLE,
    "hotplug": connect(ALPHA) + connect(BETA, 1) + step(25, 0x80 | PLUGGED) + fire(16) + SETTLE
    + acquire(PLUGGED) + step(25, PLUGGED) + fire(16) + SETTLE + step(25, 0x80 | PLUGGED) + fire(16)
    + SETTLE + acquire(PLUGGED, client=1) + step(26, PLUGGED) + SETTLE + fire(14) + SETTLE,
    "failures": connect(ALPHA) + ask("DOMAIN_OPEN") + b"".join(
        step(24, i) + acquire(NET, ALL_BARS | IRQ_ENABLE, 0, irq=MSIX, count=2) + SETTLE for i in range(8)),
    "operator": connect(ROOT) + b"".join(ask(f"ADMIN_{name}", 0) for name in
                                         ("DEVICES", "CLIENTS", "SESSIONS")) + ask("ADMIN_GIVEN", 0, 0)
    + ask("ADMIN_STATUS"),
    "operator-of-some": connect(ALPHA) + connect(ROOT, 1) + ask("DOMAIN_OPEN")
    + acquire(NET, ALL_BARS | IRQ_ENABLE, 0, irq=MSIX, count=2) + ask("IO_PORT_OPEN", 0, 0, 4) + SETTLE
    + ask("ADMIN_SESSIONS", 0, client=1) + ask("ADMIN_CLIENTS", 0, client=1) + SETTLE,
    "revoke": connect(ALPHA) + connect(ROOT, 1) + acquire(DISK) + SETTLE + ask("ADMIN_REVOKE", DISK, 0, client=1)
    + ask("ADMIN_REVOKE", DISK, 0, client=1) + SETTLE + fire(9) + SETTLE + acquire(DISK) + SETTLE
    + ask("ADMIN_REVOKE", DISK, 1, client=1) + SETTLE + ask("ADMIN_REVOKE", SOUND, 1, client=1) + SETTLE,
    "revoke-kept": connect(ALPHA | KEEPS) + connect(ROOT, 1) + acquire(DISK) + SETTLE
    + ask("ADMIN_REVOKE", DISK, 1, client=1) + SETTLE + ask("ADMIN_REVOKE", DISK, 1, client=1) + SETTLE + step(13)
    + SETTLE,
    "slow-reader-of-registers": connect(ALPHA | 0x10) + acquire(DISK) + ask("DEVICE_LIST", 0) * 7 + step(20, 0)
    + step(22) + SETTLE + ask("PING") + SETTLE,
    "limits": connect(GAMMA) + connect(GAMMA, 1) + connect(GAMMA, 2) + ask("DOMAIN_OPEN") * 4
    + ask("DMA_ALLOC", 0, READS_WRITES, *pages(1)) * 3 + ask("PING") + step(3, 23, 0, 0),
    "slow-reader": connect(ALPHA | 0x10) + ask("DEVICE_LIST", 0) * 12 + fire(0) + SETTLE,
    "assign-fails": connect(ALPHA) + ask("DOMAIN_OPEN") + ask("DOMAIN_OPEN") + acquire(TOY, 0) + b"".join(
        step(24, i) + ask("DOMAIN_ASSIGN", 1, 0) + ask("DOMAIN_ASSIGN", 1, 0) + SETTLE + step(24, i)
        + ask("DOMAIN_ASSIGN", 2, 0) + ask("DOMAIN_DEASSIGN", 2, 0) + SETTLE for i in range(6)),
    "leave-domain": connect(ALPHA) + ask("DOMAIN_OPEN") + SETTLE
    + acquire(NET, ALL_BARS | IRQ_ENABLE, 0, irq=MSIX, count=5) + SETTLE + ask("CLOSE", 5) + SETTLE
    + ask("CONFIG_READ", 0, 0, 0, 2, 0, 0, 0, 0) + SETTLE,
    "deassign-with-irq": connect(ALPHA) + ask("DOMAIN_OPEN") + acquire(TOY, 0, 0) + SETTLE
    + ask("IRQ_OPEN", 0, MSI | 64) + ask("DOMAIN_DEASSIGN", 1, 0) + SETTLE,
    "group-elsewhere": connect(ALPHA) + ask("DOMAIN_OPEN") + acquire(TOY) + SETTLE
    + acquire(NEIGHBOUR, ALL_BARS, 2) + SETTLE + acquire(NEIGHBOUR, 0) + SETTLE + ask("DOMAIN_ASSIGN", 3, 0)
    + SETTLE,
    "quarantine": connect(ALPHA) + acquire(TOY) + step(24, 0) + ask("CLOSE", 0) + SETTLE + acquire(NEIGHBOUR)
    + acquire(TOY) + SETTLE,
    "quarantine-together": connect(ALPHA) + acquire(TOY) + acquire(NEIGHBOUR) + SETTLE + step(24, 0) + step(18)
    + SETTLE,
    "irq-closed-meanwhile": connect(ALPHA) + acquire(TOY, 0) + SETTLE + ask("IRQ_OPEN", 0, INTX | 64)
    + ask("IRQ_OPEN", 0, INTX) + ask("CLOSE", 0) + SETTLE,
    "irq-refused": connect(BETA) + ask("DOMAIN_OPEN") + acquire(DISK, 0, 0) + SETTLE
    + ask("IRQ_OPEN", 0, MSIX | 4, 0, 65) + ask("IRQ_OPEN", 0, INTX | 16, 0, 1) + ask("IRQ_OPEN", 0, INTX | 32, 0, 1)
    + ask("IRQ_OPEN", 0, INTX | 32, 0, 3) + ask("IRQ_OPEN", 0, MSIX | 4 | 64, 0, 4) + ask("IRQ_OPEN", 0, INTX, 0)
    + SETTLE,
    "irq-no-handle": connect(GAMMA) + ask("DOMAIN_OPEN") + acquire(NET, 0, 0) + ask("DOMAIN_OPEN") + SETTLE
    + ask("IRQ_OPEN", 1, INTX | 64) + SETTLE + ask("IRQ_OPEN", 1, INTX | 64) + SETTLE,
    "hang-up-meanwhile": connect(ALPHA) + ask("DOMAIN_OPEN") + SETTLE + acquire(NET, ALL_BARS, 0, irq=INTX, count=1)
    + step(18) + SETTLE + connect(ALPHA) + acquire(NET) + step(15, 1) + step(20, 0) + step(22) + SETTLE,
    "domain-closed-meanwhile": connect(ALPHA) + ask("DOMAIN_OPEN") + SETTLE + acquire(DISK, ALL_BARS, 0)
    + ask("CLOSE", 0) + SETTLE,
    "policy-meanwhile": connect(ALPHA) + acquire(DISK) + POLICY_MEAN + step(20, 1) + step(22) + step(20, 0)
    + step(22) + SETTLE,
    "parked": connect(ALPHA) + connect(BETA, 1) + acquire(SCREEN) + SETTLE + ask("CLOSE", 0)
    + acquire(SCREEN, client=1) + acquire(SCREEN, NO_WAIT, client=1) + step(25, SCREEN) + fire(16) + SETTLE,
    "keep-registers": connect(ALPHA | KEEPS) + connect(BETA, 1) + acquire(SCREEN) + SETTLE + ask("CLOSE", 0) + SETTLE
    + acquire(SCREEN, client=1) + SETTLE + acquire(SCREEN) + SETTLE + ask("CLOSE", 0) + SETTLE + step(13)
    + acquire(SCREEN, client=1) + SETTLE,
    "keep-and-die": connect(ALPHA | KEEPS) + connect(BETA, 1) + acquire(DISK) + SETTLE + step(18) + SETTLE
    + acquire(DISK, client=1) + step(26, DISK) + SETTLE + step(13) + acquire(DISK, client=1) + SETTLE,
    "keep-and-unplug": step(25, 0x80 | PLUGGED) + fire(16) + SETTLE + connect(ALPHA | KEEPS) + connect(BETA, 1)
    + acquire(PLUGGED) + SETTLE + step(25, PLUGGED) + fire(16) + SETTLE + step(25, 0x80 | PLUGGED) + fire(16) + SETTLE
    + acquire(PLUGGED, client=1) + SETTLE + ask("CLOSE", 0, client=1) + SETTLE,
    "keep-in-quarantine": connect(ALPHA | KEEPS) + connect(BETA | KEEPS, 1) + connect(ROOT, 2) + acquire(DISK) + SETTLE
    + ask("CLOSE", 0) + SETTLE + step(13) + SETTLE + acquire(DISK, client=1) + SETTLE + step(24, 0)
    + ask("CLOSE", 0, client=1) + SETTLE + ask("ADMIN_CLEAR", DISK, client=2) + SETTLE + acquire(DISK) + SETTLE,
    "keep-and-not-take": connect(ALPHA | KEEPS) + connect(BETA, 1) + acquire(NET) + SETTLE + ask("CLOSE", 0) + SETTLE
    + acquire(NET) + step(18) + SETTLE + acquire(NET, client=1) + SETTLE + step(13) + SETTLE,
    "keep-and-be-refused": connect(ALPHA | KEEPS) + acquire(NET) + SETTLE + ask("CLOSE", 0) + SETTLE
    + acquire(NET, NO_WAIT) + POLICY_MEAN + step(20, 0) + step(22) + step(20, 0) + step(22) + SETTLE + step(13) + SETTLE,
    "info": connect(ALPHA) + acquire(TOY) + SETTLE + ask("DEVICE_INFO", 1, 0) + ask("DEVICE_INFO", 0, TOY)
    + ask("DEVICE_INFO", 1, 1),
    "crowded": connect(ALPHA | 0x10) + (ask("DEVICE_LIST", 0) * 5 + step(20, 0)) * 2 + acquire(NET) + step(20, 0)
    + step(22) + POLICY_MEAN + step(20, 0) + step(22) + step(17) + step(17) + step(18) + SETTLE,
    "no-room": connect(ALPHA) + ask("DOMAIN_OPEN") + SETTLE
    + ask("DMA_ALLOC", 0, READS_WRITES | 0x20, *pages(2), *pages(1))
    + ask("DMA_ALLOC", 0, READS_WRITES | 0x20 | FIXED, *pages(1), *pages(2), *pages(1))
    + ask("DMA_ALLOC", 0, READS_WRITES | 0x40, *pages(1), *pages(16)) * 3,
    "any": connect(ALPHA) + connect(BETA, 1) + acquire_any(0) + acquire_any(0, client=1) + SETTLE
    + acquire_any(0) + acquire_any(0, NO_WAIT, client=1) + SETTLE + ask("CLOSE", 0) + acquire_any(0, client=1) + SETTLE
    + acquire_any(3) + SETTLE + POLICY_MEAN + acquire_any(0) + SETTLE,
    "any-fails": connect(ALPHA) + b"".join(step(24, i) + acquire_any(i % 4) + SETTLE for i in range(8)),
    "any-kept": connect(ALPHA | KEEPS) + connect(BETA, 1) + acquire_any(3) + SETTLE + ask("CLOSE", 0) + SETTLE
    + acquire_any(3, client=1) + SETTLE + acquire_any(3) + SETTLE + step(18) + acquire_any(3, client=1) + step(13) + SETTLE,
    "strangers": connect(STRANGER) + connect(STRANGER | 0x80, 1) + ask("PING", client=1) + fire(0),
}


def killed(*left):
    """A daemon before had some: number of a device, and how it left it."""
    hows = dict(left)
    return bytes([0, 3, sum(1 << device for device in hows), *(hows[device] for device in sorted(hows))])


FOR_ALPHA, FOR_BETA, FOR_NOBODY, RESTORE, KEPT, OTHER, HOSTS = 0, 1, 3, 4, 8, 16, 32
AFTER_KILL = {
    "killed": killed((NET, FOR_ALPHA | RESTORE), (DISK, FOR_BETA)) + SETTLE + connect(ALPHA) + acquire(DISK) + SETTLE,
    "killed-and-kept": killed((NET, FOR_ALPHA | RESTORE | KEPT), (DISK, FOR_BETA | KEPT)) + SETTLE + connect(ALPHA, 4)
    + acquire(DISK, client=4) + acquire(NET, client=4) + SETTLE + step(13) + step(13, client=1) + SETTLE
    + acquire(DISK, client=4) + SETTLE,
    "killed-others": killed((NET, FOR_ALPHA | OTHER), (DISK, FOR_BETA | HOSTS), (SCREEN, FOR_NOBODY | RESTORE)) + SETTLE
    + connect(ALPHA) + acquire(NET) + SETTLE,
    "killed-group": killed((TOY, FOR_ALPHA | RESTORE), (NEIGHBOUR, FOR_NOBODY | RESTORE)) + SETTLE + connect(ALPHA)
    + acquire(NEIGHBOUR) + SETTLE,
}


def requests():
    yield from AFTER_KILL.items()
    for name, script in SCRIPTS.items():
        yield name, bytes([0, 1]) + script
        # And with jobs that run when it is their turn in the input.
        yield name + "-late", bytes([0, 0]) + script + step(20, 0) + step(22) + SETTLE


LINES = ["0000:00:06.0 77 nvme - flr/bus genode 1000 restore", "ffff:ff:1f.7 18446744073709551615 - vfio-pci - - 0 keep",
         "0000:01:00.0 1 a/driver - - a.client-name_of-31-characters_ 4294967295 keep",
         "0000:01:00.1 1 - - - c 1 keep none", "0000:01:00.2 1 - - - c 1 restore 0xfe400000-0xfe403fff 0x1000000000-0x10000fffff"]


MADE = ["virtual 0000:00:06.0 77 probe restore", "virtual ffff:ff:1f.7 18446744073709551615 quiet keep"]


def record():
    good = "".join(line + "\n" for line in ("hwbrokerd devices 2", "estate", "estate 0xfe400000-0xfe403fff", *LINES, *MADE))
    lines = "".join(line.ljust(511) + "\n" for line in good.replace("2", "3", 1).replace("\n", "\n\n", 1).splitlines())
    texts = {"good": good, "lines": lines, "lines-cut": lines[:-2], "empty": "", "old": good.replace("2", "1", 1), "cut": good[:-9], "twice": good + LINES[0] + "\n",
             "no-estate": good.replace("estate\n", ""), "long": good + "0" * 300 + "\n",
             "foreign": "[broker]\n", "zeros": good + "\0\n", "blank": good + "\n", "made-twice": good + MADE[0] + "\n",
             "many": good + "".join(f"0000:02:{i:02x}.{j} {i} d - - c 1 keep\n" for i in range(32) for j in range(4))}
    for name, text in texts.items():
        yield name, b"\0" + text.encode()
        acts = bytes([3, 3, 0x30]) + bytes(range(157)) + bytes([0, 0x30]) + bytes(158) + bytes([1, 0x38]) + bytes(158)
        yield name + "-and-acts", acts + text.encode()


def kept():
    """As kept.c reads it: the head (3 bytes), how many records, each 13 bytes, and acts of 10."""
    def note(place, kind, number, revision, truth=1):
        return bytes([place, truth, kind, number, revision]) + bytes(range(place & 15, (place & 15) + 8))

    notes = [note(0, 1, 1, 1), note(1, 1, 1, 2), note(2, 4, 1, 3), note(3, 3, 2, 4), note(0x80, 7, 2, 5), note(9, 8, 3, 6, 0)]
    acts = b"".join(bytes([what, which]) + bytes(8) for what in range(4) for which in range(6))
    good = bytes(3) + bytes([len(notes)]) + b"".join(notes)
    yield "empty", bytes(4)
    yield "good", good
    yield "good-and-acts", good + acts
    yield "grief", bytes([0, 0, 3]) + good[3:]
    yield "foreign", bytes([7]) + good[1:]
    yield "version", bytes([0x38, 2]) + good[2:]
    yield "size", bytes([0xc0, 2]) + good[2:]
    yield "full", bytes(3) + bytes([63]) + b"".join(note(i * 4 % 256, 1 + i % 8, i % 7, i % 5) for i in range(63)) + acts
    yield "no-kind", good[:3] + bytes([1]) + note(5, 0, 1, 1)
    yield "spoilt", good[:3] + bytes([1]) + note(5, 1, 1, 1, 0xf1)
    yield "half", good[:3] + bytes([1]) + note(5, 1, 1, 1, 0x0f)


def message(opcode, kind, body=b"", session=0, status=0, fds=0):
    length = 24 + len(body)
    return struct.pack("<HHIIIIHH", 1, opcode, length, 0 if kind == 2 else 7, session, status, kind, fds) + body


# Opcode: fixed bytes of the request and of its reply, descriptors with each.
SHAPES = {
    0x01: (16, 72, 0, 0), 0x02: (0, 0, 0, 0), 0x03: (0, 0, 0, 0), 0x10: (8, 16, 0, 0), 0x11: (8, 192, 0, 0),
    0x12: (32, 400, 0, 0), 0x13: (8, 8, 0, 0), 0x14: (8, 8, 0, 0), 0x16: (0, 0, 0, 1), 0x20: (24, 32, 0, 1), 0x21: (24, 32, 0, 1),
    0x22: (8, 8, 0, 0), 0x30: (8, 0, 0, 0), 0x31: (24, 32, 0, 1), 0x32: (8, 8, 0, 0), 0x40: (24, 16, 0, 0), 0x41: (0, 0, 0, 0),
    0x42: (0, 0, 0, 0), 0x43: (8, 8, 0, 0), 0x50: (0, 0, 0, 0), 0x51: (8, 16, 0, 0), 0x52: (8, 0, 0, 0),
    0x53: (8, 0, 0, 0), 0x54: (40, 24, 0, 1), 0x55: (48, 24, 1, 0), 0x56: (8, 0, 0, 0), 0x60: (0, 256, 0, 0),
    0x61: (8, 16, 0, 0), 0x62: (8, 16, 0, 0), 0x63: (8, 16, 0, 0), 0x64: (40, 16, 0, 0),
    0x67: (8, 16, 0, 0), 0x68: (200, 16, 0, 0), 0x69: (8, 16, 0, 0), 0x6a: (8, 136, 0, 0), 0x6b: (0, 16, 0, 0), 0x6c: (8, 16, 0, 0),
}
RECORDS = {0x10: 192, 0x51: 16, 0x61: 416, 0x62: 80, 0x63: 128, 0x64: 192, 0x67: 512, 0x68: 512, 0x69: 512, 0x6b: 512, 0x6c: 472}


def messages():
    for opcode, (request, reply, request_fds, reply_fds) in SHAPES.items():
        yield f"request-{opcode:02x}", 0, request_fds, message(opcode, 0, bytes(request), fds=request_fds)
        yield f"reply-{opcode:02x}", 1, reply_fds, message(opcode, 1, bytes(reply), fds=reply_fds)
    for opcode, size in RECORDS.items():
        yield f"records-{opcode:02x}", 1, 0, message(opcode, 1, struct.pack("<QII", 0, 2, size) + bytes(2 * size))
    for kind in (0, 1):
        batch = struct.pack("<II", 2, 0) + struct.pack("<HBBI", 0x40, 1, 1, 5) * 2
        yield f"batch-{kind}", kind, 0, message(0x32, kind, batch)
        batch = struct.pack("<II", 2, 0) + struct.pack("<IBBHQ", 8, 7, 8, 0, 5) + struct.pack("<QII", 1, 9, 0)
        yield f"memory-batch-{kind}", kind, 0, message(0x22, kind, batch)
    yield "refusal", 1, 0, message(0x12, 1, struct.pack("<IIII", 5, 24, 4, 0) + b"word", status=19)
    yield "event-device", 1, 0, message(0x80, 2, bytes(8) + struct.pack("<II", 1, 0))
    yield "event-policy", 1, 0, message(0x81, 2)
    regions = bytes(192) + (struct.pack("<IIQQQ", 3, 0, 0x1000, 0x1000, 0)) * 6 + struct.pack("<IIII", 9, 1, 1, 1)
    yield "acquired", 1, 8, message(0x12, 1, regions, session=4, fds=8)


def codec():
    for name, direction, fds, packet in messages():
        yield name, bytes([direction, fds]) + packet


def question(uid, device, kind, offset=0, count=1, changed=0, groups=(0, 0, 0)):
    """As policy.c asks it; device: bus, device, vendor, id, class."""
    bus, number, vendor, ident, class_code = device
    return struct.pack("<BBBBBBBHHHHIBIII", uid, 8, 3, 0, bus, number, 0, vendor, ident, 0, 0, class_code, kind,
                       offset, count, changed) + bytes(groups)


DEVICES = ((0, 3, 0x8086, 0x10d3, 0x020000), (0, 4, 0x1b36, 0x10, 0x010802), (0, 5, 0x1234, 0x11e8, 0xff00),
           (1, 0, 0x1234, 0x1111, 0x030000), (9, 9, 1, 1, 0))
DEVICE, DMA, PARTIAL_PAGE, MSIX_TABLE, TAKE, FORCE, CONFIG_WRITE, PORTS = range(8)


def questions():
    for uid in range(3):
        for device in DEVICES:
            for kind in (DEVICE, DMA, PARTIAL_PAGE, MSIX_TABLE, TAKE, FORCE):
                yield question(uid, device, kind)
        for offset, count, changed in ((0x44, 1, 0xf), (0x44, 2, 1), (0xc0, 4, 0x00ff0000), (0xc0, 4, 0xff00), (2, 9, 0)):
            yield question(uid, DEVICES[0], CONFIG_WRITE, offset, count, changed)
        for first, count in ((0x40, 4), (0x40, 5), (0x61, 1), (0x40, 16), (0, 0), (0xffff, 2), (0xffffffff, 2)):
            yield question(uid, DEVICES[0], PORTS, first, count)


def policy():
    top = pathlib.Path(__file__).resolve().parents[2]
    for folder in ("config", "config/examples", "tests/guest/policy", "tests/fuzz/policy"):
        for file in sorted((top / folder).glob("*.conf")):
            name = str(file.relative_to(top)).replace("/", "-")
            yield name, file.read_bytes()
    text = (top / "tests/fuzz/policy/generous.conf").read_bytes()
    yield "questions", text + b"\n#?\n" + b"".join(questions())


def main():
    folder = pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in {"codec": codec, "policy": policy, "record": record, "kept": kept, "requests": requests}[sys.argv[1]]():
        (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
