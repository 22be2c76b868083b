/* SPDX-License-Identifier: MIT */
/* HELLO and the list of devices, and what Genode is told of them. */
#include "checks.h"

#include "broker.h"
#include "check.h"
#include "print.h"
#include "rom.h"
#include "session.h"

static void ping(void *result)
{
	*(int *)result = hwb_ping(broker(), NULL);
}

void check_hello(void)
{
	const struct hwb_hello_reply *hello = &broker()->hello;
	int result = -1;

	check(hello->version == HWB_PROTOCOL_VERSION, "the version is ours", "it is %u",
	      hello->version);
	check(hello->client[0] != '\0' && hello->client[HWB_NAME_SIZE - 1] == '\0',
	      "the policy has a name for us", "it has none");
	check((hello->features & HWB_FEATURE_DMA) != 0, "DMA is offered",
	      "there is no IOMMU, or VFIO is missing");
	check((hello->features & HWB_FEATURE_IO_PORT) != 0, "legacy ports are offered",
	      "they are not");
	check(hello->page_size == 4096 && hello->message_max == HWB_MESSAGE_MAX &&
	              hello->requests_max > 0 && hello->sessions_max > 0 &&
	              hello->dma_bytes_max > 0 && hello->dma_mappings_max > 0,
	      "limits are told", "page %u, message %u, requests %u, sessions %u", hello->page_size,
	      hello->message_max, hello->requests_max, hello->sessions_max);
	on(&main_ep, ping, &result);
	check(result == 0, "main is answered", "%d", result);
	on(&irq_ep, ping, &result);
	check(result == 0, "irq is answered", "%d", result);
	on(&ioport_ep, ping, &result);
	check(result == 0, "ioport is answered", "%d", result);
}

static void list_again(void *result)
{
	*(uint32_t *)result = devices_list() ? devices_count() : 0;
}

/* Each device that the broker lists, if it is no bridge. */
static bool has_all(const char *text)
{
	char name[32];

	for (uint32_t i = 0; i < devices_count(); i++) {
		const struct hwb_pci_address *address = &devices_listed[i].address;
		if ((devices_listed[i].header_type & 0x7f) != 0 || address->domain != 0)
			continue;
		format(name, sizeof(name), "name=\"%02x:%02x.%u\"", address->bus, address->device,
		       address->function);
		if (!contains(text, name))
			return false;
	}
	return true;
}

void check_devices(void)
{
	uint32_t before = devices_count(), now = 0;

	on(&main_ep, list_again, &now);
	check(now != 0 && now == before, "the list is the same when asked again",
	      "%u devices, then %u", before, now);
	const char *rom = rom_devices();
	check(has_all(rom), "the devices ROM has each of them", "one is missing");
	check(contains(rom, "<devices>") && contains(rom, "</devices>"), "the devices ROM is whole",
	      "it is cut");
	const char *info = rom_platform_info();
	check(contains(info, "iommu=\"yes\"") && contains(info, "</platform_info>"),
	      "platform_info speaks of an IOMMU", "it does not");
}
