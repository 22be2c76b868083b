/* SPDX-License-Identifier: MIT */
/* How `run' ends when it is not the program that ends: as env(1). */
#ifndef HWBROKER_CTL_RUN_H
#define HWBROKER_CTL_RUN_H

enum { RUN_CANNOT_START = 125 };

#endif
