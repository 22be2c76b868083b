#!/bin/bash
# SPDX-License-Identifier: MIT
# test_ctl_output.sh HWBROKERD CTL: where the tool's output goes, or cannot go, and that all that
# it prints is there for programs, too; of a daemon that serves whoever runs this.
set -u -o pipefail

daemon=$1
ctl=$2
work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid"; rm -rf "$work"' EXIT
said=$work/said
# shellcheck source=tests/unit/check.sh
. "$(dirname "$0")/check.sh"

asks() {
	timeout 30 "$ctl" --socket "$work/socket" "$@"
}

# What is not written is no success.
full() {
	asks "$@" > /dev/full 2> "$work/said"
	[ $? = 1 ] && grep -q 'cannot write the output: No space left' "$work/said"
}

closed() {
	asks "$@" >&- 2> "$work/said"
	[ $? = 1 ] && grep -q 'cannot write the output: Bad file' "$work/said"
}

# Nothing that is opened becomes 0, 1 or 2: the broker would read what is printed.
all_closed() {
	asks "$@" <&- >&- 2>&-
	[ $? = 1 ] && [ "$(asks list clients | wc -l)" = 2 ]
}

is_json() {
	asks --json "$@" > "$work/said" 2>&1
	case $? in 0 | 1) ;; *) return 1 ;; esac
	python3 -c 'import json, sys; json.load(sys.stdin)' < "$work/said"
}

# says STATUS TEXT WORD...
says() {
	local status=$1 text=$2
	shift 2
	asks "$@" > "$work/said" 2>&1
	[ $? = "$status" ] && grep -qF -- "$text" "$work/said"
}

# Two lines, each a whole.
live() {
	(timeout 10 "$ctl" --socket "$work/socket" --json top | head -2) > "$work/said" 2>&1
	[ "$(wc -l < "$work/said")" = 2 ] && python3 -c '
import json, sys
first, second = (json.loads(line) for line in sys.stdin)
assert first["status"]["requests_per_s"] is None
assert second["status"]["requests_per_s"] > 0
assert second["clients"][0]["requests_per_s"] > 0' < "$work/said"
}

# The daemon.
starts() {
	local tries=0
	"$daemon" --policy "$work/policy" --socket "$work/socket" --state "$work/state" &
	pid=$!
	until [ -S "$work/socket" ]
	do
		tries=$((tries + 1))
		[ $tries -lt 300 ] && kill -0 "$pid" || return 1
		sleep 0.05
	done
}

# The log has nowhere to go, and goes nowhere.
starts_with_nothing() {
	starts <&- >&- 2>&-
	local fd
	for fd in 0 1 2
	do
		[ "$(readlink "/proc/$pid/fd/$fd")" = /dev/null ] || return 1
	done
	kill -HUP "$pid"
	says 0 'Connections:' status
}

printf '[broker]\nquery_group = %s\nchange_group = %s\n[client a]\nuser = %s\n[ports p]\nclient = a\nrange = 0x61\n' \
	"$(id -gn)" "$(id -gn)" "$(id -un)" > "$work/policy"
check "a daemon starts without 0, 1 and 2" starts_with_nothing
kill "$pid"
wait "$pid"
starts 2> "$work/log" || exit 1
for command in "list devices" status metrics graph "graph --svg" diff "check $work/policy" "top --once" \
	"generate-policy --ports 0x61 --client a" genode-devices reload --help --version \
	"--json list clients" "--json metrics"
do
	# shellcheck disable=SC2086 # words
	check "to a full disk: $command" full $command
done
for command in "list clients" status "--json list sessions"
do
	# shellcheck disable=SC2086
	check "to nobody: $command" closed $command
	# shellcheck disable=SC2086
	check "with nothing open: $command" all_closed $command
done
for command in "list devices" "list clients" "list sessions" "list groups" status metrics graph audit diff \
	"check $work/policy" "top --once" "generate-policy --ports 0x61 --client a" reload "explain a 0x61"
do
	# shellcheck disable=SC2086
	check "for programs: $command" is_json $command
