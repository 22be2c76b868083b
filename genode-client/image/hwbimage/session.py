# SPDX-License-Identifier: MIT
"""What runs beside hwbrokerd: a folder, and a command in it."""

import re

from hwbimage import Failure

PLACE = "session"

# What stands in init.conf as it is: no blank, no comment.
_WORD = re.compile(r"[^\s;#]+")


def add_folder(archive, folder):
    """Packs a folder; links in it become what they point to."""
    if not folder.is_dir():
        raise Failure(f"--session {folder}: there is no such folder; it is the one with core and "
                      "its ROM modules")
    archive.directory(PLACE)
    _add(archive, folder, PLACE, [])


def _add(archive, folder, place, above):
    real = folder.resolve()
    if real in above:
        raise Failure(f"{folder}: a link leads back to a folder above it; remove it")
    for path in sorted(folder.iterdir()):
        target = f"{place}/{path.name}"
        if path.is_dir():
            archive.directory(target)
            _add(archive, path, target, above + [real])
        elif path.is_file():
            mode = 0o755 if path.stat().st_mode & 0o111 else 0o644
            archive.file(target, path.read_bytes(), mode)
        elif path.is_symlink():
            raise Failure(f"{path}: points to {path.readlink()}, which is not there; make it, or "
                          "remove the link")
        else:
            raise Failure(f"{path}: is neither a file nor a folder; remove it")


def command_words(text):
    """The command as words, the first of them a path in the image."""
    words = text.split()
    if not words:
        raise Failure("--command is empty; it names a file of the session's folder")
    for word in words:
        if not _WORD.fullmatch(word):
            raise Failure(f"--command: `{word}' cannot stand in a command of init.conf: no `;' "
                          "and no `#'")
    name = words[0].removeprefix("./")
    return [name if name.startswith("/") else f"/{PLACE}/{name}"] + words[1:]


def check_command(archive, words):
    """The command must be a file of the image that can be executed."""
    entry = archive.entries.get(words[0].lstrip("/"))
    if entry is None:
        raise Failure(f"--command: there is no {words[0]} in the image; the first word is a file "
                      "of the session's folder")
    if entry[0] & 0o111 == 0:
        raise Failure(f"--command: {words[0]} is not executable; chmod +x it in the session's "
                      "folder")
    return entry[1]
