#!/bin/bash
# SPDX-License-Identifier: MIT
# selftest.sh PROGRAM: whether the conformance kit can fail. Its own broker keeps every
# rule, and then breaks each of them in turn: that rule must be reported, and no other.
set -u -o pipefail

program=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# No broker in one process can break these, or not without breaking another.
unbroken='socket one-packet reply-handle deaf-alone order-device held-former order-domain judged-at-arrival
freed-when-replied pipelining end-undoes close-region no-client assign-resets
admin-status admin-devices admin-clients admin-sessions given given-name given-not-found groups rules
audit explain explain-unused explain-not-found monitor metrics'

# What these break is needed by other checks: only the rule itself is run.
alone='ping acquire-handle list-pages port-open domain-open close-at-once handle-not-zero end-closes
all-or-nothing line-list irq-unmask assign-reaches handshake-time deaf-dropped hello-client flow-room
region-mmap irq-fds-order deassign-keeps alloc-closed-fd'

is_in() {
	[[ " $(echo "$2" | tr '\n' ' ') " == *" $1 "* ]]
}

# reported NAME BROKEN ARGUMENT...: the rules that do not hold, in a line.
reported() {
	local name=$1 broken=$2 broker tries=0
	shift 2
	"$program" --serve "$work/$name.socket" ${broken:+--break "$broken"} > "$work/$name.broker" &
	broker=$!
	until grep -q '^# serving' "$work/$name.broker" 2> /dev/null
	do
		tries=$((tries + 1))
		[ $tries -lt 200 ] || return 2
		sleep 0.05
	done
	timeout 60 "$program" --socket "$work/$name.socket" --config-write 3c --rule edu "$@" > "$work/$name.log" 2>&1
	echo $? > "$work/$name.status"
	kill $broker
	wait $broker
	sed -n 's/^not ok R-\([a-z0-9-]*\):.*/\1/p' "$work/$name.log" | paste -sd ' '
}

# One rule: its line is `ok NAME' or `not ok NAME: WHY'.
try() {
	local rule=$1 arguments=(--quick) got
	! is_in "$rule" "$alone" || arguments=("$rule")
	got=$(reported "$rule" "$rule" "${arguments[@]}")
	if [ "$got" = "$rule" ] && [ "$(cat "$work/$rule.status")" = 1 ]
	then
		echo "ok $rule: is reported, and no other"
	else
		echo "not ok $rule: reported are: ${got:-none}; $(tail -n 1 "$work/$rule.log")"
	fi
}

export program work alone
export -f is_in reported try

got=$(reported none '')
if [ -z "$got" ] && [ "$(cat "$work/none.status")" = 0 ] && grep -q '^ok R-ping:' "$work/none.log"
then
	echo "ok none: a broker that keeps all rules passes"
else
	echo "not ok none: reported are: $got"
	tail -n 5 "$work/none.log"
fi
"$program" --list | sed 's/^R-\([^:]*\):.*/\1/' |
	while read -r rule
	do
		is_in "$rule" "$unbroken" || echo "$rule"
	done | xargs -P 24 -I RULE bash -c 'try RULE' > "$work/results"
sort "$work/results"
! grep -q '^not ok' "$work/results" && grep -q '^ok' "$work/results" && [ -z "$got" ]
