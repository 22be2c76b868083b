# SPDX-License-Identifier: MIT
"""One run of the virtual PC: QEMU, its disks, and the wait for the script's end."""

import pathlib
import re
import selectors
import signal
import socket
import subprocess
import sys
import time

import arm64
import control
import devices
import image
import monitor
import payload
import report
import small
import workdir

# Exit statuses of `pc run' that are not the script's own.
PANICKED = 123
TIMED_OUT = 124
BROKEN = 125

# Under load QEMU's emulation now and then lets one processor run into an instruction
# that the kernel is just patching on another ("Oops: int3" early in the boot), or none of
# them goes on.
BOOTS = 3
BOOT_SECONDS = 150  # ten times what it takes

# QEMU's arm64 checks and signs more, and its board has more for udev to look at.
_SLOWER = {"amd64": 1, "arm64": 3}

_CONSOLES = {"amd64": "ttyS0", "arm64": "ttyAMA0"}
# The other serial port, for the script.
_CONTROL = {"amd64": ["-serial", "chardev:control"],
            "arm64": ["-device", "pci-serial,chardev=control,bus=pcie.0,addr=13.0"]}

_REASON = {PANICKED: "the guest's kernel panicked",
           TIMED_OUT: "the boot, or its script, did not end in time",
           BROKEN: "the virtual PC ended before its script did"}


def kernel_arguments(options):
    """The guest kernel's command line."""
    console = _CONSOLES[options.arch]
    words = [f"console={console}", "panic=-1", "oops=panic", "hugepages=64", "mitigations=off",
             "audit=0", "net.ifnames=0",
             # Three of many things that take long under emulation and prove nothing.
             "cryptomgr.notests", "rcupdate.rcu_expedited=1"]
    # Linux, in the place of a PC's firmware, would put the two smallest BARs on one page: nobody
    # has registers whose neighbours are the host's.
    # And its driver for hotplug would have the bridge, and with it the group. Last, without ACS
    # the root ports are in the groups of what is plugged into them, and then nothing that they
    # have to say arrives while a client has that; Linux switches it on before it looks at
    # devices' IOMMUs, but looks at those (until 6.15) later.
    words += ["no5lvl"] if options.arch == "amd64" else [
        "pci=resource_alignment=12@pci:1b36:7", "initcall_blacklist=shpcd_init",
        "pci=config_acs=0011101@0000:00:0b.0;0011101@0000:00:0c.0"]
    words += [] if options.verbose else ["quiet", "loglevel=4", "systemd.show_status=no"]
    # Of the others Linux makes use wherever they are.
    intel = options.arch == "amd64" and options.iommu == "intel" and not options.no_iommu
    words += ["intel_iommu=on"] if intel else []
    if options.script:
        words += [f"hwbroker.script={options.script}", f"systemd.mask=serial-getty@{console}.service"]
    for word in [options.script or "/"] + options.append:
        if not re.fullmatch(r'[^\s"]+', word) or not (options.script or "/").startswith("/"):
            raise report.Failure(f"`{word}' cannot stand on the kernel's command line; the script "
                                 "is an absolute path, and --append takes one word a time")
    return " ".join(words + options.append)


def artefacts_of(options):
    """The directory of that architecture's root file system and kernels, made if absent."""
    return arm64.artefacts() if options.arch == "arm64" else image.artefacts()


def _kernel_folder(options, artefacts):
    """Where the kernel and its initramfs are, made if absent."""
    if options.kernel != small.NAME:
        return artefacts
    if options.arch == "arm64":
        raise report.Failure("the small kernel is for amd64")
    return small.artefacts()


def _processor_and_board(options):
    """QEMU's program, and what is not on the PCI bus."""
    if options.arch == "arm64":
        if options.no_intremap or options.iommu == "amd":
            raise report.Failure("--arch arm64 has an SMMUv3 and an ITS, or with --no-iommu no "
                                 "SMMUv3; --no-intremap and --iommu are for amd64")
        iommu = "" if options.no_iommu else ",iommu=smmuv3"
        # Pointers are signed as any QEMU can check it fast.
        return ["qemu-system-aarch64", "-machine", f"virt,gic-version=3,its=on{iommu}",
                "-cpu", "max,pauth-impdef=on"]
    words = ["qemu-system-x86_64", "-machine", "q35,kernel-irqchip=split,smm=off", "-cpu", "max",
             "-vga", "none"]
    if not options.no_iommu:
        remap = "off" if options.no_intremap else "on"
        model = {"intel": f"intel-iommu,intremap={remap},caching-mode=on",
                 "amd": f"amd-iommu,intremap={remap}"}[options.iommu]
        words += ["-device", model]
    return words


def qemu_command(options, artefacts, files):
    """QEMU and the whole hardware. Software emulation always: nested KVM hangs."""
    # With a thread for each processor QEMU (7.2 and 10.0) now and then loses an end of interrupt
    # that one of them writes to its local APIC, and with it all later interrupts of that
    # priority and below: a timer's, or the serial port's. The monitor's `info lapic' shows it.
    folder = _kernel_folder(options, artefacts)
    threads = "multi" if options.parallel else "single"
    # Time goes on with each instruction, of either processor, and jumps where all wait.
    pace = ["-icount", "shift=0,sleep=off"] if options.icount else []
    command = _processor_and_board(options) + [
        "-accel", f"tcg,thread={threads}", *pace, "-smp", str(options.cpus),
        "-m", options.memory,
        "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
        "-kernel", str(folder / f"vmlinuz-{options.kernel}"),
        "-initrd", str(folder / f"initramfs-{options.kernel}"),
        "-append", kernel_arguments(options)]
    later = devices.BEHIND_BRIDGES if options.iommu == "amd" and not options.no_iommu else []
    return command + devices.arguments(files, options.without + later, options.instead)


