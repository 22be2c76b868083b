#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check.sh TRANSITIONS FOLDER: searches the model of a device's life, all of it, with the table
# that the program TRANSITIONS prints; works in FOLDER. One line each, `ok ...' or `not ok ...'.
# Steps that are left out must be missed, else the model proves nothing.
set -u
here=$(cd "$(dirname "$0")" && pwd)
transitions=$1
mkdir -p "$2" && cd "$2" || exit 1
failed=0

# Optimising what spin writes takes many times as long as it saves.
# search NAME OPTION... [-- RUN_OPTION...]: prints what spin's verifier says.
search() {
	local name=$1 options=() run=()
	shift
	while [ $# != 0 ] && [ "$1" != -- ]
	do
		options+=("$1")
		shift
	done
	[ $# = 0 ] || { shift; run=("$@"); }
	rm -rf "$name" && mkdir "$name" && (
		cd "$name" &&
			"$transitions" > transitions.pml &&
			cp "$here/lifecycle.pml" . &&
			spin -a "${options[@]}" lifecycle.pml &&
			gcc -O0 -w "${defines[@]}" -o pan pan.c &&
			./pan "${run[@]}"
	) > "$name.log" 2>&1
}

# Nothing found, and nothing left out of the search.
complete() {
	grep -q 'errors: 0' "$1.log" && ! grep -qE 'max search depth too small|out of memory|not completed' "$1.log"
}

result() {
	if [ "$2" = yes ]
	then
		echo "ok $1"
	else
		echo "not ok $1"
		tail -n 30 "$3.log"
		failed=1
	fi
}

states() {
	sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' "$1.log"
}

# The longest one, beside the others.
defines=(-DNFAIR=3 -DCOLLAPSE)
search liveness -DLIVENESS -- -a -f -m600000 &

defines=(-DSAFETY)
search safety -- -m600000
complete safety && is=yes || is=no
result "one owner at a time, nothing of an old one; $(states safety) states" "$is" safety

# missed CUT HOW WORDS: without that step the search ends with WORDS.
missed() {
	local cut=$1 how=$2 words=$3
	grep -q "$words" "cut-$cut.log" && is=yes || is=no
	result "noticed: $how" "$is" "cut-$cut"
}

defines=(-DNFAIR=3 -DCOLLAPSE)
search cut-7 -DLIVENESS -DCUT=7 -- -a -f -m600000
missed 7 "nobody looks whether registers are gone" 'acceptance cycle'
defines=(-DSAFETY)
cuts=("an estate is not noted" "registers are not taken" "DMA is not detached"
	"nobody waits for the last register" "a request does not look for registers"
	"nothing is written down")
for number in "${!cuts[@]}"
do
	search "cut-$((number + 1))" "-DCUT=$((number + 1))" -- -m600000
	missed $((number + 1)) "${cuts[$number]}" 'assertion violated'
done
search cut-8 -DCUT=8 -- -m600000
missed 8 "quarantine forgets who had the device" 'assertion violated'

wait
complete liveness && is=yes || is=no
result "every way leads out of \`revoking'; $(states liveness) states" "$is" liveness
exit $failed
