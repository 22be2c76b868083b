#!/bin/sh
# SPDX-License-Identifier: MIT
# What docs/failures.md quotes is what the programs say: the words between `...' of each line
# that begins with `>' stand in a source. test_failures.sh SOURCE_DIR.
set -eu
cd "$1"
page=docs/failures.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Literals that the compiler would join are joined, over the ends of lines.
find hwbrokerd hwbroker-ctl genode-client/posix genode-client/core -name '*.c' -exec cat {} + |
	tr '\n\t' '  ' | sed -e 's/" *PRI[a-z0-9]* *"//g' -e 's/" *"//g' > "$work/sources"
sed -n 's/^> //p' "$page" > "$work/quotes"
sed -e 's/\.\.\./\n/g' "$work/quotes" | sed -e 's/^ *//' -e 's/ *$//' | grep '[a-z]..' > "$work/pieces"

wrong=0
while IFS= read -r piece
do
	grep -qF -- "$piece" "$work/sources" || {
		echo "$page: no source says: $piece" >&2
		wrong=$((wrong + 1))
	}
done < "$work/pieces"
[ "$(wc -l < "$work/quotes")" -ge 20 ] || {
	echo "$page: quotes are missing" >&2
	exit 1
}
[ $wrong = 0 ]
