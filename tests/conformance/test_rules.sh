#!/bin/sh
# SPDX-License-Identifier: MIT
# test_rules.sh PROGRAM SOURCE: the names of rules in PROTOCOL.md are unique, and each is
# checked by the conformance kit or in unchecked.txt with the reason.
set -eu

program=$1
document=$2/protocol/PROTOCOL.md
unchecked=$2/tests/conformance/unchecked.txt
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

# complain TEXT FILE: the file should be empty.
complain() {
	[ -s "$2" ] || return 0
	echo "$1:"
	sed 's/^/    /' "$2"
	status=1
}

grep -o '\[R-[^]. ]*\]' "$document" | tr -d '[]' | sort > "$work/document"
"$program" --list | sed 's/:.*//' | sort > "$work/kit"
sed -n 's/^\(R-[^:]*\):.*/\1/p' "$unchecked" | sort > "$work/unchecked"
sort "$work/kit" "$work/unchecked" > "$work/known"

grep -vxE 'R-[a-z0-9]+(-[a-z0-9]+)*' "$work/document" > "$work/odd" || true
complain "no name for a rule" "$work/odd"
uniq -d "$work/document" > "$work/twice"
complain "in PROTOCOL.md twice" "$work/twice"
uniq -d "$work/known" > "$work/both"
complain "checked twice, or checked and in unchecked.txt" "$work/both"
comm -23 "$work/document" "$work/known" > "$work/missing"
complain "neither checked nor in unchecked.txt" "$work/missing"
comm -13 "$work/document" "$work/known" > "$work/strange"
complain "not in PROTOCOL.md" "$work/strange"
grep -vE '^(#.*|R-[a-z0-9-]+: .{10,}|)$' "$unchecked" > "$work/reasons" || true
complain "without a reason in unchecked.txt" "$work/reasons"
[ -s "$work/document" ] && [ -s "$work/kit" ] || status=1
[ $status != 0 ] || echo "$(wc -l < "$work/document") rules, $(wc -l < "$work/kit") checked"
exit $status
