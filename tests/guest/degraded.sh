#!/bin/bash
# SPDX-License-Identifier: MIT
# A host that lacks something: the daemon starts all the same, says what is
# missing, and refuses by name what rests on it. Run by tests/check with the
# virtual PC made poorer; the kernel's command line says how. What is named so is case 39
# of tests/hostile/README.md, and what is refused without remapping is of case 28.
set -u

libexec=/usr/libexec/hwbroker

result() {
	local name=$1
	shift
	if "$@" > /tmp/output 2>&1
	then
		echo "ok $name"
	else
		failed=yes
		echo "not ok $name"
		sed 's/^/  /' /tmp/output
	fi
}

# says TEXT COMMAND...: the command prints TEXT somewhere.
says() {
	local text=$1
	shift
	"$@" 2>&1 | tee /tmp/said
	grep -qF -- "$text" /tmp/said
}

# refused TEXT COMMAND...: it fails, and says so.
refused() {
	local text=$1
	shift
	"$@" > /tmp/said 2>&1 && return 1
	cat /tmp/said
	grep -qF -- "$text" /tmp/said
}

as_user() {
	setpriv --reuid=driver --regid=driver --clear-groups --inh-caps=-all \
		--bounding-set=-all --no-new-privs "$@"
}

locks_down() {
	echo integrity > /sys/kernel/security/lockdown
}

cp $libexec/tests/demo.conf /etc/hwbroker/hwbroker.conf
chmod 644 /etc/hwbroker/hwbroker.conf
systemd-sysusers
systemctl daemon-reload
udevadm settle

result "without the daemon, the tool says how to start it" \
	refused "systemctl start hwbrokerd" hwbroker-ctl status
result "the daemon starts" systemctl start hwbrokerd

if grep -q 'lockdown=integrity' /proc/cmdline
then
	result "hostile 39: status names the lockdown" says "locked down" hwbroker-ctl status
	result "hostile 39: status names the ways out" says "grant = mediated" hwbroker-ctl status
	result "status does not blame what the lockdown hides" sh -c \
		'! hwbroker-ctl status | grep -F iomem=relaxed'
	result "hostile 39: ports are refused by name" refused "locked down" as_user $libexec/examples/pit
	result "with the way out" grep -qF "switch Secure Boot off" /tmp/said
	cp $libexec/tests/policy/memory.conf /etc/hwbroker/hwbroker.conf
	result "a policy with fixed memory" hwbroker-ctl reload
	result "hostile 39: fixed memory is refused by name" \
		as_user $libexec/tests/guest-memory --locked-down
	result "explain says so" refused "it is locked down, as with Secure Boot" \
		hwbroker-ctl explain driver memory:0xfed00000-0xfed003ff
	cp $libexec/tests/demo.conf /etc/hwbroker/hwbroker.conf
	hwbroker-ctl reload
	result "hostile 39: registers are refused by name" refused "locked down" as_user $libexec/examples/edu
	result "with both ways out" grep -qE "grant = mediated.*grant = device.*\(/etc/hwbroker/" /tmp/said
	result "audit names it, and them" says "grant = mediated" hwbroker-ctl audit 00:03.0
	result "explain names it, and them" says "grant = mediated" hwbroker-ctl explain driver 00:03.0
	cp $libexec/tests/policy/mediated.conf /etc/hwbroker/hwbroker.conf
	result "a policy with them" hwbroker-ctl reload
	result "audit asks for no more where a rule has it" \
		says "its rule says \`grant = mediated' already" hwbroker-ctl audit 00:03.0
	result "mediated: registers, MSI, INTx, DMA" as_user $libexec/examples/edu 00:03.0
	result "mediated: a disk" as_user $libexec/examples/nvme 00:06.0
	result "mediated: a network card" as_user $libexec/examples/e1000e 00:05.0
	result "device: registers, MSI, INTx, DMA" as_user $libexec/examples/edu 00:04.0
	result "mediated: every access, and its end" \
		env CK_RUN_CASE="by request" $libexec/tests/guest-mediated
	result "device: its descriptor, and its end" \
		env CK_RUN_CASE=descriptor $libexec/tests/guest-mediated
	cp $libexec/tests/policy/vga.conf /etc/hwbroker/hwbroker.conf
	result "a policy with a VGA card" hwbroker-ctl reload
	result "its window, its ports and its ROM" $libexec/tests/guest-vga --locked-down
	result "explain knows that it goes by the card" \
		says "only by a VGA card" hwbroker-ctl explain driver memory:0xa0000-0xaffff
	cp $libexec/tests/policy/mediated.conf /etc/hwbroker/hwbroker.conf
	result "the policy of before" hwbroker-ctl reload
	result "explain does not complain of it any more" says "slow (grant = mediated)" \
		hwbroker-ctl explain driver 00:03.0
	cp $libexec/tests/demo.conf /etc/hwbroker/hwbroker.conf
	hwbroker-ctl reload
