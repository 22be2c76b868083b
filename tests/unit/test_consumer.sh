#!/bin/sh
# SPDX-License-Identifier: MIT
# A program outside of the tree builds, links and runs against what is installed,
# found by pkg-config and by CMake: test_consumer.sh BUILD_DIR INSTALL_PREFIX.
set -eu
build=$1
prefix=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
stage=$work/stage
quietly() {
	"$@" > "$work/log" 2>&1 && return
	echo "failed: $*" >&2
	cat "$work/log" >&2
	return 1
}

DESTDIR=$stage quietly cmake --install "$build"
config=$(find "$stage" -name hwbroker-client.pc)
library=$(dirname "$(dirname "$config")")

cat > "$work/consumer.c" <<'END'
#include <hwbroker/codec.h>
#include <hwbroker/posix.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct hwb_posix posix;

int main(void)
{
	struct hwb_error error;
	int result = hwb_posix_open(&posix, "/nowhere/socket", NULL, NULL, &error);

	puts(error.reason);
	return result == -ENOENT && strcmp(hwb_status_name(HWB_BUSY), "BUSY") == 0 ? 0 : 1;
}
END
cat > "$work/embedder.c" <<'END'
#include <hwbroker/client.h>

static struct hwb_client client;

int main(void)
{
	return hwb_begin(&client, 0, HWB_PING, 0, 0, HWB_MESSAGE_MAX, -1) < 0 ? 0 : 1;
}
END

# ---- pkg-config ----

export PKG_CONFIG_SYSROOT_DIR="$stage" PKG_CONFIG_LIBDIR="$library/pkgconfig"
export PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 PKG_CONFIG_ALLOW_SYSTEM_LIBS=1
# shellcheck disable=SC2046
quietly cc -Wall -Wextra -Werror -o "$work/shared" "$work/consumer.c" \
	$(pkg-config --cflags --libs hwbroker-client)
quietly env LD_LIBRARY_PATH="$library" "$work/shared"
# shellcheck disable=SC2046
quietly cc -static -o "$work/static" "$work/consumer.c" \
	$(pkg-config --cflags --libs --static hwbroker-client)
quietly "$work/static"
unset PKG_CONFIG_SYSROOT_DIR PKG_CONFIG_LIBDIR

# ---- CMake ----

cat > "$work/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.18)
project(consumer LANGUAGES C)
find_package(hwbroker-client 0.1 REQUIRED)
add_executable(consumer consumer.c)
target_link_libraries(consumer PRIVATE hwbroker::client)
add_executable(embedder embedder.c)
target_link_libraries(embedder PRIVATE hwbroker::client-core)
END
quietly cmake -S "$work" -B "$work/build" -DCMAKE_PREFIX_PATH="$stage$prefix"
quietly cmake --build "$work/build"
quietly "$work/build/consumer"
quietly "$work/build/embedder"
# Not what another find_package or the system offers.
grep -q "hwbroker-client_DIR:PATH=$stage" "$work/build/CMakeCache.txt"
