# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154,SC2016
# Suite `sriov' of `run': virtual functions of the NVMe controller, made by policy and given to
# `driver', who drives one as a disk while the host has the controller itself.

sriov=/sys/bus/pci/devices/0000:00:06.0
sriov_state=/run/hwbroker/devices

# policy EDIT...: the suite's policy, as sed edits it, in force.
sriov_policy() {
	local edits=()
	for edit
	do
		edits+=(-e "$edit")
	done
	sed "${edits[@]}" -e '' "$here/policy/sriov.conf" > /etc/hwbroker/hwbroker.conf
	systemctl reload hwbrokerd
}

# diff WORDS EDIT: hwbroker-ctl foretells it of the suite's policy, edited.
sriov_diff() {
	local words=$1
	sed "$2" "$here/policy/sriov.conf" > "$sriov_next"
	sriov_says "$words" diff "$sriov_next"
}

# listed MEMBER: so many devices have this member, as JSON has it without blanks.
sriov_listed() {
	hwbroker-ctl list devices --json | tr -d ' ' | grep -cF -- "$1"
}

# functions COUNT: so many there are, for the kernel and for the daemon.
sriov_functions() {
	[ "$(cat $sriov/sriov_numvfs)" = "$1" ] &&
		hwbroker-ctl show --json 00:06.0 | tr -d ' ' | grep -q "\"virtual_functions\":$1," &&
		[ "$(sriov_listed '"physical_function":"0000:00:06.0"')" = "$1" ]
}

sriov_autoprobe() {
	[ "$(cat $sriov/sriov_drivers_autoprobe)" = "$1" ]
}

# says WORDS ARGUMENT...: hwbroker-ctl does, as root.
sriov_says() {
	local words=$1
	shift
	hwbroker-ctl "$@" 2>&1 | tee "$output" | grep -qF -- "$words" || {
		cat "$output"
		return 1
	}
}

# take TEXT WHAT: as `driver', until sriov_give_back. Not within `check', which would wait for it
# and forget who it is.
sriov_take() {
	: > "$sriov_taken"
	(sleep 60 | as_driver "$here/take" "$2") > "$sriov_taken" 2>&1 &
	sriov_holder=$!
	within grep -q . "$sriov_taken"
	check "sriov: $1" sh -c "cat $sriov_taken; grep -q ^taken $sriov_taken"
}

sriov_give_back() {
	local child
	for child in $(pgrep -P "$sriov_holder")
	do
		kill "$child"
	done
	wait "$sriov_holder" 2> /dev/null
}

sriov_refused() {
	as_driver "$here/take" "$1" 2>&1 < /dev/null | tee "$output" | grep -qF -- "$2" || {
		cat "$output"
		return 1
	}
}

sriov_vectors() {
	hwbroker-ctl show --json "$1" | tr -d ' ' | grep -q "\"msix_vectors\":$2,"
}

sriov_state_of() {
	hwbroker-ctl show --json "$1" | tr -d ' ' | grep -q "\"state\":\"$2\""
}

# As its administrator does it, before there are any: what functions may have is nobody's.
prepare_sriov() {
	sriov_taken=$(mktemp)
	chmod 666 "$sriov_taken"
	sriov_next=$(mktemp)
	systemctl stop hwbrokerd
	"$here/nvme-functions" free /dev/nvme0
	echo 1 > $sriov/reset
	systemctl start hwbrokerd
}

sriov_made() {
	check "sriov: functions are made at the start" within sriov_functions 4
	check "sriov: and none is offered to the host's drivers" sriov_autoprobe 0
	check "sriov: a list says whose they are" sriov_says \
		'0000:00:06.0: 4 virtual functions, 0000:00:06.1 to 0000:00:06.4' list devices
	check "sriov: show does" sriov_says '0000:00:06.0, which has made this virtual one' \
		show 00:06.1
	check "sriov: show counts them" sriov_says '4 virtual ones' show 00:06.0
	check "sriov: audit says that the physical one stays" sriov_says \
		'it has 4 virtual functions' audit 00:06.0
	check "sriov: audit says whose a function is" sriov_says \
		'a virtual function of 0000:00:06.0' audit 00:06.1
	check "sriov: explain gives a function" ctl 0 '[device function]' root explain driver 00:06.2
	check "sriov: explain keeps the physical one" ctl 1 'which it controls' root \
		explain driver 00:06.0
	check "sriov: which nobody is given" sriov_refused 00:06.0 'which it controls'
	check "sriov: and the host has it still" test -b /dev/nvme0n1
	check "sriov: the journal has it" sh -c \
		"journalctl -u hwbrokerd --no-pager -o cat | grep -q '4 virtual functions were made, as \[virtual disks\]'"
}

