#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Compiles and links the overlay for Genode without Genode: overlay.sh [OVERLAY]. In Genode's
# place are headers of our own (stubs), which declare what the overlay uses. What is compiled
# is what the overlay's makefiles name. Nothing may be undefined then but what Genode provides
# (provided.txt). One line each, `ok overlay: ...' or `not ok overlay: ...'.
#
# OVERLAY_COMPILERS: by default those of g++ and clang++ that are there.
set -u -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
overlay=$(cd "${1:-$top/genode-client/genode}" && pwd) || exit 1
stubs=$here/stubs
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

warnings=(-Wall -Wextra -Weffc++ -Werror -Wsuggest-override -Wconversion)
common=(-g -O2 -fPIC -ffunction-sections -fno-strict-aliasing)

ok() {
	echo "ok overlay: $*"
}

# not_ok WHAT LOG: with the first words of whoever complained.
not_ok() {
	failed=1
	echo "not ok overlay: $1"
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

# Genode's own sources, of which it is enough that they exist.
genodes() {
	local name
	mkdir "$work/genodes"
	while read -r name
	do
		: > "$work/genodes/$name"
	done < <(grep -rhoE '[a-z_]+\.cc' "$stubs/repo")
}

# read_description MAKEFILE UNIT: what it names, into $work/UNIT.list.
read_description() {
	make --no-print-directory -rR -C "$work" -f "$here/overlay.mk" DESCRIPTION="$1" OVERLAY="$overlay" \
		STUBS="$stubs" GENODES="$work/genodes" REP_DIR="$stubs/repo" > "$work/$2.list"
}

c_compiler() {
	case $1 in
	clang++*) echo "${1/clang++/clang}" ;;
	*) echo "${1/g++/gcc}" ;;
	esac
}

# compile COMPILER UNIT SOURCE: one object below $work, with its log. Genode's core sees Linux'
# headers, programs see none.
compile() {
	local compiler=$1 unit=$2 source=$3 object flags
	object=$work/$compiler/$unit/$(basename "$source")
	mapfile -t flags < <(sed -n 's/^include /-I/p' "$work/$unit.list")
	flags+=("${common[@]}" -MMD -MF "$object.d" -c -o "$object.o")
	[ "$unit" = core-linux ] && flags+=(-D_GNU_SOURCE)
	[ "$unit" = core-linux ] || flags+=(-nostdinc -ffreestanding
		-isystem "$("$compiler" -print-file-name=include)")
	case $source in
	*.c) "$(c_compiler "$compiler")" "${flags[@]}" -Wall -Werror "$source" ;;
	*) "$compiler" -std=gnu++20 -nostdinc++ "${flags[@]}" "${warnings[@]}" "$source" ;;
	esac > "$object.log" 2>&1
	echo $? > "$object.status"
}

# Undefined in all objects together, as the linker sees them, but not provided.
link_unit() {
	local objects=$work/$1/$2
	ld -r -o "$objects.all" "$objects"/*.o &&
		nm -uC "$objects.all" | sed 's/^ *[Uwv] //' | sort -u > "$objects.undefined" &&
		grep -vxEf "$work/provided" "$objects.undefined" > "$objects.missing"
	sed 's/^/undefined, and not provided by Genode: /' "$objects.missing"
	[ -e "$objects.undefined" ] && ! [ -s "$objects.missing" ]
}

# The path below the overlay or the project.
short() {
	local path
	path=$(realpath -m "$1")
	path=${path#"$overlay"/}
	echo "${path#"$top"/}"
}

# The sources of a unit that are not Genode's own.
sources() {
	sed -n 's/^source //p' "$work/$1.list" | grep -v "^$work/genodes/"
}

check_unit() {
	local unit=$1 compiler source object
	for compiler in "${compilers[@]}"
	do
		mkdir -p "$work/$compiler/$unit"
		while read -r source
		do
			while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]
			do
				wait -n
			done
			compile "$compiler" "$unit" "$source" &
		done < <(sources "$unit")
		wait
		while read -r source
		do
			object=$work/$compiler/$unit/$(basename "$source")
			result "$(cat "$object.status")" "$compiler compiles $(short "$source")" \
				"$object.log"
		done < <(sources "$unit")
		link_unit "$compiler" "$unit" > "$work/link" 2>&1
		result $? "$compiler: $unit needs nothing that Genode has not" "$work/link"
	done
}

# A file of the overlay that is neither compiled nor included is not in Genode either.
check_unused() {
	local file
	cat "$work"/*/*/*.d | sed 's/\\$//' | tr -s ' ' '\n' | xargs -r realpath -m | sort -u > "$work/used"
	sed -n 's/^source //p' "$work"/*.list | xargs -r realpath -m >> "$work/used"
	while read -r file
	do
		grep -qxF "$(realpath "$file")" "$work/used" || echo "no makefile leads to $(short "$file")"
	done < <(find "$overlay" -name '*.cc' -o -name '*.c' -o -name '*.h') > "$work/unused"
	cat "$work/unused"
	[ -s "$work/used" ] && ! [ -s "$work/unused" ]
}

read -ra compilers <<< "${OVERLAY_COMPILERS:-}"
if [ ${#compilers[@]} = 0 ]
then
	for compiler in g++ clang++
	do
		command -v $compiler > /dev/null && compilers+=("$compiler")
	done
fi
sed -E '/^#|^$/d' "$here/provided.txt" > "$work/provided"
genodes
found=0
for description in "$overlay"/lib/mk/*.mk "$overlay"/src/*/*/target.mk
do
	unit=$(basename "${description%/target.mk}" .mk)
	case $description in
	*/target.mk) unit=$(basename "$(dirname "$(dirname "$description")")")-$unit ;;
	esac
	if read_description "$description" "$unit" 2> "$work/make"
	then
		found=$((found + 1))
		[ "$unit" != core-linux ] || echo "source $here/core.cc" >> "$work/$unit.list"
		check_unit "$unit"
	else
		not_ok "make reads $(short "$description")" "$work/make"
	fi
done
check_unused > "$work/log" 2>&1
result $? "every source and header is used" "$work/log"
if [ $found = 0 ] || [ ${#compilers[@]} = 0 ]
then
	echo "nothing was compiled" > "$work/log"
	not_ok "there is something to check" "$work/log"
fi
exit $failed
