#!/bin/bash
# SPDX-License-Identifier: MIT
# A VESA mode by the video BIOS of a VGA card, as an ordinary user: example `vbe' with the
# policy that is shipped for it. Run by tests/check with the virtual PC's VGA card in place
# (--with vga); the picture is vbe.png.
set -u

# shellcheck source=tests/machine/guest/control.sh
. /usr/lib/hwbroker-control.sh

failed=0

result() {
	local name=$1
	shift
	if "$@" > /tmp/output 2>&1
	then
		echo "ok vbe: $name"
	else
		echo "not ok vbe: $name"
		failed=1
	fi
	sed 's/^/  /' /tmp/output
}

as_user() {
	setpriv --reuid=driver --regid=driver --clear-groups --inh-caps=-all \
		--bounding-set=-all --no-new-privs "$@"
}

# With the picture held, and looked at meanwhile.
paint() {
	as_user /usr/libexec/hwbroker/examples/vbe --hold 6 &
	local painter=$!
	local tries=200
	until grep -q holding /tmp/output || [ $((tries -= 1)) = 0 ]
	do
		sleep 0.1
	done
	screendump vbe && hwbroker-ctl list sessions
	wait $painter
}

# Without the memory the BIOS cannot be had, and the refusal says what is missing.
refused() {
	sed -i '/^\[memory/,$d' /etc/hwbroker/hwbroker.conf
	systemctl reload hwbrokerd
	as_user /usr/libexec/hwbroker/examples/vbe > /tmp/said 2>&1 && return 1
	cat /tmp/said
	grep -qF "no [memory] section" /tmp/said
}

mkdir -p /etc/hwbroker
# The host's console is on it.
sed 's/screen/driver/; s/^class = vga/&\nforce = yes/' /usr/share/doc/hwbroker/examples/vga.conf > /etc/hwbroker/hwbroker.conf
chmod 644 /etc/hwbroker/hwbroker.conf
systemd-sysusers
systemctl daemon-reload
udevadm settle
result "the daemon starts" systemctl start hwbrokerd
result "the card's own BIOS sets a mode, and a picture is drawn" paint
result "not without the memory that the BIOS needs" refused
cp /usr/libexec/hwbroker/tests/policy/vga.conf /etc/hwbroker/hwbroker.conf
result "a policy for the tests" systemctl reload hwbrokerd
result "the window, the ports and the ROM of the card" /usr/libexec/hwbroker/tests/guest-vga
result "the daemon is well" systemctl is-active hwbrokerd
[ $failed = 0 ]
