/* SPDX-License-Identifier: MIT */
/*
 * Virtual functions (SR-IOV) that the policy wants of devices: they are made when the daemon
 * starts, when a device or its host driver comes, and when the policy changes, and go as
 * `restore' says. The kernel knows one way from a number to another, by way of none: so what is
 * in use keeps the number as it is, and what the host has made itself is left alone.
 */
#ifndef HWBROKERD_SESSION_VIRTUAL_H
#define HWBROKERD_SESSION_VIRTUAL_H

#include "server/broker.h"

/* Before clients come: what an earlier daemon has made is ours, too. */
void virtual_start(struct broker *broker);

/* Another policy is in force. */
void virtual_by_policy(struct broker *broker);

/* The device has another host driver. */
void virtual_driver(struct broker *broker, struct device *device);

/* The device has none any more: if it is a virtual one, that may have been waited for. */
void virtual_driver_left(struct broker *broker, const struct device *device);

/* Whether somebody has this virtual function, or may still reach it. */
bool virtual_is_used(const struct device *device);

/* The bus was looked at, or a device is at rest: what was waited for may be there. */
void virtual_look(struct broker *broker);

/* Begins to remove those that end with the daemon, all devices being at rest; whether there are
 * any. They count as busy devices until they are gone. */
bool virtual_stop(struct broker *broker);

#endif
