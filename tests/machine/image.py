# SPDX-License-Identifier: MIT
"""The cached parts of the virtual PC: root file system, kernels, initramfs."""

import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent

# Kernel series and the meta package that names its newest image.
KERNELS = {"6.1": "linux-image-amd64", "6.12": "linux-image-6.12-amd64"}

GUEST_PACKAGES = """
    systemd systemd-sysv udev kmod dbus util-linux coreutils procps iproute2 passwd
    libev4 libpciaccess0 libinih1 libjansson4 libsubunit0 libseat1 seatd
    libasan8 libubsan1 pciutils strace
""".split()

# What the initramfs loads to reach the root disk, in this order.
BOOT_MODULES = ["crc32c_generic", "virtio_pci", "virtio_blk", "ext4"]

IMAGE_SIZE = 1536 << 20


class Failure(Exception):
    """Something that the user must see and can act upon."""


def cache_directory():
    """Where artefacts live: outside any checkout."""
    if "HWBROKER_CACHE" in os.environ:
        return pathlib.Path(os.environ["HWBROKER_CACHE"])
    if os.geteuid() == 0:
        return pathlib.Path("/var/cache/hwbroker-tests")
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache"),
                        "hwbroker-tests")


START = time.monotonic()


def progress(text):
    """One line per step, with the seconds since the start."""
    print(f"[{time.monotonic() - START:6.1f} s] {text}", file=sys.stderr, flush=True)


def run(command, **options):
    """Runs a command; its output is shown only if it fails."""
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            check=False, **options)
    if result.returncode != 0:
        tail = result.stdout.decode(errors="replace").strip().splitlines()[-20:]
        raise Failure("`{}' failed with status {}:\n  {}".format(
            " ".join(map(str, command)), result.returncode, "\n  ".join(tail)))
    return result.stdout.decode(errors="replace")


def recipe_hash():
    """Changes whenever what goes into the image does."""
    digest = hashlib.sha256(" ".join(GUEST_PACKAGES + BOOT_MODULES).encode())
    for name in ["image.py", "guest/setup.sh", "guest/init.sh", "guest/control.sh"]:
        digest.update((HERE / name).read_bytes())
    return digest.hexdigest()[:12]


def kernel_package(meta):
    """The versioned package that the meta package depends on."""
    for line in run(["apt-cache", "depends", "--important", meta]).splitlines():
        word, _, name = line.strip().partition(": ")
        if word == "Depends" and name.startswith("linux-image-"):
            return name
    raise Failure(f"apt knows no kernel for {meta}: run `apt-get update' first")


def unpack_kernel(meta, work, root):
    """Puts the kernel's modules into `root`; returns (image path, version)."""
    package = kernel_package(meta)
    run(["apt-get", "download", package], cwd=work)
    deb = next(work.glob(f"{package}_*.deb"))
    tree = work / package
    run(["dpkg-deb", "-x", deb, tree])
    image = next((tree / "boot").glob("vmlinuz-*"))
    version = image.name.removeprefix("vmlinuz-")
    target = root / "usr/lib/modules" / version
    target.parent.mkdir(parents=True, exist_ok=True)
    source = tree / "lib/modules" / version
    if not source.exists():
        source = tree / "usr/lib/modules" / version
    shutil.copytree(source, target, symlinks=True)
    run(["depmod", "-b", root, version])
    return image, version


def module_files(root, version, names):
    """The modules and what they need, in loading order."""
    found = []
    for name in names:
        listing = run(["modprobe", "-d", root, "-S", version, "--show-depends", name])
        for line in listing.splitlines():
            kind, _, path = line.partition(" ")
            if kind == "insmod" and path.strip() not in found:
                found.append(path.strip())
    return [pathlib.Path(path) for path in found]


def make_initramfs(root, version, work, target):
    """busybox, the modules uncompressed, and guest/init.sh as /init."""
    tree = work / f"initramfs-{version}"
    for name in ["bin", "dev", "proc", "sys", "root", "modules"]:
        (tree / name).mkdir(parents=True)
    tree.chmod(0o755)
    shutil.copy2("/bin/busybox", tree / "bin/busybox")
    order = []
    for module in module_files(root, version, BOOT_MODULES):
        data = module.read_bytes()
        if module.suffix == ".xz":
            data = subprocess.run(["xz", "-dc"], input=data, stdout=subprocess.PIPE,
                                  check=True).stdout
        name = module.name.removesuffix(".xz")
        (tree / "modules" / name).write_bytes(data)
        order.append(name)
    (tree / "modules/order").write_text("\n".join(order) + "\n")
    shutil.copy2(HERE / "guest/init.sh", tree / "init")
    (tree / "init").chmod(0o755)
    names = "\n".join(str(path.relative_to(tree)) for path in sorted(tree.rglob("*")))
    with open(target, "wb") as file:
        subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=tree,
                       input=names.encode(), stdout=file, check=True)


def build(target):
    """Makes everything below `target`."""
    if os.geteuid() != 0:
        raise Failure("making the guest image needs root: run tests/machine/pc image with sudo "
                      "once, or all of it as root")
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="making-") as name:
        work = pathlib.Path(name)
        work.chmod(0o755)
        result = work / "result"
        root = work / "root"
        result.mkdir()
        progress("making the guest: Debian 12 with systemd (mmdebstrap)")
        run(["mmdebstrap", "--variant=apt", "--mode=root",
             "--include=" + ",".join(GUEST_PACKAGES), "bookworm", root])
        for series, meta in KERNELS.items():
            progress(f"adding Debian's kernel {series}")
            image, version = unpack_kernel(meta, work, root)
            shutil.copy2(image, result / f"vmlinuz-{series}")
            (result / f"version-{series}").write_text(version + "\n")
            make_initramfs(root, version, work, result / f"initramfs-{series}")
        progress("setting the guest up")
        shutil.copy2(HERE / "guest/setup.sh", root / "setup.sh")
        shutil.copy2(HERE / "guest/control.sh", root / "usr/lib/hwbroker-control.sh")
        run(["chroot", root, "/bin/sh", "/setup.sh"])
        (root / "setup.sh").unlink()
        progress("writing the file system")
        raw = work / "root.raw"
        with open(raw, "wb") as file:
            file.truncate(IMAGE_SIZE)
        run(["mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-L", "hwbroker", "-d", root, raw])
        run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, result / "root.qcow2"])
        for path in result.iterdir():
            path.chmod(0o644)
        result.chmod(0o755)
        result.rename(target)


def artefacts():
    """The directory with the finished artefacts, made if absent."""
    cache = cache_directory()
    cache.mkdir(parents=True, exist_ok=True)
    target = cache / f"guest-{recipe_hash()}"
    if target.exists():
        return target
    with open(cache / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            build(target)
            for old in cache.glob("guest-*"):
                if old != target:
                    shutil.rmtree(old, ignore_errors=True)
    return target
