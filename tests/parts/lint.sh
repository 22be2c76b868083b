# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Part of tests/check: form, and what tools find without running anything.

sources() {
	git -C "$top" ls-files "$@"
}

check_format() {
	(cd "$top" && sources '*.c' '*.h' 'tests/genode/*.cc' | xargs clang-format --dry-run -Werror)
}

# The overlay keeps Genode's style, which clang-format does not know: tabs of 4 for indentation,
# blanks behind them to align (then they are many), 100 columns.
check_overlay_style() {
	local wide
	wide=$(cd "$top" && sources 'genode-client/genode/*.cc' 'genode-client/genode/*.h' |
		while read -r file
		do
			expand -t 4 "$file" | awk -v file="$file" 'length > 100 { print file ":" FNR ": " length " columns" }'
		done)
	[ -z "$wide" ] || echo "$wide"
	! git -C "$top" grep -nP '[ \t\r]$|^\t* +\t|^ {1,12}[^ *]' -- 'genode-client/genode/*.cc' \
		'genode-client/genode/*.h' && [ -z "$wide" ]
}

# Uses the compile commands of a build that need not be made.
check_tidy() {
	mkdir -p "$builds"
	quietly "$builds/tidy.log" cmake -S "$top" -B "$builds/tidy" -DCMAKE_C_COMPILER=clang \
		-DCMAKE_EXPORT_COMPILE_COMMANDS=ON || return 1
	(cd "$top" && sources 'protocol/*.c' 'hwbrokerd/*.c' 'hwbroker-ctl/*.c' 'genode-client/*.c' |
		xargs -P "$(nproc)" -n 4 clang-tidy --quiet -p "$builds/tidy" 2> /dev/null)
}

# Parts see what tests/check has set (SC2154), and it what lib.sh has (SC2034).
check_shell() {
	(cd "$top" && shellcheck -x -e SC2034,SC2154 .ci/run tests/check tests/coverage tests/demo tests/soak tests/lib.sh tests/parts/*.sh \
		tests/conformance/*.sh tests/fuzz/run tests/model/check.sh tests/guest/*.sh tests/hostile/*.sh tests/endurance/*.sh tests/genode/*.sh tests/machine/install packaging/build packaging/*/p*)
}

# Kernel interfaces stay in one folder (house rule); <linux/...> elsewhere is a leak.
check_uapi() {
	! git -C "$top" grep -nE '#include <linux/' -- 'hwbrokerd/*.[ch]' 'protocol' 'hwbroker-ctl' \
		'genode-client' ':!hwbrokerd/kernel'
}

# Folders may use each other only downwards; what lies below knows nothing above.
check_layers() {
	! git -C "$top" grep -nE '#include "session/' -- hwbrokerd/server &&
		! git -C "$top" grep -nE '#include "(server|session)/' -- hwbrokerd/device hwbrokerd/kernel \
		hwbrokerd/policy hwbrokerd/work hwbrokerd/util &&
		! git -C "$top" grep -nE '#include "device/' -- hwbrokerd/kernel hwbrokerd/work \
			hwbrokerd/util hwbrokerd/policy
}

part_lint() {
	verdict "lint: clang-format" check_format
	verdict "lint: style of the Genode overlay" check_overlay_style
	verdict "lint: clang-tidy" check_tidy
	verdict "lint: shellcheck" check_shell
	verdict "lint: kernel interfaces in hwbrokerd/kernel only" check_uapi
	verdict "lint: layers" check_layers
}
