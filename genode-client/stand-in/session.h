/* SPDX-License-Identifier: MIT */
/*
 * What core does for its clients, on the entrypoint that it does it on. For the thread
 * that checks: it waits where a component would, and the entrypoint never does.
 */
#ifndef STAND_IN_SESSION_H
#define STAND_IN_SESSION_H

#include "device.h"
#include "thread.h"

enum { VENDOR_QEMU = 0x1234, EDU = 0x11e8, DISPLAY = 0x1111 };
enum { VENDOR_REDHAT = 0x1b36, TESTDEV = 0x0005, NVME = 0x0010 };
enum { VENDOR_INTEL = 0x8086, E1000E = 0x10d3 };

/* A device that the policy must give; NULL, with a check that failed: it does not. */
struct device *demand(uint32_t vendor, uint32_t id, uint32_t place, const char *name);

/* Acquires it, closes it and waits until it is free; a check each. */
bool take(struct device *device, uint32_t domain, const char *name);
bool give_back(struct device *device, const char *name);

/* 0: refused, with a check that failed. */
uint32_t domain_new(void);

/* CLOSE of anything but a device. */
bool close_session(uint32_t session, const char *name);

/* By physical address, as IO_MEM; -1: refused, with a check that failed. */
int registers_of(const struct device *device, uint32_t bar);

/* RAM as core has it: a memfd of fixed size. A negated errno: there is none. */
int memory_new(uint64_t size);

#endif
