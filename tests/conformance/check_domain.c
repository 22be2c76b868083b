/* SPDX-License-Identifier: MIT */
/* Section "DMA": domains and the devices in them. */
#include "kit.h"

static void need_domains(void)
{
	if ((facts.features & FEATURE_DMA) == 0)
		skip("needs an IOMMU (feature DMA)");
}

static void assign(struct packet *packet, uint32_t opcode, uint32_t domain_handle, uint32_t device)
{
	start(packet, opcode, domain_handle);
	put32(packet, HEADER, device);
}

static void domain_open(void)
{
	struct packet packet;
	int fd = greeted();

	need_domains();
	start(&packet, DOMAIN_INFO, domain(fd));
	want(fd, &packet, OK);
}

static void window(const struct packet *packet, size_t record, void *context)
{
	uint64_t *next = context;
	uint64_t first = get(packet, record, 8), last = get(packet, record + 8, 8);

	if (first > last || first < *next)
		wrong("expected windows that ascend and do not meet, got 0x%llx-0x%llx after 0x%llx",
		      (unsigned long long)first, (unsigned long long)last,
		      (unsigned long long)*next);
	*next = last + 1;
}

static void domain_windows(void)
{
	uint64_t next = 0;
	int fd = greeted();

	need_domains();
	if (list(fd, DOMAIN_INFO, domain(fd), window, &next) == 0)
		wrong("expected one window or more, got none");
}

static void assign_again(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t handle, device;

	need_dma();
	device = own(fd);
	handle = domain(fd);
	for (unsigned i = 0; i < 2; i++) {
		assign(&packet, DOMAIN_ASSIGN, handle, device);
		want(fd, &packet, OK);
	}
}

static void assign_handles(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t handle;

	need_domains();
	handle = domain(fd);
	assign(&packet, DOMAIN_ASSIGN, handle, 0);
	want(fd, &packet, NO_SESSION);
	assign(&packet, DOMAIN_ASSIGN, handle, handle);
	want(fd, &packet, NO_SESSION);
}

static void assign_elsewhere(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t handle, device;

	need_dma();
	device = own_with_domain(fd, &handle);
	assign(&packet, DOMAIN_ASSIGN, domain(fd), device);
	want(fd, &packet, WRONG_STATE);
}

static void assign_interrupt(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t device;

	need_dma();
	if (facts.device.pin == 0)
		skip("needs a device with an interrupt pin");
	device = own(fd);
	open_irq(fd, device, IRQ_INTX, 0, &packet);
	assign(&packet, DOMAIN_ASSIGN, domain(fd), device);
	want(fd, &packet, WRONG_STATE);
}

static void assign_denied(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t device;

	need_domains();
	if (!facts.io.there || (facts.io.flags & DEVICE_MAY_DMA) != 0)
		skip("needs a second device, with an I/O BAR, that this user may not do DMA with");
	device = acquire(fd, &packet, &(struct wanted){ .device = &facts.io });
	assign(&packet, DOMAIN_ASSIGN, domain(fd), device);
	want(fd, &packet, DENIED);
}

static void assign_resets(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t device;

	need_dma();
	device = acquire(
	        fd, &packet,
	        &(struct wanted){ .device = &facts.device, .bars = 1u << facts.device.bar });
	volatile unsigned char *registers =
	        map_region(&packet, ACQUIRE_REGIONS + (size_t)facts.device.bar * REGION_SIZE_OF,
	                   packet.fds[0]);
	assign(&packet, DOMAIN_ASSIGN, domain(fd), device);
	want(fd, &packet, OK);
	(void)*registers; /* or SIGBUS */
}

static void deassign(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t handle, device, irq;

	need_dma();
	if (facts.device.pin == 0)
		skip("needs a device with an interrupt pin");
	device = own_with_domain(fd, &handle);
	irq = open_irq(fd, device, IRQ_INTX, 0, &packet);
	assign(&packet, DOMAIN_DEASSIGN, handle, device);
	want(fd, &packet, OK);
	start(&packet, IRQ_ENABLE, irq);
	want(fd, &packet, NO_SESSION);
}

static void deassign_keeps(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t handle, device;

	need_dma();
	device = own_with_domain(fd, &handle);
	assign(&packet, DOMAIN_DEASSIGN, handle, device);
	want(fd, &packet, OK);
	start(&packet, DEVICE_INFO, device);
	want(fd, &packet, OK);
	if ((body32(&packet, DEVICE_FLAGS) & DEVICE_MINE) == 0)
		wrong("expected the device to stay ours, got it without the flag MINE");
}

static void deassign_not_in(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t device, handle;

	need_dma();
	device = own_with_domain(fd, &handle);
	assign(&packet, DOMAIN_DEASSIGN, domain(fd), device);
	want(fd, &packet, WRONG_STATE);
	assign(&packet, DOMAIN_DEASSIGN, handle, device);
	want(fd, &packet, OK);
	assign(&packet, DOMAIN_DEASSIGN, handle, device);
	want(fd, &packet, WRONG_STATE);
}

const struct check domain_checks[] = {
	{ "domain-open", "DOMAIN_OPEN gives a domain", domain_open, false },
	{ "domain-windows", "windows ascend and are disjoint", domain_windows, false },
	{ "assign-again", "a device that is in the domain: OK", assign_again, false },
	{ "assign-handles", "either handle that is none is NO_SESSION", assign_handles, false },
	{ "assign-elsewhere", "a device in another domain is WRONG_STATE", assign_elsewhere,
	  false },
	{ "assign-interrupt", "a device with an open interrupt is WRONG_STATE", assign_interrupt,
	  false },
	{ "assign-denied", "without `dma = yes' it is DENIED", assign_denied, false },
	{ "assign-resets", "regions stay valid when a device is assigned", assign_resets, false },
	{ "deassign", "DOMAIN_DEASSIGN closes the interrupt", deassign, false },
	{ "deassign-keeps", "after DOMAIN_DEASSIGN the device is ours still", deassign_keeps,
	  false },
	{ "deassign-not-in", "a device that is not in the domain is WRONG_STATE", deassign_not_in,
	  false },
	{ .rule = NULL },
};
