#!/bin/sh
# SPDX-License-Identifier: MIT
# What payload.service runs: the script that the host named. Its output goes to
# the second serial port.
script=$(sed -n 's/.*hwbroker\.script=\([^ ]*\).*/\1/p' /proc/cmdline)
stty -F /dev/ttyS1 raw -echo
# Host drivers have bound by then, so that every run finds the same picture.
udevadm settle --timeout=60
echo "@start"
"$script"
status=$?
# shellcheck source=tests/machine/guest/control.sh
. /usr/lib/hwbroker-control.sh
if [ $status != 0 ]
then
	journalctl -b --no-pager > /run/journal.log && send_file journal.log /run/journal.log
fi
finish $status
