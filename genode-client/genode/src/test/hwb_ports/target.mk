# SPDX-License-Identifier: MIT
TARGET = test-hwb_ports
SRC_CC = main.cc
LIBS   = base
