# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Part of tests/check: what is there for Genode, without Genode.

# shellcheck source=tests/parts/image.sh
. "$top/tests/parts/image.sh"

# genode_script NAME COMMAND...: counts its lines `ok ...' and `not ok ...'.
genode_script() {
	local name=$1 log=$builds/genode-$1.log
	shift
	mkdir -p "$builds"
	"$@" > "$log"
	results "genode $name" "$log" $?
}

# Compiled, linked and run against stubs of Genode's interfaces; and whether that notices mistakes.
genode_overlay() {
	genode_script overlay env OVERLAY_COMPILERS='g++ clang++' "$top/tests/genode/overlay.sh"
	genode_script behaviour "$top/tests/genode/behaviour.sh"
	genode_script selftest "$top/tests/genode/selftest.sh"
}

part_genode() {
	genode_overlay
	genode_image
}
