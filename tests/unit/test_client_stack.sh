#!/bin/sh
# SPDX-License-Identifier: MIT
# The client core keeps to the stack that its header names, from the embedder's call
# to the embedder's own functions: the longest chain of frames, as gcc tells them.
# test_client_stack.sh SOURCE_DIR
set -eu
source=$1
header=$source/genode-client/include/hwbroker/client.h
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

limit=$(sed -n 's/.*at most \([0-9]*\) bytes of stack.*/\1/p' "$header")
[ -n "$limit" ] || {
	echo "client.h names no limit" >&2
	exit 1
}

# Prints what is not known of a frame, the chain of each function of the API whose
# frames add up to more than `limit', and the worst sum as the last line.
cat > "$work/sum.awk" <<'AWK'
function worst(name,    i, count, callees, sum, deepest) {
	if (name in total)
		return total[name]
	if (name in open) {
		print "recursion in " name
		return 0
	}
	if (!(name in frame) && name !~ /^(__indirect_call|memcpy|memmove|memset|memcmp|__stack_chk_fail)$/)
		print "the frame of " name " is not known"
	open[name] = 1
	deepest = 0
	count = split(calls[name], callees, "\t")
	for (i = 1; i <= count; i++) {
		sum = worst(callees[i])
		if (sum > deepest) {
			deepest = sum
			after[name] = callees[i]
		}
	}
	delete open[name]
	return total[name] = frame[name] + deepest
}

{ split($0, quoted, "\"") }
$1 == "node:" && match(quoted[4], /[0-9]+ bytes/) {
	frame[quoted[2]] = substr(quoted[4], RSTART, RLENGTH - 6) + 0
	if (quoted[4] !~ /\((static|dynamic,bounded)\)/)
		print "the frame of " quoted[2] " has no fixed size"
}
$1 == "edge:" && index("\t" calls[quoted[2]] "\t", "\t" quoted[4] "\t") == 0 {
	calls[quoted[2]] = calls[quoted[2]] (calls[quoted[2]] == "" ? "" : "\t") quoted[4]
}

END {
	most = 0
	for (name in frame) {
		sum = worst(name)
		if (sum > most)
			most = sum
		if (name !~ /^hwb_/ || sum <= limit)
			continue
		chain = ""
		for (at = name; at != ""; at = after[at])
			chain = chain " " at "=" frame[at]
		print sum " bytes:" chain
	}
	print most
}
AWK

for options in -O2 -Os -O3 "-O2 -fstack-protector-strong"
do
	rm -f "$work"/*.ci
	for file in genode-client/core/client.c genode-client/core/requests.c protocol/codec.c \
		genode-client/genode-rom/device.c genode-client/genode-rom/rom.c \
		genode-client/genode-rom/shadow.c
	do
		# shellcheck disable=SC2086
		gcc -std=c11 -ffreestanding -fPIC $options -fcallgraph-info=su \
			-I "$source/protocol/include" -I "$source/genode-client/include" \
			-c -o "$work/$(basename $file .c).o" "$source/$file"
	done
	awk -v limit="$limit" -f "$work/sum.awk" "$work"/*.ci > "$work/result"
	most=$(tail -n 1 "$work/result")
	echo "gcc $options: $most bytes at most"
	[ "$(wc -l < "$work/result")" -eq 1 ] && [ "$most" -gt 100 ] && continue
	sed '$d' "$work/result" >&2
	status=1
done
exit $status
