# SPDX-License-Identifier: MIT
TARGET = test-hwb_abuse
SRC_CC = main.cc
LIBS   = base
