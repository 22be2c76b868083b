#!/bin/bash
# SPDX-License-Identifier: MIT
# test_serve.sh PROGRAM CTL: the broker of --serve as a test of clients. hwbroker-ctl is
# one that sends no fault, and the checks themselves are one that does.
set -u -o pipefail

program=$1
ctl=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# with_broker STATUS OPTION... -- COMMAND...: the broker must end with STATUS, and the
# command well. What they say is in $work/broker and $work/client.
with_broker() {
	local wanted=$1 options=() broker status tries=0
	shift
	while [ "$1" != -- ]
	do
		options+=("$1")
		shift
	done
	shift
	rm -f "$work/broker"
	"$program" --serve "$work/socket" "${options[@]}" > "$work/broker" &
	broker=$!
	until grep -q '^# serving' "$work/broker" 2> /dev/null
	do
		tries=$((tries + 1))
		[ "$tries" -lt 200 ] || return 1
		sleep 0.05
	done
	timeout 30 "$@" > "$work/client" 2>&1
	status=$?
	kill "$broker"
	wait "$broker"
	[ $? = "$wanted" ] && [ "$status" = 0 ]
}

# lists OPTION...: hwbroker-ctl has both devices, and sends no fault.
lists() {
	with_broker 0 "$@" -- "$ctl" --socket "$work/socket" genode-devices &&
		[ "$(grep -c '<device name="00:0[37].0"' "$work/client")" = 2 ]
}

refuses() {
	! with_broker 0 "$@" -- "$ctl" --socket "$work/socket" genode-devices &&
		! grep -q '</devices>' "$work/client"
}

# The client that sends every other opcode before HELLO.
reports() {
	with_broker 1 -- "$program" --socket "$work/socket" hello-first &&
		[ "$(grep -c '^not ok R-hello-first: ' "$work/broker")" -ge 30 ]
}

# check TEXT COMMAND...
check() {
	local text=$1
	shift
	"$@" && echo "ok $text" && return
	echo "not ok $text"
	cat "$work/broker" "$work/client"
	failed=1
}

check "a client that keeps the rules is served" lists
check "and so it is by a later broker" lists --future
check "it does not take records that are too short" refuses --break list-record-size
check "a client that breaks a rule is told of by its name" reports
[ $failed = 0 ]
