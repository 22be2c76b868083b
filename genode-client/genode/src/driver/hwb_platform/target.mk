# SPDX-License-Identifier: MIT
#
# Genode's platform driver, with kernel_io_mmu.{h,cc} from here: the first
# directory that has a file wins.

TARGET   = hwb_platform
REQUIRES = 64bit

include $(call select_from_repositories,src/driver/platform/target.inc)
