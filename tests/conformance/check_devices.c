/* SPDX-License-Identifier: MIT */
/* Section "Devices", less configuration space. */
#include "kit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static uint64_t address_of(unsigned segment, unsigned bus, unsigned device, unsigned function)
{
	return segment | (uint64_t)bus << 32 | (uint64_t)device << 40 | (uint64_t)function << 48;
}

static void want_info(int fd, uint64_t address, enum status status)
{
	struct packet packet;

	start(&packet, DEVICE_INFO, 0);
	put(&packet, HEADER, 8, address);
	want(fd, &packet, status);
}

static void want_no_acquire(int fd, uint64_t address, enum status status)
{
	struct device_facts device = { .address = address };
	struct packet packet;

	acquire_request(&packet, &(struct wanted){ .device = &device });
	want(fd, &packet, status);
}

static void address_device(void)
{
	int fd = greeted();

	for (unsigned device = 32; device < 256; device += 223) {
		want_info(fd, address_of(0, 0, device, 0), INVALID);
		want_no_acquire(fd, address_of(0, 0, device, 0), INVALID);
	}
}

static void address_function(void)
{
	int fd = greeted();

	for (unsigned function = 8; function < 256; function += 247) {
		want_info(fd, address_of(0, 0, 1, function), INVALID);
		want_no_acquire(fd, address_of(0, 0, 1, function), INVALID);
	}
}

static void upper_half(const struct packet *packet, size_t record, void *context)
{
	(void)context;
	for (size_t bar = 0; bar < 6; bar++) {
		size_t at = record + DEVICE_BARS + bar * BAR_SIZE_OF;
		bool wide =
		        (get32(packet, at + 16) & BAR_64BIT) != 0 && get(packet, at + 8, 8) != 0;
		if (wide && (bar == 5 || get(packet, at + BAR_SIZE_OF + 8, 8) != 0))
			wrong("BAR %zu has 64 bits: expected size 0 of the next one, got 0x%llx",
			      bar,
			      bar == 5 ? 0
			               : (unsigned long long)get(packet, at + BAR_SIZE_OF + 8, 8));
	}
}

static void bar_upper_half(void)
{
	list(greeted(), DEVICE_LIST, 0, upper_half, NULL);
}

struct seen {
	uint64_t addresses[1024];
	uint32_t numbers[1024];
	size_t count;
};

static void see(const struct packet *packet, size_t record, void *context)
{
	struct seen *seen = context;

	if (seen->count == 1024)
		return;
	seen->numbers[seen->count] = get32(packet, record + DEVICE_IRQ_NUMBER);
	seen->addresses[seen->count++] = get(packet, record, 8);
}

static void list_once(void)
{
	static struct seen seen;

	list(greeted(), DEVICE_LIST, 0, see, &seen);
	for (size_t i = 0; i < seen.count; i++)
		for (size_t before = 0; before < i; before++)
			if (seen.addresses[i] == seen.addresses[before])
				wrong("expected each device once, got 0x%llx twice",
				      (unsigned long long)seen.addresses[i]);
}

static void irq_number(void)
{
	static struct seen seen;

	list(greeted(), DEVICE_LIST, 0, see, &seen);
	for (size_t i = 0; i < seen.count; i++)
		for (size_t before = 0; before < i; before++)
			if (seen.numbers[i] != 0 && seen.numbers[i] == seen.numbers[before] &&
			    seen.addresses[i] != seen.addresses[before])
				wrong("expected a number for each device alone, got %u twice",
				      seen.numbers[i]);
}

static void list_pages(void)
{
	list(greeted(), DEVICE_LIST, 0, NULL, NULL);
}

static void list_cursor(void)
{
	static const uint64_t cursors[] = { 1, 0xffff, UINT64_MAX, 1ull << 63 };
	struct packet packet;
	int fd = greeted();

	for (size_t i = 0; i < sizeof(cursors) / sizeof(cursors[0]); i++) {
		start(&packet, DEVICE_LIST, 0);
		put(&packet, HEADER, 8, cursors[i]);
		uint32_t status = ask(fd, &packet);
		if (status != OK && status != INVALID)
			wrong("cursor 0x%llx: expected OK or INVALID, got %s",
			      (unsigned long long)cursors[i], status_name(status));
	}
	want_alive(fd);
}

