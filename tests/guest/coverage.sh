#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs in the virtual PC as root, for `tests/coverage': the suites with a daemon that counts
# its lines, and writes that down when it ends.
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
"$here/run" "$@"
status=$?
systemctl stop hwbrokerd
# Files alone: folders that there are stay as they are where this is unpacked.
(cd $counts && find . -name '*.gcda' -print0 | tar --null -T - -czf /tmp/counts.tar.gz) &&
	send_file counts.tar.gz /tmp/counts.tar.gz || status=1
exit $status
