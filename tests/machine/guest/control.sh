# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Sourced by scripts in the guest: asks the host, over the second serial port,
# for what only the host can do. Each function returns once it is done, with
# status 0, or prints the host's reason and returns 1. Needs root.

# host_ask: sends what comes on standard input, waits for `ok' or `err REASON'.
# One at a time, whatever else runs in the guest; after a line end, as someone's
# last line may lack it.
host_ask() (
	exec 8> /run/hwbroker-control.lock 9< /dev/ttyS1
	flock 8
	{ echo; cat; } > /dev/ttyS1
	answer=$(timeout --foreground 120 head -n 1 <&9) || answer="nothing within 120 s"
	[ "$answer" = ok ] && exit
	echo "the host answers: $answer" >&2
	exit 1
)

# screendump NAME: what the bochs display shows becomes NAME.png in the output folder.
screendump() {
	echo "@screendump $1" | host_ask
}

# device_add JSON: plugs a device in, such as {"driver":"edu","id":"new","bus":"port0"}.
device_add() {
	echo "@device_add $1" | host_ask
}

# device_del ID: the device is asked for; wait for it to leave sysfs.
device_del() {
	echo "@device_del $1" | host_ask
}

# aer_inject ID ERROR: the device's PCIe port reports that error of it, such as COMP_ABORT.
aer_inject() {
	echo "@aer_inject $1 $2" | host_ask
}

# send_key KEYS: they are pressed together and let go, by QEMU's names, such as shift-a.
send_key() {
	echo "@sendkey $1" | host_ask
}

# send_file NAME [PATH]: PATH, or else NAME, becomes NAME in the output folder.
send_file() {
	{
		echo "@file $1 $(stat -c %s "${2:-$1}")"
		base64 "${2:-$1}"
		echo "@end"
	} | host_ask
}

# finish STATUS: ends the run; the virtual PC is switched off while this sleeps.
finish() {
	printf '\n@exit %d\n' "${1:-0}" > /dev/ttyS1
	sleep infinity
}
