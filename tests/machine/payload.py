# SPDX-License-Identifier: MIT
"""One tar archive out of several: what is unpacked over the guest's root file system."""

import tarfile

import report

_USERS = {"driver": 1000, "other": 1001}


def _owned(member):
    """Ids in the archive are those of whoever built it; the guest has its own."""
    parts = member.name.split("/")
    user = _USERS.get(parts[1], 0) if parts[0] == "home" and len(parts) > 1 else 0
    member.uid = member.gid = user
    member.uname = member.gname = ""
    if member.isdir():
        # The builder's umask must not lock anyone out of /usr.
        member.mode |= 0o755
    return member


def merge(sources, target):
    """Writes all members of the archives `sources` (compressed or not) to `target`."""
    # GNU format: busybox reads no PAX headers, and with them no long names.
    with tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as result:
        for source in sources:
            try:
                with tarfile.open(source) as archive:
                    for member in archive:
                        member.name = member.name.removeprefix("./").strip("/")
                        if member.name in ("", "."):
                            continue
                        if ".." in member.name.split("/"):
                            raise report.Failure(f"{source}: {member.name} leads out of it")
                        if member.islnk():
                            member.linkname = member.linkname.removeprefix("./")
                        member.pax_headers = {}
                        data = archive.extractfile(member) if member.isreg() else None
                        result.addfile(_owned(member), data)
            except (OSError, tarfile.TarError) as error:
                raise report.Failure(f"payload {source}: {error}") from error
    with open(target, "r+b") as file:
        # A disk is whole sectors; tar's own padding is, and an empty one would be none.
        file.truncate(max(4096, file.seek(0, 2)))
