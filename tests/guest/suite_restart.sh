# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Suite `restart' of `run': clients go on while the daemon is started again, be it asked to,
# or killed; and what becomes of what it has noted if that is of no use.

edu=0000:00:03.0
enough=/run/hwbroker-enough

# start_client WORD...: in the background, until it says that it is at it.
start_client() {
	rm -f $enough
	: > "$output.client"
	rm -f "$output.ended"
	(
		runuser -u driver -- "$here/keep-on" "$1" $enough "${@:2}" > "$output.client" 2>&1
		echo $? > "$output.ended"
	) &
	within grep -q running "$output.client" || cat "$output.client"
}

# It is told to come to its end, and has seen nothing wrong.
ends_well() {
	touch $enough
	within test -s "$output.ended" && [ "$(cat "$output.ended")" = 0 ] && return
	grep -v "client .driver" "$output.client"
	journalctl -u hwbrokerd --no-pager -o cat -n 20
	return 1
}

ends_badly() {
	touch $enough
	within test -s "$output.ended" && [ "$(cat "$output.ended")" != 0 ]
}

restarts() { # COUNT
	local before i
	for ((i = 0; i < $1; i++))
	do
		before=$(daemon_pid)
		systemctl restart hwbrokerd && another_daemon "$before" || return
		sleep 0.2
	done
}

# said TEXT: since the last `from_now_on'.
from_now_on() {
	journalctl --sync
	since=$(journalctl -u hwbrokerd --no-pager -o cat --show-cursor -n 0 | sed -n 's/^-- cursor: //p')
}

said() {
	journalctl --sync
	journalctl -u hwbrokerd --no-pager -o cat --after-cursor="$since" > "$output"
	grep -q "$1" "$output" || {
		cat "$output"
		return 1
	}
}

# The table of notes, as the service manager keeps it.
notes() {
	find /proc/1/fd -lname '*hwbrokerd-notes*' | head -n 1
}

# Bytes at offsets of it; a record has 168 bytes, and the first place is the head's.
spoil() { # BYTES OFFSET...
	local at
	for at in "${@:2}"
	do
		# shellcheck disable=SC2059
		printf "$1" | dd of="$(notes)" bs=1 seek="$at" conv=notrunc status=none
	done
}

reset_first() {
	said 'ready:' && said "$edu: was open, and is reset, bus mastering off$" &&
		[ "$(grep -n 'is reset, bus mastering off' "$output" | cut -d : -f 1 | head -n 1)" -lt \
			"$(grep -n 'ready:' "$output" | cut -d : -f 1 | tail -n 1)" ]
}

spoiled() { # WHAT TEXT BYTES OFFSET...
	# So that the table is a new one.
	systemctl stop hwbrokerd
	systemctl start hwbrokerd
	start_client drive quiet
	sleep 0.3
	from_now_on
	spoil "${@:3}"
	check "restart: $1: killed" kill_daemon
	check "restart: $1: refused" said "is of no use: .*$2"
	check "restart: $1: reset before anybody is served" reset_first
	check "restart: $1: its connection is closed" ends_badly
	check "restart: $1: no session is left" within no_sessions
	check "restart: $1: nothing reaches memory" within no_bus_master
}

manager_keeps_none() {
	! find /proc/1/fd -lname '*vfio*' -o -lname '*iommu*' | grep -q .
}

is_the_hosts() {
	[ ! -e /sys/bus/pci/devices/$edu/driver ] && return
	readlink /sys/bus/pci/devices/$edu/driver
	journalctl -u hwbrokerd --no-pager -o cat -n 10
	return 1
}

waits_for_policy() {
	systemctl show --property=StatusText --value hwbrokerd | grep -q 'the policy has mistakes'
}

