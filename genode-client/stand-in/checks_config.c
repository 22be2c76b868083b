/* SPDX-License-Identifier: MIT */
/* Configuration space: filtered accesses, and the shadow page that drivers get. */
#include "checks.h"

#include "broker.h"
#include "check.h"
#include "component.h"
#include "session.h"
#include "system.h"

#include <hwbroker/genode.h>

/* PCI Local Bus 3.0, 6.1 and appendix H. */
enum {
	CONFIG_COMMAND = 0x04,
	CONFIG_CAPABILITIES = 0x34,
	CONFIG_LINE = 0x3c,
	CONFIG_HEADER = 0x40,
	CAPABILITY_MSI = 0x05,
	CAPABILITY_MSIX = 0x11,
	CAPABILITIES_MAX = 48
};

static unsigned char page[HWB_GENODE_CONFIG_SIZE];
static struct hwb_error error;
static const struct device *subject;

static int read_config(void *context, uint32_t offset, uint32_t *value)
{
	(void)context;
	return hwb_config_read(broker(), subject->handle, offset, 4, value, &error);
}

static uint32_t config(uint32_t offset, uint32_t width)
{
	uint32_t value = 0;

	check_result(hwb_config_read(broker(), subject->handle, offset, width, &value, &error),
	             &error, "it can be read");
	return value;
}

static void use_config(void *unused)
{
	const uint32_t ids = (uint32_t)subject->facts.device << 16 | subject->facts.vendor;
	uint32_t value = 0;

	(void)unused;
	check(config(0, 4) == ids && config(2, 2) == ids >> 16 && config(1, 1) == (ids >> 8 & 0xff),
	      "bytes, words and double words agree", "they do not");
	check_refused(hwb_config_read(broker(), subject->handle, 2, 4, &value, &error), HWB_INVALID,
	              &error, "an unaligned access is refused");
	check(hwb_config_read(broker(), subject->handle, 0x10000, 4, &value, &error) == -EINVAL,
	      "an offset too large is not sent", "it is");
	uint32_t command = config(CONFIG_COMMAND, 2);
	check_refused(
	        hwb_config_write(broker(), subject->handle, CONFIG_COMMAND, 2, command ^ 4, &error),
	        HWB_DENIED, &error, "the command register cannot be written");
	check(config(CONFIG_COMMAND, 2) == command, "and is not", "it was");
	check_result(hwb_config_write(broker(), subject->handle, CONFIG_LINE, 1, 0x5a, &error),
	             &error, "what the policy allows can be written");
	check(config(CONFIG_LINE, 1) == 0x5a, "and is", "it was not");
}

static bool has_capability(uint8_t id)
{
	uint8_t at = page[CONFIG_CAPABILITIES];

	for (unsigned i = 0; at >= CONFIG_HEADER && i < CAPABILITIES_MAX; i++, at = page[at + 1])
		if (page[at] == id)
			return true;
	return false;
}

static void make_page(void *unused)
{
	struct hwb_pci_address address;
	uint64_t at_address = hwb_genode_config_address(&subject->facts.address);

	(void)unused;
	check(hwb_genode_config_device(at_address + 4, &address) == 0 &&
	              hwb_genode_config_address(&address) == at_address,
	      "its address leads back to the device", "it does not");
	check(hwb_genode_shadow_read(&subject->facts, read_config, NULL, page) > 0,
	      "a shadow page is made, with MSI", "it is not");
	check((page[0] | page[1] << 8) == subject->facts.vendor, "it has the ids", "it has not");
	check(has_capability(CAPABILITY_MSI) && !has_capability(CAPABILITY_MSIX),
	      "it has MSI and not MSI-X", "MSI: %d, MSI-X: %d", has_capability(CAPABILITY_MSI),
	      has_capability(CAPABILITY_MSIX));
}

/* A driver may write what it likes there: nothing of it is the device's. */
static void scribble(void)
{
	const struct order order = { .kind = ORDER_MEMORY, .size = sizeof(page) };
	static uint32_t before[CONFIG_HEADER / 4], after[CONFIG_HEADER / 4];
	struct component component;
	int fd = memory_new(sizeof(page));

	if (!check(fd >= 0 && system4(SYS_pwrite64, fd, at(page), sizeof(page), 0) == sizeof(page),
	           "the page is a dataspace", "errno %d", -fd) ||
	    !component_start(&component))
		return;
	for (uint32_t i = 0; i < CONFIG_HEADER / 4; i++)
		read_config(NULL, i * 4, &before[i]);
	component_check(&component, "a component writes all over it", &order, &fd, 1);
	unsigned different = 0;
	for (uint32_t i = 0; i < CONFIG_HEADER / 4; i++) {
		read_config(NULL, i * 4, &after[i]);
		different += before[i] != after[i];
	}
	check(different == 0 && (before[0] & 0xffff) == subject->facts.vendor,
	      "the device has none of it", "%u double words differ", different);
	component_end(&component);
	system_close(fd);
}

void check_config(void)
{
	struct device *edu = demand(VENDOR_QEMU, EDU, 0, "an edu device is there");
	struct device *disk = demand(VENDOR_REDHAT, NVME, 0, "an NVMe disk is there");

	if (edu != NULL && take(edu, 0, "the edu device is acquired")) {
		subject = edu;
		on(&main_ep, use_config, NULL);
		give_back(edu, "the edu device is free again");
	}
	if (disk != NULL && take(disk, 0, "the disk is acquired")) {
		subject = disk;
		on(&main_ep, make_page, NULL);
		scribble();
		give_back(disk, "the disk is free again");
	}
}
