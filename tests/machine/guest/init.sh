#!/bin/busybox sh
# shellcheck shell=dash
# SPDX-License-Identifier: MIT
# The initramfs: reaches the root disk, unpacks the payload over it, goes on there.
# Ending for any reason is a kernel panic, which the host sees at once.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
stty -F /dev/ttyS1 raw -echo
echo "@phase kernel $(uname -r) is up" > /dev/ttyS1

while read -r module
do
	insmod "/modules/$module" || echo "initramfs: cannot load $module"
done < /modules/order

# disk SERIAL: the disk's node; which letter it has depends on the other disks.
disk() {
	for block in /sys/block/vd*
	do
		[ "$(cat "$block/serial" 2> /dev/null)" = "$1" ] && echo "/dev/${block##*/}"
	done
}

tries=0
until [ -n "$(disk root)" ] && [ -n "$(disk payload)" ]
do
	tries=$((tries + 1))
	[ $tries -lt 100 ] || { echo "initramfs: no root or payload disk"; exit 1; }
	sleep 0.1
done
mount -t ext4 -o noatime "$(disk root)" /root || exit 1
tar -C /root -xf "$(disk payload)" || { echo "initramfs: cannot unpack the payload"; exit 1; }
umount /sys /proc
exec switch_root /root /sbin/init
