# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What overlay.sh and behaviour.sh share: what the overlay's makefiles name, found as Genode's
# build system would, with stubs in Genode's place. Sets here, top, stubs, work, overlay, failed.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
stubs=$here/stubs
failed=0

# start_overlay [OVERLAY]: by default the project's.
start_overlay() {
	local name
	overlay=$(cd "${1:-$top/genode-client/genode}" && pwd) || exit 1
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	# Genode's own sources, of which it is enough that they exist
	mkdir "$work/genodes"
	while read -r name
	do
		: > "$work/genodes/$name"
	done < <(grep -rhoE '[a-z_]+\.cc' "$stubs/repo")
}

ok() {
	echo "ok $*"
}

# not_ok WHAT LOG: with the first words of whoever complained.
not_ok() {
	failed=1
	echo "not ok $1"
	head -n 30 "$2" | sed 's/^/    /'
}

# result STATUS WHAT LOG
result() {
	if [ "$1" = 0 ]
	then
		ok "$2"
	else
		not_ok "$2" "$3"
	fi
}

# read_description MAKEFILE UNIT: what it names, into $work/UNIT.list.
read_description() {
	make --no-print-directory -rR -C "$work" -f "$here/overlay.mk" DESCRIPTION="$1" OVERLAY="$overlay" \
		STUBS="$stubs" GENODES="$work/genodes" REP_DIR="$stubs/repo" > "$work/$2.list"
}

# The sources of a unit that are not Genode's own; where its headers are.
sources() {
	sed -n 's/^source //p' "$work/$1.list" | grep -v "^$work/genodes/"
}

includes() {
	sed -n 's/^include /-I/p' "$work/$1.list"
}

c_compiler() {
	case $1 in
	clang++*) echo "${1/clang++/clang}" ;;
	*) echo "${1/g++/gcc}" ;;
	esac
}

# Waits until fewer jobs run in the background than there are processors.
await_processor() {
	while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]
	do
		wait -n
	done
}