done
check "for programs: top, live" live
# Many pages of each kind of rule, one behind the other.
for ((i = 0; i < 300; i++))
do
	printf '[client c%d]\nuser = %d\n[ports p%d]\nclient = c%d\nrange = 0x%x\n' $i $((20000 + i)) $i $i $((0x2000 + 4 * i))
	printf '[memory m%d]\nclient = c%d\nrange = 0x%x-0x%x\n' $i $i $((0xe0000000 + 4096 * i)) $((0xe0000fff + 4096 * i))
done > "$work/more"
mkdir -m 755 "$work/policy.d"
install -m 644 "$work/more" "$work/policy.d/more.conf"
check "a large policy" says 0 'rules are in force' reload
check "diff of a large policy" says 0 'nothing changes hands' diff
rm "$work/policy.d/more.conf"
check "and of one without it" says 0 '- c299 loses memory 0xe012b000-0xe012bfff' diff

# Nobody reads, and nothing happens that would have it notice.
unread() {
	timeout 10 "$ctl" --socket "$work/socket" monitor | (exec < /dev/null; sleep 0.5)
	[ "${PIPESTATUS[0]}" = 0 ]
}
check "monitor ends with who reads it" unread

# It is told once, and by no reason that is none.
unwritten() {
	(sleep 0.5; "$ctl" --socket "$work/socket" reload > /dev/null) &
	asks monitor > /dev/full 2> "$work/said"
	[ $? = 1 ] && [ "$(cat "$work/said")" = "hwbroker-ctl: cannot write the output" ]
}
check "monitor ends where it cannot write" unwritten

# It is there, and says nothing: whoever waits is told.
silence() {
	kill -STOP "$pid"
	(sleep 7; kill -CONT "$pid") &
	says 0 'waiting for the broker, which does not answer' list clients
}
check "a broker that does not answer" silence
# The daemon ends while it is asked again and again.
ends_with_it() {
	timeout 30 "$ctl" --socket "$work/socket" --json top > "$work/top" 2> "$work/said" &
	local asking=$! tries=0
	until [ -s "$work/top" ]
	do
		tries=$((tries + 1))
		[ $tries -lt 300 ] || return 1
		sleep 0.05
	done
	kill "$pid"
	wait "$pid"
	wait $asking
	[ $? = 3 ] && grep -q '^hwbroker-ctl: the broker has hung up$' "$work/said"
	local status=$?
	starts 2> "$work/log" && return $status
}
check "top ends with the daemon, and says so" ends_with_it
check "an option that is misspelt" says 2 "did you mean \`--json'?" --jsno status
check "explain of a user whose name is empty" says 2 "no user \`'" explain user: 0x61
check "explain of a user's number that wraps around" says 2 "no user \`4294967296'" explain user:4294967296 0x61
check "explain of a line by its name" says 1 'no' explain a irq:keyboard
check "explain of a line that no device has" says 2 'joins the two interrupt controllers' explain a irq:2
check "explain of a name that is near one" says 2 "did you mean \`keyboard'" explain a irq:keybord
check "a policy is not generated with ports that are named twice" says 2 'named twice' \
	generate-policy --client a --ports 0x60-0x64,0x60
check "nor with memory" says 2 'named twice' generate-policy --client a --memory 0xfed00000-0xfed003ff,0xfed00000
check "nor with lines" says 2 'named twice' generate-policy --client a --interrupt 1,keyboard
check "nor with what is more than a line" says 2 'a line of the policy has room' \
	generate-policy --client a --memory "$(printf '0xfed%d000-0xfed%d3ff,' {10..20}{,} | sed 's/,$//')"
fits() {
	asks generate-policy --client a --user root --ports "$(seq -f '0x%.0f' -s , 1000 1015)" > "$work/generated"
	local status=$?
	chmod 644 "$work/generated"
	cp "$work/generated" "$work/said"
	[ $status = 0 ] && says 0 'no mistake' check "$work/generated"
}
check "one with as many ports as it takes is taken" fits
check "an object that there is not" says 2 "it has: devices, clients, sessions, groups" list everything
[ $failed = 0 ]
