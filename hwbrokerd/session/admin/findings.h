/* SPDX-License-Identifier: MIT */
/* What was looked at, to be told an operator page by page. */
#ifndef HWBROKERD_SESSION_FINDINGS_H
#define HWBROKERD_SESSION_FINDINGS_H

#include "policy/policy.h"

#include <stdbool.h>

enum { FINDINGS_MAX = 24 };

struct findings {
	struct hwb_finding items[FINDINGS_MAX];
	uint32_t count;
};

/* What comes after the last there is room for is left out. NULL: there was none. */
struct hwb_finding *findings_add(struct findings *findings, const struct hwb_pci_address *address,
                                 enum hwb_finding_level level, const char *code, const char *format,
                                 ...) __attribute__((format(printf, 5, 6)));

/* That the device is in no group; `iommu`: others of the host are. */
void findings_add_groupless(struct findings *findings, const struct hwb_pci_address *address,
                            const char *code, bool iommu);

/* Names the rule that decided; fine with a NULL finding. */
void findings_cite(struct hwb_finding *finding, const struct policy_verdict *verdict);

#endif