/* Each device of the list can be asked for, and is the same there. */
static void list_own(void)
{
	static struct seen seen;
	struct packet packet;
	int fd = greeted();

	list(fd, DEVICE_LIST, 0, see, &seen);
	for (size_t i = 0; i < seen.count; i++) {
		start(&packet, DEVICE_INFO, 0);
		put(&packet, HEADER, 8, seen.addresses[i]);
		want(fd, &packet, OK);
	}
}

static void list_not_there(void)
{
	static struct seen seen;
	int fd = greeted();

	list(fd, DEVICE_LIST, 0, see, &seen);
	for (unsigned device = 0; device < 32; device++) {
		uint64_t address = address_of(0, 0, device, 0);
		bool ours = false;
		for (size_t i = 0; i < seen.count; i++)
			ours = ours || seen.addresses[i] == address;
		if (ours)
			continue;
		want_info(fd, address, NOT_FOUND);
		want_no_acquire(fd, address, NOT_FOUND);
	}
	want_info(fd, address_of(0, 255, 31, 7), NOT_FOUND);
	want_info(fd, address_of(0xffffffff, 0, 1, 0), NOT_FOUND);
}

static void info_address(void)
{
	struct packet packet;

	need_device();
	device_info(greeted(), &packet);
	if (body64(&packet, 0) != facts.device.address)
		wrong("expected the device at 0x%llx, got 0x%llx",
		      (unsigned long long)facts.device.address,
		      (unsigned long long)body64(&packet, 0));
}

static void info_handle(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t device;

	need_device();
	device = own(fd);
	start(&packet, DEVICE_INFO, device);
	want(fd, &packet, OK);
	if (body64(&packet, 0) != facts.device.address)
		wrong("expected the device at 0x%llx, got 0x%llx",
		      (unsigned long long)facts.device.address,
		      (unsigned long long)body64(&packet, 0));
	start(&packet, DEVICE_INFO, device);
	/* No address is all zero but that of 0000:00:00.0. */
	put(&packet, HEADER, 8, address_of(0, 0, 1, 0));
	want(fd, &packet, INVALID);
}

static void acquire_it(void)
{
	struct packet packet;

	need_device();
	acquire(greeted(), &packet, &(struct wanted){ .device = &facts.device });
	if (body64(&packet, 0) != facts.device.address)
		wrong("expected the device that was asked for, got 0x%llx",
		      (unsigned long long)body64(&packet, 0));
}

static void acquire_handle(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t device;

	need_device();
	device = own(fd);
	start(&packet, DEVICE_INFO, device);
	want(fd, &packet, OK);
}

static void state_granted(void)
{
	struct packet packet;
	int fd = greeted();

	need_device();
	own(fd);
	device_info(greeted(), &packet);
	if (body32(&packet, DEVICE_STATE) != STATE_GRANTED)
		wrong("expected state GRANTED (2), got %u", body32(&packet, DEVICE_STATE));
}

static void device_mine(void)
{
	struct packet packet;
	int fd = greeted();

	need_device();
	own(fd);
	device_info(fd, &packet);
	if ((body32(&packet, DEVICE_FLAGS) & DEVICE_MINE) == 0)
		wrong("expected the flag MINE on the owner's connection, got 0x%x",
		      body32(&packet, DEVICE_FLAGS));
	device_info(greeted(), &packet);
	if ((body32(&packet, DEVICE_FLAGS) & DEVICE_MINE) != 0)
		wrong("expected no flag MINE on another connection, got 0x%x",
		      body32(&packet, DEVICE_FLAGS));
}

/* DEVICE_ACQUIRE with something to be refused. */
static void want_refused(const struct wanted *wanted, enum status status)
{
	struct packet packet;
	int fd = greeted();

	for (unsigned tries = 0; tries < 500; tries++) {
		acquire_request(&packet, wanted);
		/* Not put away yet after the last check. */
		if (ask(fd, &packet) != BUSY || status == BUSY)
			break;
		sleep_ms(20);
	}
	if (get32(&packet, STATUS) != status)
		wrong("expected %s, got %s", status_name(status),
		      status_name(get32(&packet, STATUS)));
	hang_up(fd);
}

