# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Part of tests/check: the fuzzers, for a short while each, and failures one by one.

part_fuzz() {
	local target
	for target in codec policy record kept requests client genode fault
	do
		verdict "fuzz: $target" "$top/tests/fuzz/run" --seconds "${HWBROKER_FUZZ_SECONDS:-10}" "$target"
	done
}
