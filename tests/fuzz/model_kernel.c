/* SPDX-License-Identifier: MIT */
/* The table of kernel.h: domains and opened devices. */
#define _GNU_SOURCE /* F_DUPFD_CLOEXEC */
#include "input.h"
#include "model.h"

#include "kernel/memory/sealed.h"
#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>

enum { MAPPINGS = 256, VECTORS = 2048, CLASS_VGA = 0x030000 };

/* As an Intel IOMMU of 39 bits has them. */
static const struct hwb_iova_range windows[] = {
	{ 0, 0xfedfffff },
	{ 0xfef00000, (1ull << 39) - 1 },
};

struct kernel_domain {
	struct kernel_mapping mappings[MAPPINGS];
	uint32_t count;
	uint32_t devices;
	bool abandoned;
};

struct kernel_device {
	struct model_device *device;
	struct kernel_domain *domain;
	uint64_t instance;
	int wanted_fd;
	int failed_fd;
	bool master;
	bool shut; /* nobody reaches its registers but through this */
	enum hwb_irq_type irq;
	uint32_t vectors;
};

uint32_t model_call_fails_in;

bool model_fails(struct fault *fault)
{
	if (model_call_fails_in != 0 && --model_call_fails_in == 0)
		model.fail_in = 1;
	if (model.fail_in == 0 || --model.fail_in != 0)
		return false;
	model.failures++;
	fault_errno(fault, EIO, "the model fails");
	return true;
}

/* ---- domains ---- */

static int domain_new(struct kernel_domain **domain, struct fault *fault)
{
	*domain = model_fails(fault) ? NULL : model_alloc(sizeof(**domain));
	if (*domain == NULL)
		return -1;
	model.domains++;
	return 0;
}

static void forget(struct kernel_domain *domain, uint32_t at)
{
	close_fd(domain->mappings[at].fd);
	domain->mappings[at] = domain->mappings[--domain->count];
}

static void destroy(struct kernel_domain *domain)
{
	model.domains--;
	free(domain);
}

static void domain_free(struct kernel_domain *domain)
{
	must(!domain->abandoned, "a domain ends once");
	while (domain->count != 0)
		forget(domain, 0);
	domain->abandoned = true;
	if (domain->devices == 0)
		destroy(domain);
}

static bool within_window(const struct kernel_mapping *mapping)
{
	for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++)
		if (mapping->iova >= windows[i].first &&
		    mapping->iova + (mapping->size - 1) <= windows[i].last)
			return true;
	return false;
}

static int map(struct kernel_domain *domain, const struct kernel_mapping *mapping,
               struct fault *fault)
{
	uint64_t last = mapping->iova + (mapping->size - 1);

	must(!domain->abandoned, "nothing is mapped into a domain that has ended");
	must(mapping->size != 0 && mapping->size % 4096 == 0 && mapping->iova % 4096 == 0 &&
	             mapping->offset % 4096 == 0 && last >= mapping->iova,
	     "a mapping is of whole pages");
	must(mapping->device_reads || mapping->device_writes, "a mapping is good for something");
	for (uint32_t i = 0; i < domain->count; i++)
		must(domain->mappings[i].iova > last ||
		             domain->mappings[i].iova + (domain->mappings[i].size - 1) <
		                     mapping->iova,
		     "mappings do not overlap");
	if (model_fails(fault))
		return -1;
	if (domain->count == MAPPINGS)
		return fault_set(fault, HWB_NO_MEMORY, "the model has no more mappings");
	if (domain->devices != 0 && !within_window(mapping))
		return fault_set(fault, HWB_CONFLICT, "outside of what the hardware can map");
	int fd = model_dup(mapping->fd);
	must(fd >= 0, "a mapping comes with its memory");
	domain->mappings[domain->count] = *mapping;
	domain->mappings[domain->count++].fd = fd;
	return 0;
}

static int unmap(struct kernel_domain *domain, uint64_t iova, struct fault *fault)
{
	must(!domain->abandoned, "nothing is unmapped of a domain that has ended");
	for (uint32_t i = 0; i < domain->count; i++)
		if (domain->mappings[i].iova == iova) {
			if (model_fails(fault))
				return -1;
			forget(domain, i);
			return 0;
		}
	return fault_set(fault, HWB_NOT_FOUND, "no mapping there");
}

static uint32_t domain_windows(struct kernel_domain *domain, struct hwb_iova_range *ranges,
                               uint32_t max)
{
	uint32_t count = sizeof(windows) / sizeof(windows[0]);

	must(domain->devices != 0, "the windows are those of a device");
	if (model_fails(NULL))
		return 0;
	for (uint32_t i = 0; i < count && i < max; i++)
		ranges[i] = windows[i];
	return count;
}