static void acquire_bars(void)
{
	struct packet packet;

	need_device();
	want_refused(&(struct wanted){ .device = &facts.device, .bars = 0x40 }, INVALID);
	acquire(greeted(), &packet,
	        &(struct wanted){ .device = &facts.device, .bars = 1u << facts.device.bar });
	size_t at = ACQUIRE_REGIONS + (size_t)facts.device.bar * REGION_SIZE_OF;
	if (body32(&packet, at) == 0 || body64(&packet, at + 16) != facts.device.bar_size)
		wrong("expected a region of BAR %d with 0x%llx bytes, got handle %u with 0x%llx",
		      facts.device.bar, (unsigned long long)facts.device.bar_size,
		      body32(&packet, at), (unsigned long long)body64(&packet, at + 16));
}

static void acquire_wc(void)
{
	struct packet packet;
	int fd = greeted();

	need_device();
	acquire(fd, &packet,
	        &(struct wanted){ .device = &facts.device,
	                          .bars = 1u << facts.device.bar,
	                          .wc = 1u << facts.device.bar });
	close_handle(fd, get32(&packet, SESSION));
	want_refused(&(struct wanted){ .device = &facts.device, .wc = 0x40 }, INVALID);
}

static void acquire_all_bars(void)
{
	struct packet packet;

	need_device();
	acquire(greeted(), &packet,
	        &(struct wanted){ .device = &facts.device, .flags = ACQUIRE_ALL_BARS });
	if (body32(&packet, ACQUIRE_REGIONS + (size_t)facts.device.bar * REGION_SIZE_OF) == 0)
		wrong("expected a region of BAR %d, got none", facts.device.bar);
}

static void acquire_bar_missing(void)
{
	struct packet packet;
	int fd = greeted();

	need_device();
	device_info(fd, &packet);
	for (uint32_t bar = 0; bar < 6; bar++)
		if (body64(&packet, DEVICE_BARS + bar * BAR_SIZE_OF + 8) == 0) {
			want_refused(&(struct wanted){ .device = &facts.device, .bars = 1u << bar },
			             NOT_FOUND);
			return;
		}
	skip("needs a device without one of the six BARs");
}

static void acquire_busy(void)
{
	struct packet packet;
	int fd = greeted();

	need_device();
	own(fd);
	acquire_request(&packet, &(struct wanted){ .device = &facts.device });
	want(fd, &packet, BUSY);
	want_refused(&(struct wanted){ .device = &facts.device }, BUSY);
}

static void acquire_no_wait(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t status;

	need_device();
	close_handle(fd, own(fd));
	acquire_request(&packet,
	                &(struct wanted){ .device = &facts.device, .flags = ACQUIRE_NO_WAIT });
	status = ask(fd, &packet);
	/* It depends on how fast the reset is. */
	if (status != OK && status != BUSY)
		wrong("expected BUSY, or OK after the reset, got %s", status_name(status));
}

static void acquire_no_domain(void)
{
	need_device();
	want_refused(&(struct wanted){ .device = &facts.device, .domain = 0xfffffff0 }, NO_SESSION);
}

static void acquire_msi_domain(void)
{
	need_device();
	if (facts.device.msi == 0 && facts.device.msix == 0)
		skip("needs a device with MSI or MSI-X");
	want_refused(&(struct wanted){ .device = &facts.device,
	                               .irq_type = facts.device.msi != 0 ? IRQ_MSI : IRQ_MSIX,
	                               .irq_count = 1 },
	             WRONG_STATE);
}

static void acquire_domain(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t handle;

	need_dma();
	uint32_t device = own_with_domain(fd, &handle);
	start(&packet, CONFIG_READ, device);
	put(&packet, HEADER, 2, 4);
	put(&packet, HEADER + 2, 2, 2);
	want(fd, &packet, OK);
	if ((body32(&packet, 4) & 4) == 0)
		wrong("expected bus mastering (bit 2 of the command register), got 0x%x",
		      body32(&packet, 4));
}

static void acquire_irq_count(void)
{
	need_device();
	want_refused(&(struct wanted){ .device = &facts.device, .irq_count = 1 }, INVALID);
	if (facts.device.pin == 0)
		skip("needs a device with an interrupt pin");
	want_refused(&(struct wanted){ .device = &facts.device, .irq_type = IRQ_INTX }, INVALID);
	want_refused(
	        &(struct wanted){ .device = &facts.device, .irq_type = IRQ_INTX, .irq_count = 2 },
	        INVALID);
}