# Who restarts it has not looked at the file first.
mistaken() {
	local policy=/etc/hwbroker/hwbroker.conf
	start_client drive quiet
	from_now_on
	echo 'clinet = driver' >> $policy
	(within waits_for_policy; install -m 644 "$here/policy/restart.conf" $policy) &
	check "restart: with a mistake in the policy, corrected meanwhile" systemctl restart hwbrokerd
	check "restart: the mistake is told with its line" said "$policy:[0-9]*: .*clinet"
	check "restart: connections wait for it to be corrected" \
		said 'wait 60 s for the policy to be corrected'
	check "restart: DMA and interrupts went on over that" ends_well
}

# What was asked for is taken, though root asked the daemon before; and a client that is told
# what happens is told on.
asked_before() {
	local child monitor
	(as_driver hwbroker-ctl --json monitor) > "$output.monitor" 2>&1 &
	monitor=$!
	(as_driver "$here/act" hold $edu 60) > "$output.client" 2>&1 &
	child=$!
	within grep -q '^at it' "$output.client"
	within grep -q '"granted".*00:03.0' "$output.monitor"
	hwbroker-ctl revoke $edu > /dev/null 2>&1 &
	within grep -q '"asked-back".*00:03.0' "$output.monitor"
	check "restart: while a device is asked for" restarts 1
	check "restart: it is taken all the same" within no_sessions
	check "restart: who is told what happens is told on" \
		within grep -q '"revoked".*00:03.0' "$output.monitor"
	check "restart: and that there was a gap" grep -q '"lost":1' "$output.monitor"
	kill $child $monitor
	wait $child $monitor
	rm -f "$output.monitor"
}

stops() {
	start_client drive quiet
	systemctl stop hwbrokerd
	check "restart: stopped: the device is the host's again" is_the_hosts
	check "restart: stopped: the service manager keeps no descriptor of it" manager_keeps_none
	check "restart: stopped: the connection is closed" ends_badly
	check "restart: it starts" systemctl start hwbrokerd
}

# Who connects starts it.
socket_activated() {
	systemctl stop hwbrokerd
	check "restart: the socket unit starts" systemctl start hwbrokerd.socket
	check "restart: it does not run" eval '! systemctl -q is-active hwbrokerd'
	check "restart: who connects starts it" hwbroker-ctl status
	check "restart: it runs" systemctl -q is-active hwbrokerd
	start_client drive
	check "restart: from a socket unit: three restarts" restarts 3
	check "restart: from a socket unit: the client goes on" ends_well
	systemctl stop hwbrokerd.socket hwbrokerd
	check "restart: it starts without" systemctl start hwbrokerd
}

run_restart() {
	start_client drive
	from_now_on
	check "restart: ten restarts" restarts 10
	check "restart: it goes on with what was open" said 'going on with 1 connection'
	check "restart: DMA, interrupts and requests went on over ten restarts" ends_well
	check "restart: no session is left" within no_sessions

	start_client drive quiet
	sleep 0.3
	check "restart: killed" kill_daemon
	check "restart: DMA and interrupts went on over kill -9" ends_well
	check "restart: no session is left" within no_sessions

	start_client connect 100
	sleep 0.5
	check "restart: 100 connections: restarted" restarts 1
	check "restart: 100 connections: killed" kill_daemon
	check "restart: 100 connections went on" ends_well

	spoiled "notes that are corrupt" "it is corrupt" '\377\377' $((2 * 168 - 1)) $((3 * 168 - 1)) \
		$((4 * 168 - 1)) $((5 * 168 - 1)) $((6 * 168 - 1)) $((7 * 168 - 1))
	spoiled "notes that are foreign" "it is foreign" 'something else' 0
	spoiled "notes of another version" "it is of version 9" '\011' 16
	spoiled "notes that daemons came to grief over" "have come to grief" '\003' 28
	asked_before
	mistaken
	stops
	socket_activated
}

clean_up_restart() {
	rm -f $enough "$output.client" "$output.ended"
	pid=$(daemon_pid)
	fds=$(count_fds "$pid")
	within manager_keeps_none
	check "restart: the service manager keeps no descriptor of devices" manager_keeps_none
}
