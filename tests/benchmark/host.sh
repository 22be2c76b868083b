#!/bin/bash
# SPDX-License-Identifier: MIT
# host.sh BUILD [--short]: what is measured on this host, as root, in a mount namespace of its
# own: the smallest request, and by simulation a daemon with 1,000 devices that are made up,
# policies of 10,000 rules, and 1,000 connections of ten sessions; and how each figure grows as
# the work doubles. Of what is simulated only what a processor was had for counts, which other
# work on the host disturbs less. The files are on another file system than sysfs, and nothing is
# given away.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
programs=$build/tests/benchmark
if [ "${!#}" != inside ]
then
	exec unshare --mount -- "$0" "$@" inside
fi
rounds=7
device_counts="125 250 500 1000"
rule_counts="1250 2500 5000 10000"
connection_counts="125 250 500 1000"
if [ "${2-}" = --short ]
then
	rounds=1
	device_counts=1000
	rule_counts=10000
	connection_counts=1000
fi
work=$(mktemp -d)
daemon=
reference=
stop() {
	local pid
	for pid in $daemon $reference
	do
		kill "$pid"
		wait "$pid" || true
	done
	daemon=
	reference=
}
trap 'stop; umount /sys 2> /dev/null || true; rm -rf "$work"' EXIT

# growth FIGURE NUMBER, sample ROW: of a number on each line.
growth() {
	sed "s/^/growth $1 $2 /"
}
sample() {
	sed "s/^/sample $1 ours /"
}

cpu() { awk '{ print $1 }' "/proc/$daemon/schedstat"; }
# on_cpu COMMAND...: nanoseconds that the daemon's loop worked for it.
on_cpu() {
	local before
	before=$(cpu)
	"$@" > /dev/null 2>&1
	echo $(($(cpu) - before))
}

prepare() { # DEVICES
	run=("$build/hwbrokerd/hwbrokerd" --socket "$work/socket" --policy "$work/policy" --state "$work/state")
	umount /sys 2> /dev/null || true
	[ -d "$work/sys-$1" ] || python3 "$here/many.py" "$work/sys-$1" "$1"
	mount --bind "$work/sys-$1" /sys
}

launch() {
	"${run[@]}" 2> "$work/log" &
	daemon=$!
	until [ -S "$work/socket" ]
	do
		sleep 0.1
	done
	sleep 1 # what its workers have begun
}

measure_devices() {
	local n=$1 i value
	prepare "$n"
	install -m 644 /dev/null "$work/policy"
	for ((i = 0; i < rounds; i++))
	do
		value=$("$programs/bench-start" --cpu "${run[@]}" 2> /dev/null)
		growth "start_with_devices" "$n" <<< "$value"
		[ "$n" != 1000 ] || sample start_1000 <<< "$value"
	done
	launch
	for ((i = 0; i < rounds; i++))
	do
		value=$(($(on_cpu "$programs/bench-list" "$work/socket" 20) / 20))
		growth "list_of_devices" "$n" <<< "$value"
		[ "$n" != 1000 ] || sample list_1000 <<< "$value"
	done
	growth "resident_KiB_with_devices" "$n" < <(awk '/^VmRSS/ { print $2 }' "/proc/$daemon/status")
	stop
}

measure_rules() {
	local n=$1 i load decide
	for ((i = 0; i < rounds; i++))
	do
		{
			read -r load
			read -r decide
		} < <("$programs/bench-policy" "$n")
		growth "load_of_rules" "$n" <<< "$load"
		growth "decide_among_rules" "$n" <<< "$decide"
		[ "$n" != 10000 ] || sample load_10000 <<< "$load"
		[ "$n" != 10000 ] || sample decide_10000 <<< "$decide"
	done
}

# The smallest request between two processors that are not emulated, before any other work of
# theirs: so that both sides are measured as on a host by itself. The daemon sets its own
# priority as it starts.
measure_requests() {
	local i first=(chrt -f 20)
	[ "$(nproc)" -gt 1 ] || return 0
	"${first[@]}" true 2> /dev/null || first=()
	prepare 125
	printf '[client a]\nuser = root\nconnections = 1100\n' > "$work/policy"
	launch
	[ ${#first[@]} = 0 ] || chrt -f -a -p 20 "$daemon"
	"${first[@]}" taskset -c 0 "$programs/bench-echo" serve "$work/echo" &
	reference=$!
	taskset -a -p -c 0 "$daemon" > /dev/null
	until [ -S "$work/echo" ]
	do
		sleep 0.1
	done
	first+=(taskset -c 1)
	export HWBROKER_SOCKET=$work/socket
	for ((i = 0; i < rounds; i++))
	do
		"${first[@]}" "$programs/bench-echo" 20000 "$work/echo" | sed 's/^/sample ping_host reference /'
		"${first[@]}" "$programs/bench-crowd" 1 0 ping 20000 | sample ping_host
		"${first[@]}" "$programs/bench-crowd" 1000 0 ping 20000 | sample crowd_host
		"${first[@]}" "$programs/bench-crowd" 1 0 ping 20000 | sed 's/^/sample crowd_host reference /'
	done
	stop
	unset HWBROKER_SOCKET
}

# Ten ports each, which need neither device nor IOMMU; and nobody reaches them. Of a connection
# or of a whole list, whatever it is of.
measure_connections() {
	local n=$1 i begun tool=$build/hwbroker-ctl/hwbroker-ctl
	prepare 125
	printf '[client a]\nuser = root\nconnections = 1100\n[ports all]\nclient = a\nrange = 0x4000-0xbfff\n' > "$work/policy"
	export HWBROKER_SOCKET=$work/socket
	LD_PRELOAD=$programs/permit.so launch
	for ((i = 0; i < rounds; i++))
	do
		echo $(($(on_cpu "$programs/bench-crowd" "$n" 10p open) / n)) |
			growth "connection_of_ten_sessions,_whole_life" "$n"
	done
	"$programs/bench-crowd" "$n" 10p hold > "$work/ready" &
	begun=$!
	until grep -q ready "$work/ready"
	do
		sleep 0.1
	done
	growth "resident_KiB_with_connections_of_ten_sessions" "$n" \
		< <(awk '/^VmRSS/ { print $2 }' "/proc/$daemon/status")
	for ((i = 0; i < rounds; i++))
	do
		on_cpu "$tool" --socket "$work/socket" list sessions | growth "list_of_ten_sessions_of_each" "$n"
		on_cpu "$tool" --socket "$work/socket" list clients | growth "list_of_simulated_connections" "$n"
	done
	kill $begun
	wait $begun || true
	stop
	unset HWBROKER_SOCKET
}

measure_requests
for n in $device_counts
do
	measure_devices "$n"
done
for n in $rule_counts
do
	measure_rules "$n"
done
# Where there are ports at all.
if [ "$(uname -m)" = x86_64 ]
then
	for n in $connection_counts
	do
		measure_connections "$n"
	done
fi