# The disk is the host's, and by another way the client's.
sriov_driven() {
	local word
	word=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
	check "sriov: its driver gives functions something to work with" \
		"$here/nvme-functions" give /dev/nvme0 1 2
	sriov_policy
	check "sriov: which a reload lets the daemon see" within sriov_vectors 00:06.1 2
	printf '%s' "$word" | dd of=/dev/nvme0n1 bs=512 seek=16 conv=sync,fsync 2> /dev/null
	check "sriov: a client reads a disk by a function" as_driver \
		/usr/libexec/hwbroker/examples/nvme 00:06.1
	check "sriov: and writes it" as_driver \
		/usr/libexec/hwbroker/examples/nvme --write 32 00:06.1
	check "sriov: which is at rest then" within sriov_state_of 00:06.1 free
	blockdev --flushbufs /dev/nvme0n1
	check "sriov: the host sees what was written" sh -c \
		"dd if=/dev/nvme0n1 bs=512 skip=32 count=1 2> /dev/null | tr -d '\0' | grep -q ."
}

# Any that is free, as many as the rule says.
sriov_shared() {
	sriov_take "any function" any:function
	local first=$sriov_holder
	sriov_take "any other" any:function
	local second=$sriov_holder
	check "sriov: and no third" sriov_refused any:function 'count = 2'
	check "sriov: they are two" test \
		"$(sriov_listed '"client":"driver"')" = 2
	sriov_holder=$second
	sriov_give_back
	# One is in use: the number stays, and changes when it is not.
	check "sriov: diff tells of what waits" sriov_diff \
		'when none is in use: first all that are there are removed; now 0000:00:06.' \
		's/^functions = .*/functions = 2/'
	sriov_policy 's/^functions = .*/functions = 2/'
	check "sriov: in use, their number stays" within sriov_says 'is in use' show 00:06.0
	check "sriov: all four" sriov_functions 4
	systemctl restart hwbrokerd
	check "sriov: they outlive the daemon" within sriov_functions 4
	kill_daemon
	check "sriov: killed, too" within sriov_functions 4
	check "sriov: and their client has its own" test \
		"$(sriov_listed '"client":"driver"')" = 1
	sriov_holder=$first
	sriov_give_back
	check "sriov: when none is in use, their number changes" within sriov_functions 2
	check "sriov: none is offered to drivers" sriov_autoprobe 0
}

# Somebody removes them by hand, while one is with a client, and makes others.
sriov_pulled() {
	sriov_take "a function is with a client" 00:06.1
	write_to $sriov/sriov_numvfs 0
	check "sriov: removed by hand they are gone" within sriov_functions 0
	sriov_give_back
	check "sriov: and stay so" sriov_functions 0
	sriov_policy
	check "sriov: until the policy is read again" within sriov_functions 4
	sriov_take "a function that came is given" 00:06.1
	sriov_give_back
	within sriov_state_of 00:06.1 free
}

sriov_refusals() {
	check "sriov: diff of the same" sriov_diff 'nothing changes hands' ''
	check "sriov: diff of more than there can be" sriov_diff 'never: it can have 4' \
		's/^functions = .*/functions = 5/'
	check "sriov: diff without their rule" sriov_diff \
		'0000:00:06.0 loses its 4 virtual functions, asked for by [virtual disks]' \
		's/^address = 00:06.0/address = 00:05.0/'
	sriov_policy 's/^functions = .*/functions = 5/'
	check "sriov: more than there can be are refused" within sriov_says 'it can have 4' show 00:06.0
	check "sriov: and those that are there stay" sriov_functions 4
	sriov_policy 's/^address = 00:06.0/address = 00:05.0/'
	check "sriov: their rule gone, they end" within sriov_functions 0
	check "sriov: and all is as it was" sriov_autoprobe 1
	check "sriov: a device that can have none says so" within sriov_says 'it can have none' show 00:05.0
	echo 0000:00:06.0 > /sys/bus/pci/drivers/nvme/unbind
	sriov_policy
	check "sriov: without a host driver there are none" within sriov_says 'no host driver' show 00:06.0
	echo 0000:00:06.0 > /sys/bus/pci/drivers/nvme/bind
	check "sriov: it comes, and makes them" within sriov_functions 4
}

