/* SPDX-License-Identifier: MIT */
/* The drivers that devices are taken to, by the daemon's backend. */
#ifndef HWBROKERD_UTIL_OUR_DRIVER_H
#define HWBROKERD_UTIL_OUR_DRIVER_H

#include <hwbroker/protocol.h>

#include <stdbool.h>
#include <string.h>

#define OUR_DRIVER_VFIO "vfio-pci"
#define OUR_DRIVER_BARE "uio_pci_generic" /* without VFIO */

/* Any of them, for who does not know the backend; bind_is_ours() is for who does. A field of the
 * wire will do, which need not end. */
static inline bool our_driver_of_any(const char driver[HWB_NAME_SIZE])
{
	static const char vfio[] = OUR_DRIVER_VFIO, bare[] = OUR_DRIVER_BARE;

	return strncmp(driver, vfio, sizeof(vfio)) == 0 || strncmp(driver, bare, sizeof(bare)) == 0;
}

#endif
