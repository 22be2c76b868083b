/* SPDX-License-Identifier: MIT */
/*
 * A client's view of the bus: exactly the devices that the policy gives it.
 */
#ifndef HWBROKERD_SESSION_PLATFORM_H
#define HWBROKERD_SESSION_PLATFORM_H

#include "server/request.h"
#include "session/session.h"

/* The device if this client may see it; otherwise NULL and `fault` (which may be
 * NULL, as `verdict`) says HWB_NOT_FOUND, the same whether it exists or not. */
struct device *platform_find(const struct peer *peer, const struct hwb_pci_address *address,
                             struct policy_verdict *verdict, struct fault *fault);

/* The device whoever may see it: for who administrates. NULL: `fault` says why. */
struct device *platform_find_any(const struct broker *broker, const struct hwb_pci_address *address,
                                 struct fault *fault);

/* One question about a device to the policy: 0, or -1 with its reason. Where no IOMMU confines
 * it, DMA is POLICY_DMA_UNSAFE. */
int platform_may(const struct peer *peer, const struct device *device, enum policy_kind kind,
                 struct fault *fault);

/* Whether there is a device that this client may have reach all of memory. */
bool platform_gives_unsafe_dma(const struct peer *peer);

/* The device as `peer` sees it now. */
void platform_describe(const struct peer *peer, const struct device *device,
                       struct hwb_device *facts);

/* Tells all whose device it is by the policy, but for the one who has it. */
void platform_tell(const struct broker *broker, const struct device *device,
                   enum hwb_device_change change);

/* Answers with the page at `cursor` of the devices that the policy gives `client`. */
void platform_list(const struct request *request, const struct policy_client *client,
                   uint64_t cursor);

#endif
