# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Part of tests/check: unit tests, by both compilers.

# run_ctest NAME [LABEL [OPTION...]]: each test of build NAME with that label, or with `unit', is
# a result.
run_ctest() {
	local log=$builds/$1.ctest.log line
	ctest --test-dir "$builds/$1" -L "^${2-unit}\$" "${@:3}" --output-on-failure -j "$(nproc)" > "$log" 2>&1
	while read -r line
	do
		case $line in
		*'Test '*' Passed '*)
			line=${line#*: }
			ok "$1: ${line%% *}"
			;;
		*'Test '*'***'*)
			line=${line#*: }
			not_ok "$1: ${line%% *}"
			;;
		esac
	done < <(grep -E '^ *[0-9]+/[0-9]+ Test ' "$log")
	grep -q '100% tests passed' "$log" || tail -n 60 "$log" >&2
}

part_unit() {
	local compiler
	for compiler in gcc clang
	do
		if build "$compiler" -DCMAKE_C_COMPILER="$compiler"
		then
			ok "$compiler: builds without a warning"
			# What no compiler changes runs once.
			case $compiler in
			gcc) run_ctest gcc ;;
			*) run_ctest "$compiler" unit -LE '^once$' ;;
			esac
		else
			not_ok "$compiler: builds without a warning"
		fi
	done
}