static void acquire_irq_enable(void)
{
	struct packet packet;

	need_device();
	want_refused(&(struct wanted){ .device = &facts.device, .flags = ACQUIRE_IRQ_ENABLE },
	             INVALID);
	if (facts.device.pin == 0)
		skip("needs a device with an interrupt pin");
	acquire(greeted(), &packet,
	        &(struct wanted){ .device = &facts.device,
	                          .flags = ACQUIRE_IRQ_ENABLE,
	                          .irq_type = IRQ_INTX,
	                          .irq_count = 1 });
}

static void acquire_invalid(void)
{
	need_device();
	want_refused(&(struct wanted){ .device = &facts.device, .irq_type = 4, .irq_count = 1 },
	             INVALID);
	want_refused(
	        &(struct wanted){ .device = &facts.device, .irq_type = 0xffffffff, .irq_count = 1 },
	        INVALID);
}

static void acquire_fds(void)
{
	struct packet packet;

	need_device();
	if (facts.device.pin == 0)
		skip("needs a device with an interrupt pin");
	acquire(greeted(), &packet,
	        &(struct wanted){ .device = &facts.device,
	                          .bars = 1u << facts.device.bar,
	                          .irq_type = IRQ_INTX,
	                          .irq_count = 1 });
	/* One BAR, one trigger, one unmask; the eventfds are those that cannot be mapped. */
	if (packet.fd_count != 3)
		wrong("expected 3 descriptors, got %zu", packet.fd_count);
	for (size_t i = 0; i < 3; i++) {
		char path[64], target[64] = "";
		snprintf(path, sizeof(path), "/proc/self/fd/%d", packet.fds[i]);
		if (readlink(path, target, sizeof(target) - 1) < 0)
			wrong("expected to see what descriptor %zu is, got nothing", i);
		if ((strstr(target, "eventfd") != NULL) != (i > 0))
			wrong("expected a BAR, then two eventfds; got %s in place %zu", target, i);
	}
}

static void acquire_quota(void)
{
	struct packet packet;
	int fd = greeted();

	need_device();
	if ((facts.features & FEATURE_DMA) == 0)
		skip("needs an IOMMU (feature DMA)");
	/* One handle is left, and the device with a region needs two. */
	for (uint32_t i = 0; i + 1 < facts.sessions_max; i++) {
		start(&packet, DOMAIN_OPEN, 0);
		uint32_t status = ask(fd, &packet);
		if (status == HOST_ERROR || status == NO_MEMORY)
			skip("the host has no more than %u domains", i);
		if (status != OK)
			wrong("handle %u of %u: expected OK, got %s", i + 1, facts.sessions_max,
			      status_name(status));
	}
	acquire_request(&packet, &(struct wanted){ .device = &facts.device,
	                                           .bars = 1u << facts.device.bar });
	want(fd, &packet, QUOTA);
}

static void any_request(struct packet *packet, const char *rule)
{
	size_t length = strlen(rule);

	start(packet, DEVICE_ACQUIRE_ANY, 0);
	memcpy(packet->bytes + HEADER, rule, length < 32 ? length : 32);
}

static const char *need_rule(void)
{
	if (facts.rule == NULL)
		skip("needs a section of the policy that gives this user a device (--rule)");
	return facts.rule;
}

/* Waits while a connection of the check before is not put away yet. */
static void acquire_any(int fd, struct packet *packet)
{
	uint32_t status = BUSY;

	for (unsigned tries = 0; tries < 500 && status == BUSY; tries++) {
		any_request(packet, need_rule());
		status = ask(fd, packet);
		if (status == BUSY)
			sleep_ms(20);
	}
	if (status != OK)
		wrong("expected OK, got %s", status_name(status));
}

static void any(void)
{
	struct packet packet;
	int fd = greeted();

	acquire_any(fd, &packet);
	uint32_t handle = get32(&packet, SESSION);
	uint64_t address = body64(&packet, 0);
	start(&packet, DEVICE_INFO, handle);
	want(fd, &packet, OK);
	if (body64(&packet, 0) != address)
		wrong("expected the handle to be of the device that was told, 0x%llx, got 0x%llx",
		      (unsigned long long)address, (unsigned long long)body64(&packet, 0));
}

