/* SPDX-License-Identifier: MIT */
#include "session/admin/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct hwb_finding *findings_add(struct findings *findings, const struct hwb_pci_address *address,
                                 enum hwb_finding_level level, const char *code, const char *format,
                                 ...)
{
	struct hwb_finding *finding = &findings->items[findings->count];
	va_list arguments;

	if (findings->count == FINDINGS_MAX)
		return NULL;
	findings->count++;
	*finding = (struct hwb_finding){ .level = level };
	if (address != NULL)
		finding->address = *address;
	snprintf(finding->code, sizeof(finding->code), "%s", code);
	va_start(arguments, format);
	vsnprintf(finding->text, sizeof(finding->text), format, arguments);
	va_end(arguments);
	return finding;
}

void findings_add_groupless(struct findings *findings, const struct hwb_pci_address *address,
                            const char *code, bool iommu)
{
	findings_add(findings, address, HWB_FINDING_BLOCKS, code, "%s",
	             iommu ? "it is in no IOMMU group, though others are: the firmware names no "
	                     "IOMMU for it, or the kernel cannot keep it apart (its log says "
	                     "more); another slot or a newer firmware may help"
	                   : "it is in no IOMMU group: switch on VT-d or AMD-Vi in the firmware "
	                     "and boot with intel_iommu=on");
}

void findings_cite(struct hwb_finding *finding, const struct policy_verdict *verdict)
{
	if (finding == NULL || verdict->section[0] == '\0')
		return;
	memcpy(finding->rule, verdict->section, sizeof(finding->rule));
	memcpy(finding->file, verdict->file, sizeof(finding->file));
	finding->line = verdict->line;
}
