# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the scripts here share, which run in the virtual PC as root.

here=/usr/libexec/hwbroker/tests/endurance

# run_with POLICY COMMAND...: the command, with the daemon as systemd starts it.
run_with() {
	local policy=$1 status
	shift
	udevadm settle
	systemd-sysusers
	systemctl daemon-reload
	install -D -m 644 "$here/policy/$policy.conf" /etc/hwbroker/hwbroker.conf
	if ! systemctl restart hwbrokerd
	then
		echo "not ok the daemon starts"
		journalctl -u hwbrokerd --no-pager -o cat -n 20
		return 1
	fi
	"$@"
	status=$?
	[ $status = 0 ] || journalctl -u hwbrokerd --no-pager -o cat -n 60
	return $status
}
