#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs in the virtual PC as root: the hostile cases against the installed daemon under
# systemd. Arguments: numbers of cases; default all.
set -u

here=$(cd "$(dirname "$0")" && pwd)

udevadm settle
systemd-sysusers
systemctl daemon-reload
mkdir -p /etc/hwbroker
install -m 644 "$here/hostile.conf" /etc/hwbroker/hwbroker.conf
systemctl restart hwbrokerd || {
	echo "not ok hostile: the daemon does not start"
	journalctl -u hwbrokerd --no-pager -o cat -n 20
	exit 1
}
exec "$here/hostile" "$@"
