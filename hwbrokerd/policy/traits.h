/* SPDX-License-Identifier: MIT */
/* What is known of a device beside its numbers. */
#ifndef HWBROKERD_POLICY_TRAITS_H
#define HWBROKERD_POLICY_TRAITS_H

/* NULL: it has none, and no rule that asks for one is about it. */
struct policy_traits {
	const char *slot;   /* that it is plugged into, as the firmware numbers it: "3" */
	const char *driver; /* of the host, which it has or goes back to: "e1000e" */
	const char *path;   /* in sysfs: "/sys/devices/pci0000:00/0000:00:03.0" */
	/* Of a virtual function: whose it is, "0000:03:00.0". */
	const char *physical;
};

#endif
