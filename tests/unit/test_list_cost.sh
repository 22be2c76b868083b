#!/bin/bash
# SPDX-License-Identifier: MIT
# test_list_cost.sh BUILD SOURCE: what a list of devices costs the daemon, counted: four system calls
# a page of nine, and none for a device. The devices are made up (tests/benchmark/many.py).
# shellcheck disable=SC2317 # what is given to check
set -u -o pipefail

build=$(cd "$1" && pwd)
source=$(cd "$2" && pwd)
if [ "${!#}" != inside ]
then
	unshare --mount true 2> /dev/null || { echo "no mount namespace may be had here"; exit 77; }
	exec unshare --mount -- "$0" "$build" "$source" inside
fi
programs=$build/tests/benchmark
work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || { kill "$pid"; wait "$pid"; }; umount /sys 2> /dev/null; rm -rf "$work"' EXIT
said=$work/counts
# shellcheck source=tests/unit/check.sh
. "$(dirname "$0")/check.sh"

at_most() {
	awk -v name="$1" -v most="$2" '$1 == name { there = 1 } $1 == name && $2 > most { bad = 1 }
		END { exit bad || !there }' "$work/counts"
}

# What happens now and then, such as the end of a connection, is not a device's.
none_for_devices() {
	awk '$1 !~ /^(recvmsg|sendmsg|recvfrom|epoll_wait|calls)$/ && $2 > 5 { bad = 1 } END { exit bad }' \
		"$work/counts"
}

python3 "$source/tests/benchmark/many.py" "$work/sys" 90 && mount --bind "$work/sys" /sys || exit 77
install -m 644 /dev/null "$work/policy"
"$build/hwbrokerd/hwbrokerd" --policy "$work/policy" --socket "$work/socket" --state "$work/state" \
	2> "$work/said" &
pid=$!
for ((i = 0; i < 300; i++))
do
	[ -S "$work/socket" ] && break
	sleep 0.1
done
sleep 0.5 # what its workers have begun
if ! timeout 60 "$programs/bench-counts" "$pid" 5 25 "$programs/bench-list" "$work/socket" % \
	> "$work/counts" 2> "$work/error"
then
	cat "$work/error"
	grep -q '^ptrace' "$work/error" && echo "no process may be traced here" && exit 77
	exit 1
fi
# 90 devices are ten pages. A slow client is waited for once more.
check "a page: one packet read, one sent, one look for messages" eval \
	'at_most recvmsg 17 && at_most sendmsg 10.5 && at_most recvfrom 10.5 && at_most calls 48'
check "no system call for a device" none_for_devices
exit $failed
