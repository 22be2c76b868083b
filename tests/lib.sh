# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What `tests/demo', `tests/check', `tests/bench' and `tests/soak' share: places,
# installing, building, and the payload of the virtual PC.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
builds=${HWBROKER_BUILD:-$top/build}
pc=$top/tests/machine/pc

# One line of progress, with the seconds since the start.
step() {
	printf '[%4d s] %s\n' "$SECONDS" "$*" >&2
}

# install_packages [LIST...]: what all need, and what the lists name.
install_packages() {
	"$top/tests/machine/install" "$top/tests/packages" "$top/tests/machine/packages" "$@"
}

# quietly LOG COMMAND...: output goes to LOG, and to the screen only if it fails.
quietly() {
	local log=$1
	shift
	if ! "$@" > "$log" 2>&1
	then
		echo "failed: $*" >&2
		tail -n 40 "$log" >&2
		echo "(all of it: $log)" >&2
		return 1
	fi
}

# build NAME CMAKE_OPTION...: configures and builds below $builds/NAME.
build() {
	local name=$1
	shift
	mkdir -p "$builds"
	quietly "$builds/$name.log" cmake -S "$top" -B "$builds/$name" \
		-DCMAKE_INSTALL_PREFIX=/usr -DHWBROKER_WERROR=ON "$@" &&
		quietly "$builds/$name.log" cmake --build "$builds/$name" -j "$(nproc)"
}

# build_sanitized: likewise, below the name `sanitize'. Optimised a little, which the virtual PC
# needs half the time for; gcc warns of what is not so then, as its manual says of sanitizers.
build_sanitized() {
	build sanitize -DCMAKE_C_COMPILER=gcc -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG="-g -O1" \
		-DHWBROKER_SANITIZE=address,undefined -DHWBROKER_WERROR=OFF
}

# payload NAME: installs build NAME as a tar archive that the virtual PC unpacks;
# prints its path.
payload() {
	local stage
	stage=$(mktemp -d)
	chmod 755 "$stage" # it becomes the mode of the guest's root directory
	quietly "$builds/$1.install.log" env DESTDIR="$stage" cmake --install "$builds/$1" &&
		tar -C "$stage" --owner=0 --group=0 --format=ustar -cf "$builds/$1.tar.new" . &&
		mv "$builds/$1.tar.new" "$builds/$1.tar" # somebody may be reading the old one
	local status=$?
	rm -rf "$stage"
	[ $status = 0 ] && echo "$builds/$1.tar"
}
