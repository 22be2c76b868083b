# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Part of tests/check: what an operator lives with, in the virtual PC, on both kernels.

part_operator() {
	local tar operator=/usr/libexec/hwbroker/tests/operator.sh
	if build gcc -DCMAKE_C_COMPILER=gcc && tar=$(payload gcc)
	then
		in_guest operator-6.12 "$tar" $operator --kernel 6.12 --timeout 900
		in_guest operator-more "$tar" /usr/libexec/hwbroker/tests/run --kernel 6.12 \
			--timeout 900 --append hwbroker.with=look,sriov,functions,bench
		in_guest operator-6.1 "$tar" $operator --kernel 6.1 --timeout 900
	else
		not_ok "operator: builds"
	fi
}
