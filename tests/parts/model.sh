# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Part of tests/check: a model of a device's life, searched completely.

part_model() {
	local log=$builds/model.log
	if ! build gcc -DCMAKE_C_COMPILER=gcc
	then
		not_ok "model: builds"
		return
	fi
	"$top/tests/model/check.sh" "$builds/gcc/tests/model/transitions" "$builds/model" > "$log" 2>&1
	results model "$log" $?
}
