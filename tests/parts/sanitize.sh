# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Part of tests/check: unit tests under sanitizers.

# shellcheck source=tests/parts/unit.sh
. "$top/tests/parts/unit.sh"

part_sanitize() {
	if build_sanitized
	then
		ok "sanitize: builds"
		run_ctest sanitize
	else
		not_ok "sanitize: builds"
	fi
}
