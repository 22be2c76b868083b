# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# Suite `no_ports' of `run': a machine that has no legacy ports says so, whatever the policy
# grants.

# refused COMMAND...: it fails, and says why.
refused() {
	"$@" && return 1
	"$@" 2>&1 | grep -F 'this machine has no I/O ports'
}

served() {
	"$@" > /dev/null
}

run_no_ports() {
	check "no_ports: a policy for the timer is no mistake" served hwbrokerd --check
	check "no_ports: the timer's driver" \
		refused runuser -u driver -- /usr/libexec/hwbroker/examples/pit
	check "no_ports: a program started with the ports" \
		refused runuser -u driver -- hwbroker-ctl run --as driver -- true
	check "no_ports: what the policy grants" \
		refused hwbroker-ctl explain driver 0x40-0x43
}
