#!/bin/bash
# SPDX-License-Identifier: MIT
# bench [--counted] [--short] [ROW...]: runs in the virtual PC, as root, for `tests/bench'. Measures each
# row of `rows', ours and its reference in turns so that drift hits both, round by round so that
# each row has its rounds over the whole time, and sends samples.txt: a line `sample ROW
# ours|reference VALUE' for each. What they amount to, report.py says on the host. ROW `growth'
# is what grows with connections. Rounds are begun for seven minutes, on a slow machine fewer.
set -u
# shellcheck source=tests/machine/guest/control.sh
. /usr/lib/hwbroker-control.sh

scale=1
rounds=7
enough=420 # seconds since the start, after which no round is begun
all=720    # and nothing that grows
clock=emulation
part='^# on the host'
if [ "${1-}" = --counted ]
then
	rounds=3
	clock=instructions
	part='^# in a PC whose processors'
	shift
fi
if [ "${1-}" = --short ]
then
	scale=50
	rounds=1
	shift
fi
wanted=" $* "
samples=/tmp/samples.txt
# shellcheck source=tests/benchmark/measures.sh
. /usr/libexec/hwbroker/tests/measures.sh

pin_broker() {
	broker=$(systemctl show --property=MainPID --value hwbrokerd)
	[ "$broker" = 0 ] || taskset -apc 1 "$broker" > /dev/null
}

at_rest() {
	[ "$(hwbroker-ctl list sessions --json | tr -d ' \n')" = '[]' ] &&
		hwbroker-ctl status --json | tr -d ' ' | grep -q '"dma_bytes":0,*$' &&
		! hwbroker-ctl list devices | grep -q ' revoking '
}

# What a client left is put away within 30 seconds.
wait_rest() {
	local tries=300
	until at_rest
	do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.1
	done
}

# For what was before to be done with, by the broker and by the journal: where time is counted a
# rest takes none.
rest() {
	[ $clock = emulation ] || sleep 2
}

# shellcheck disable=SC2059,SC2086
# A number or more of one side; once more if an interrupt was lost, as QEMU does, or the broker still
# brought to rest what the other side had.
side() { # SIDE ROW
	local value
	rest
	value=$("$1_$2") || { wait_rest && value=$("$1_$2"); } || {
		echo "no figure of $1 for $2: $value" >&2
		return
	}
	printf "sample $2 $1 %s\n" $value >> $samples
}

wants() { # ROW
	[[ $wanted = "  " || $wanted = *" $1 "* ]]
}

# Whether it is the turn of one that is measured in few rounds.
has_turn() { # ROW ROUND
	case $1 in
	isolation | dma_1g | restart | connection) [ $(($2 % 3)) = 0 ] ;;
	resident | wakeups | start) [ "$2" = 0 ] ;;
	esac
}

# Who is first, changes: drift in one direction hits both alike.
measure() { # ROW ROUND
	local row=$1
	pin_broker # who is another one after a restart
	echo "measuring: $row, round $(($2 + 1))" >&2
	if [ "$(type -t "reference_$row")" != function ]
	then
		side ours "$row"
	elif [ $(($2 % 2)) = 0 ]
	then
		side ours "$row"
		side reference "$row"
	else
		side reference "$row"
		side ours "$row"
	fi
}

# growth FIGURE NUMBER: lines of numbers.
growth() {
	sed "s/^/growth $1 $2 /" >> $samples
}

# on_cpu COMMAND...: nanoseconds that the broker's loop worked for it.
on_cpu() {
	local before
	before=$(awk '{ print $1 }' "/proc/$broker/schedstat")
	"$@" > /dev/null 2>&1
	awk -v before="$before" '{ print $1 - before }' "/proc/$broker/schedstat"
}

# What so many mappings make of one more.
grow_mappings() { # MAPPINGS
	local i
	echo "measuring: one of $1 mappings" >&2
	for ((i = 0; i < (rounds + 9) / 10; i++))
	do
		ours among 100 "$1" | growth map_and_unmap_below "$1"
	done
}

