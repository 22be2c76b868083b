# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# Suite `functions' of `run': a card of two functions is plugged into port0, and taken out.

functions_with_host() {
	[ "$(readlink /sys/bus/pci/devices/0000:02:00.0/driver | sed 's|.*/||')" = e1000e ] &&
		[ "$(readlink /sys/bus/pci/devices/0000:02:00.1/driver | sed 's|.*/||')" = e1000e ] &&
		hwbroker-ctl show 02:00.1 > /dev/null
}

functions_gone() {
	! [ -e /sys/bus/pci/devices/0000:02:00.0 ] && ! hwbroker-ctl show 02:00.0 > /dev/null 2>&1
}

# The kernel looks at a slot when its first function is there: that comes last.
prepare_functions() {
	local common='"driver":"e1000e","bus":"port0","romfile":"","multifunction":true'
	start_serving
	device_add "{$common,\"id\":\"second\",\"addr\":\"0.1\"}"
	device_add "{$common,\"id\":\"first\",\"addr\":\"0.0\"}"
	within functions_with_host
}

functions_of_a_group() {
	check "functions: audit says that they belong together" ctl 0 "goes to one client as a whole" \
		root audit 02:00.1
	check "functions: audit says who uses the other" ctl 0 "host uses through \`e1000e'" \
		root audit 02:00.1
	check "functions: explain says so" ctl 1 "no rule of yours says" root explain driver 02:00.1
	check "functions: a bridge of the group is in nobody's way" ctl 0 \
		"the bridge 0000:00:0a.0 is in it, too" root audit 01:01.0
}

clean_up_functions() {
	local tries
	[ -z "$(ls -A /sys/class/iommu)" ] || functions_of_a_group
	device_del first
	for ((tries = 0; tries < 150; tries++))
	do
		functions_gone && break
		sleep 0.1
	done
	check "functions: they leave together" functions_gone
	kill "$helper"
}
