# SPDX-License-Identifier: MIT
"""The image: hwb-init, hwbrokerd, their libraries, kernel modules, policy, session."""

import pathlib
import re

from hwbimage import Failure, cpio, elf, modules, session

# What hwbrokerd needs of the kernel; what these need comes with them.
MODULES = ["vfio_iommu_type1", "vfio_pci"]
LINE_MAX = 198  # of init.conf, as of a policy

_BROKER = ["usr/sbin/hwbrokerd", "usr/local/sbin/hwbrokerd"]
_INIT = ["usr/libexec/hwbroker/hwb-init", "usr/local/libexec/hwbroker/hwb-init"]
_STAND_IN = ["usr/libexec/hwbroker/hwb-stand-in", "usr/local/libexec/hwbroker/hwb-stand-in"]
_POLICY = ["etc/hwbroker/hwbroker.conf", "usr/local/etc/hwbroker/hwbroker.conf"]


def _read(path, what):
    try:
        return path.read_bytes()
    except OSError as error:
        raise Failure(f"{what} {path}: cannot be read: {error.strerror}") from error


def _installed(root, places):
    for place in places:
        if (root / place).is_file():
            return root / place
    raise Failure(f"{root / places[0]} is not there; install hwbrokerd (cmake --install), or name "
                  "with --root the folder that it was installed into")


def user(text):
    """NAME, NAME:UID or UID, as (name, number)."""
    match = re.fullmatch(r"([a-z_][a-z0-9_-]{0,30})(?::([0-9]{1,9}))?|([0-9]{1,9})", text)
    if match is None:
        raise Failure(f"--user `{text}' is neither NAME, NAME:UID nor UID")
    name, number, alone = match.groups()
    result = (name or "session", int(alone or number or 1000))
    if result[1] == 0 or result[0] == "root":
        raise Failure(f"--user {text}: a session of root could do as it likes; name another user")
    return result


def _add_kernel(archive, options):
    """Modules and the kernel's configuration; returns the modules' places in loading order."""
    found = modules.Modules(options.modules)
    places = []
    version = None
    for path in found.order(MODULES + options.module):
        name, data = modules.read(path)
        place = f"lib/modules/{name}"
        archive.file(place, data)
        places.append("/" + place)
        magic = re.search(rb"\0vermagic=([^ \0]+)", data)
        version = version or magic and magic[1].decode()
    for path in [found.folder / "config", pathlib.Path(f"/boot/config-{version}")]:
        # hwbrokerd looks there for what the kernel promises.
        if version and path.is_file():
            archive.file(f"lib/modules/{version}/config", _read(path, "the kernel's configuration"))
            break
    return places, version


def _add_programs(archive, roots, programs):
    """Programs at their places, and what they need where the loader looks for it."""
    linked = []
    for place, data in programs:
        archive.file(place, data, 0o755)
        program = elf.Program("/" + place, data)
        # Another loader than the system's, such as Genode's, comes with its libraries.
        if (program.interpreter or "").startswith("/"):
            linked.append(program)
    libraries = elf.Libraries(roots).closure(linked)
    if not libraries:
        return
    # All in one folder, which any loader searches by itself: there is no ld.so.conf.
    folder = libraries["libc.so.6"].path.parent if "libc.so.6" in libraries else None
    if folder is None:
        raise Failure("the programs are not linked to libc.so.6; another C library than glibc is "
                      "supported only by static programs")
    for root in roots:
        if folder.is_relative_to(root):
            folder = folder.relative_to(root)
            break
    loaders = {program.interpreter for program in linked}
    for name in loaders:
        path = next((root / name.lstrip("/") for root in roots
                     if (root / name.lstrip("/")).is_file()), pathlib.Path(name))
        archive.file(name, _read(path, "the loader"), 0o755)
    for name, library in libraries.items():
        # A library that needs the loader by name gets the one that is there already.
        if name not in {pathlib.Path(loader).name for loader in loaders}:
            archive.file(f"{folder}/{name}", library.data, 0o755)


def _init_config(options, places, words):
    name, number = user(options.user)
    label = re.sub(r"[^A-Za-z0-9]", "-", pathlib.Path(words[0]).name).strip("-")[:31] or name
    lines = ["# Made by hwbroker-mkimage; see hwb-init(8).",
             "[init]", f"on_error = {options.on_error}"]
    lines += [f"module = {place}" for place in places]
    lines += ["", "[broker]", f"command = {options.broker} --policy /etc/hwbroker/hwbroker.conf",
              "", f"[session {label}]", f"command = {' '.join(words)}",
              f"directory = /{session.PLACE}", f"user = {number}", f"group = {number}",
              f"at_end = {options.at_end}"]
    for line in lines:
        if len(line.encode()) > LINE_MAX:
            raise Failure(f"`{line}' is longer than init.conf allows, {LINE_MAX} bytes; make it "
                          "shorter")
    data = ("\n".join(lines) + "\n").encode()
    for path in options.append:
        data += b"\n" + _read(pathlib.Path(path), "--append")
    return data


def _add_users(archive, options):
    name, number = user(options.user)
    shell = "/nonexistent"
    archive.file("etc/passwd", f"root:x:0:0::/:{shell}\n{name}:x:{number}:{number}::/:{shell}\n"
                 .encode())
    # A policy may name the group of those who may look; nobody is in it here.
    group = 999 if number != 999 else 998
    archive.file("etc/group", f"root:x:0:\nhwbroker:x:{group}:\n{name}:x:{number}:\n".encode())


def _session_programs(archive, options, root):
    """Puts the session in; returns its command, and the programs whose libraries it needs."""
    if options.session is None:
        path = _installed(root, _STAND_IN)
        archive.directory(session.PLACE)
        words = session.command_words(options.command or f"{path.name} all")
        return words, [(f"{session.PLACE}/{path.name}", _read(path, "the stand-in"))]
    if options.command is None:
        raise Failure("--session needs --command, which names a file in it, such as core")
    session.add_folder(archive, pathlib.Path(options.session))
    words = session.command_words(options.command)
    data = session.check_command(archive, words)
    # A script's interpreter would have to be in the folder, too; nothing is done for it.
    return words, [(words[0], data)] if data[:4] == b"\x7fELF" else []


def _add_policy(archive, path):
    """All files of it: those of policy.d beside the first, as hwbrokerd takes them."""
    archive.file("etc/hwbroker/hwbroker.conf", _read(path, "the policy"))
    for drop_in in sorted((path.parent / "policy.d").glob("[!.]*.conf")):
        archive.file(f"etc/hwbroker/policy.d/{drop_in.name}", _read(drop_in, "the policy"))


def image(options):
    """The archive for these options, and the version of the kernel that it is for."""
    archive = cpio.Archive()
    root = pathlib.Path(options.root)
    for place in ["dev", "proc", "sys", "run", "tmp"]:
        archive.directory(place)
    # For what the kernel or init has to say before /dev is mounted.
    archive.character_device("dev/console", 5, 1)
    broker = _installed(root, _BROKER)
    options.broker = "/" + str(broker.relative_to(root))
    words, programs = _session_programs(archive, options, root)
    programs += [("init", _read(_installed(root, _INIT), "the first process")),
                 (options.broker, _read(broker, "the broker"))]
    roots = [root] if root == pathlib.Path("/") else [root, pathlib.Path("/")]
    _add_programs(archive, roots, programs)
    places, version = _add_kernel(archive, options)
    _add_policy(archive, pathlib.Path(options.policy) if options.policy else _installed(root, _POLICY))
    archive.file("etc/hwbroker/init.conf", _init_config(options, places, words))
    _add_users(archive, options)
    return archive, version
