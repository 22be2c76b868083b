# SPDX-License-Identifier: MIT
TARGET = test-hwb_odd
SRC_CC = main.cc
LIBS   = base
