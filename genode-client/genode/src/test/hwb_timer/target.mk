# SPDX-License-Identifier: MIT
TARGET = test-hwb_timer
SRC_CC = main.cc
LIBS   = base
