#!/bin/bash
# SPDX-License-Identifier: MIT
# What `tests/demo' runs inside the virtual PC: the daemon under systemd, and
# one example driver per stage as a user without any privilege.
set -u
# shellcheck source=tests/machine/guest/control.sh
. /usr/lib/hwbroker-control.sh

examples=/usr/libexec/hwbroker/examples
rows=()
failed=0

# show COMMAND...: prints it as one would type it, then what it prints.
show() {
	echo
	echo "# $*"
	"$@"
}

# As `driver': no capability, no group but its own, and no way to get any.
as_user() {
	setpriv --reuid=driver --regid=driver --clear-groups --inh-caps=-all \
		--bounding-set=-all --no-new-privs "$@"
}

# stage NUMBER SERVICE WHAT COMMAND...
stage() {
	local number=$1 service=$2 what=$3
	shift 3
	echo
	echo "--- stage $number, $service: $what"
	echo "\$ $*"
	if as_user "$@"
	then
		rows+=("$number|$service|$what|held")
	else
		rows+=("$number|$service|$what|FAILED")
		failed=1
	fi
}

cp /usr/libexec/hwbroker/tests/demo.conf /etc/hwbroker/hwbroker.conf
chmod 644 /etc/hwbroker/hwbroker.conf
systemd-sysusers
systemctl daemon-reload
udevadm settle

show uname -r
show systemctl start hwbrokerd || failed=1
show systemctl is-active hwbrokerd || failed=1
show hwbroker-ctl status || failed=1
show hwbroker-ctl list devices || failed=1
echo
echo "The drivers below run as this user:"
as_user sh -c 'id; grep CapEff /proc/self/status'

stage 1 IO_PORT "interval timer by legacy ports" $examples/pit
stage 1 IO_PORT "I/O BAR as a descriptor" $examples/io_bar

$examples/framebuffer --help > /dev/null
echo
echo "--- stage 2, IO_MEM: picture in a write-combined framebuffer"
echo "\$ $examples/framebuffer --hold 4"
as_user $examples/framebuffer --hold 4 &
painter=$!
sleep 2
screendump picture || failed=1
show hwbroker-ctl list sessions
if wait $painter
then
	rows+=("2|IO_MEM|picture in a write-combined framebuffer|held")
else
	rows+=("2|IO_MEM|picture in a write-combined framebuffer|FAILED")
	failed=1
fi

stage 3 IRQ "MSI-X of a network card" $examples/e1000e
stage "3, 4" "IRQ, DMA" "edu: MSI, INTx, DMA both ways" $examples/edu 0000:00:03.0
stage "4, 5" "DMA, PLATFORM" "NVMe disk: a sector there and back" $examples/nvme --write 7 --speed 1

show hwbroker-ctl list devices
show journalctl -u hwbrokerd --no-pager -o cat
show systemctl stop hwbrokerd || failed=1

echo
echo "What held, as uid $(id -u driver) without capabilities, on kernel $(uname -r), emulated:"
printf '%-6s %-14s %-42s %s\n' STAGE SERVICE WHAT RESULT
for row in "${rows[@]}"
do
	IFS='|' read -r number service what result <<< "$row"
	printf '%-6s %-14s %-42s %s\n' "$number" "$service" "$what" "$result"
done
exit $failed
