# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Suite `genode' of `run': the stand-in for Genode's core against the installed daemon,
# and what the daemon does when it is killed in the middle of something.

stand_in=/usr/libexec/hwbroker/hwb-stand-in

# Its lines are `ok NAME' and `not ok NAME: WHY'; the last one counts them.
run_genode() {
	local status good bad
	(as_driver "$stand_in" all) 2>&1 | tee "$output" |
		sed -u -E 's/^(not ok|ok) /\1 genode: /'
	status=${PIPESTATUS[0]}
	good=$(grep -c '^ok ' "$output")
	bad=$(grep -c '^not ok ' "$output")
	passed=$((passed + good))
	failed=$((failed + bad))
	check "genode: ended with a result, status $status" \
		eval "[ $((bad == 0)) = $((status == 0)) ] && grep -q '^$good checks held, $bad did not' $output"
}

# start_stand_in WORD...: in the background, until it says that it is at it.
start_stand_in() {
	: > "$output"
	(as_driver "$stand_in" "$@") > "$output" 2>&1 &
	child=$!
	within grep -q -E '^(running|waiting)' "$output" || cat "$output"
}

# All threads, and the components.
no_capability() {
	local process lines
	lines=$(for process in "$child" $(pgrep -P "$child")
	do
		cat /proc/"$process"/task/*/status
	done | grep -E '^Cap(Eff|Prm|Inh|Bnd|Amb):' | sort -u)
	echo "$lines"
	[ -n "$lines" ] && ! grep -q '[1-9a-f]' <<< "$(cut -f 2 <<< "$lines")"
}

killed() {
	local components
	components=$(pgrep -P "$child")
	kill -KILL "$child"
	wait "$child"
	within eval '! kill -0 '"$components"' 2> /dev/null'
}

# refuses STATUS TEXT COMMAND...: ends with STATUS and says TEXT.
refuses() {
	local status=$1 text=$2 got
	shift 2
	("$@") > "$output" 2>&1
	got=$?
	cat "$output"
	[ $got = "$status" ] && grep -qF -- "$text" "$output"
}

other_policy() {
	start_stand_in policy
	(cat "$here/policy/genode.conf" && echo '# another') > /etc/hwbroker/hwbroker.conf
	systemctl reload hwbrokerd
	wait "$child"
	cat "$output"
	grep -q '^ok policy' "$output"
}

# With a policy that gives no disk.
not_granted() {
	reload dma
	refuses 1 'not ok reset: an NVMe disk is there: the policy gives no device 1b36:0010' \
		as_driver "$stand_in" reset
}

clean_up_genode() {
	local run=0
	for run in 1 2
	do
		start_stand_in dma-forever
		check "genode: DMA is under way, time $run" grep -q '^running' "$output"
		check "genode: no thread or component has a capability" no_capability
		check "genode: killed in the middle of DMA, with its components" killed
		check "genode: then no session is left" within no_sessions
		check "genode: then no free device reaches memory" within no_bus_master
	done
	check "genode: the next one has the device at once" \
		refuses 0 'ok dma: unmapped at the end' as_driver "$stand_in" dma
	for run in 1 2
	do
		start_stand_in acquire-forever
		check "genode: a device is being acquired, time $run" grep -q '^running' "$output"
		check "genode: killed while it is acquired" killed
		check "genode: then no session is left" within no_sessions
	done
	check "genode: the next one acquires it at once" \
		refuses 0 'ok reset: it is free again' as_driver "$stand_in" reset
	check "genode: it is told of another policy" other_policy
	check "genode: a device that is not granted is a failure" not_granted
	check "genode: no such operation" refuses 2 'Usage' as_driver "$stand_in" no-such
	check "genode: who is no client is told so" \
		refuses 1 'not ok connect' runuser -u other -- "$stand_in" all
}
