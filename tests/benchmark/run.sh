#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs in the virtual PC, as root, for `tests/bench': each figure of ours beside
# its reference, in turns so that drift hits both, medians of all rounds.
set -u
# shellcheck source=tests/machine/guest/control.sh
. /usr/lib/hwbroker-control.sh

here=/usr/libexec/hwbroker/tests
stand_in=/usr/libexec/hwbroker/hwb-stand-in
rounds=21
results=/tmp/results
: > $results

as_user() {
	setpriv --reuid=driver --regid=driver --clear-groups --inh-caps=-all \
		--bounding-set=-all --no-new-privs "$@"
}

# median of the lines of standard input; spread: half of what the middle half spans
summary() {
	sort -g | awk '{ v[NR] = $1 } END {
		printf "%.1f %.1f", v[int((NR + 1) / 2)], (v[int((3 * NR + 3) / 4)] - v[int((NR + 3) / 4)]) / 2 }'
}

# compare NAME GOAL UNIT OURS -- REFERENCE: two shell commands, each prints a number
compare() {
	local name=$1 goal=$2 ours=$3 reference=$4 i
	echo "measuring: $name" >&2
	: > /tmp/ours
	: > /tmp/reference
	for ((i = 0; i < rounds; i++))
	do
		$ours >> /tmp/ours || return
		$reference >> /tmp/reference || return
	done
	echo "$name|$goal|$(summary < /tmp/ours)|$(summary < /tmp/reference)" >> $results
}

# The client on processor 0, who answers on processor 1, on both sides: where the
# scheduler puts two processes moves these figures more than anything measured.
#
# The smallest request is measured twice: each side a service of its own, as the
# broker is used, and each side in the control group of its client. The kernel
# accounts a packet's memory to the group that sent it, which makes a packet
# between two groups dearer for the broker and for the bare echo alike.
ping_ours() { as_user taskset -c 0 $here/bench-ours ping 4000; }
ping_reference() { as_user taskset -c 0 $here/bench-echo 4000 /run/echo.sock; }
near_ours() { HWBROKER_SOCKET=/run/near.sock ping_ours; }
near_reference() { as_user taskset -c 0 $here/bench-echo 4000 /run/near-echo.sock; }
registers_ours() { as_user taskset -c 0 $here/bench-ours registers 100000; }
registers_reference() { taskset -c 0 $here/bench-vfio registers 100000 /dev/vfio/"$group" 0000:00:03.0; }
interrupts_ours() { as_user taskset -c 0 $here/bench-ours interrupts 2000; }
interrupts_reference() { taskset -c 0 $here/bench-vfio interrupts 2000 /dev/vfio/"$group" 0000:00:03.0; }
# Requests of the stand-in for Genode's core, which has no C library, and the same of the
# library over POSIX: `core KIND COUNT' and `posix KIND COUNT'.
core() { as_user taskset -c 0 $stand_in bench "$@"; }
posix() { as_user taskset -c 0 $here/bench-ours "$@"; }
start_ours() { $here/bench-start /usr/sbin/hwbrokerd --socket /run/bench.sock 2> /dev/null; }
start_reference() { $here/bench-start $here/bench-start --empty; }

cp $here/demo.conf /etc/hwbroker/hwbroker.conf
chmod 644 /etc/hwbroker/hwbroker.conf
systemd-sysusers
systemctl daemon-reload
udevadm settle
modprobe vfio-pci
compare "start to ready" "+50 ms" start_ours start_reference
systemctl start hwbrokerd
systemd-run --quiet --unit=bench-echo $here/bench-echo serve /run/echo.sock
/usr/sbin/hwbrokerd --socket /run/near.sock 2> /dev/null &
$here/bench-echo serve /run/near-echo.sock &
sleep 1
for pid in $(pidof hwbrokerd bench-echo)
do
	taskset -apc 1 "$pid" > /dev/null
