# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154,SC2016
# Suite `which' of `run': rules by names, slot, driver, path and wildcards choose the devices that
# they should, on the virtual PC's real device models. What a client is given is what it sees.

# visible: the addresses of the devices that `driver' is told of, on one line.
visible() {
	runuser -u driver -- hwbroker-ctl genode-devices |
		sed -n 's/.*<device name="\([0-9a-f:.]*\)".*/\1/p' | sort | tr '\n' ' '
}

# rule KEY_LINES: puts a policy with this one rule into force, if it has no mistake.
rule() {
	printf '[client driver]\nuser = driver\n[device d]\nclient = driver\ntake = yes\nrestore = yes\nreset = none\n%b\n' \
		"$1" > /etc/hwbroker/hwbroker.conf
	systemctl reload hwbrokerd
}

# chooses KEY_LINES ADDRESS...: the rule is about these devices and no other.
chooses() {
	local wanted
	rule "$1" || return 1
	shift
	wanted=$(printf '%s\n' "$@" | sort | tr '\n' ' ')
	[ "$(visible)" = "$wanted" ] || {
		echo "wanted: $wanted"
		echo "got: $(visible)"
		return 1
	}
}

nobody() {
	rule "$1" || return
	[ -z "$(visible)" ] || {
		echo "got: $(visible)"
		return 1
	}
}

driver_of() {
	basename "$(readlink "/sys/bus/pci/devices/0000:$1/driver")"
}

# The name of the slot below port0, which the kernel has given it, and its bus.
port_slot() {
	local bus slot
	bus=$(cat /sys/bus/pci/devices/0000:00:0b.0/secondary_bus_number)
	for slot in /sys/bus/pci/slots/*
	do
		[ "$(cat "$slot/address")" != "$(printf '0000:%02x:00' "$bus")" ] || basename "$slot"
	done
}

seen() {
	[ "$(visible)" = "$1 " ]
}

refused_with() {
	rule "$1"
	journalctl -u hwbrokerd --no-pager -o cat -n 30 | grep -F -- "$2"
}

# Taken from its driver a device is still known for it; also to the next daemon.
taken() {
	rule 'driver = nvme'
	(sleep 4 | as_driver "$here/take" 00:06.0) > "$output" &
	within grep -q . "$output"
	check "which: taken by its driver" grep -q '^taken' "$output"
	check "which: it is out of its hands" test "$(driver_of 00:06.0)" = vfio-pci
	check "which: it is known for it" seen 00:06.0
	kill_daemon
	check "which: and to the next daemon" within seen 00:06.0
	wait $!
	check "which: it goes back to it" within eval '[ "$(driver_of 00:06.0)" = nvme ]'
	check "which: which it is known for" seen 00:06.0
	pid=$(daemon_pid)
	fds=$(count_fds "$pid")
}

run_which() {
	local slot bus
	check "which: by a device's name" chooses \
		'id = 1b36:QEMU PCI Test Device' 00:07.0
	check "which: by a vendor's name" chooses 'id = Intel Corporation:*\nclass = ethernet' 00:05.0
	check "which: by a class's name" chooses 'class = NVM Express' 00:06.0
	check "which: by a number with wildcards" chooses 'id = 1234:11*\naddress = 00:*' \
		00:02.0 00:03.0 00:04.0
	check "which: by an address with wildcards" chooses 'address = *:0?.0\nid = 1b36:*\nclass = ??05*' \
		00:09.0
	check "which: by all devices of a bus" chooses 'address = 01:*' 01:01.0 01:02.0
	check "which: by a path" chooses 'path = */0000:00:0a.0/*' 01:01.0 01:02.0
	check "which: by a whole path" chooses 'path = /sys/devices/pci0000:00/0000:00:03.0' 00:03.0
	check "which: by a driver" chooses "driver = e1000e" 00:05.0
	check "which: by a driver with a wildcard" chooses 'driver = nv*' 00:06.0
	check "which: by a driver and what it does not have" nobody 'driver = nvme\nid = 8086:*'
	check "which: by no driver that there is" nobody 'driver = nvm'
	check "which: devices without a driver match none" nobody 'driver = *\nid = 1234:11e8'
	taken

	slot=$(port_slot)
	check "which: the port has a slot" test -n "$slot"
	check "which: the slot is empty" nobody "slot = $slot"
	device_add '{"driver":"edu","id":"new","bus":"port0","addr":"0"}'
	bus=$(printf '%02x' "$(cat /sys/bus/pci/devices/0000:00:0b.0/secondary_bus_number)")
	check "which: what is plugged in is in the slot" within seen "$bus:00.0"
	check "which: by the path below the port" chooses \
		'path = /sys/devices/pci0000:00/0000:00:0b.0/*' "$bus:00.0"
	device_del new
	check "which: what is unplugged is no more" within eval '[ -z "$(visible)" ]'

	# The driver changes while the daemon runs.
	rule 'driver = nvme' > /dev/null
	echo 0000:00:06.0 > /sys/bus/pci/drivers/nvme/unbind
	check "which: unbound from its driver it is not that driver's" within \
		eval '[ -z "$(visible)" ]'
	echo 0000:00:06.0 > /sys/bus/pci/drivers/nvme/bind
	check "which: bound again it is" within seen 00:06.0

	check "which: an unknown name is told by file and line" refused_with \
		'id = Intel Corporation:82574L Gigabit Network Conection' \
		'/etc/hwbroker/hwbroker.conf:8: `id'\'': pci.ids has no device of this vendor'
	check "which: so is one of several numbers" refused_with \
		'id = Intel Corporation:82574L Gigabit Network Connection' ': 10d3, 10f6; write the number'
	check "which: and the nearest spelling" refused_with 'class = NVM Expres' \
		'did you mean `NVM Express'\''?'
}
