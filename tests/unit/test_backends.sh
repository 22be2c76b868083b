#!/bin/sh
# SPDX-License-Identifier: MIT
# The table in docs/backends.md is what tests/check runs: a suite has an `x' for a way to devices
# if one of that column's machines runs it, and else a reason. test_backends.sh SOURCE_DIR.
set -eu
cd "$1"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
wrong=0

# Lines that go on are joined; a machine and its suites are a line each: "iommufd irq".
for part in tests/parts/*.sh
do
	sed -e :a -e '/\\$/N; s/\\\n[[:space:]]*//; ta' "$part"
done | sed -n 's/^[[:space:]]*in_guest \([^ ]*\) .*hwbroker\.with=\([a-z_,]*\).*/\1 \2/p' |
	while read -r machine suites
	do
		for suite in $(echo "$suites" | tr , ' ')
		do
			echo "$machine $suite"
		done
	done > "$work/runs"
# Some have them in a script.
{
	sed -n 's/^suites=(\(.*\))/\1/p' tests/guest/operator.sh | tr ' ' '\n' |
		sed -n 's/.*/operator-6.12 &\noperator-6.1 &/p'
	sed -n 's/.* suites+=(\(.*\))/\1/p' tests/guest/operator.sh | tr ' ' '\n' |
		sed 's/^/operator-6.12 /'
	sed -n 's|.*tests/run \(unsafe\) .*|no-iommu \1|p' tests/guest/degraded.sh
} >> "$work/runs"

# Cells without blanks and marks; the first row that counts names each column's machines.
sed -n '/^| suite /,/^$/p' docs/backends.md | sed -e '/^|---/d' -e '/^$/d' -e 's/`//g' > "$work/table"
columns=$(($(head -n 1 "$work/table" | tr -dc '|' | wc -c) - 2))
machines=$(sed -n 's/^| machines //p' "$work/table")
tail -n +3 "$work/table" > "$work/rows"
[ "$(wc -l < "$work/rows")" -gt 10 ] || {
	echo "docs/backends.md: the table is missing" >&2
	exit 1
}

while read -r row
do
	suite=$(echo "$row" | cut -d '|' -f 2 | tr -d ' ')
	column=1
	while [ $column -le $columns ]
	do
		cell=$(echo "$row" | cut -d '|' -f $((column + 2)) | tr -d ' ')
		run=no
		for machine in $(echo "$machines" | cut -d '|' -f $((column + 1)) | tr -d ,)
		do
			! grep -qx "$machine $suite" "$work/runs" || run=yes
		done
		case $run:$cell in
		yes:x | no:[!x]*) ;;
		*)
			echo "docs/backends.md: $suite, column $column: \`$cell', and run: $run" >&2
			wrong=1
			;;
		esac
		column=$((column + 1))
	done
done < "$work/rows"

# Each letter is explained, and of what holds in part it is said which part.
tail -n +2 "$work/table" | sed -n 's/^| [a-z_]* |//p' | tr -d ' ' | tr '|' '\n' | grep -x '[^x,]' | sort -u |
	while read -r letter
	do
		grep -q "^- [$letter]: " docs/backends.md ||
			echo "docs/backends.md: no line says what \`$letter' is" >&2
	done > "$work/unexplained" 2>&1
names=$(head -n 1 "$work/table")
while read -r row
do
	suite=$(echo "$row" | cut -d '|' -f 2 | tr -d ' ')
	column=1
	while [ $column -le $columns ]
	do
		if [ "$(echo "$row" | cut -d '|' -f $((column + 2)) | tr -d ' ')" = p ]
		then
			way=$(echo "$names" | cut -d '|' -f $((column + 2)) | sed 's/^ *//; s/ *$//')
			grep -q "^  - $suite, $way: " docs/backends.md ||
				echo "docs/backends.md: what of $suite does not hold with $way?"
		fi
		column=$((column + 1))
	done
done < "$work/rows" >> "$work/unexplained"
cat "$work/unexplained" >&2
[ ! -s "$work/unexplained" ] || wrong=1

# No suite is without a row.
sed -n 's/^| \([a-z_]*\) .*/\1/p' "$work/rows" | sort > "$work/named"
cut -d ' ' -f 2 "$work/runs" | sort -u | comm -23 - "$work/named" > "$work/missing"
sed 's/^/docs\/backends.md: no row for suite /' "$work/missing" >&2
[ $wrong = 0 ] && [ ! -s "$work/missing" ]
