# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Part of tests/check: the installed daemon, and what kills and long use leave of it.

part_endurance() {
	local tar kernel scripts=/usr/libexec/hwbroker/tests/endurance
	if ! build gcc -DCMAKE_C_COMPILER=gcc || ! tar=$(payload gcc)
	then
		not_ok "endurance: builds"
		return
	fi
	for kernel in 6.12 6.1
	do
		in_guest "sweep-$kernel" "$tar" $scripts/sweep.sh --kernel $kernel --timeout 900
	done
	in_guest bounds "$tar" $scripts/bounds.sh
	in_guest soak "$tar" $scripts/soak.sh --append hwbroker.soak=45
}