uint32_t model_mappings(const struct kernel_domain *domain)
{
	return domain->count;
}

/* ---- devices ---- */

/* All open functions of a group are in one domain. */
static bool group_is_elsewhere(uint32_t group, const struct kernel_domain *domain)
{
	for (uint32_t i = 0; i < MODEL_DEVICES; i++) {
		const struct model_device *other = &model.devices[i];
		if (other->opened != NULL && other->group == group &&
		    other->opened->domain != domain)
			return true;
	}
	return false;
}

static int open_device(const struct hwb_pci_address *address, uint32_t group,
                       struct kernel_domain *domain, int wanted_fd, int failed_fd,
                       struct kernel_device **opened, struct fault *fault)
{
	struct model_device *device = model_find(address);

	must(device != NULL && device->group == group, "what is opened is of its group");
	must(!domain->abandoned, "nothing is opened in a domain that has ended");
	must(fcntl(wanted_fd, F_GETFD) >= 0, "who opens can be asked");
	must(fcntl(failed_fd, F_GETFD) >= 0, "who opens can be told");
	must(!group_is_elsewhere(group, domain), "a group is in one domain");
	if (!device->present || strcmp(device->driver, "vfio-pci") != 0)
		return fault_set(fault, HWB_GONE, "it is not with vfio-pci");
	must(device->opened == NULL, "a device is opened once");
	if (model_fails(fault))
		return -1;
	for (uint32_t i = 0; i < domain->count; i++)
		if (!within_window(&domain->mappings[i]))
			return fault_set(fault, HWB_CONFLICT, "a mapping lies where none can");
	device->opened = model_alloc(sizeof(*device->opened));
	*device->opened = (struct kernel_device){
		.device = device,
		.domain = domain,
		.instance = device->instance,
		.wanted_fd = wanted_fd,
		.failed_fd = failed_fd,
	};
	domain->devices++;
	*opened = device->opened;
	return 0;
}

static bool resets(const struct kernel_device *opened)
{
	return opened->device->resets;
}

static int rest(struct kernel_device *opened, bool shut, uint32_t bars, struct fault *fault)
{
	const struct model_device *device = opened->device;
	(void)bars;

	opened->master = false;
	opened->irq = HWB_IRQ_NONE;
	opened->shut = opened->shut || shut;
	if (opened->instance != device->instance || !device->present)
		return fault_set(fault, HWB_GONE, "it has left the bus");
	if (!model_fails(fault))
		return 0;
	/* One in two of them as when the host is about to unbind it. */
	if (fault != NULL && (model.failures & 1) == 0)
		fault->host_errno = EAGAIN;
	return -1;
}

static int take_registers(struct kernel_device *opened, uint32_t bars, struct fault *fault)
{
	(void)bars;
	if (model_fails(fault))
		return -1;
	opened->shut = true;
	return 0;
}

static void close_device(struct kernel_device *opened)
{
	struct kernel_domain *domain = opened->domain;

	if (opened->device->opened == opened)
		opened->device->opened = NULL;
	if (--domain->devices == 0 && domain->abandoned)
		destroy(domain);
	free(opened);
}

static int set_bus_master(struct kernel_device *opened, bool on, struct fault *fault)
{
	if (model_fails(fault))
		return -1;
	opened->master = on;
	return 0;
}

static int irq_enable(struct kernel_device *opened, enum hwb_irq_type type, const int *trigger_fds,
                      uint32_t count, int unmask_fd, struct fault *fault)
{
	must(opened->irq == HWB_IRQ_NONE, "one kind of interrupt is armed at a time");
	must(count != 0 && count <= VECTORS, "interrupts have vectors");
	must((type == HWB_IRQ_INTX) == (unmask_fd >= 0), "INTx is unmasked, others are not");
	must(count <= (type == HWB_IRQ_INTX  ? 1u
	               : type == HWB_IRQ_MSI ? opened->device->msi
	                                     : opened->device->msix),
	     "a device has so many vectors");
	for (uint32_t i = 0; i < count; i++)
		must(fcntl(trigger_fds[i], F_GETFD) >= 0, "each vector has a descriptor");
	if (model_fails(fault))
		return -1;
	opened->irq = type;
	opened->vectors = count;
	return 0;
}

static int irq_disable(struct kernel_device *opened, enum hwb_irq_type type, struct fault *fault)
{
	/* A device that was closed and opened again has none any more, which VFIO says. */
	if (opened->irq == HWB_IRQ_NONE)
		return fault_errno(fault, EINVAL, "no interrupt is armed");
	must(opened->irq == type, "what is disarmed was armed");
	opened->irq = HWB_IRQ_NONE;
	return 0;
}

