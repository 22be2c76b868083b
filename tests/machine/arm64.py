# SPDX-License-Identifier: MIT
"""The arm64 machine's cached parts: Debian with what a cross build needs, kernel, initramfs.

None of its programs can run here. So its packages are unpacked and not configured; what of that
counts is done by guest/second.sh, on the machine itself, once."""

import hashlib
import pathlib
import shlex
import shutil
import subprocess
import tempfile

import image
import initramfs
import report

KERNELS = {"6.12": "linux-image-6.12-arm64"}

# Nothing is there that is not named here, or needed by what is.
ESSENTIAL = """
    base-files base-passwd bash coreutils dash debianutils diffutils findutils grep gzip hostname
    init-system-helpers libc-bin login mawk ncurses-base ncurses-bin sed sysvinit-utils tar
""".split()
GUEST_PACKAGES = ESSENTIAL + """
    systemd systemd-sysv udev kmod dbus util-linux procps iproute2 passwd pciutils e2fsprogs
""".split()
# For who compiles against this root file system, and the initramfs.
BUILD_PACKAGES = """
    busybox-static check libc6-dev libev-dev libinih-dev libjansson-dev libpciaccess-dev
    libseat-dev libsubunit-dev linux-libc-dev
""".split()

# Programs on this machine; packages-arm64 lists the packages.
TOOLS = ["qemu-system-aarch64", "aarch64-linux-gnu-gcc"]

RECIPE = image.RECIPE + [image.HERE / name for name in ["arm64.py", "guest/second.sh"]]
FIRST_BOOT_SECONDS = 300

# The virtual board has one serial port; the other one is a PCI device.
CONTROL = {"ttyS1": "ttyS0"}


def recipe_hash():
    """Changes whenever what goes into the image does."""
    digest = hashlib.sha256()
    for path in RECIPE:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def translated(path):
    """A file for the guest, with the ports' names on this machine."""
    text = path.read_text()
    for name, here in CONTROL.items():
        text = text.replace(name, here)
    return text


def _unpack(root, work):
    """Debian's packages into `root`, and the kernels' into `work`."""
    hook = ["set -e", "export APT_CONFIG=\"$MMDEBSTRAP_APT_CONFIG\"",
            f"cd {shlex.quote(str(work))}"]
    for series, meta in KERNELS.items():
        hook += image.download_kernel(series, meta, "arm64")
    # Folders that Debian has made links of: the packages still name the old ones.
    merge = 'cd "$1"; for n in bin sbin lib; do mkdir -p usr/$n; ln -s usr/$n $n; done'
    report.run(["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                "mmdebstrap", "--variant=extract", "--mode=root", "--architectures=arm64",
                "--include=" + ",".join(GUEST_PACKAGES + BUILD_PACKAGES),
                f"--setup-hook={merge}", "--extract-hook=" + "; ".join(hook)]
               + image.apt_options() + ["bookworm", root] + image.mirror_lines())


def _kernel(series, root, work, result):
    """A kernel and its initramfs into `result`, its modules into `root`; returns the initramfs
    of the first boot."""
    tree = work / f"kernel-{series}"
    version = image.unpack_kernel(series, root, work, result)
    installed = root / "usr/lib/modules" / version
    busybox = root / "bin/busybox"
    initramfs.make(installed, translated(image.HERE / "guest/init.sh"),
                   result / f"initramfs-{series}", busybox)
    first = work / "first"
    initramfs.make(installed, (image.HERE / "guest/second.sh").read_text(), first, busybox)
    shutil.rmtree(tree)
    return first


def _file_system(root, work):
    """`root' as a disk."""
    for name, (target, mode) in image.GUEST_FILES.items():
        (root / target).write_text(translated(image.HERE / "guest" / name))
        (root / target).chmod(mode)
    shutil.copyfile(image.HERE / "guest/setup.sh", root / "setup.sh")
    return image.write_disk(root, work / "root.raw")


def _first_boot(series, initrd, disk, result):
    """The machine does what only its own programs can."""
    command = ["qemu-system-aarch64", "-accel", "tcg", "-machine", "virt,gic-version=3", "-cpu",
               "max", "-m", "1G", "-nodefaults", "-display", "none", "-no-reboot",
               "-kernel", result / f"vmlinuz-{series}", "-initrd", initrd,
               "-append", "console=ttyAMA0 panic=-1 quiet",
               "-drive", f"file={disk},if=none,id=root,format=raw,cache=unsafe",
               "-device", "virtio-blk-pci,drive=root,disable-legacy=on", "-serial", "stdio"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=FIRST_BOOT_SECONDS, check=False,
                              preexec_fn=report.die_with_parent())
        said = done.stdout.decode(errors="replace")
    except subprocess.TimeoutExpired as error:
        said = (error.stdout or b"").decode(errors="replace")
    if "second stage: done" not in said:
        raise report.Failure(f"the arm64 machine could not set itself up:\n{said[-4000:]}")


def _build(target):
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="making-") as name:
        work = pathlib.Path(name)
        work.chmod(0o755)
        result = work / "result"
        root = result / "sysroot"
        result.mkdir()
        report.progress("making the arm64 guest, once: unpacking Debian 12")
        _unpack(root, work)
        series, = KERNELS
        report.progress(f"arm64 guest: adding Debian's kernel {series}")
        first = _kernel(series, root, work, result)
        disk = _file_system(root, work)
        report.progress("arm64 guest: it boots once to set itself up")
        _first_boot(series, first, disk, result)
        report.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", disk,
                    result / "root.qcow2"])
        # A compiler needs none of it.
        shutil.rmtree(root / "usr/lib/modules")
        for path in [result, *result.iterdir()]:
            path.chmod(0o755 if path.is_dir() else 0o644)
        result.rename(target)
        report.progress("the arm64 guest is ready")


def artefacts():
    """The directory with the finished artefacts, made if absent; `sysroot' is for compilers."""
    for tool in TOOLS:
        if shutil.which(tool) is None:
            raise report.Failure(f"there is no {tool}: run tests/machine/install "
                                 "tests/machine/packages-arm64")
    return image.cached(f"arm64-{recipe_hash()}", _build, ["--arch", "arm64"])
