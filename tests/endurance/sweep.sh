#!/bin/bash
# SPDX-License-Identifier: MIT
# SIGKILL at each message of a session, to the client and to the daemon.
set -u

# shellcheck source=tests/endurance/start.sh
. /usr/libexec/hwbroker/tests/endurance/start.sh

run_with sweep "$here/endurance-sweep"
