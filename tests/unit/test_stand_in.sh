#!/bin/sh
# SPDX-License-Identifier: MIT
# The stand-in for Genode's core has no C library and needs none: test_stand_in.sh PROGRAM.
set -eu
program=$1
status=0

bad() {
	echo "$*" >&2
	status=1
}

headers=$(readelf -lW "$program")
echo "$headers" | grep -q ' EXEC \|type is EXEC' || bad "not at a fixed address"
for segment in INTERP DYNAMIC TLS
do
	! echo "$headers" | grep -q "^ *$segment " || bad "has a segment $segment"
done
echo "$headers" | grep -q '^ *GNU_STACK .* RW ' || bad "its stack is executable, or not said"
undefined=$(nm -u "$program")
[ -z "$undefined" ] || bad "undefined: $undefined"
# What a C library would bring along.
libc=$(nm "$program" | awk '{ print $NF }' |
	grep -E '^(_init|_fini|__libc.*|__stack_chk.*|malloc|free|printf|errno|__tls_get_addr|_dl_.*|environ)$' || true)
[ -z "$libc" ] || bad "of a C library: $libc"
nm "$program" | grep -q ' T hwb_connect$' || bad "the client library is not in it"
exit $status
