#!/bin/sh
# SPDX-License-Identifier: MIT
# What an embedder without a libc gets: test_freestanding.sh ARCHIVE SHARED_LIBRARY.
# The archive needs nothing but what compilers need, and keeps no state; what
# both offer begins with hwb_.
set -eu
archive=$1
shared=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

bad() {
	echo "$*" >&2
	status=1
}

# One object of all: what is undefined in it is needed from outside.
ld -r -o "$work/all.o" --whole-archive "$archive"
for symbol in $(nm -u "$work/all.o" | awk '{ print $2 }')
do
	case $symbol in
	memcpy | memmove | memset | memcmp | _GLOBAL_OFFSET_TABLE_) ;;
	*) bad "needs $symbol" ;;
	esac
done

if readelf -sW "$work/all.o" | awk '$4 == "TLS"' | grep .
then
	bad "has thread-local variables"
fi
sections=$(readelf -SW "$work/all.o" | sed 's/^ *\[ *[0-9]*\] *//' |
	awk '$1 ~ /^\.(data|bss|tdata|tbss|init_array|fini_array|ctors|dtors)$/ { print $1, $5 }')
for section in .data .bss .tdata .tbss .init_array .fini_array .ctors .dtors
do
	size=$(echo "$sections" | awk -v name=$section '$1 == name { print $2 }')
	case $size in
	'' | *[!0]*) [ -z "$size" ] || bad "section $section is not empty: 0x$size bytes" ;;
	esac
done

nm -g --defined-only "$work/all.o" | awk '{ print $3 }' | grep -v '^hwb_' &&
	bad "the archive defines names without hwb_"
nm -D --defined-only "$shared" | awk '{ print $3 }' | grep -v '^hwb_' &&
	bad "the shared library exports names without hwb_"
[ "$(nm -g --defined-only "$work/all.o" | grep -c ' T hwb_')" -gt 20 ] ||
	bad "the archive defines hardly anything"
exit $status
