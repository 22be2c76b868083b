# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Sourced by guest.sh: for each row of the virtual PC's, functions ours_NAME and
# reference_NAME, each of which prints one number or more: nanoseconds an operation, or the
# row's unit.
#
# The client has processor 0, who answers has processor 1, on both sides: where the scheduler
# puts two processes moves these figures more than anything measured.

here=/usr/libexec/hwbroker/tests
stand_in=/usr/libexec/hwbroker/hwb-stand-in
edu=0000:00:03.0
network=0000:00:05.0

# as USER COMMAND...
as() {
	setpriv --reuid="$1" --regid="$1" --clear-groups --inh-caps=-all \
		--bounding-set=-all --no-new-privs "${@:2}"
}
driver() { as driver taskset -c 0 "$@"; }
ours() { driver $here/bench-ours "$@"; }

group_of() { basename "$(readlink "/sys/bus/pci/devices/$1/iommu_group")"; }
# by_hand ADDRESS WHAT COUNT [BYTES]: as root
by_hand() {
	taskset -c 0 $here/bench-vfio "$2" "$3" "/dev/vfio/$(group_of "$1")" "$1" "${@:4}"
}

# times N: less of it, when the run is a short one
times() { echo $(($1 / scale > 1 ? $1 / scale : 2)); }

ours_registers() { ours registers "$(times 100000)"; }
reference_registers() { by_hand $edu registers "$(times 100000)"; }
ours_msi() { ours msi "$(times 2000)"; }
reference_msi() { by_hand $edu msi "$(times 2000)"; }
ours_intx() { ours intx "$(times 1000)"; }
reference_intx() { by_hand $edu intx "$(times 1000)"; }

# The launcher gives ports to an ordinary user, who has no other privilege before either.
ours_port_native() {
	setpriv --reuid=driver --regid=driver --clear-groups taskset -c 0 \
		hwbroker-ctl run --as driver -- $here/bench-ports native "$(times 200000)"
}
reference_port_native() { taskset -c 0 $here/bench-ports ioperm "$(times 200000)"; }
ours_port_batch() { driver $here/bench-ports batch "$(times 64000)"; }
reference_port_batch() { taskset -c 0 $here/bench-ports node "$(times 64000)"; }

ours_acquire_plain() { ours acquire-msi "$(times 20)"; }
reference_acquire_plain() { by_hand $edu acquire-msi "$(times 20)"; }
ours_acquire_whole() { ours acquire-msix 4; }
reference_acquire_whole() { by_hand $network acquire-msix 4; }

ours_dma_4k() { ours dma "$(times 200)" $((4 << 10)); }
reference_dma_4k() { by_hand $edu dma "$(times 200)" $((4 << 10)); }
ours_dma_64k() { ours dma "$(times 100)" $((64 << 10)); }
reference_dma_64k() { by_hand $edu dma "$(times 100)" $((64 << 10)); }
ours_dma_2m() { ours dma "$(times 100)" $((2 << 20)); }
reference_dma_2m() { by_hand $edu dma "$(times 100)" $((2 << 20)); }
ours_dma_64m() { ours dma 4 $((64 << 20)); }
reference_dma_64m() { by_hand $edu dma 4 $((64 << 20)); }
ours_dma_1g() { ours dma 1 $((1 << 30)); }
reference_dma_1g() { by_hand $edu dma 1 $((1 << 30)); }

# The smallest request is measured twice: each side a service of its own, as the broker is
# used, and each side in the control group of its client. The kernel accounts a packet's
# memory to the group that sent it, which makes a packet between two groups dearer for the
# broker and for the bare echo alike.
ours_ping() { ours ping "$(times 4000)"; }
reference_ping() { driver $here/bench-echo "$(times 4000)" /run/echo.sock; }
ours_ping_near() { HWBROKER_SOCKET=/run/near.sock ours ping "$(times 4000)"; }
reference_ping_near() { driver $here/bench-echo "$(times 4000)" /run/near-echo.sock; }

# One that opens, and one that closes, on both sides.
ours_descriptor() { ours io-mem "$(times 300)"; }
reference_descriptor() { driver $here/bench-seat "$(times 300)" /dev/input/event0; }