def make_disks(options, artefacts, work):
    """Disks of this run only; returns their paths by name."""
    files = {name: work / name for name in ["root", "payload", "scratch", "spare"]}
    report.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2",
                "-b", artefacts / "root.qcow2", files["root"]])
    # What belongs to a kernel and is not in the image.
    folder = _kernel_folder(options, artefacts)
    modules = [folder / "modules.tar"] if options.kernel == small.NAME else []
    payload.merge(modules + options.payload, files["payload"])
    for name in ["scratch", "spare"]:
        with open(files[name], "wb") as file:
            file.truncate(64 << 20)
    report.run(["mke2fs", "-q", "-t", "ext4", "-L", "spare", files["spare"]])
    return files


class Machine:
    """A virtual PC that runs a script; ends with the `with' block."""

    def __init__(self, options, work):
        self.options = options
        self.out = pathlib.Path(options.out) if options.out else work
        self.out.mkdir(parents=True, exist_ok=True)
        self.console = self.out / "console.log"
        self.log = work / "qemu.log"
        artefacts = artefacts_of(options)
        disks = make_disks(options, artefacts, work)
        # The time-out is the guest's alone, not that of a first run that makes the image.
        self.begin = time.monotonic()
        command = qemu_command(options, artefacts, disks)
        self.serial, serial_far = socket.socketpair()
        monitor_near, monitor_far = socket.socketpair()
        command += ["-chardev", "file,id=console,path=" + str(self.console).replace(",", ",,"),
                    "-serial", "chardev:console",
                    "-chardev", f"socket,id=control,fd={serial_far.fileno()}",
                    "-chardev", f"socket,id=monitor,fd={monitor_far.fileno()}",
                    "-mon", "chardev=monitor,mode=control"] + _CONTROL[options.arch]
        with open(self.log, "wb") as log:
            # In a session of its own: Ctrl-C is for us, who then end it.
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                pass_fds=[serial_far.fileno(), monitor_far.fileno()],
                preexec_fn=report.die_with_parent())
        serial_far.close()
        monitor_far.close()
        try:
            connection = monitor.Monitor(monitor_near)
        except report.Failure as failure:
            self.stop()
            said = self.log.read_text(errors="replace").strip()
            raise report.Failure(f"QEMU does not start: {said}") from failure
        self.control = control.Control(self.serial.sendall, connection, work, self.out)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Ends QEMU if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def serve(self):
        """Until the script has ended, the time is up, or QEMU is gone; returns the status."""
        selector = selectors.DefaultSelector()
        selector.register(self.serial, selectors.EVENT_READ)
        deadline = self.begin + self.options.timeout
        try:
            while self.control.status is None:
                if time.monotonic() > deadline:
                    return TIMED_OUT
                if not self.control.started:
                    if time.monotonic() > self.begin + BOOT_SECONDS * _SLOWER[self.options.arch]:
                        return TIMED_OUT
                    report.waiting("the virtual PC boots")
                if not selector.select(0.5):
                    continue
                data = self.serial.recv(65536)
                if not data:
                    return PANICKED if "Kernel panic" in self.console_text() else BROKEN
                self.control.receive(data)
            return self.control.status
        finally:
            self.control.end()

    def console_text(self):
        """What the guest's kernel and systemd said so far."""
        return self.console.read_text(errors="replace") if self.console.exists() else ""

    def explain(self, status):
        """Why there is no result, as far as the console and QEMU tell."""
        lines = [f"pc: {_REASON[status]} ({time.monotonic() - self.begin:.0f} s); "
                 "the last lines of its console:"]
        lines += [f"  | {line}" for line in self.console_text().splitlines()[-40:]]
        said = self.log.read_text(errors="replace").splitlines()[-10:]
        lines += [f"  qemu: {line}" for line in said]
        print("\n".join(lines), file=sys.stderr)


def boot(options):
    """One boot; returns the exit status, and whether the script has begun."""
    with workdir.make() as work, Machine(options, work) as machine:
        report.progress(f"the virtual PC starts, with kernel {options.kernel}")
        status = machine.serve()
        if machine.control.status is None:
            machine.explain(status)
        else:
            report.progress(f"the script ended with status {status}")
        return status, machine.control.started


def run(options):
    """`pc run`: returns the exit status."""
    for _ in range(BOOTS):
        status, started = boot(options)
        if status not in (PANICKED, TIMED_OUT) or started:
            break
        report.progress("its script has not begun, which is the emulation's fault")
    return status


def shell(options):
    """`pc shell`: the console in this terminal."""
    with workdir.make() as work:
        artefacts = artefacts_of(options)
        command = qemu_command(options, artefacts, make_disks(options, artefacts, work))
        report.progress("wait some 15 s, log in as root, without a password; Ctrl-A X ends it, "
                        "Ctrl-A C is QEMU's monitor")
        # Ctrl-C belongs to the guest.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return subprocess.run(command + ["-serial", "mon:stdio", "-serial", "null"], check=False,
                              preexec_fn=report.die_with_parent()).returncode
