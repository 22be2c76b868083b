#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs once inside the new root file system (chroot): users, and what not to start.
set -eu

echo virtual-pc > /etc/hostname
echo '127.0.0.1 localhost virtual-pc' > /etc/hosts
passwd -d root > /dev/null
useradd --create-home --uid 1000 --shell /bin/bash driver
useradd --create-home --uid 1001 --shell /bin/bash other
# The initramfs has mounted the root; systemd need not do so again.
rm -f /etc/fstab

# What a test machine without network and clock has no use for.
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
	e2scrub_reap.service fstrim.timer systemd-timesyncd.service networking.service \
	seatd.service systemd-pstore.service systemd-update-utmp.service \
	systemd-update-utmp-runlevel.service getty@tty1.service systemd-random-seed.service \
	systemd-journal-flush.service systemd-logind.service \
	modprobe@dm_mod.service modprobe@loop.service modprobe@efi_pstore.service \
	modprobe@fuse.service modprobe@configfs.service sys-kernel-config.mount \
	sys-fs-fuse-connections.mount dev-mqueue.mount sys-kernel-debug.mount \
	sys-kernel-tracing.mount systemd-machine-id-commit.service \
	systemd-remount-fs.service
do
	ln -sf /dev/null "/etc/systemd/system/$unit"
done
systemctl set-default multi-user.target > /dev/null 2>&1
mkdir -p /etc/systemd/journald.conf.d
printf '[Journal]\nStorage=volatile\nForwardToConsole=no\nRateLimitBurst=0\n' \
	> /etc/systemd/journald.conf.d/test.conf

# Modules that udev would load for nothing: each costs a part of a second here.
for module in kvm kvm_intel kvm_amd psmouse pcspkr iTCO_wdt joydev sg \
	intel_rapl_common intel_rapl_msr
do
	echo "blacklist $module"
done > /etc/modprobe.d/test.conf

systemctl enable payload.service > /dev/null 2>&1
rm -rf /var/lib/apt/lists/* /var/cache/apt/* /usr/share/doc/* /usr/share/man/* \
	/usr/share/locale/*
