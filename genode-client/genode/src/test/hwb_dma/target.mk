# SPDX-License-Identifier: MIT
TARGET = test-hwb_dma
SRC_CC = main.cc
LIBS   = base
