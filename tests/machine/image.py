# SPDX-License-Identifier: MIT
"""The cached parts of the virtual PC: root file system, kernels, initramfs."""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

import initramfs
import report
import shared

HERE = pathlib.Path(__file__).resolve().parent

# Kernel series and the meta package that names its newest image.
KERNELS = {"6.1": "linux-image-amd64", "6.12": "linux-image-6.12-amd64"}

GUEST_PACKAGES = """
    systemd systemd-sysv udev kmod dbus util-linux coreutils procps iproute2 passwd
    libev4 libpciaccess0 libinih1 libjansson4 libsubunit0 libseat1 seatd
    libx86emu3
    libasan8 libubsan1 pciutils strace e2fsprogs
""".split()

# Files of ours in the guest.
GUEST_FILES = {"control.sh": ("usr/lib/hwbroker-control.sh", 0o644),
               "start.sh": ("usr/lib/hwbroker-start", 0o755),
               "payload.service": ("etc/systemd/system/payload.service", 0o644)}

RECIPE = [HERE / name for name in
          ["image.py", "initramfs.py", "guest/setup.sh", "guest/init.sh"]
          + [f"guest/{name}" for name in GUEST_FILES]] + [
    shared.FOLDER / "hwbimage" / name for name in ["cpio.py", "modules.py"]]

# What an image without Debian takes of a kernel's modules (hwbroker-mkimage --modules).
KEPT_MODULES = ["kernel/drivers/vfio", "kernel/virt/lib"]

SUITES = ["bookworm", "bookworm-updates", "bookworm-security"]
KEYRING = pathlib.Path("/usr/share/keyrings/debian-archive-keyring.gpg")
IMAGE_SIZE = 1536 << 20
FORGET_AFTER_DAYS = 7


def cache_directory():
    """Where artefacts live: outside any checkout."""
    if os.environ.get("HWBROKER_CACHE"):
        return pathlib.Path(os.environ["HWBROKER_CACHE"]).absolute()
    if os.geteuid() == 0:
        return pathlib.Path("/var/cache/hwbroker-tests")
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache",
                        "hwbroker-tests")


def recipe_hash():
    """Changes whenever what goes into the image does."""
    digest = hashlib.sha256()
    for path in RECIPE:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def mirror_lines():
    """The host's own sources of Debian 12, whatever format they are written in."""
    listing = report.run(["apt-get", "indextargets", "--format",
                          "$(CREATED_BY) $(RELEASE) $(COMPONENT) $(REPO_URI) $(ORIGIN)"])
    options = f"[signed-by={KEYRING}] " if KEYRING.exists() else ""
    lines = []
    for row in listing.splitlines():
        created_by, release, component, uri, *origin = row.split()
        if created_by == "Packages" and release in SUITES and component == "main" \
                and origin in ([], ["Debian"], ["$(ORIGIN)"]):
            lines.append(f"deb {options}{uri} {release} {component}")
    # Without any, on another system, mmdebstrap knows where Debian is.
    return sorted(set(lines))


def apt_options():
    """How the host reaches its mirrors, for mmdebstrap, which starts from nothing."""
    dump = report.run(["apt-config", "dump", "--no-empty", "Acquire"])
    return [f"--aptopt={line}" for line in dump.splitlines()
            if "proxy" in line.lower() or "::CaInfo " in line]


def download_kernel(series, meta, architecture):
    """Commands of a shell that leave a kernel's package where they run."""
    # The meta package depends on one real image; its dbg and unsigned relatives do not match.
    pattern = rf"s/^ *Depends: \(linux-image-[0-9][^ ]*-{architecture}\)$/\1/p"
    return [f"package=$(apt-cache depends --important {meta} | sed -n '{pattern}' | head -n1)",
            f"test -n \"$package\" || {{ echo no kernel for {meta}; exit 1; }}",
            "apt-get -qq download \"$package\"",
            f"mv \"$package\"_*.deb kernel-{series}.deb"]


def make_root(root, work):
    """Installs Debian into `root` and downloads the kernels' packages to `work`."""
    hook = ["export APT_CONFIG=\"$MMDEBSTRAP_APT_CONFIG\"", f"cd {shlex.quote(str(work))}"]
    for series, meta in KERNELS.items():
        hook += download_kernel(series, meta, "amd64")
    # In namespaces of its own: what it mounts and starts cannot stay behind.
    report.run(["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                "mmdebstrap", "--variant=apt", "--mode=root", "--architectures=amd64",
                "--include=" + ",".join(GUEST_PACKAGES),
                "--customize-hook=" + "; ".join(["set -e"] + hook)]
               + apt_options() + ["bookworm", root] + mirror_lines())


