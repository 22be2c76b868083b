# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Part of tests/check: the installed daemon in the virtual PC, on both kernels,
# and once more built with sanitizers.

part_guest() {
	local tar uio=()
	if build gcc -DCMAKE_C_COMPILER=gcc && tar=$(payload gcc)
	then
		# A UIO device for suite `lines'.
		if "$top/tests/machine/uio/build" "$builds/uio.tar"
		then
			uio=(--payload "$builds/uio.tar")
		else
			not_ok "guest: the module for UIO builds"
		fi
		in_guest 6.12 "$tar" /usr/libexec/hwbroker/tests/run --kernel 6.12 --timeout 900 "${uio[@]}"
		in_guest 6.1 "$tar" /usr/libexec/hwbroker/tests/run --kernel 6.1 --timeout 900
		in_guest conformance "$tar" /usr/libexec/hwbroker/tests/conformance.sh --timeout 900
		in_guest use "$tar" /usr/libexec/hwbroker/tests/use.sh
		local degraded=/usr/libexec/hwbroker/tests/degraded.sh
		in_guest no-iommu "$tar" $degraded --no-iommu
		in_guest no-remapping "$tar" $degraded --no-intremap
		in_guest refused "$tar" /usr/libexec/hwbroker/tests/run --no-intremap
		in_guest lockdown "$tar" $degraded --append lockdown=integrity
		in_guest vbe "$tar" /usr/libexec/hwbroker/tests/vbe.sh --with vga
		in_guest relaxed "$tar" $degraded --append iomem=relaxed
	else
		not_ok "guest: builds"
	fi
	if build_sanitized && tar=$(payload sanitize)
	then
		in_guest sanitized "$tar" /usr/libexec/hwbroker/tests/run --kernel 6.12 --timeout 900
	else
		not_ok "guest sanitized: builds"
	fi
}