# One is with a driver of the host, which it leaves.
sriov_of_the_host() {
	modprobe pci-stub
	echo pci-stub > /sys/bus/pci/devices/0000:00:06.3/driver_override
	echo 0000:00:06.3 > /sys/bus/pci/drivers/pci-stub/bind
	check "sriov: diff tells of a host driver" sriov_diff "with the host driver \`pci-stub'" \
		's/^functions = .*/functions = 2/'
	sriov_policy 's/^functions = .*/functions = 2/'
	check "sriov: one with the host, their number stays" within sriov_says \
		"in use by the host driver \`pci-stub'" show 00:06.0
	echo 0000:00:06.3 > /sys/bus/pci/drivers/pci-stub/unbind
	check "sriov: without its driver, their number changes" within sriov_functions 2
	sriov_policy
	within sriov_functions 4
}

# As if a daemon had been killed between two steps. What it has written down of devices that it
# has taken stays: else they would be another's, on its driver, and go back to that.
sriov_killed() {
	local inode lines
	inode=$(stat -L -c %i $sriov/)
	lines=$(grep -vE '^(hwbrokerd|virtual) |^ *$' $sriov_state)
	printf '%s\n' 'hwbrokerd devices 3' ${lines:+"$lines"} \
		"virtual 0000:00:06.0 $inode probe restore" > $sriov_state
}

# With the daemon: they go, are left to others, and what a crash has left is put right.
sriov_ends() {
	systemctl stop hwbrokerd
	check "sriov: they end with the daemon" test "$(cat $sriov/sriov_numvfs)" = 0
	check "sriov: and drivers are offered others" sriov_autoprobe 1
	echo 2 > $sriov/sriov_numvfs
	within test -e /sys/bus/pci/devices/0000:00:06.2
	systemctl start hwbrokerd
	check "sriov: what somebody else has made is left alone" within sriov_says \
		'made by somebody else' show 00:06.0
	sriov_policy 's/^functions = .*/functions = 2/'
	check "sriov: and does if it is enough" sriov_functions 2
	systemctl stop hwbrokerd
	check "sriov: it does not end with the daemon" test "$(cat $sriov/sriov_numvfs)" = 2
	sriov_killed
	sed -e 's/^address = 00:06.0/address = 00:05.0/' "$here/policy/sriov.conf" \
		> /etc/hwbroker/hwbroker.conf
	echo 0 > $sriov/sriov_drivers_autoprobe
	systemctl start hwbrokerd
	check "sriov: what a killed daemon made ends without its rule" within sriov_functions 0
	check "sriov: as it was" within sriov_autoprobe 1
	systemctl stop hwbrokerd
	sriov_killed
	cp "$here/policy/sriov.conf" /etc/hwbroker/hwbroker.conf
	echo 0 > $sriov/sriov_drivers_autoprobe
	systemctl start hwbrokerd
	check "sriov: what it was about to make is made" within sriov_functions 4
	systemctl stop hwbrokerd
	check "sriov: and ends as it should" sriov_autoprobe 1
	systemctl start hwbrokerd
	check "sriov: and again" within sriov_functions 4
}

run_sriov() {
	sriov_made
	sriov_driven
	# The rest is the daemon's alone, and takes long on that machine.
	if [ "$(uname -m)" != aarch64 ]
	then
		sriov_shared
		sriov_pulled
		sriov_refusals
		sriov_of_the_host
		sriov_ends
	fi
	within no_transit
	pid=$(daemon_pid)
	fds=$(count_fds "$pid")
}
