#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs in the virtual PC as root: the suites of `run' about what an operator lives with.
suites=(units share restart service run)
# What older kernels do not change is shown on one.
[[ $(uname -r) == 6.1.* ]] || suites+=(which agree operator)
exec "$(dirname "$0")/run" "${suites[@]}"
