#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs in the guest: is the virtual PC what README.md says? /selftest/ has what
# the host knows: the device table and the kernel series.
# shellcheck source=tests/machine/guest/control.sh disable=SC1091,SC2317,SC2016
. /usr/lib/hwbroker-control.sh
failures=0

# check TEXT COMMAND...: one line of the result.
check() {
	text=$1
	shift
	if "$@" > /tmp/said 2>&1
	then
		echo "ok - $text"
	else
		echo "not ok - $text"
		sed 's/^/    /' /tmp/said
		failures=$((failures + 1))
	fi
}

# within SECONDS COMMAND...: until it succeeds.
within() {
	tries=$(($1 * 10))
	shift
	until "$@"
	do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.1
	done
}

pci=/sys/bus/pci/devices

# The table's vendor and device at its address.
device_is() {
	[ "$(sed s/0x// $pci/"$1"/vendor):$(sed s/0x// $pci/"$1"/device)" = "$2" ]
}

group() {
	basename "$(readlink "$pci/$1/iommu_group")"
}

members() {
	ls "$pci/$1/iommu_group/devices" | tr '\n' ' '
}

absent() {
	! [ -e "$1" ]
}

hotplug() {
	device_add '{"driver":"edu","id":"plugged","bus":"port0"}' &&
		within 20 test -e $pci/0000:02:00.0 &&
		device_del plugged &&
		within 20 absent $pci/0000:02:00.0
}

refused() {
	device_add '{"driver":"no-such-device"}' 2>&1 | grep "not a valid device model"
}

# The host driver's picture: stripes over the whole frame buffer.
picture() {
	[ -e /dev/fb0 ] || return 1
	{ yes '  stripes   of the self-test   ' | dd of=/dev/fb0 bs=64k iflag=fullblock; } 2> /dev/null
	screendump selftest
}

link_up() {
	ip link set eth0 up && within 20 grep -q 1 /sys/class/net/eth0/carrier
}

send() {
	head -c 100000 /dev/urandom > /tmp/sent
	cp /tmp/sent /selftest/sent
	send_file sent /tmp/sent && sha256sum < /tmp/sent > /tmp/sum && send_file sum /tmp/sum
}

echo "# $(uname -rv), up for $(cut -d' ' -f1 /proc/uptime) s"
check "the kernel is of the series asked for" \
	sh -c 'uname -r | grep -q "^$(cat /selftest/series)\\."'
check "systemd is up and nothing failed" \
	sh -c 'systemctl is-system-running --wait || systemctl --failed'
check "driver is 1000, other is 1001, without more groups" \
	test "$(id driver; id other)" = "uid=1000(driver) gid=1000(driver) groups=1000(driver)
uid=1001(other) gid=1001(other) groups=1001(other)"
check "driver has no capabilities" sh -c 'setpriv --reuid 1000 --regid 1000 --clear-groups \
	grep -q "CapEff:.0*$" /proc/self/status'
check "64 hugepages of 2 MiB are reserved" grep -q 'HugePages_Free: *64' /proc/meminfo
check "the IOMMU remaps interrupts" sh -c 'dmesg | grep -i "Enabled IRQ remapping"'
while read -r name address ids
do
	check "$name ($ids) is at $address" device_is "$address" "$ids"
	case $name in
	bridge | pair?) wanted="0000:00:0a.0 0000:01:01.0 0000:01:02.0 " ;;
	*) wanted="$address " ;;
	esac
	check "$name is in a group of $wanted" test "$(members "$address")" = "$wanted"
done < /selftest/devices
check "the second payload is there, and belongs to driver" \
	test "$(stat -c %U:%a /home/driver/payload)" = driver:600
check "the root disk is /dev/disk/by-id/virtio-root" \
	test "$(findmnt -no SOURCE /)" = "$(readlink -f /dev/disk/by-id/virtio-root)"
check "the spare disk's file system mounts" mount /dev/disk/by-id/virtio-spare /mnt
check "the network card has a link" link_up
check "the NVMe disk is there" within 20 test -b /dev/nvme0n1
check "a device plugs and unplugs" hotplug
check "a device that QEMU does not know is refused" refused
check "a file reaches the host" send
check "the display shows a picture" picture

echo "# devices: address, group, host driver, reset methods, BARs"
for device in "$pci"/*
do
	address=${device##*/}
	driver=$(readlink "$device/driver")
	printf '# %s %2s %-12s %-8s' "$address" "$(group "$address")" "${driver##*/}" \
		"$(cat "$device/reset_method" 2> /dev/null)"
	index=0
	while [ $index -lt 6 ] && read -r begin end flags
	do
		size=$((end - begin + 1))
		[ $((begin)) = 0 ] || printf ' %d:%s=%d' $index \
			"$([ $((flags & 0x100)) != 0 ] && echo io || echo mem)$(
			[ $((flags & 0x2000)) = 0 ] || echo -prefetch)" $size
		index=$((index + 1))
	done < "$device/resource"
	echo
done
systemd-analyze | head -n 1 | sed 's/^/# /'
[ $failures = 0 ] || echo "# $failures failed"
exit $failures
