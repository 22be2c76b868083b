#!/bin/busybox sh
# shellcheck shell=dash
# SPDX-License-Identifier: MIT
# The initramfs of an arm64 machine's first boot: what packages that were only unpacked would
# have done, and setup.sh, by the machine's own programs. Ends by a power off.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev

while read -r module
do
	insmod "/modules/$module" || echo "second stage: cannot load $module"
done < /modules/order

# Runs in the new root file system.
new() {
	echo "second stage: $*"
	PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C chroot /root "$@"
}

set_up() {
	tries=0
	until [ -e /dev/vda ]
	do
		tries=$((tries + 1))
		[ $tries -lt 100 ] || return
		sleep 0.1
	done
	mount -t ext4 /dev/vda /root || return
	mount -t devtmpfs dev /root/dev
	mount -t proc proc /root/proc

	# What base-passwd, base-files, libc-bin, passwd, mawk, and PAM do when they are configured.
	cp /root/usr/share/base-passwd/passwd.master /root/etc/passwd
	cp /root/usr/share/base-passwd/group.master /root/etc/group
	cp /root/usr/share/base-files/nsswitch.conf /root/etc/nsswitch.conf
	new ldconfig && new pwconv && new grpconv || return
	ln -sf mawk /root/usr/bin/awk
	for kind in auth account password session
	do
		echo "$kind required pam_unix.so" > "/root/etc/pam.d/common-$kind"
	done
	cp /root/etc/pam.d/common-session /root/etc/pam.d/common-session-noninteractive
	# And systemd, udev and dbus.
	: > /root/etc/machine-id
	new systemd-sysusers || return
	grep -q ^messagebus: /root/etc/passwd ||
		new useradd --system --user-group --home-dir /nonexistent --shell /usr/sbin/nologin \
			messagebus || return
	new /bin/sh /setup.sh || return
	rm -f /root/setup.sh
	umount /root/proc
	umount /root/dev
	umount /root || return
	echo "second stage: done"
}

set_up
poweroff -f