def unpack_kernel(series, root, work, result):
    """Puts a kernel's modules into `root`, and itself into `result`; returns its version. What
    else is in its package is in `work`."""
    tree = work / f"kernel-{series}"
    report.run(["dpkg-deb", "-x", work / f"kernel-{series}.deb", tree])
    kernel, = (tree / "boot").glob("vmlinuz-*")
    version = kernel.name.removeprefix("vmlinuz-")
    modules = next(path for path in [tree / "usr/lib/modules", tree / "lib/modules"]
                   if (path / version).exists())
    (root / "usr/lib/modules").mkdir(parents=True, exist_ok=True)
    (modules / version).rename(root / "usr/lib/modules" / version)
    report.run(["depmod", "-b", root, version])
    shutil.copy2(kernel, result / f"vmlinuz-{series}")
    (result / f"version-{series}").write_text(version + "\n")
    return version


def add_kernel(series, root, work, result):
    """Likewise, and its initramfs, with what makes images of the project's own."""
    version = unpack_kernel(series, root, work, result)
    tree = work / f"kernel-{series}"
    installed = root / "usr/lib/modules" / version
    initramfs.make(installed, (HERE / "guest/init.sh").read_text(), result / f"initramfs-{series}")
    keep_modules(installed, tree / "boot" / f"config-{version}", result / f"modules-{series}")


def keep_modules(installed, config, target):
    """Copies a few modules, and what a folder of modules has beside them."""
    for name in KEPT_MODULES:
        if (installed / name).exists():
            shutil.copytree(installed / name, target / name)
    for name in ["modules.dep", "modules.builtin"]:
        shutil.copyfile(installed / name, target / name)
    shutil.copyfile(config, target / "config")


def set_up(root):
    """Makes a Debian the guest that we want."""
    for name, (target, mode) in GUEST_FILES.items():
        shutil.copyfile(HERE / "guest" / name, root / target)
        (root / target).chmod(mode)
    shutil.copyfile(HERE / "guest/setup.sh", root / "setup.sh")
    report.run(["chroot", root, "/bin/sh", "/setup.sh"],
               env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"})
    (root / "setup.sh").unlink()


def write_disk(root, raw):
    """The file system `root` as a disk, whose file is returned."""
    with open(raw, "wb") as file:
        file.truncate(IMAGE_SIZE)
    # No journal: it is never written to but through a snapshot that is thrown away.
    report.run(["mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-L", "hwbroker",
                "-d", root, raw])
    return raw


def build(target):
    """Makes everything, and names it `target` when it is complete."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="making-") as name:
        work = pathlib.Path(name)
        work.chmod(0o755)
        result, root, raw = work / "result", work / "root", work / "root.raw"
        result.mkdir()
        report.progress("making the guest: Debian 12 with systemd, by mmdebstrap")
        make_root(root, work)
        for series in KERNELS:
            report.progress(f"adding Debian's kernel {series}")
            add_kernel(series, root, work, result)
        report.progress("setting the guest up")
        set_up(root)
        report.progress("writing the root file system")
        write_disk(root, raw)
        report.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, result / "root.qcow2"])
        for path in result.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)
        result.rename(target)
        report.progress("the guest is ready")


def tidy(cache, keep):
    """Removes what was interrupted, and images that no one used for a week."""
    for path in cache.glob("making-*"):
        shutil.rmtree(path, ignore_errors=True)
    for path in [*cache.glob("guest-*"), *cache.glob("arm64-*")]:
        if path != keep and path.stat().st_mtime < time.time() - FORGET_AFTER_DAYS * 86400:
            shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def locked(cache):
    """Holds the cache's lock: one process at a time builds in it."""
    with open(cache / "lock", "a", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report.progress(f"waiting for another process that makes an image in {cache}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build_as_root(cache, words):
    """File systems with root's files are made by root: asks sudo for this one step."""
    if shutil.which("sudo") is None:
        raise report.Failure("making the guest image needs root, and there is no sudo: run "
                             f"`HWBROKER_CACHE={cache} tests/machine/pc image' once as root")
    report.progress("making the guest image needs root: asking sudo")
    done = subprocess.run(["sudo", "env", f"HWBROKER_CACHE={cache}", sys.executable,
                           str(HERE / "pc"), "image"] + words, stdout=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise report.Failure("sudo could not make the guest image, see above")


def artefacts():
    """The directory with the finished artefacts, made if absent."""
    return cached(f"guest-{recipe_hash()}", build, [])


def cached(name, make, words):
    """A directory in the cache, made if absent by make(directory), as root; which `pc image'
    does, too, with these words."""
    cache = cache_directory()
    target = cache / name
    try:
        if not target.exists():
            cache.mkdir(parents=True, exist_ok=True)
            if os.geteuid() != 0:
                build_as_root(cache, words)
            else:
                with locked(cache):
                    tidy(cache, target)
                    if not target.exists():
                        make(target)
    except OSError as error:
        raise report.Failure(f"cannot make the guest image in {cache}: {error}; HWBROKER_CACHE "
                             "names another place") from error
    with contextlib.suppress(OSError):
        os.utime(target)  # in use; another user's image is fine too
    return target
