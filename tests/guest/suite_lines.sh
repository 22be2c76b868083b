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

# types KEY...: the driver says so, within a moment each.
types() {
	local key
	for key
	do
		send_key "$key" || return
		sleep 0.2
	done
}

keyboard() {
	local driver
	: > "$output.keys"
	(as_driver /usr/libexec/hwbroker/examples/ps2) > "$output.keys" 2>&1 &
	driver=$!
	within grep -q 'tells of keys' "$output.keys" &&
		types h w b r o k e r shift-a up ret esc
	within sh -c "! kill -0 $driver 2> /dev/null"
	wait $driver && diff - <(grep '^ *key: ' "$output.keys" | sed 's/.*key: //') <<- END
		h
		w
		b
		r
		o
		k
		e
		r
		Shift
		a
		Up
		Enter
		Escape
	END
}

run_lines() {
	runuser -u driver -- "$here/guest-lines" 2>&1 | tee "$output" | show_results lines
	count_results "$output" lines
	check "lines: explain says yes" ctl 0 "polled: 200 times a second" root explain driver irq:1
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
	cat "$output.keys"
	check "lines: the journal has it" \
		sh -c "journalctl -o cat HWBROKER_EVENT=line-opened | grep -q 'interrupt 1: granted'"
	give_keyboard_back
}
