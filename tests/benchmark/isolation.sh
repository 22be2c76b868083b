#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs in the virtual PC, as root, for `tests/bench --isolation': how long one client's
# smallest request takes while another asks for much. In turns with an idle broker, so
# that drift hits both; medians of all rounds.
set -u
# shellcheck source=tests/machine/guest/control.sh
. /usr/lib/hwbroker-control.sh

here=/usr/libexec/hwbroker/tests
rounds=7
requests=3000
goal=2
results=/tmp/results
: > $results

# as_user USER COMMAND...: in place of this shell.
as_user() {
	exec setpriv --reuid="$1" --regid="$1" --clear-groups --inh-caps=-all \
		--bounding-set=-all --no-new-privs "${@:2}"
}

# Broker and echo have processor 1. Who asks for little and who asks for much share
# processor 0, and the former comes first: it never waits for a processor. Two are enough,
# so that a host with two has one for each.
ask() {
	(
		chrt -f -p 1 $BASHPID
		as_user driver taskset -c 0 $here/bench-latency $requests "$@"
	)
}
load() { as_user other taskset -c 0 $here/bench-load "$1"; }

at_rest() {
	[ "$(hwbroker-ctl list sessions --json | tr -d ' \n')" = '[]' ] &&
		hwbroker-ctl status --json | tr -d ' ' | grep -q '"dma_bytes":0,*$' &&
		! hwbroker-ctl list devices | grep -q ' revoking '
}

median() {
	sort -g | awk '{ v[NR] = $1 } END { printf "%.0f", v[int((NR + 1) / 2)] }'
}

# column N FILE
column() {
	cut -d ' ' -f "$1" "$2" | median
}

# under KIND TEXT: a row of the table
under() {
	local kind=$1 text=$2 i pid file
	echo "measuring: $text" >&2
	for file in idle-ours idle-echo ours echo
	do
		: > /tmp/$file
	done
	for ((i = 0; i < rounds; i++))
	do
		ask >> /tmp/idle-ours
		ask /run/echo.sock >> /tmp/idle-echo
		load "$kind" &
		pid=$!
		sleep 0.3
		ask >> /tmp/ours
		ask /run/echo.sock >> /tmp/echo
		if ! kill $pid
		then
			echo "the load \`$kind' has ended by itself" >&2
			return 1
		fi
		wait $pid
		until at_rest
		do
			sleep 0.1
		done
	done
	echo "$text|$(column 1 /tmp/idle-ours)|$(column 2 /tmp/idle-ours)|$(column 1 /tmp/ours)|$(column 2 /tmp/ours)|$(column 2 /tmp/idle-echo)|$(column 2 /tmp/echo)" >> $results
}

# The first touch of memory costs the host of a virtual PC milliseconds per 2 MiB, whoever it
# is: that is not measured.
touch_memory() {
	local mib
	mib=$(awk '/^MemAvailable/ { printf "%d", $2 / 1024 * 0.9 }' /proc/meminfo)
	mount -t tmpfs -o size=100% none /mnt &&
		dd if=/dev/zero of=/mnt/memory bs=1M count="$mib" status=none
	umount /mnt
}

touch_memory
install -m 644 $here/bench.conf /etc/hwbroker/hwbroker.conf
systemd-sysusers
systemctl daemon-reload
udevadm settle
modprobe vfio-pci
systemctl start hwbrokerd
systemd-run --quiet --unit=bench-echo $here/bench-echo serve /run/echo.sock
sleep 1
chmod 666 /run/echo.sock
broker=$(systemctl show --property=MainPID --value hwbrokerd)
taskset -apc 1 "$broker" > /dev/null
taskset -pc 1 "$(pidof bench-echo)" > /dev/null

# disk_to DRIVER: from its present one. The broker leaves vfio-pci's with vfio-pci.
disk_to() {
	local disk=/sys/bus/pci/devices/0000:00:06.0
	echo "$1" > $disk/driver_override
	echo 0000:00:06.0 > $disk/driver/unbind
	echo 0000:00:06.0 > /sys/bus/pci/drivers_probe
	echo > $disk/driver_override
}

under compute "another process computes"
under map "maps 1 GiB of DMA memory"
under take "takes, resets, gives a disk"
disk_to vfio-pci
under take "opens, resets, closes a disk"
disk_to nvme
under ping "pings, 16 at a time"
under pings "the same on 16 connections"
under ports "reads 256 ports a request"
under deaf "pings without reading"
under connect "connects and hangs up"
under descriptors "sends 64 descriptors"

awk -F'|' -v kernel="$(uname -r)" -v rounds=$rounds -v requests=$requests -v goal=$goal '
BEGIN { printf "Smallest request while another client does this, in microseconds; medians of %d rounds of %d,\n", rounds, requests
	printf "kernel %s, virtual PC under software emulation; echo: two processes without a broker\n", kernel
	printf "%-28s %9s %9s %9s %9s %7s %7s %5s %s\n", "LOAD", "IDLE P50", "IDLE P99", "P50", "P99", "RATIO", "ECHO", "GOAL", "" }
{ ratio = $5 / $3
	printf "%-28s %9.1f %9.1f %9.1f %9.1f %7.2f %7.2f %5s %s\n", $1, $2 / 1e3, $3 / 1e3, $4 / 1e3, $5 / 1e3, ratio, $7 / $6, goal, ratio <= goal ? "held" : "missed" }
' $results
awk -F'|' -v kernel="$(uname -r)" -v rounds=$rounds -v goal=$goal '
BEGIN { printf "{\n  \"kernel\": \"%s\", \"emulated\": true, \"rounds\": %d, \"goal\": %s,\n  \"loads\": [", kernel, rounds, goal }
{ printf "%s\n    { \"name\": \"%s\", \"idle_p50_ns\": %s, \"idle_p99_ns\": %s, \"p50_ns\": %s, \"p99_ns\": %s, \"echo_idle_p99_ns\": %s, \"echo_p99_ns\": %s }", (NR > 1 ? "," : ""), $1, $2, $3, $4, $5, $6, $7 }
END { printf "\n  ]\n}\n" }' $results > /tmp/bench.json
send_file bench.json /tmp/bench.json
