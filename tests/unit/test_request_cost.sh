#!/bin/bash
# SPDX-License-Identifier: MIT
# test_request_cost.sh BUILD: what the smallest request costs the daemon, counted: three system
# calls, fewer of them for who sends the next before it has the answer, and no memory.
# shellcheck disable=SC2317 # what is given to check
set -u -o pipefail

build=$1
programs=$build/tests/benchmark
work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid"; rm -rf "$work"' EXIT
said=$work/counts
# shellcheck source=tests/unit/check.sh
. "$(dirname "$0")/check.sh"

# counts FEW MANY MODE: into a file, for each request more.
counts() {
	timeout 60 "$programs/bench-counts" "$pid" "$1" "$2" "$programs/bench-crowd" 1 0 "$3" % > "$work/counts"
}

# at_most NAME NUMBER: as often for each request.
at_most() {
	awk -v name="$1" -v most="$2" '$1 == name && $2 > most { bad = 1 } END { exit bad }' "$work/counts"
}

no_other() {
	grep -q '^send ' "$work/counts" && ! grep -qvE '^(epoll_wait|recvmsg|send|calls|allocation) ' "$work/counts"
}

printf '[client a]\nuser = %s\n' "$(id -un)" > "$work/policy"
chmod 644 "$work/policy"
export HWBROKER_ALLOCATIONS=$work/allocations HWBROKER_SOCKET=$work/socket
LD_PRELOAD=$programs/allocations.so "$build/hwbrokerd/hwbrokerd" --policy "$work/policy" \
	--socket "$work/socket" --state "$work/state" 2> "$work/said" &
pid=$!
for ((i = 0; i < 300; i++))
do
	[ -S "$work/socket" ] && break
	sleep 0.1
done
if ! counts 10 20 ping 2> "$work/error"
then
	cat "$work/error"
	grep -q '^ptrace' "$work/error" && echo "no process may be traced here" && exit 77
	exit 1
fi

# Each of them has one in ten more, by which the program warms up. Now and then the daemon looks
# whether the client sends in a row, and a slow one does.
counts 100 1100 ping
check "one at a time: one packet read, one sent, one look for who has sent some" eval \
	'at_most calls 3.7 && at_most send 1.15 && at_most epoll_wait 1.15'
check "one at a time: no other system call" no_other
check "one at a time: no memory" at_most allocation 0.005
counts 800 8800 row
# The last of a row may be followed by a look that finds nothing.
check "in a row: one packet read, one sent" eval 'at_most recvmsg 1.6 && at_most send 1.01'
check "in a row: one look for several" at_most epoll_wait 0.6
check "in a row: no other system call" no_other
check "in a row: no memory" at_most allocation 0.005
exit $failed
