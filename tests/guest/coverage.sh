#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs in the virtual PC as root, for `tests/coverage': the suites with a daemon that counts
# its lines, and writes that down when it ends. After each suite the host is told, since QEMU
# may end by itself.
set -u
# shellcheck source=tests/machine/guest/control.sh
. /usr/lib/hwbroker-control.sh

here=$(cd "$(dirname "$0")" && pwd)
counts=/run/coverage
mkdir -p $counts /etc/systemd/system/hwbrokerd.service.d
cat > /etc/systemd/system/hwbrokerd.service.d/coverage.conf <<-END
	[Service]
	Environment=GCOV_PREFIX=$counts
	ReadWritePaths=$counts
END
# Those of clients are nobody's.
export GCOV_PREFIX=/proc/none GCOV_ERROR_FILE=/dev/null
systemctl daemon-reload

# Files alone: folders that there are stay as they are where this is unpacked.
send_counts() {
	(cd $counts && find . -name '*.gcda' -print0 | tar --null -T - -czf /tmp/counts.tar.gz) &&
		send_file counts.tar.gz /tmp/counts.tar.gz
}

result=0
for suite in io_mem io_port irq dma policy platform hotplug holders revoke protocol conformance genode
do
	# A daemon that is killed writes nothing down: the tests of that stay out.
	case $suite in
	holders | revoke) export CK_RUN_CASE=$suite ;;
	*) unset CK_RUN_CASE ;;
	esac
	"$here/run" $suite || result=1
	systemctl stop hwbrokerd
	send_counts || result=1
done
exit $result
