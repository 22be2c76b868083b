# SPDX-License-Identifier: MIT
# Stands for base-linux's description of core on x86, which has ports in addition.
include $(REP_DIR)/lib/mk/core-linux.inc
SRC_CC += io_port_session_component.cc io_port_session_support.cc