done
chmod 666 /run/near.sock /run/echo.sock /run/near-echo.sock
broker=$(systemctl show --property=MainPID --value hwbrokerd)
resident=$(awk '/^VmRSS/ { print $2 }' "/proc/$broker/status")
group=$(basename "$(readlink /sys/bus/pci/devices/0000:00:03.0/iommu_group)")
as_user $here/bench-ours registers 10 > /dev/null # the device is with vfio-pci from here on
compare "smallest request" 1.15 ping_ours ping_reference
compare " in one control group" 1.15 near_ours near_reference
kill %1 %2
compare "register read" 1.02 registers_ours registers_reference
compare "interrupt to eventfd" 1.05 interrupts_ours interrupts_reference

compare "core: ping" 1.10 "core ping 2000" "posix ping 2000"
compare "core: IO_MEM" 1.10 "core io-mem 300" "posix io-mem 300"
compare "core: IRQ" 1.10 "core irq-open 300" "posix irq-open 300"
compare "core: acknowledge" 1.10 "core irq-ack 1000" "posix irq-ack 1000"
compare "core: DMA map, unmap" 1.10 "core dma 300" "posix dma 300"

# How often the broker's threads were switched to.
switches() {
	awk '/ctxt_switches/ { n += $2 } END { print n }' "/proc/$broker"/task/*/status
}

# While core's thread turns 2000 interrupts into signals.
count_wakeups() {
	local before line
	coproc CORE { as_user $stand_in bench interrupts 2000; }
	read -r line <&"${CORE[0]}" && [ "$line" = ready ] || return
	before=$(switches)
	echo >&"${CORE[1]}"
	read -r line <&"${CORE[0]}" && [ "$line" = "done" ] || return
	echo $(($(switches) - before))
	echo >&"${CORE[1]}"
	wait
}
wakeups=$(count_wakeups)

awk -F'[| ]' -v kernel="$(uname -r)" -v resident="$resident" -v rounds=$rounds -v wakeups="$wakeups" '
function row(name, goal, a, da, b, db, value, held) {
	printf "%-22s %12s +-%8s %12s +-%8s %10s %8s %s\n", name, a, da, b, db, value, goal, held }
BEGIN { FS = "|"
	printf "Nanoseconds, medians of %d rounds, kernel %s, virtual PC under software emulation\n", rounds, kernel
	printf "%-22s %12s   %8s %12s   %8s %10s %8s\n", "WHAT", "OURS", "SPREAD", "REFERENCE", "SPREAD", "RATIO", "GOAL" }
{ split($3, a, " "); split($4, b, " ")
	if ($2 ~ /ms/) { d = (a[1] - b[1]) / 1e6; row($1, $2, a[1], a[2], b[1], b[2], sprintf("%+.1f ms", d), d <= 50 ? "held" : "missed") }
	else { r = a[1] / b[1]; row($1, $2, a[1], a[2], b[1], b[2], sprintf("%.3f", r), r <= $2 ? "held" : "missed") } }
END { printf "%-22s %12s KiB %38s %10s %8s %s\n", "resident, idle", resident, "", "", "3072", resident <= 3072 ? "held" : "missed"
	printf "%-34s %12s %36s %8s %s\n", "broker wake-ups, 2000 interrupts", wakeups, "", "0", wakeups == "0" ? "held" : "missed" }
' $results

awk -F'|' -v kernel="$(uname -r)" -v resident="$resident" -v rounds=$rounds -v wakeups="${wakeups:-null}" '
BEGIN { printf "{\n  \"kernel\": \"%s\", \"emulated\": true, \"rounds\": %d,\n  \"resident_kib\": %d,\n  \"wakeups_2000_interrupts\": %s,\n  \"figures\": [", kernel, rounds, resident, wakeups }
{ split($3, a, " "); split($4, b, " ")
	printf "%s\n    { \"name\": \"%s\", \"goal\": \"%s\", \"ours_ns\": %s, \"ours_spread_ns\": %s, \"reference_ns\": %s, \"reference_spread_ns\": %s }", (NR > 1 ? "," : ""), $1, $2, a[1], a[2], b[1], b[2] }
END { printf "\n  ]\n}\n" }' $results > /tmp/bench.json
send_file bench.json /tmp/bench.json
