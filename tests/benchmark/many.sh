#!/bin/bash
# SPDX-License-Identifier: MIT
# many.sh BUILD: start and list of a daemon with 1,000 devices that are made up, on this host,
# as root, in a mount namespace of its own. Prints the time, and what of it the daemon had a
# processor for, which other work on the host disturbs less. The files are on another file
# system than sysfs, and nothing is given away.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
[ "${2-}" = inside ] || exec unshare --mount -- "$0" "$build" inside
work=$(mktemp -d)
daemon=
trap '[ -z "$daemon" ] || kill $daemon; umount /sys 2> /dev/null || true; rm -rf "$work"' EXIT

# milliseconds TEXT GOAL: of nanoseconds, one a line; the median.
milliseconds() {
	sort -g | awk -v text="$1" -v goal="$2" '{ v[NR] = $1 }
		END { printf "%-34s %8.2f ms   goal %s\n", text, v[int((NR + 1) / 2)] / 1e6, goal }'
}

cpu() { awk '{ print $1 }' "/proc/$daemon/schedstat"; }

run=("$build/hwbrokerd/hwbrokerd" --socket "$work/socket" --policy "$work/policy")
python3 "$here/many.py" "$work/sys" 1000
install -m 644 /dev/null "$work/policy"
mount --bind "$work/sys" /sys
for _ in 1 2 3 4 5 6 7
do
	"$build/tests/benchmark/bench-start" "${run[@]}" 2> /dev/null
done | milliseconds "start to ready, 1,000 devices" "100 ms"
"${run[@]}" 2> /dev/null &
daemon=$!
until [ -S "$work/socket" ]
do
	sleep 0.1
done
sleep 1 # what its workers have begun
cpu | milliseconds "  of these, on a processor" "-"
before=$(cpu)
"$build/tests/benchmark/bench-list" "$work/socket" 50 2> /dev/null |
	milliseconds "list of 1,000 devices, round trips" "-"
echo $((($(cpu) - before) / 50)) | milliseconds "  of these, the daemon" "5 ms"
