# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Sourced by scripts in the guest: asks the host, over the second serial port,
# for what only the host can do. Each function returns once it is done.

# host WORDS...: sends a control line, waits for `ok' or `err REASON'.
host() {
	exec 9< /dev/ttyS1
	echo "@$*" > /dev/ttyS1
	read -r answer <&9
	exec 9<&-
	[ "${answer%% *}" = ok ] || {
		echo "the host says: $answer"
		return 1
	}
}

# screendump NAME: NAME.png of the bochs display appears in the output folder.
screendump() {
	host screendump "$1"
}

# device_add JSON, device_del ID: QMP commands of the same names.
device_add() {
	host device_add "$1"
}

device_del() {
	host device_del "$1"
}

# send_file NAME PATH: PATH appears as NAME in the output folder.
send_file() {
	echo "@file $1" > /dev/ttyS1
	base64 "$2" > /dev/ttyS1
	echo "@end" > /dev/ttyS1
}
