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
			--append hwbroker.with=backend,io_mem,irq,dma,platform,holders,revoke,restart
		# shellcheck disable=SC2086
		in_guest iommufd-refused "$tar" $run $iommufd --no-intremap \
			--append hwbroker.with=platform
	else
		not_ok "kernels: builds"
	fi
}
