# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# For tests that are scripts. `said' is the file that tells why a check has not held; `failed' is
# 1 after one that has not.
failed=0

# check TEXT COMMAND...
check() {
	local text=$1
	shift
	"$@" && echo "ok $text" && return
	echo "not ok $text"
	cat "$said"
	failed=1
}
