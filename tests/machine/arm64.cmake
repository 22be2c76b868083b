# SPDX-License-Identifier: MIT
# For CMAKE_TOOLCHAIN_FILE: arm64 with Debian's cross compiler. The libraries are those of
# the folder CMAKE_SYSROOT, which `pc image --arch arm64' makes and prints.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)

# CMake's own trial projects read this file without what the command line said.
if(CMAKE_SYSROOT)
  set(ENV{HWBROKER_SYSROOT} ${CMAKE_SYSROOT})
elseif(DEFINED ENV{HWBROKER_SYSROOT})
  set(CMAKE_SYSROOT $ENV{HWBROKER_SYSROOT})
else()
  message(FATAL_ERROR "Tell where arm64 libraries are: -DCMAKE_SYSROOT=DIRECTORY")
endif()
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

# What the host has installed is of no use.
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${CMAKE_SYSROOT})
set(ENV{PKG_CONFIG_LIBDIR}
  ${CMAKE_SYSROOT}/usr/lib/aarch64-linux-gnu/pkgconfig:${CMAKE_SYSROOT}/usr/share/pkgconfig)
