/* SPDX-License-Identifier: MIT */
/* The text of the policy: each line with the fact that it follows from. */
#include "generate.h"

#include "graph.h"
#include "names.h"
#include "table.h"
#include "util/our_driver.h"

#include <string.h>

/* What is behind a section's name for each of its devices. */
enum { NUMBER_ROOM = 4 };

bool generate_is_name(const char *name)
{
	static const char known[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	                            "_-.";
	size_t length = strlen(name);

	return length != 0 && length < HWB_NAME_SIZE && strspn(name, known) == length &&
	       strchr("_-.", name[0]) == NULL;
}

static bool has_host_driver(const struct hwb_admin_device *record)
{
	char driver[HWB_NAME_SIZE + 1];

	graph_text(record->host_driver, HWB_NAME_SIZE, driver, sizeof(driver));
	return driver[0] != '\0' && !our_driver_of_any(driver);
}

/* Serial ports, timers and the like are reached by registers alone; whatever can send an
 * MSI writes to memory to do so. */
static bool needs_dma(const struct hwb_device *device)
{
	uint32_t base = device->class_code >> 16;

	return device->msi_vectors != 0 || device->msix_vectors != 0 ||
	       (device->flags & HWB_DEVICE_PCIE) != 0 ||
	       (base != 0x05 && base != 0x07 && base != 0x08);
}

static void put_head(FILE *out, const struct generate *what)
{
	fprintf(out,
	        "# What `%s' may have, as `hwbroker-ctl generate-policy' would begin.\n"
	        "# Read it, take away what is not needed, and put it into\n"
	        "# /etc/hwbroker/policy.d/%s.conf. `hwbrokerd --check' tells mistakes,\n"
	        "# `systemctl reload hwbrokerd' puts it into force. All keys: hwbroker-policy(5).\n"
	        "\n"
	        "# Who: processes of this user.\n"
	        "[client %s]\n"
	        "user = %s\n",
	        what->client, what->client, what->client, what->user);
	if (what->count != 0)
		fputs("# Memory that its devices may reach, in all.\n"
		      "dma_bytes = 256M\n",
		      out);
}

/* What the group means for who is in it. */
static void put_group(FILE *out, const struct generate *what, const struct generate_device *device)
{
	uint32_t group = device->record->device.iommu_group;
	bool first = true;

	if (group == UINT32_MAX) {
		fputs("# It is in no IOMMU group: the broker gives it to nobody until the IOMMU is\n"
		      "# switched on (firmware: VT-d or AMD-Vi; Intel also boots with\n"
		      "# intel_iommu=on).\n",
		      out);
		return;
	}
	for (size_t i = 0; i < what->count; i++) {
		const struct generate_device *other = &what->devices[i];
		char address[32];
		if (other == device || other->record->device.iommu_group != group)
			continue;
		names_address(&other->record->device.address, address);
		fprintf(out, "%s %s", first ? "# The IOMMU cannot tell it from" : ",", address);
		first = false;
	}
	if (!first)
		fprintf(out, ": all of\n# group %u go to one client, or have no host driver.\n",
		        group);
}

static void put_take(FILE *out, const struct hwb_admin_device *record)
{
	char driver[HWB_NAME_SIZE + 1];

	graph_text(record->host_driver, HWB_NAME_SIZE, driver, sizeof(driver));
	if (has_host_driver(record))
		fprintf(out,
		        "# The host's driver %s has it now, and gets it back afterwards.\n"
		        "take = yes\n"
		        "restore = yes\n",
		        driver);
	else
		fputs("# No driver of the host has it: there is nothing to take it from.\n"
		      "take = no\n",
		      out);
}

static void put_reset(FILE *out, const struct generate_device *device)
{
	char resets[96];

	if (device->resets == NULL) {
		fputs("# The kernel has no way to reset it. So what one client did to it may still\n"
		      "# be in it for the next; without this line it is quarantined after the\n"
		      "# first.\n"
		      "reset = none\n",
		      out);
		return;
	}
	snprintf(resets, sizeof(resets), "%s", device->resets);
	table_make_printable(resets);
	fprintf(out, "# The kernel resets it between two clients, by: %s\nreset = auto\n", resets);
}

static void put_device(FILE *out, const struct generate *what, size_t index)
{
	const struct generate_device *device = &what->devices[index];
	const struct hwb_admin_device *record = device->record;
	char address[32], name[128];

	names_address(&record->device.address, address);
	names_device(&record->device, name, sizeof(name));
	table_make_printable(name);
	fprintf(out, "\n# %s\n", name);
	put_group(out, what, device);
	if (!device->asked)
		fputs("# It was not asked for: it is here to be out of the host's hands.\n", out);
	fprintf(out,
	        "[device %.*s-%zu]\n"
	        "client = %s\n"
	        "# Both must fit: what is put into this slot later is not granted.\n"
	        "address = %s\n"
	        "id = %04x:%04x\n",
	        HWB_NAME_SIZE - 1 - NUMBER_ROOM, what->client, index + 1, what->client, address,
	        record->device.vendor, record->device.device);
	put_take(out, record);
	put_reset(out, device);
	if (!device->asked)
		fputs("dma = no\n", out);
	else if (needs_dma(&record->device))
		fputs("# It may reach the memory of its client's DMA buffers, and no other.\n"
		      "dma = yes\n",
		      out);
	else
		fputs("# A device of this kind has no need to reach memory.\ndma = no\n", out);
}

void generate_policy(FILE *out, const struct generate *what)
{
	put_head(out, what);
	for (size_t i = 0; i < what->count; i++)
		put_device(out, what, i);
	generate_put_legacy(out, what);
}
