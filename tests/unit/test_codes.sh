#!/bin/sh
# SPDX-License-Identifier: MIT
# The codes of what `explain' and `audit' find are those of hwbroker-ctl(1), where programs look
# them up. test_codes.sh SOURCE_DIR.
set -eu
cd "$1"
page=docs/hwbroker-ctl.1.scd
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

wrong=0
for command in explain audit
do
	cat hwbrokerd/session/admin/$command*.c | tr '\n\t' '  ' |
		grep -oE 'HWB_FINDING_[A-Z]+, *"[a-z-]+"' | grep -oE '"[a-z-]+"' | tr -d '"' | sort -u > "$work/codes"
	sed -n "/^\*$command\*: /,/^\$/p" $page > "$work/told"
	if ! [ -s "$work/codes" ] || ! [ -s "$work/told" ]
	then
		echo "$command: no codes, or nothing about them" >&2
		exit 1
	fi
	while read -r code
	do
		grep -qF "_${code}_" "$work/told" || {
			echo "$page: $command: no code \`$code'" >&2
			wrong=$((wrong + 1))
		}
	done < "$work/codes"
done
[ $wrong = 0 ]