elif grep -q 'iomem=relaxed' /proc/cmdline
then
	result "hostile 39: status names registers that stay" says "iomem=relaxed" hwbroker-ctl status
	result "devices are given away all the same" as_user $libexec/examples/edu
	# What goes while the daemon runs.
	result "a module is unloaded" modprobe -r vfio_iommu_type1
	result "status names it at once" says "module vfio_iommu_type1 was unloaded" hwbroker-ctl status
	result "a device is refused by name" refused "modprobe vfio_iommu_type1" as_user $libexec/examples/edu
	result "it is loaded again" modprobe vfio_iommu_type1
	result "another is unloaded" modprobe -r vfio-pci
	result "status names it at once" says "driver vfio-pci was unloaded" hwbroker-ctl status
	result "status --json has it" says '"vfio": false' hwbroker-ctl --json status
	result "a device is refused by name" refused "modprobe vfio-pci" as_user $libexec/examples/edu
	result "it is loaded again" modprobe vfio-pci
	result "status is content" says '"vfio": true' hwbroker-ctl --json status
	result "and so is a client" as_user $libexec/examples/edu
	result "the kernel is locked down" locks_down
	result "status names it at once" says "the kernel is locked down" hwbroker-ctl status
	result "registers are refused by name" refused "locked down" as_user $libexec/examples/edu
	result "ports are refused by name" refused "locked down" as_user $libexec/examples/pit
	result "audit names it" says "grant = mediated" hwbroker-ctl audit 00:03.0
	result "explain names it" says "grant = mediated" hwbroker-ctl explain driver 00:03.0
elif [ ! -d /sys/kernel/iommu_groups/0 ]
then
	result "hostile 39: status names the missing IOMMU" says "no IOMMU" hwbroker-ctl status
	result "status --json has it as a problem" says '"iommu": false' hwbroker-ctl --json status
	result "hostile 39: a device is refused by name" refused "IOMMU" as_user $libexec/examples/edu
	result "legacy ports still work" as_user $libexec/examples/pit
	without_iommu=yes
else
	result "hostile 39: status names missing interrupt remapping" \
		says "interrupts are not remapped" hwbroker-ctl status
	result "hostile 28: a device is refused by name" refused "remap" as_user $libexec/examples/nvme
fi

# Twenty descriptors: a dozen connections, and no more.
cpu_ticks() {
	awk '{ print $14 + $15 }' "/proc/$(pidof hwbrokerd)/stat"
}

out_of_descriptors() {
	local before after
	mkdir -p /run/systemd/system/hwbrokerd.service.d
	printf '[Service]\nLimitNOFILE=20\n' > /run/systemd/system/hwbrokerd.service.d/limit.conf
	systemctl daemon-reload
	systemctl restart hwbrokerd || return
	before=$(cpu_ticks)
	as_user $libexec/tests/hold 30 4 &
	sleep 1
	# The last one is root's.
	timeout 10 hwbroker-ctl status || { wait; return 1; }
	wait $! || return
	after=$(cpu_ticks)
	echo "$((after - before)) ticks of CPU time"
	# Four seconds, a hundred ticks each: a loop that spins takes most of them.
	[ $((after - before)) -lt 100 ] || return
	# Who was turned away got an end of file; who comes now is served.
	sleep 0.5
	hwbroker-ctl status
}
result "without a descriptor left it neither ends nor spins, and recovers" out_of_descriptors
rm -r /run/systemd/system/hwbrokerd.service.d
systemctl daemon-reload
systemctl restart hwbrokerd

echo 'client a' >> /etc/hwbroker/hwbroker.conf
result "a broken policy is told by file and line" \
	refused "/etc/hwbroker/hwbroker.conf:" hwbrokerd --check
systemctl reload hwbrokerd
sleep 0.5
result "and does not replace the one in force" \
	says "the policy in force stays" journalctl -u hwbrokerd --no-pager -o cat
result "the daemon is well" systemctl is-active hwbrokerd
result "it stops" systemctl stop hwbrokerd

# And what a host without an IOMMU can do all the same.
[ -z "${without_iommu-}" ] || $libexec/tests/run unsafe || failed=yes
[ -z "${failed-}" ]
