# SPDX-License-Identifier: MIT
TARGET = hwb_devices
SRC_CC = main.cc
LIBS   = base
