#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016 # backquotes are the page's
# What docs/security.md names is there: files, tests by their names, the defaults of limits, the
# capabilities of the service. test_security.sh SOURCE_DIR.
set -eu
cd "$1"
page=docs/security.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
wrong=0

# is TEXT COMMAND...: says TEXT if the command fails.
is() {
	text=$1
	shift
	"$@" > /dev/null || {
		echo "$page: $text" >&2
		wrong=$((wrong + 1))
	}
}

# What stands between backquotes: paths of ours have a slash, but not first. In a line, what
# follows a path of a test are names in it.
awk -F '`' '{
	test = ""
	for (i = 2; i <= NF; i += 2)
		if ($i ~ /^[a-z].*\// || $i == "CMakeLists.txt") {
			print "path\t" $i
			test = $i ~ /^tests\// ? $i : ""
		} else if (test != "")
			print "name\t" test "\t" $i
}' $page > "$work/named"

tab=$(printf '\t')
while IFS=$tab read -r what path name
do
	case $what:$path in
	path:*) is "there is no $path" test -e "$path" ;;
	name:tests/hostile/*) is "$path has no case \`$name'" grep -qF -- "\"$name\"" "$path" ;;
	name:*.c) is "$path has no test \`$name'" grep -q "^START_TEST($name)" "$path" ;;
	name:*) is "$path has no \`$name'" grep -qwF -- "$name" "$path" ;;
	esac
done < "$work/named"
is "names no test" grep -q '^name' "$work/named"

sed -n 's/.*SECTION_CLIENT, "\([a-z_]*\)",.*\.preset = "\([^"]*\)".*/\1 \2/p' hwbrokerd/policy/keys.c |
	sort > "$work/keys"
sed -n '/^## Limits/,/^What no key/s/^| `\([a-z_]*\)` | \([^ ]*\) |.*/\1 \2/p' $page | sort > "$work/limits"
is "its limits are not those of hwbrokerd/policy/keys.c" cmp "$work/keys" "$work/limits"

sed -n 's/^CapabilityBoundingSet=//p' systemd/hwbrokerd.service.in | tr ' ' '\n' | sort > "$work/unit"
sed -n 's/^| `\(CAP_[A-Z_]*\)` |.*/\1/p' $page | sort > "$work/capabilities"
is "its capabilities are not those of systemd/hwbrokerd.service.in" cmp "$work/unit" "$work/capabilities"

# What it reads of its environment, and which signals mean something to it.
{
	grep -rhoE --include='*.c' 'getenv\("[A-Z_]+"\)|number_in\("[A-Z_]+"' hwbrokerd | grep -oE '[A-Z_]{4,}'
	grep -hoE 'ev_signal_init\(.*SIG[A-Z0-9]+\)' hwbrokerd/main.c | grep -oE 'SIG[A-Z0-9]+'
} | sort -u > "$work/outside"
while read -r name
do
	is "does not say what $name does" grep -qw "$name" $page
done < "$work/outside"
is "is read nothing" test -s "$work/outside"

# Who sends descriptors, by the calls that have some; promise 4 names all of them.
sed -n '/^\*\*4\. /,/^\*\*5\. /s/^- here: //p' $page | sed 1q | tr -d '`,' | tr ' ' '\n' | sort > "$work/said"
grep -rlF 'request_reply(' hwbrokerd/session --include='*.c' | while read -r file
do
	! tr -d '\n\t ' < "$file" | grep -o 'request_reply([^;]*;' | grep -qvF 'NULL,0);' || echo "$file"
done | sort > "$work/senders"
is "promise 4 does not name those who send descriptors" cmp "$work/said" "$work/senders"

[ $wrong = 0 ]