static void any_busy(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t status = OK, given;

	acquire_any(fd, &packet);
	for (given = 1; given < 4096 && status == OK; given++) {
		any_request(&packet, need_rule());
		status = ask(fd, &packet);
	}
	if (status != BUSY && status != QUOTA)
		wrong("expected BUSY or QUOTA once all are given, got %s after %u",
		      status_name(status), given);
}

static void any_name(void)
{
	struct packet packet;
	int fd = greeted();

	any_request(&packet, "");
	want(fd, &packet, INVALID);
	any_request(&packet, "abcdefghijklmnopqrstuvwxyz012345");
	want(fd, &packet, INVALID);
	any_request(&packet, "no-such-section");
	packet.bytes[HEADER + 31] = 1;
	want(fd, &packet, INVALID);
}

static void any_not_found(void)
{
	struct packet packet;

	any_request(&packet, "no-such-section");
	want(greeted(), &packet, NOT_FOUND);
}

const struct check device_checks[] = {
	{ "address-device", "a PCI device above 31 is INVALID", address_device, false },
	{ "address-function", "a PCI function above 7 is INVALID", address_function, false },
	{ "bar-upper-half", "the upper half of a 64-bit BAR has size 0", bar_upper_half, false },
	{ "irq-number", "no two devices have one interrupt number", irq_number, false },
	{ "state-granted", "an acquired device is GRANTED", state_granted, false },
	{ "device-mine", "MINE is told to the owner's connection alone", device_mine, false },
	{ "list-pages", "a list ends", list_pages, false },
	{ "list-once", "each entry is in a list once", list_once, false },
	{ "list-cursor", "a cursor that no reply gave does no harm", list_cursor, false },
	{ "list-record-multiple", "record_size is a multiple of 8", NULL, false },
	{ "list-record-size", "record_size is what the document says at least", NULL, false },
	{ "list-own", "each device of the list can be asked for", list_own, false },
	{ "list-not-there", "any other device is NOT_FOUND", list_not_there, false },
	{ "info-handle", "DEVICE_INFO by handle, and INVALID with an address beside it",
	  info_handle, false },
	{ "info-address", "DEVICE_INFO by address", info_address, false },
	{ "acquire", "DEVICE_ACQUIRE gives the device", acquire_it, false },
	{ "acquire-handle", "its reply has the device's handle", acquire_handle, false },
	{ "acquire-bars", "`bars' are granted; bits above 5 are INVALID", acquire_bars, false },
	{ "acquire-wc", "`wc' is a wish; bits above 5 are INVALID", acquire_wc, false },
	{ "acquire-all-bars", "ALL_BARS grants what can be granted", acquire_all_bars, false },
	{ "acquire-bar-missing", "a BAR that is not there is NOT_FOUND", acquire_bar_missing,
	  false },
	{ "acquire-busy", "an acquired device is BUSY, for its owner as well", acquire_busy,
	  false },
	{ "acquire-no-wait", "NO_WAIT does not wait", acquire_no_wait, false },
	{ "acquire-no-domain", "a domain that is none is NO_SESSION", acquire_no_domain, false },
	{ "acquire-msi-domain", "MSI without a domain is WRONG_STATE", acquire_msi_domain, false },
	{ "acquire-domain", "with a domain, bus mastering is on", acquire_domain, false },
	{ "acquire-irq-count", "an irq_count that does not fit is INVALID", acquire_irq_count,
	  false },
	{ "acquire-irq-enable", "IRQ_ENABLE needs an irq_type", acquire_irq_enable, false },
	{ "acquire-invalid", "an unknown irq_type is INVALID", acquire_invalid, false },
	{ "acquire-fds", "descriptors come in the order of regions, triggers, unmask", acquire_fds,
	  false },
	{ "acquire-quota", "more handles than are left are QUOTA", acquire_quota, false },
	{ "any", "DEVICE_ACQUIRE_ANY gives a device", any, false },
	{ "any-busy", "once all are given, the next is BUSY or QUOTA", any_busy, false },
	{ "any-name", "a rule's name that is empty or not padded is INVALID", any_name, false },
	{ "any-not-found", "a rule that gives nothing is NOT_FOUND", any_not_found, false },
	{ .rule = NULL },
};
