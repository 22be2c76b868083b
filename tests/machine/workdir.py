# SPDX-License-Identifier: MIT
"""A run's temporary folder, which a later run removes if we could not."""

import contextlib
import fcntl
import os
import pathlib
import shutil
import tempfile

_PREFIX = "hwbroker-pc-"


def _remove_abandoned():
    """Folders of ours whose runner was killed: their lock is free. Never others'."""
    for lock in pathlib.Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/lock"):
        with contextlib.suppress(OSError), open(lock, "rb") as file:
            if os.fstat(file.fileno()).st_uid == os.geteuid():
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.parent, ignore_errors=True)


@contextlib.contextmanager
def make():
    """A new folder, removed at the end of the `with' block."""
    _remove_abandoned()
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as name:
        work = pathlib.Path(name)
        with open(work / "lock.new", "wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            # Appears under its name only once it is held: without, nobody removes us.
            (work / "lock.new").rename(work / "lock")
            yield work
