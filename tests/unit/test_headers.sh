#!/bin/sh
# SPDX-License-Identifier: MIT
# Public headers, each alone and all together, as C11 and C++20 with the warnings
# that embedders use as errors: test_headers.sh SOURCE_DIR ARCHIVE_OR_EMPTY.
set -eu
source=$1
archive=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
include="-I $source/protocol/include -I $source/genode-client/include"
c_warnings="-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wundef -Wstrict-prototypes -Werror"
cxx_warnings="-Wall -Wextra -Weffc++ -Wconversion -Wsuggest-override -Werror"

# gcc's own, beside those that both have. Macros must not smuggle casts into the
# embedder's code, which these two look at.
warnings() {
	case $1 in
	g++) echo "$cxx_warnings -Wold-style-cast -Wuseless-cast" ;;
	*) echo "$cxx_warnings" ;;
	esac
}

for header in "$source"/protocol/include/hwbroker/*.h "$source"/genode-client/include/hwbroker/*.h
do
	name=hwbroker/$(basename "$header")
	echo "#include <$name>" > "$work/alone.c"
	cp "$work/alone.c" "$work/alone.cc"
	for compiler in gcc clang
	do
		command -v $compiler > /dev/null || continue
		# shellcheck disable=SC2086
		$compiler -std=c11 $include $c_warnings -fsyntax-only "$work/alone.c"
	done
	for compiler in g++ clang++
	do
		command -v $compiler > /dev/null || continue
		# shellcheck disable=SC2046,SC2086
		$compiler -std=c++20 $include $(warnings $compiler) -fsyntax-only "$work/alone.cc"
	done
done

# Those for embedders need no libc.
for name in protocol codec client genode
do
	echo "#include <hwbroker/$name.h>" > "$work/alone.c"
	# shellcheck disable=SC2086
	cc -std=c11 -ffreestanding -nostdinc -isystem "$(cc -print-file-name=include)" \
		$include $c_warnings -fsyntax-only "$work/alone.c"
done

found=0
for compiler in g++ clang++
do
	command -v $compiler > /dev/null || continue
	found=1
	# shellcheck disable=SC2046,SC2086
	$compiler -std=c++20 $include $(warnings $compiler) -c -o "$work/all.o" \
		"$source/tests/unit/test_headers.cc"
	[ -n "$archive" ] || continue
	$compiler -o "$work/all" "$work/all.o" "$archive"
	"$work/all"
done
[ $found = 1 ] || echo "no C++ compiler is installed" >&2
[ $found = 1 ]