# In place of this shell: $! is the program.
load() {
	exec setpriv --reuid=other --regid=other --clear-groups --inh-caps=-all \
		--bounding-set=-all --no-new-privs taskset -c 0 $here/bench-load "$1"
}
# Who asks for little comes first on its processor, which it shares with who asks for much.
latency() {
	(
		chrt -f -p 1 $BASHPID
		exec setpriv --reuid=driver --regid=driver --clear-groups --inh-caps=-all \
			--bounding-set=-all --no-new-privs taskset -c 0 \
			$here/bench-latency "$(times 3000)"
	) | cut -d ' ' -f 2
}
ours_isolation() {
	local loads
	load map &
	loads=$!
	load take &
	loads="$loads $!"
	sleep 0.5
	latency
	# shellcheck disable=SC2086
	kill $loads && wait $loads 2> /dev/null
	wait_rest
}
reference_isolation() { latency; }

ours_crowd() { driver $here/bench-crowd 1000 0 ping "$(times 2000)"; }
reference_crowd() { driver $here/bench-crowd 1 0 ping "$(times 2000)"; }

# longest CONNECTIONS: the longest that one of them waits while the broker is restarted.
longest() {
	local line
	coproc CROWD { driver $here/bench-crowd "$1" 1 longest; }
	read -r line <&"${CROWD[0]}" && [ "$line" = ready ] || return
	sleep 1
	systemctl restart hwbrokerd
	sleep 0.5
	kill -TERM "$(pidof bench-crowd)"
	read -r line <&"${CROWD[0]}"
	wait "$CROWD_PID" 2> /dev/null
	echo "$line"
	pin_broker
}
ours_restart() { longest 100; }
reference_restart() { longest 1; }

# Requests of the stand-in for Genode's core, which has no C library, and the same of the
# library over POSIX.
core() { driver $stand_in bench "$@"; }
ours_core_ping() { core ping "$(times 2000)"; }
reference_core_ping() { ours ping "$(times 2000)"; }
ours_core_io_mem() { core io-mem "$(times 300)"; }
reference_core_io_mem() { ours io-mem "$(times 300)"; }
ours_core_irq_open() { core irq-open "$(times 300)"; }
reference_core_irq_open() { ours irq-open "$(times 300)"; }
ours_core_irq_ack() { core irq-ack "$(times 1000)"; }
reference_core_irq_ack() { ours irq-ack "$(times 1000)"; }
ours_core_dma() { core dma "$(times 300)"; }
reference_core_dma() { ours map-unmap "$(times 300)"; }

ours_start() { $here/bench-start /usr/sbin/hwbrokerd --socket /run/bench.sock --state /run/bench.state 2> /dev/null; }
reference_start() { $here/bench-start $here/bench-start --empty; }

resident() { awk '/^VmRSS/ { print $2 }' "/proc/$broker/status"; }
ours_resident() { resident; }

# Of a thousand.
ours_connection() {
	local line before=
	before=$(resident)
	coproc CROWD { driver $here/bench-crowd 1000 0 hold; }
	read -r line <&"${CROWD[0]}" && [ "$line" = ready ] || return
	resident | awk -v before="$before" '{ print ($1 - before) / 1000 }'
	kill -TERM "$(pidof bench-crowd)"
	wait "$CROWD_PID" 2> /dev/null
}

# How often the broker's threads were switched to while core's thread turns 2000 interrupts
# into signals. What it has to do for a device that was just given, such as telling the service
# manager of its descriptors, is done by then.
switches() {
	awk '/ctxt_switches/ { n += $2 } END { print n }' "/proc/$broker"/task/*/status
}
ours_wakeups() {
	local before line
	coproc CORE { driver $stand_in bench interrupts 2000; }
	read -r line <&"${CORE[0]}" && [ "$line" = ready ] || return
	sleep 1
	before=$(switches)
	echo >&"${CORE[1]}"
	read -r line <&"${CORE[0]}" && [ "$line" = "done" ] || return
	echo $(($(switches) - before))
	echo >&"${CORE[1]}"
	wait "$CORE_PID" 2> /dev/null
}
