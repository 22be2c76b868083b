# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Part of tests/check: other machines and kernels than Debian's on a PC with an IOMMU. Each is
# a line: the suites that it is for, in the virtual PC.

part_kernels() {
	local tar run=/usr/libexec/hwbroker/tests/run
	# The first guest that wants the small kernel builds it: once, for some minutes.
	"$top/tests/machine/install" "$top/tests/machine/packages-kernel"
	if build gcc -DCMAKE_C_COMPILER=gcc && tar=$(payload gcc)
	then
		in_guest small-groups "$tar" $run --kernel small --append hwbroker.with=backend,dma
		# Without VFIO's containers.
		local iommufd="--kernel small --append initcall_blacklist=vfio_iommu_type1_init"
		# shellcheck disable=SC2086 # words, on purpose
		in_guest iommufd "$tar" $run $iommufd \
			--append hwbroker.with=backend,io_mem,irq,dma,hotplug,revoke,mediated,restart
		# shellcheck disable=SC2086
		in_guest iommufd-refused "$tar" $run $iommufd --no-intremap \
			--append hwbroker.with=platform
		in_guest amd "$tar" $run --iommu amd \
			--append hwbroker.with=irq,dma,revoke,platform,hotplug
		# Without an IOMMU: with VFIO and, as Debian's kernels are, without it; more of that is
		# in part guest.
		in_guest vfio-noiommu "$tar" $run --kernel small --no-iommu \
			--append vfio.enable_unsafe_noiommu_mode=1 \
			--append hwbroker.with=unsafe,io_mem,irq,revoke,mediated
		in_guest sysfs-uio "$tar" $run --kernel 6.12 --no-iommu \
			--append hwbroker.with=io_mem,irq,platform,hotplug
		in_guest no-iommu-6.1 "$tar" $run --kernel 6.1 --no-iommu --append hwbroker.with=unsafe
	else
		not_ok "kernels: builds"
	fi
	kernels_arm64
}

# Built with Debian's cross compiler, and against the arm64 machine's own Debian, which is
# made if absent. That takes some minutes, once.
kernels_arm64() {
	local tar image begin=$SECONDS
	if "$top/tests/machine/install" "$top/tests/machine/packages-arm64" &&
		image=$("$pc" image --arch arm64) && step "arm64 machine: $((SECONDS - begin)) s" &&
		build arm64 -DCMAKE_TOOLCHAIN_FILE="$top/tests/machine/arm64.cmake" \
			-DCMAKE_SYSROOT="$image/sysroot" && tar=$(payload arm64)
	then
		in_guest arm64 "$tar" /usr/libexec/hwbroker/tests/run --arch arm64 --timeout 900 \
			--append hwbroker.with=io_mem,no_ports,irq,dma,platform,functions,sriov
	else
		not_ok "kernels arm64: builds"
	fi
	OVERLAY_COMPILERS=aarch64-linux-gnu-g++ OVERLAY_SPECS='arm_v8a arm_64 64bit' \
		"$top/tests/genode/overlay.sh" > "$builds/genode-arm64.log"
	results "genode arm64" "$builds/genode-arm64.log" $?
}
