#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs in the virtual PC as root: the suites of `run' about what an operator lives with.
exec "$(dirname "$0")/run" which units share restart operator service look run
