#!/bin/bash
# SPDX-License-Identifier: MIT
# What one client can cost the daemon.
set -u

# shellcheck source=tests/endurance/start.sh
. /usr/libexec/hwbroker/tests/endurance/start.sh

run_with bounds "$here/endurance-bounds"
