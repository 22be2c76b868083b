#!/bin/bash
# SPDX-License-Identifier: MIT
# What the host needs is not taken from it: disks and the network card of the
# virtual PC, put to one use after the other. Run by tests/check. Trees that
# these devices cannot make are tried in tests/unit/test_use.c.
set -u

libexec=/usr/libexec/hwbroker
examples=$libexec/examples
disk=/dev/nvme0n1

result() {
	local name=$1
	shift
	if "$@" > /tmp/output 2>&1
	then
		echo "ok $name"
	else
		echo "not ok $name"
		sed 's/^/  /' /tmp/output
	fi
}

as_user() {
	setpriv --reuid=driver --regid=driver --clear-groups --inh-caps=-all \
		--bounding-set=-all --no-new-privs "$@"
}

# kept DRIVER TEXT EXAMPLE: it is refused with TEXT, and the host keeps the device.
kept() {
	local driver=$1 text=$2 example=$3
	as_user "$examples/$example" > /tmp/said 2>&1 && return 1
	cat /tmp/said
	grep -qF -- "the host itself needs" /tmp/said && grep -qF -- "$text" /tmp/said &&
		[ -n "$(find "/sys/bus/pci/drivers/$driver" -name '0000:*')" ]
}

# granted EXAMPLE: it runs, and the host gets the device back (restore = yes).
granted() {
	as_user "$examples/$1" || return
	udevadm settle
}

# Until the host has its disk or interface again.
back() {
	local tries=100
	until [ -e "$1" ]
	do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.1
	done
	udevadm settle
}

install -m 644 $libexec/tests/demo.conf /etc/hwbroker/hwbroker.conf
systemd-sysusers
systemctl daemon-reload
udevadm settle
result "the daemon starts" systemctl restart hwbrokerd

# loop_first PID: the thread of the event loop, whose number is the process's, and none of the
# others, of which there is one at least.
loop_first() {
	ps -L -o lwp=,ni= -p "$1"
	ps -L -o lwp=,ni= -p "$1" | awk -v pid="$1" '
		$1 == pid { good = $2 == -10 }
		$1 != pid { others++; usual += $2 == 0 }
		END { exit !(good && others > 0 && usual == others) }'
}

as_user "$examples/edu" > /dev/null
result "the event loop goes before usual programs, and its workers do not" \
	loop_first "$(systemctl show --property=MainPID --value hwbrokerd)"

# ---- disks

kept_disk() {
	kept nvme "$1" nvme
}

mkswap $disk > /dev/null
swapon $disk
result "a disk with swap space is kept" kept_disk "swap space"
swapoff $disk

mkfs.ext4 -q $disk
# Where process 1 does not see it.
unshare --mount sh -c "mount $disk /mnt && touch /run/mounted && exec sleep 1000" &
holder=$!
back /run/mounted
result "a disk mounted in another namespace is kept" kept_disk "nvme0n1 is in use"
kill $holder
wait $holder 2> /dev/null

loop=$(losetup --find --show $disk)
result "a disk below a loop device is kept" kept_disk "${loop#/dev/} is made of its disk"
mount "$loop" /mnt
result "and one with a file system on that" kept_disk "nvme0n1"
umount /mnt
losetup --detach "$loop"

result "a disk in no use is granted" granted nvme
result "and comes back" back $disk

# ---- the network card

# QEMU's network would announce a default route of its own.
for name in all default eth0
do
	echo 0 > /proc/sys/net/ipv6/conf/$name/accept_ra
done
ip link set eth0 up
ip address add 10.0.2.15/24 dev eth0
result "a network card without a default route is granted" granted e1000e
result "and comes back" back /sys/class/net/eth0

kept_card() {
	kept e1000e "default route goes through it ($1)" e1000e
}

ip link set eth0 up
ip address add 10.0.2.15/24 dev eth0
ip route add default via 10.0.2.2
result "a network card with the default route is kept" kept_card eth0
ip route del default

ip -6 route add default via fe80::2 dev eth0
result "one with that of IPv6 is kept" kept_card eth0
ip -6 route del default
ip address flush dev eth0

ip link add br0 type bridge
ip link set eth0 master br0
ip link add link br0 name br0.7 type vlan id 7
ip link set br0 up
ip link set br0.7 up
ip address add 10.0.2.15/24 dev br0
ip route add default via 10.0.2.2
result "one below a bridge with the default route is kept" kept_card br0
ip route del default
ip route add default dev br0.7
result "one below a VLAN on the bridge, too" kept_card br0.7
ip link del br0.7
result "and without a route is granted" granted e1000e
result "and comes back to the host" back /sys/class/net/eth0
ip link del br0

if modprobe bonding max_bonds=0
then
	ip link add bond0 type bond mode active-backup
	ip link set eth0 down
	ip link set eth0 master bond0
	ip link set bond0 up
	ip -6 route add default via fe80::2 dev bond0
	result "one in a bond with the default route of IPv6 is kept" kept_card bond0
	ip link del bond0
fi

# ---- a kernel that has iommufd, and no nodes of devices for it

says_iommufd() {
	hwbroker-ctl status --json | tee /tmp/said
	grep -qF "cannot open /dev/vfio/vfio" /tmp/said && grep -qF CONFIG_VFIO_DEVICE_CDEV /tmp/said
}

systemctl stop hwbrokerd
mv /dev/vfio/vfio /dev/vfio/away
touch /dev/iommu
systemctl start hwbrokerd
result "a host that lacks something of each backend is told what" says_iommufd
systemctl stop hwbrokerd
rm /dev/iommu
mv /dev/vfio/away /dev/vfio/vfio
