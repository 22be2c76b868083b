#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs in the virtual PC as root, for `tests/coverage': the suites with a daemon that counts
# its lines, and writes that down when it ends. After each suite the host is told, since QEMU
# may end by itself.
set -u
# shellcheck source=tests/machine/guest/control.sh
. /usr/lib/hwbroker-control.sh

here=$(cd "$(dirname "$0")" && pwd)
counts=/run/coverage
mkdir -p $counts /etc/systemd/system/hwbrokerd.service.d
cat > /etc/systemd/system/hwbrokerd.service.d/coverage.conf <<-END
	[Service]
	Environment=GCOV_PREFIX=$counts
	ReadWritePaths=$counts
END
# Those of clients are nobody's.
export GCOV_PREFIX=/proc/none GCOV_ERROR_FILE=/dev/null
systemctl daemon-reload

# Files alone: folders that there are stay as they are where this is unpacked.
send_counts() {
	(cd $counts && find . -name '*.gcda' -print0 | tar --null -T - -czf /tmp/counts.tar.gz) &&
		send_file counts.tar.gz /tmp/counts.tar.gz
}

result=0

# count COMMAND...: by a daemon that ends as it should; one that is killed writes nothing down.
count() {
	"$@" || result=1
	systemctl stop hwbrokerd
	forget_devices
	send_counts || result=1
}

# What a suite used without a reset is in quarantine in the next one, whose policy says nothing
# of that: it begins as on a host that has just started.
forget_devices() {
	local device
	rm -f /run/hwbroker/devices
	for device in /sys/bus/pci/drivers/vfio-pci/0000:*
	do
		[ -e "$device" ] || continue
		[ ! -e "$device/reset_method" ] || echo default > "$device/reset_method"
		echo > "$device/driver_override"
		echo "${device##*/}" > /sys/bus/pci/drivers/vfio-pci/unbind
	done
}

for suite in io_mem io_port irq lines dma policy platform admin hotplug holders revoke protocol conformance genode
do
	case $suite in
	holders | revoke) export CK_RUN_CASE=$suite ;;
	*) unset CK_RUN_CASE ;;
	esac
	count "$here/run" $suite
done
# All cases but those that kill it.
# shellcheck disable=SC2046
count "$here/hostile.sh" $("$here/hostile" --list | awk '$1 != 35 && $1 != 36 && $1 != 54 { print $1 }')
exit $result
