# SPDX-License-Identifier: MIT
TARGET = test-hwb_platform
SRC_CC = main.cc
LIBS   = base
