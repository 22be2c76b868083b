#!/bin/bash
# SPDX-License-Identifier: MIT
# test_ctl_completes.sh FILE: the completion for bash, asked what may stand where, with a
# hwbroker-ctl that knows two devices and a client.
set -u

# shellcheck disable=SC2317 # what is sourced calls it
hwbroker-ctl() {
	case "$*" in
	'list devices')
		echo 'ADDRESS       DEVICE  IOMMU'
		echo '0000:00:03.0  card    3'
		echo '0000:00:1f.2  disk    7'
		echo '0000:00:1f.2: a note'
		;;
	'list clients')
		echo 'ID  CLIENT  PID'
		echo '1   net     812'
		echo '2   -       900'
		echo '3   net     813'
		;;
	esac
}

# shellcheck source=/dev/null
. "$1"
failed=0

# completes LINE WORD...: exactly these are offered at its end.
completes() {
	local line=$1 got
	shift
	COMP_LINE=$line COMP_POINT=${#line} COMPREPLY=()
	_hwbroker_ctl
	got=$(printf '%s\n' "${COMPREPLY[@]}" | sort -u | paste -sd ' ')
	if [ "$got" = "$*" ]
	then
		echo "ok \`$line'"
	else
		echo "not ok \`$line': $got, not $*"
		failed=1
	fi
}

COMP_WORDBREAKS=$' \t\n'
completes 'hwbroker-ctl lis' list
completes 'hwbroker-ctl list s' sessions
completes 'hwbroker-ctl list d' devices
completes 'hwbroker-ctl list devices --j' --json
completes 'hwbroker-ctl revoke ' 0000:00:03.0 0000:00:1f.2
completes 'hwbroker-ctl revoke --now 0000:00:1' 0000:00:1f.2
completes 'hwbroker-ctl revoke --n' --now
completes 'hwbroker-ctl --socket /run/x quarantine ' clear
completes 'hwbroker-ctl quarantine clear 0000:00:0' 0000:00:03.0
completes 'hwbroker-ctl generate-policy 0000:00:03.0 0000:00:1' 0000:00:1f.2
completes 'hwbroker-ctl genode-devices --as ' net
completes 'hwbroker-ctl explain net 0000:00:1' 0000:00:1f.2
completes 'hwbroker-ctl explain net irq:1' irq:1 irq:10 irq:11 irq:12 irq:13 irq:14 irq:15
completes 'hwbroker-ctl status --n'
completes 'hwbroker-ctl nothing '
# Where bash cuts at colons, what is before the last one stands already.
COMP_WORDBREAKS=$' \t\n:'
completes 'hwbroker-ctl revoke 0000:00:1' 1f.2
exit $failed
