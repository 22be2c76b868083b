# SPDX-License-Identifier: MIT
"""The small kernel, with what Debian's lack: built from Debian's source, once, and cached."""

import contextlib
import hashlib
import os
import pathlib
import shutil
import subprocess
import tarfile
import tempfile
import time

import image
import initramfs
import report

NAME = "small"
CONFIG = image.HERE / "guest/kernel-small.config"
PACKAGE = "linux-source-6.12"
INIT = image.HERE / "guest/init.sh"

# What is compiled, which takes minutes, and what is put beside it, which takes none.
COMPILED = [CONFIG]
ASSEMBLED = COMPILED + [image.HERE / "small.py", image.HERE / "initramfs.py", INIT]

# What the build calls; packages-kernel lists the packages.
TOOLS = ["gcc", "make", "flex", "bison", "bc", "xz"]
HEADER = pathlib.Path("/usr/include/gelf.h")  # of libelf-dev, for the kernel's objtool


def recipe_hash(paths):
    """Changes whenever one of the files does."""
    digest = hashlib.sha256(PACKAGE.encode())
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _check_tools():
    if not HEADER.exists() or any(shutil.which(tool) is None for tool in TOOLS):
        raise report.Failure("the small kernel is built here, and that needs packages: run "
                             "tests/machine/install tests/machine/packages-kernel")


def wanted():
    """The options of the recipe: name and value."""
    options = {}
    for line in CONFIG.read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.partition("=")
            options[name] = value
    return options


def lost(config, options):
    """The options that the kernel's own rules did not let stand."""
    return [name for name, value in options.items() if f"{name}={value}" not in config]


def _source(work):
    """Debian's source of the kernel, unpacked."""
    report.progress(f"small kernel: downloading {PACKAGE} (150 MB)")
    report.run(["apt-get", "-qq", "download", PACKAGE], cwd=work)
    package, = work.glob(f"{PACKAGE}_*.deb")
    report.run(["dpkg-deb", "-x", package, work / "package"])
    package.unlink()
    report.progress("small kernel: unpacking")
    archive = work / f"package/usr/src/{PACKAGE}.tar.xz"
    report.run(["tar", "-C", work, "-xf", archive])
    archive.unlink()
    return work / PACKAGE


def _configure(source):
    """The recipe over a configuration in which nothing is on."""
    fragment = {"KCONFIG_ALLCONFIG": str(CONFIG)}
    report.run(["make", "-s", "allnoconfig"], cwd=source, env={**os.environ, **fragment})
    config = (source / ".config").read_text().splitlines()
    missing = lost(config, wanted())
    if missing:
        raise report.Failure(f"{CONFIG.name} wants what this kernel does not let stand: "
                             + ", ".join(missing))


def _compile(source):
    """make, with a line now and then: it takes some minutes."""
    jobs = len(os.sched_getaffinity(0)) + 1
    words = ["nice", "make", f"-j{jobs}", "bzImage"]
    count, tail = 0, []
    with subprocess.Popen(words, cwd=source, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace",
                          preexec_fn=report.die_with_parent()) as process:
        for line in process.stdout:
            tail = tail[-20:] + [line]
            count += 1
            if count % 250 == 0:
                report.progress(f"small kernel: {count} files are built")
    if process.returncode != 0:
        raise report.Failure("the small kernel does not build:\n  " + "  ".join(tail))


def _modules(source, folder):
    """What modprobe reads to know that there is nothing to load."""
    folder.mkdir(parents=True)
    for name in ["modules.builtin", "modules.builtin.modinfo"]:
        shutil.copyfile(source / name, folder / name)
    (folder / "modules.order").touch()


def build(target):
    """Compiles the kernel, and names the folder `target` when it is complete."""
    _check_tools()
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="making-") as name:
        work = pathlib.Path(name)
        result = work / "result"
        result.mkdir()
        source = _source(work)
        _configure(source)
        report.progress("small kernel: building, some ten minutes on two processors")
        _compile(source)
        version = report.run(["make", "-s", "kernelrelease"], cwd=source).strip()
        shutil.copyfile(source / "arch/x86/boot/bzImage", result / f"vmlinuz-{NAME}")
        shutil.copyfile(source / ".config", result / "config")
        (result / f"version-{NAME}").write_text(version + "\n")
        _modules(source, result / "lib/modules" / version)
        report.run(["depmod", "-b", result, version])
        result.rename(target)
        report.progress(f"the small kernel {version} is ready")


def assemble(kernel, target):
    """Puts beside a compiled kernel what it boots the guest with."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="making-") as name:
        result = pathlib.Path(name) / "result"
        shutil.copytree(kernel, result)
        version = (result / f"version-{NAME}").read_text().strip()
        modules = result / "lib/modules" / version
        initramfs.make(modules, INIT.read_text(), result / f"initramfs-{NAME}")
        # The guest's image has none of it: it comes with the payload.
        with tarfile.open(result / "modules.tar", "w") as archive:
            archive.add(modules, f"usr/lib/modules/{version}")
        for path in [result, *result.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
        result.rename(target)


def _tidy(cache, keep):
    """As for images: what was interrupted, and kernels that no one used for a week."""
    image.tidy(cache, None)
    for path in [*cache.glob("kernel-*"), *cache.glob("small-*")]:
        if path not in keep and \
                path.stat().st_mtime < time.time() - image.FORGET_AFTER_DAYS * 86400:
            shutil.rmtree(path, ignore_errors=True)


def artefacts():
    """The folder with the kernel and its initramfs, made if absent."""
    cache = image.cache_directory()
    kernel = cache / f"kernel-{recipe_hash(COMPILED)}"
    target = cache / f"small-{recipe_hash(ASSEMBLED)}"
    try:
        if not target.exists():
            cache.mkdir(parents=True, exist_ok=True)
            with image.locked(cache):
                _tidy(cache, [kernel, target])
                if not kernel.exists():
                    build(kernel)
                if not target.exists():
                    assemble(kernel, target)
    except OSError as error:
        raise report.Failure(f"cannot make the small kernel in {cache}: {error}; HWBROKER_CACHE "
                             "names another place") from error
    with contextlib.suppress(OSError):
        os.utime(target)
        os.utime(kernel)
    return target
