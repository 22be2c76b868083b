#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Compiles and links the overlay for Genode without Genode: overlay.sh [OVERLAY]. In Genode's
# place are headers of our own (stubs), which declare what the overlay uses. What is compiled
# is what the overlay's makefiles name. Nothing may be undefined then but what Genode provides
# (provided.txt). One line each, `ok ...' or `not ok ...'.
#
# OVERLAY_COMPILERS: by default those of g++ and clang++ that are there. OVERLAY_SPECS: what they
# compile for, in Genode's words; by default x86.
set -u -o pipefail
# shellcheck source=tests/genode/lib.sh
. "$(dirname "$0")/lib.sh"
start_overlay "$@"

warnings=(-Wall -Wextra -Weffc++ -Werror -Wsuggest-override -Wconversion)
common=(-g -O2 -fPIC -ffunction-sections -fno-strict-aliasing)

# compile COMPILER UNIT SOURCE: one object below $work, with its log. Genode's core sees Linux'
# headers, programs see none.
compile() {
	local compiler=$1 unit=$2 source=$3 object flags
	object=$work/$compiler/$unit/$(basename "$source")
	mapfile -t flags < <(includes "$unit")
	flags+=("${common[@]}" -MMD -MF "$object.d" -c -o "$object.o")
	# Genode's own compiler is for no system, and leaves atomics in line.
	[[ $compiler != aarch64-* ]] || flags+=(-mno-outline-atomics)
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
	local objects=$work/$1/$2 tools=
	[[ $1 != *-g++ ]] || tools=${1%g++} # a cross compiler's
	"${tools}ld" -r -o "$objects.all" "$objects"/*.o &&
		"${tools}nm" -uC "$objects.all" | sed 's/^ *[Uwv] //' | sort -u > "$objects.undefined" &&
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

check_unit() {
	local unit=$1 compiler source object
	for compiler in "${compilers[@]}"
	do
		mkdir -p "$work/$compiler/$unit"
		while read -r source
		do
			await_processor
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
exit "$failed"
