# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Part of tests/check: the Debian packages: made twice, looked at by lintian, and from
# installation to purge in the virtual PC.

# From a copy of the tree elsewhere: the same bytes. Prints what differs.
packages_elsewhere() {
	local copy=$builds/packages/copy file
	rm -rf "$copy"
	mkdir -p "$copy"
	# Without .git, so that the date has to be told.
	tar -C "$top" --exclude=./.git --exclude="./build*" -cf - . | tar -C "$copy" -xf - &&
		SOURCE_DATE_EPOCH=$(cat "$builds/packages/date") quietly "$builds/packages/elsewhere.log" \
			"$copy/packaging/build" --output "$copy/made" --work "$copy/elsewhere" || return 1
	for file in "$builds"/packages/1/*.deb
	do
		cmp "$file" "$copy/made/$(basename "$file")" || return 1
	done
	rm -rf "$copy"
}

packages_lintian() {
	lintian --allow-root --fail-on error,warning "$builds"/packages/1/*.deb
}

# A program of somebody else's, by what the packages have for it.
packages_linked() {
	local root=$builds/packages/root lib
	rm -rf "$root"
	for file in "$builds"/packages/1/libhwbroker-client*.deb
	do
		dpkg-deb -x "$file" "$root" || return 1
	done
	lib=$root/usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH)
	# shellcheck disable=SC2046
	(cd "$root/usr/share/doc/libhwbroker-client-dev/drivers" &&
		gcc -o "$builds/packages/edu" edu.c example.c $(PKG_CONFIG_SYSROOT_DIR=$root \
			PKG_CONFIG_PATH=$lib/pkgconfig pkg-config --cflags --libs hwbroker-client) &&
		LD_LIBRARY_PATH=$lib "$builds/packages/edu" --help > /dev/null)
}

# The program of the first revision, and of the second; the tests alone by `cmake --install'.
packages_payload() {
	local stage=$builds/packages/stage
	rm -rf "$stage"
	mkdir -p "$stage/opt/packages/1" "$stage/opt/packages/2" || return 1
	local revision file
	for revision in 1 2
	do
		for file in "$builds/packages/$revision"/*.deb
		do
			# Images are made elsewhere: they need python3, which the virtual PC has not.
			[[ $file == */hwbroker-genode_* ]] || cp "$file" "$stage/opt/packages/$revision" || return 1
		done
	done
	quietly "$builds/packages/install.log" env DESTDIR="$stage" \
		cmake --install "$builds/gcc" --component tests &&
		chmod 755 "$stage" &&
		tar -C "$stage" --owner=0 --group=0 --format=ustar -cf "$builds/packages.tar" .
}

part_packages() {
	local common=$builds/packages
	rm -rf "$common/1" "$common/2"
	mkdir -p "$common"
	git -C "$top" log -1 --format=%ct > "$common/date" 2> /dev/null ||
		stat -c %Y "$top/CHANGELOG.md" > "$common/date"
	if ! SOURCE_DATE_EPOCH=$(cat "$common/date") quietly "$common/1.log" "$top/packaging/build" \
		--output "$common/1" --work "$common/work" ||
		! SOURCE_DATE_EPOCH=$(cat "$common/date") quietly "$common/2.log" "$top/packaging/build" \
			--output "$common/2" --work "$common/work" --revision 2 ||
		! build gcc -DCMAKE_C_COMPILER=gcc || ! packages_payload
	then
		not_ok "packages: are made"
		return
	fi
	ok "packages: are made"
	in_guest packages "$builds/packages.tar" /usr/libexec/hwbroker/tests/packages.sh --kernel 6.12 --timeout 900
	verdict "packages: lintian has nothing to say" packages_lintian
	verdict "packages: a program builds with what they have for it" packages_linked
	verdict "packages: made elsewhere, the same bytes" packages_elsewhere
}
