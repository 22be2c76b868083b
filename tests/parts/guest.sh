# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Part of tests/check: the installed daemon in the virtual PC, on both kernels,
# and once more built with sanitizers.

# in_guest NAME PAYLOAD SCRIPT PC_OPTION...: prints the guest's output and counts
# its lines `ok ...' and `not ok ...'. If QEMU itself ends, which is no result of
# ours, only a second run counts; what the first one left is beside it.
in_guest() {
	local name=$1 tar=$2 script=$3 status
	local out=$builds/guest-$name
	shift 3
	rm -rf "$out" "$out-ended"
	run_guest "$@"
	if [ "$status" = 125 ]
	then
		mv "$out" "$out-ended"
		echo "guest $name: the virtual PC ended by itself ($out-ended); once more" >&2
		run_guest "$@"
	fi
	results "guest $name" "$out/output.log" "$status"
}

# Part of in_guest, whose variables it uses.
run_guest() {
	mkdir -p "$out"
	"$pc" run --payload "$tar" --script "$script" --out "$out" "$@" > "$out/output.log"
	status=$?
}

part_guest() {
	local tar
	if build gcc -DCMAKE_C_COMPILER=gcc && tar=$(payload gcc)
	then
		in_guest 6.12 "$tar" /usr/libexec/hwbroker/tests/run --kernel 6.12 --timeout 900
		in_guest 6.1 "$tar" /usr/libexec/hwbroker/tests/run --kernel 6.1 --timeout 900
		in_guest conformance "$tar" /usr/libexec/hwbroker/tests/conformance.sh --timeout 900
		in_guest use "$tar" /usr/libexec/hwbroker/tests/use.sh
		local degraded=/usr/libexec/hwbroker/tests/degraded.sh
		in_guest no-iommu "$tar" $degraded --no-iommu
		in_guest no-remapping "$tar" $degraded --no-intremap
		in_guest refused "$tar" /usr/libexec/hwbroker/tests/run --no-intremap
		in_guest lockdown "$tar" $degraded --append lockdown=integrity
		in_guest relaxed "$tar" $degraded --append iomem=relaxed
	else
		not_ok "guest: builds"
	fi
	if build sanitize -DCMAKE_C_COMPILER=gcc -DCMAKE_BUILD_TYPE=Debug \
		-DHWBROKER_SANITIZE=address,undefined && tar=$(payload sanitize)
	then
		in_guest sanitized "$tar" /usr/libexec/hwbroker/tests/run --kernel 6.12 --timeout 900
	else
		not_ok "guest sanitized: builds"
	fi
}
