# SPDX-License-Identifier: MIT
TARGET = test-hwb_block
SRC_CC = main.cc
LIBS   = base