# What so many connections of ten sessions each make of everything.
grow() { # CONNECTIONS
	local n=$1 i line
	echo "measuring: $n connections of 10 sessions" >&2
	for ((i = 0; i < (rounds + 9) / 10; i++))
	do
		rest
		driver $here/bench-crowd "$n" 10 open > /tmp/crowd || return
		sed -n 1p /tmp/crowd | growth connect,_each "$n"
		sed -n 2p /tmp/crowd | growth open_a_session,_each "$n"
		sed -n 3p /tmp/crowd | growth close_a_connection,_each "$n"
		driver $here/bench-crowd "$n" 10 ping 500 | growth smallest_request_among "$n"
	done
	coproc CROWD { driver $here/bench-crowd "$n" 10 hold; }
	read -r line <&"${CROWD[0]}"
	resident | growth resident_KiB_with "$n"
	for ((i = 0; i < (rounds + 9) / 10; i++))
	do
		rest
		on_cpu hwbroker-ctl list clients | growth list_of_connections "$n"
		on_cpu hwbroker-ctl list sessions | growth list_of_sessions "$n"
		on_cpu hwbroker-ctl reload | growth reload_with_connections "$n"
	done
	kill -TERM "$(pidof bench-crowd)"
	wait "$CROWD_PID" 2> /dev/null
}

# Sockets that others answer at.
start_others() {
	local socket
	systemd-run --quiet --unit=bench-echo $here/bench-echo serve /run/echo.sock
	$here/bench-echo serve /run/near-echo.sock &
	/usr/sbin/hwbrokerd --socket /run/near.sock --state /run/near.state 2> /dev/null &
	[ ! -x $here/bench-seat ] || {
		modprobe evdev
		systemd-run --quiet --unit=bench-seatd --setenv=SEATD_VTBOUND=0 seatd -u driver
	}
	for socket in /run/echo.sock /run/near-echo.sock /run/near.sock
	do
		until [ -S $socket ]
		do
			sleep 0.1
		done
		chmod 666 $socket
	done
	sleep 1
	for pid in $(pidof hwbrokerd bench-echo seatd)
	do
		taskset -apc 1 "$pid" > /dev/null
	done
}

# From its host driver to vfio-pci, where the broker leaves it, too.
to_vfio() {
	local device=/sys/bus/pci/devices/$1
	echo vfio-pci > "$device/driver_override"
	[ ! -e "$device/driver" ] || echo "$1" > "$device/driver/unbind"
	echo "$1" > /sys/bus/pci/drivers_probe
	echo > "$device/driver_override"
}

: > $samples
install -m 644 $here/bench.conf /etc/hwbroker/hwbroker.conf
systemd-sysusers
systemctl daemon-reload
udevadm settle
modprobe vfio-pci
# What the package's installation does.
$here/ports-probe setcap /usr/libexec/hwbroker/hwbroker-ports
# For 1 GiB, and some. What a virtual PC's host does at the first touch of memory is not measured:
# each side allocates once before.
! wants dma_1g || echo 576 > /proc/sys/vm/nr_hugepages
for address in $edu $network 0000:00:04.0 0000:00:06.0
do
	to_vfio "$address"
done
if wants start
then
	for ((round = 0; round < rounds; round++))
	do
		measure start $round
	done
fi
systemctl start hwbrokerd
! wants resident || measure resident 0
start_others
{
	echo "fact kernel $(uname -r)"
	echo "fact processors $(nproc)"
	echo "fact clock $clock"
	echo "fact huge_pages $(cat /proc/sys/vm/nr_hugepages)"
} >> $samples
sed -n -e "/$part/q" -e 's/^\([a-z_0-9]*\) |.*/\1/p' $here/rows > /tmp/rows
for ((round = 0; round < rounds && (round == 0 || SECONDS < enough); round++))
do
	while read -r row <&3
	do
		case $row in
		start | resident) continue ;;
		esac
		wants "$row" && has_turn "$row" $round && measure "$row" $round < /dev/null
	done 3< /tmp/rows
	# In case that the rest takes too long.
	send_file samples.txt $samples
done
echo "fact rounds $round" >> $samples
if wants growth
then
	for n in 1000 2000 4000 8000
	do
		[ $SECONDS -gt $all ] || grow_mappings $n
	done
	for n in 125 250 500 1000
	do
		[ $SECONDS -gt $all ] || grow $n
	done
fi
# shellcheck disable=SC2046
kill $(jobs -p) 2> /dev/null
systemctl stop bench-echo bench-seatd
send_file samples.txt $samples
