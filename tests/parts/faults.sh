# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Part of tests/check: the daemon itself, each of whose system calls fails once.

# shellcheck source=tests/parts/unit.sh
. "$top/tests/parts/unit.sh"

part_faults() {
	if build_sanitized
	then
		run_ctest sanitize faults
	else
		not_ok "faults: builds"
	fi
}
