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
		# Two halves, so that both processors have something to do for as long.
		in_guest 6.12-first "$tar" /usr/libexec/hwbroker/tests/run --kernel 6.12 --timeout 900 \
			--append hwbroker.with=io_mem,io_port,irq,dma,platform,hotplug,holders
		in_guest 6.12-second "$tar" /usr/libexec/hwbroker/tests/run --kernel 6.12 \
			--timeout 900 "${uio[@]}" \
			--append hwbroker.with=revoke,mediated,lines,memory,admin,policy,genode,protocol
		# What older kernels may do otherwise.
		in_guest 6.1 "$tar" /usr/libexec/hwbroker/tests/run --kernel 6.1 --timeout 900 \
			--append hwbroker.with=io_mem,irq,dma,platform,hotplug,revoke,mediated
		in_guest conformance "$tar" /usr/libexec/hwbroker/tests/conformance.sh --timeout 900
		in_guest use "$tar" /usr/libexec/hwbroker/tests/use.sh
		local degraded=/usr/libexec/hwbroker/tests/degraded.sh
		in_guest no-iommu "$tar" $degraded --no-iommu
		in_guest no-remapping "$tar" $degraded --no-intremap
		in_guest refused "$tar" /usr/libexec/hwbroker/tests/run --no-intremap
		in_guest lockdown "$tar" $degraded --with vga --append lockdown=integrity
		in_guest vbe "$tar" /usr/libexec/hwbroker/tests/vbe.sh --with vga
		in_guest relaxed "$tar" $degraded --append iomem=relaxed
	else
		not_ok "guest: builds"
	fi
	if build_sanitized && tar=$(payload sanitize)
	then
		# What reads most of what clients and hosts say; the others wait rather than work.
		in_guest sanitized "$tar" /usr/libexec/hwbroker/tests/run --kernel 6.12 --timeout 900 \
			--append hwbroker.with=dma,mediated,memory,policy,protocol
	else
		not_ok "guest sanitized: builds"
	fi
}
