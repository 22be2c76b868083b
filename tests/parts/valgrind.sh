# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Part of tests/check: the daemon's unit tests, and the daemon with a script of clients,
# under valgrind. It sees what sanitizers do not: values that were never set, descriptors
# that are left.

# under_valgrind LOG COMMAND...: without a process for each test, which takes its time. (Left
# out are test_codec and test_codec_answers, which take minutes, and those that measure time:
# test_log and test_policy_size.)
under_valgrind() {
	local log=$1
	shift
	rm -f "$log".*
	CK_FORK=no "$@" > "$log" 2>&1 && return
	cat "$log" "$log".* >&2
	return 1
}

# Descriptors that a daemon had open at its end, and that were not its parent's.
no_descriptors() {
	awk '/^==[0-9]+== Open / { open = $0; next }
		open != "" && !/inherited from parent/ { print open; left = 1 }
		{ open = "" }
		END { exit left }' "$@" >&2
}

valgrind_unit() {
	local name log=$builds/valgrind
	for name in account config_space inventory ledger lifecycle memory notify policy \
		policy_reader record session_table sorted strand uevent use
	do
		verdict "valgrind: test_$name" under_valgrind "$log-$name" valgrind -q --leak-check=full \
			--error-exitcode=99 --log-file="$log-$name.%p" "$builds/gcc/tests/unit/test_$name"
	done
}

valgrind_daemon() {
	local log=$builds/valgrind-daemon
	verdict "valgrind: hwbrokerd" under_valgrind "$log" "$top/tests/faults/faults.py" --plain \
		valgrind --leak-check=full --track-fds=yes --error-exitcode=99 --log-file="$log.%p" \
		"$builds/gcc/hwbrokerd/hwbrokerd"
	verdict "valgrind: hwbrokerd leaves no descriptor" no_descriptors "$log".*
}

part_valgrind() {
	if build gcc -DCMAKE_C_COMPILER=gcc
	then
		valgrind_unit
		valgrind_daemon
	else
		not_ok "valgrind: builds"
	fi
}