static int irq_unmask(struct kernel_device *opened, struct fault *fault)
{
	must(opened->irq == HWB_IRQ_INTX, "only an armed INTx is unmasked");
	return model_fails(fault) ? -1 : 0;
}

static bool within_config(const struct kernel_device *opened, uint32_t offset, uint32_t width)
{
	return (width == 1 || width == 2 || width == 4) && offset % width == 0 &&
	       offset + width <= (opened->device->pcie ? HWB_CONFIG_SIZE : 256u);
}

static int config_read(struct kernel_device *opened, uint32_t offset, uint32_t width,
                       uint32_t *value, struct fault *fault)
{
	must(within_config(opened, offset, width), "configuration space has that");
	if (model_fails(fault))
		return -1;
	*value = 0;
	memcpy(value, opened->device->config + offset, width);
	return 0;
}

static int config_write(struct kernel_device *opened, uint32_t offset, uint32_t width,
                        uint32_t value, struct fault *fault)
{
	must(within_config(opened, offset, width), "configuration space has that");
	must(offset >= 0x40, "the header is nobody's to write");
	if (model_fails(fault))
		return -1;
	memcpy(opened->device->config + offset, &value, width);
	return 0;
}

static void need_register(const struct kernel_device *opened, uint32_t bar, uint64_t offset,
                          uint32_t width)
{
	if (bar == KERNEL_VGA) {
		bool window = offset >= 0xa0000 && offset + width <= 0xc0000;
		bool ports = offset >= 0x3b0 && offset + width <= 0x3e0 &&
		             (offset + width <= 0x3bc || offset >= 0x3c0);
		must(opened->device->class_code == CLASS_VGA, "it is a VGA card");
		must(window || ports, "VGA cards have that");
		return;
	}
	must(bar < HWB_BARS && offset % width == 0 && width <= opened->device->bars[bar].size &&
	             offset <= opened->device->bars[bar].size - width,
	     "a BAR has that");
	must(width == 1 || width == 2 || width == 4 ||
	             (width == 8 && (opened->device->bars[bar].flags & HWB_BAR_IO) == 0),
	     "a bus has such accesses");
}

static int bar_read(struct kernel_device *opened, uint32_t bar, uint64_t offset, uint32_t width,
                    uint64_t *value, struct fault *fault)
{
	need_register(opened, bar, offset, width);
	if (model_fails(fault))
		return -1;
	*value = 0xff;
	return 0;
}

static int bar_write(struct kernel_device *opened, uint32_t bar, uint64_t offset, uint32_t width,
                     uint64_t value, struct fault *fault)
{
	(void)value;
	need_register(opened, bar, offset, width);
	return model_fails(fault) ? -1 : 0;
}

/* Or the host has no VFIO with VGA. */
static int vga(struct kernel_device *opened, struct fault *fault)
{
	must(opened->device->class_code == CLASS_VGA, "it is a VGA card");
	return model_fails(fault) ? -1 : 0;
}

static int rom(struct kernel_device *opened, int *fd, uint64_t *size, struct fault *fault)
{
	if (opened->device->class_code != CLASS_VGA)
		return fault_set(fault, HWB_NOT_FOUND, "it has no option ROM");
	*size = 4096;
	return model_fails(fault) ? -1 : sealed_copy("rom", opened->device, 64, fd, fault);
}

const struct kernel_backend model_kernel = {
	.name = "model",
	.domain_new = domain_new,
	.domain_free = domain_free,
	.map = map,
	.unmap = unmap,
	.windows = domain_windows,
	.open = open_device,
	.resets = resets,
	.rest = rest,
	.take_registers = take_registers,
	.close = close_device,
	.set_bus_master = set_bus_master,
	.irq_enable = irq_enable,
	.irq_disable = irq_disable,
	.irq_unmask = irq_unmask,
	.config_read = config_read,
	.config_write = config_write,
	.bar_read = bar_read,
	.bar_write = bar_write,
	.vga = vga,
	.rom = rom,
};

bool model_masters(const struct model_device *device)
{
	return device->opened != NULL && device->opened->master;
}

bool model_interrupts(const struct model_device *device)
{
	return device->opened != NULL && device->opened->irq != HWB_IRQ_NONE;
}

bool model_shut(const struct model_device *device)
{
	return device->opened == NULL || device->opened->shut;
}

void model_break(const struct model_device *device)
{
	if (device->opened != NULL)
		eventfd_write(device->opened->failed_fd, 1);
}

void model_want(const struct model_device *device)
{
	if (device->opened != NULL)
		eventfd_write(device->opened->wanted_fd, 1);
}
