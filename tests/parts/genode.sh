# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Part of tests/check: what is there for Genode.

# shellcheck source=tests/parts/image.sh
. "$top/tests/parts/image.sh"

part_genode() {
	genode_image
}
