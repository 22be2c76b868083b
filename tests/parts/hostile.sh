# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Part of tests/check: the hostile cases by number, against the installed daemon in the
# virtual PC.

# Each test has a line in the table of tests/hostile/README.md, and each line a test.
same_numbers() {
	diff <("$builds/gcc/tests/hostile/hostile" --list | cut -d ' ' -f 1) \
		<(sed -n -E 's/^\| ([0-9]+) \|.*/\1/p' "$top/tests/hostile/README.md") &&
		[ "$("$builds/gcc/tests/hostile/hostile" --list | awk '$1 <= 40' | wc -l)" = 40 ]
}

part_hostile() {
	local tar
	if build gcc -DCMAKE_C_COMPILER=gcc && tar=$(payload gcc)
	then
		verdict "hostile: each case has a test, and a line in the table" same_numbers
		in_guest hostile "$tar" /usr/libexec/hwbroker/tests/hostile.sh --kernel 6.12 --timeout 900
	else
		not_ok "hostile: builds"
	fi
}
