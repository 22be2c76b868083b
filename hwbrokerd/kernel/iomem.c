/* SPDX-License-Identifier: MIT */
#include "kernel/iomem.h"

#include "util/cleanup.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* What the kernel's names begin with (struct resource's `name`). */
static const char *const ram[] = { "System RAM", "Kernel ", "Crash kernel" };

static const struct {
	const char *name;
	const char *what;
	bool to_read; /* it may be read without force */
} kept[] = {
	{ "PCI MMCONFIG", "configures every PCI device", false },
	{ "PCI ECAM", "configures every PCI device", false },
	{ "IOAPIC", "routes every interrupt", false },
	{ "Local APIC", "is where interrupts (MSI) are written", false },
	{ "dmar", "is an IOMMU", false },
	{ "amd_iommu", "is an IOMMU", false },
	{ "arm-smmu", "is an IOMMU", false },
	{ "MSFT0101", "is the TPM", false },
	{ "TPM", "is the TPM", false },
	{ "ACPI ", "belongs to the firmware, which the kernel relies on", false },
	/* IA-PC HPET specification 1.0a, FSB Interrupt Route Register: any value to any address. */
	{ "HPET ",
	  "writes wherever its registers tell it to, each time that one of its timers ends", true },
	{ "Persistent Memory", "keeps data of the host", false },
};

static bool begins(const char *name, const char *with)
{
	return strncmp(name, with, strlen(with)) == 0;
}

static bool is_ram(const char *name)
{
	for (size_t i = 0; i < sizeof(ram) / sizeof(ram[0]); i++)
		if (begins(name, ram[i]))
			return true;
	return false;
}

/* "0000:00:03.0", as BARs are called there. */
static bool is_bar(const char *name)
{
	size_t domain = strspn(name, "0123456789abcdef");
	const char *rest = name + domain;

	return domain >= 4 && strlen(rest) == strlen(":00:03.0") && rest[0] == ':' &&
	       isxdigit((unsigned char)rest[1]) && isxdigit((unsigned char)rest[2]) &&
	       rest[3] == ':' && isxdigit((unsigned char)rest[4]) &&
	       isxdigit((unsigned char)rest[5]) && rest[6] == '.' && rest[7] >= '0' &&
	       rest[7] <= '7';
}

static int refuse_kept(const char *name, uint64_t at, bool write, struct fault *fault)
{
	if (is_bar(name))
		return fault_set(fault, HWB_UNSAFE,
		                 "memory 0x%" PRIx64 " is in a BAR of %s, for which a [device] "
		                 "section is the way; `force = yes' in its [memory] section grants "
		                 "it all the same",
		                 at, name);
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (begins(name, kept[i].name) && (write || !kept[i].to_read))
			return fault_set(fault, HWB_UNSAFE,
			                 "memory 0x%" PRIx64 " (%s in " IOMEM_PATH ") %s; only "
			                 "`force = yes' in its [memory] section grants it%s",
			                 at, name, kept[i].what,
			                 kept[i].to_read ? " to be written to" : "");
	return 0;
}

/* "  fed00000-fed003ff : HPET 0", indented by how deep it is. */
static bool read_line(char *line, uint64_t *first, uint64_t *last, const char **name)
{
	char *end;

	errno = 0;
	*first = strtoull(line, &end, 16);
	if (end == line || *end != '-')
		return false;
	char *second = end + 1;
	*last = strtoull(second, &end, 16);
	if (end == second || strncmp(end, " : ", 3) != 0 || errno != 0)
		return false;
	*name = end + 3;
	end[3 + strcspn(end + 3, "\n")] = '\0';
	return true;
}

int iomem_check(const char *path, uint64_t first, uint64_t last, bool write, bool force,
                struct fault *fault)
{
	_cleanup_file_ FILE *file = fopen(path, "re");
	char line[512];
	bool ram_is_known = false;
	struct fault kept_fault = { .status = HWB_OK };

	if (file == NULL)
		return fault_errno(fault, errno, "cannot tell whose memory that is: %s", path);
	while (fgets(line, sizeof(line), file) != NULL) {
		uint64_t from, to;
		const char *name;
		if (!read_line(line, &from, &to, &name))
			continue;
		ram_is_known |= is_ram(name) && to != 0;
		if (first > to || last < from)
			continue;
		uint64_t at = first > from ? first : from;
		/* Without the right to know, all of it is at 0. */
		if (is_ram(name) && to != 0)
			return fault_set(fault, HWB_UNSAFE,
			                 "memory 0x%" PRIx64
			                 " is RAM of the host (%s in %s), which "
			                 "nothing grants",
			                 at, name, path);
		if (!force && kept_fault.status == HWB_OK)
			refuse_kept(name, at, write, &kept_fault);
	}
	if (!ram_is_known)
		return fault_set(fault, HWB_UNSUPPORTED,
		                 "%s does not say where RAM is: the broker needs CAP_SYS_ADMIN for "
		                 "that",
		                 path);
	if (kept_fault.status == HWB_OK)
		return 0;
	if (fault != NULL)
		*fault = kept_fault;
	return -1;
}

/* A claim is listed behind its BAR, which it is a part of. How deep that is by the indentation says
 * nothing: the file ends counting at five. */
int iomem_claims(const char *path, struct iomem_claim *claims, int max)
{
	_cleanup_file_ FILE *file = fopen(path, "re");
	char line[512];
	struct iomem_claim bar = { .first = 0 };
	uint64_t end = 0;
	bool tells = false;
	int count = 0;

	while (file != NULL && count < max && fgets(line, sizeof(line), file) != NULL) {
		uint64_t from, to;
		const char *name;
		if (!read_line(line, &from, &to, &name))
			continue;
		tells = tells || to != 0;
		if (is_bar(name) && strlen(name) < sizeof(bar.name)) {
			strcpy(bar.name, name);
			bar.first = from;
			end = to;
		} else if (bar.first != 0 && from == bar.first && to <= end) {
			claims[count++] = bar;
			bar.first = 0;
		}
	}
	return tells ? count : -1;
}
