#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs in the virtual PC as root: PROTOCOL.md, rule by rule, against the installed daemon.
exec "$(dirname "$0")/run" conformance
