# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Suite `lines' of `run': interrupt lines that no PCI function has; and a driver of the keyboard,
# by its ports and its interrupt, while somebody types.

prepare_lines() {
	start_serving
}

# The daemon was started anew by tests of this suite.
clean_up_lines() {
	kill "$helper"
	pid=$(daemon_pid)
}

# The host's drivers let go of the keyboard; nobody else types here.
free_keyboard() {
	[ ! -e /sys/bus/platform/drivers/i8042/i8042 ] ||
		echo i8042 > /sys/bus/platform/drivers/i8042/unbind
	! grep -q i8042 /proc/interrupts
}

give_keyboard_back() {
	echo i8042 > /sys/bus/platform/drivers/i8042/bind
}

# types KEY...: a moment apart.
types() {
	local key
	for key
	do
		send_key "$key" || return
		sleep 0.2
	done
}

# What the driver has said of keys so far.
keys_seen() {
	sed -n 's/^ *key: //p' "$output.keys" | tr '\n' ' '
}

# It is these.
has_seen() {
	[ "$(keys_seen)" = "$* " ]
}

start_driver() {
	: > "$output.keys"
	rm -f "$output.status"
	(
		(as_driver /usr/libexec/hwbroker/examples/ps2) > "$output.keys" 2>&1
		echo $? > "$output.status"
	) > /dev/null 2>&1 &
	within grep -q 'tells of keys' "$output.keys"
}

# It has come to its end, with 0 or not.
ended() {
	[ -s "$output.status" ]
}

ends_well() {
	within ended && [ "$(cat "$output.status")" = 0 ]
}

keyboard() {
	start_driver && grep -q 'polled, 200 times' "$output.keys" &&
		types h w b r o k e r shift-a up ret esc && ends_well &&
		has_seen h w b r o k e r Shift a Up Enter Escape
}

# ---- the same by a UIO device (tests/machine/uio), which the payload may have ----

interrupts() {
	awk '/isa-line/ { for (i = 2; i <= NF && $i ~ /^[0-9]+$/; i++) sum += $i } END { print sum + 0 }' \
		/proc/interrupts
}

uio_begin() {
	modprobe uio && insmod "$here/isa_line.ko" line=1 && reload lines-uio && restart
}

# Device nodes of a kind that comes after its start are not for the daemon.
restart() {
	systemctl restart hwbrokerd && within no_transit
}

by_uio() {
	local before
	before=$(interrupts)
	start_driver && grep -q 'comes by a UIO device' "$output.keys" && types h i &&
		within has_seen h i && [ "$(interrupts)" -gt "$before" ]
}

goes_on() {
	restart && types u p && within has_seen h i u p
}

killed_it_goes_on() {
	kill_daemon && types a && within has_seen h i u p a
}

one_owner() {
	ctl 1 "in use by another owner" root explain other irq:1
}

ended_by_a_key() {
	types esc && ends_well
}

# After keys that nobody took meanwhile.
last_seen() {
	[[ "$(keys_seen)" = *"$* " ]]
}

another_driver() {
	start_driver && types h i && within last_seen h i
}

ill_treated() {
	local before typing
	before=$(daemon_pid)
	(sleep 1 && types a b) &
	typing=$!
	(as_driver "$here/rude-line") && wait $typing && [ "$(daemon_pid)" = "$before" ]
}

unplugged() {
	echo 0 > /sys/module/isa_line/parameters/present
	! ends_well && ended && grep -q GONE "$output.keys" &&
		journalctl -u hwbrokerd -o cat | grep -q 'interrupt 1: taken from .*its UIO device has left'
}

without_it() {
	ctl 0 "polled: 100 times a second" root explain driver irq:1
}

plugged_again() {
	echo 1 > /sys/module/isa_line/parameters/present
	start_driver && types esc && ends_well && has_seen Escape
}

run_uio() {
	check "lines: a UIO device has the keyboard's line" uio_begin
	check "lines: explain names the UIO device" ctl 0 "isa-line" root explain driver irq:1
	check "lines: by UIO, a driver of the keyboard sees each key" by_uio
	check "lines: by UIO, one client has the line" one_owner
	check "lines: by UIO, keys come on after a restart of the daemon" goes_on
	check "lines: by UIO, keys come on after the daemon was killed" killed_it_goes_on
	check "lines: by UIO, its driver ends and gives the line back" ended_by_a_key
	check "lines: descriptors that are ill-treated delay nobody" ill_treated
	check "lines: by UIO, another driver sees what is typed then" another_driver
	check "lines: a UIO device that leaves is taken from its client" unplugged
	cat "$output.keys"
	check "lines: without it the line is polled" without_it
	check "lines: a UIO device that comes again is used again" plugged_again
	within no_sessions
	rmmod isa_line
}

run_lines() {
	runuser -u driver -- "$here/guest-lines" 2>&1 | tee "$output" | show_results lines
	count_results "$output" lines
	check "lines: explain says yes" ctl 0 "polled: 200 times a second" root explain driver irq:1
	check "lines: explain of its ports" ctl 0 "yes" root explain driver ports:0x60
	check "lines: explain names the host's driver" ctl 0 "i8042" root explain driver irq:1
	check "lines: explain says no" ctl 1 "add it to" root explain driver irq:0
	check "lines: explain of a UIO device that is not there" \
		ctl 1 "no UIO device is called \`no-such-board'" root explain driver irq:5
	check "lines: diff tells who loses what" \
		ctl 0 "- driver loses interrupt 1" root diff "$here/policy/lines-less.conf"
	check "lines: diff tells of other terms" \
		ctl 0 "+rate=20 -rate=100" root diff "$here/policy/lines-less.conf"
	check "lines: the host lets go of the keyboard" free_keyboard
	check "lines: an ordinary user's driver of the keyboard sees each key" keyboard
	check "lines: the journal has it" \
		sh -c "journalctl -o cat HWBROKER_EVENT=line-opened | grep -q 'interrupt 1: granted'"
	[ ! -e "$here/isa_line.ko" ] || run_uio
	give_keyboard_back
}
