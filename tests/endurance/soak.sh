#!/bin/bash
# SPDX-License-Identifier: MIT
# A hundred clients for as many seconds as the kernel's command line says:
# hwbroker.soak=SECONDS.
set -u

# shellcheck source=tests/endurance/start.sh
. /usr/libexec/hwbroker/tests/endurance/start.sh

run_with soak "$here/endurance-soak" "$(sed -E 's/.*hwbroker\.soak=([0-9]+).*/\1/' /proc/cmdline)"
