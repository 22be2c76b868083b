#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs the overlay as ordinary programs, without Genode and without devices: behaviour.sh [WORDS
# [OVERLAY]]. Its core with a runtime on POSIX threads and a broker of the test's own, its part
# of the platform driver with core's side of it made up. Under the address and undefined
# behaviour sanitizers, and under that for data races. Of all tests those with WORDS in their
# names. One line each, `ok ...' or `not ok ...'.
#
# OVERLAY_SANITIZERS: by default both of these.
set -u -o pipefail
# shellcheck source=tests/genode/lib.sh
. "$(dirname "$0")/lib.sh"
start_overlay "${2:-}"

# build_program PROGRAM UNIT FLAGS... -- SOURCE...: into $work/PROGRAM.
build_program() {
	local program=$1 unit=$2 flags=() source object
	shift 2
	mapfile -t flags < <(includes "$unit")
	flags+=(-g -O1 -D_GNU_SOURCE -I"$here/runtime" -I"$here/behaviour" -I"$here/driver"
		-I"$stubs/core")
	while [ "$1" != -- ]
	do
		flags+=("$1")
		shift
	done
	shift
	rm -rf "$work/objects"
	mkdir "$work/objects"
	for source in "$@"
	do
		object=$work/objects/$(realpath "$source" | tr / -).o
		await_processor
		case $source in
		*.c) gcc "${flags[@]}" -c -o "$object" "$source" & ;;
		*) g++ -std=gnu++20 -nostdinc++ -Wall -Wextra -Wconversion -Werror \
			"${flags[@]}" -c -o "$object" "$source" & ;;
		esac
	done
	wait
	local objects=("$work/objects"/*.o)
	[ "${#objects[@]}" = $# ] &&
		g++ "${flags[@]}" -o "$work/$program" "${objects[@]}" -lpthread
}

# run_program PROGRAM UNIT WORDS FLAGS... -- SOURCE...
run_program() {
	local program=$1 unit=$2 words=$3
	shift 3
	if build_program "$program" "$unit" "$@" > "$work/log" 2>&1
	then
		"$work/$program" ${words:+"$words"} 2>&1 |
			sed -E "s/^(not )?ok /&$sanitizers: /" || failed=1
	else
		not_ok "$program is built" "$work/log"
	fi
}

read_description "$overlay/lib/mk/core-linux.mk" core-linux 2> "$work/log" &&
	read_description "$overlay/src/driver/hwb_platform/target.mk" driver 2> "$work/log"
result $? "make reads the overlay" "$work/log"
[ "$failed" = 0 ] || exit 1

# which else sleeps a second at the end of each test
export TSAN_OPTIONS=atexit_sleep_ms=0
mapfile -t core < <(sources core-linux)
mapfile -t driver < <(sources driver)
for sanitizers in ${OVERLAY_SANITIZERS:-address,undefined thread}
do
	flags=("-fsanitize=$sanitizers" -fno-sanitize-recover=all)
	run_program core core-linux "${1:-}" "${flags[@]}" -- "${core[@]}" "$here/core.cc" \
		"$here"/runtime/*.cc "$here"/behaviour/*.cc
	run_program driver driver "${1:-}" "${flags[@]}" -- "${driver[@]}" \
		"$here"/runtime/{log,runtime}.cc "$here"/driver/*.cc
done
exit "$failed"
