/* SPDX-License-Identifier: MIT */
#include "device/scan.h"

#include "device/config_space.h"
#include "device/inventory.h"
#include "kernel/bind.h"
#include "kernel/sriov.h"
#include "kernel/sysfs.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "util/pci_key.h"

#include <fcntl.h>
#include <pciaccess.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CLASS_BRIDGE = 0x06 };

/* A BAR is a power of two and aligned to its size (PCI Local Bus 3.0, 6.2.5.1): only
 * one that is smaller than a page can have something else in its page. */
static bool is_partial_page(uint64_t size, bool ports)
{
	return !ports && size < (uint64_t)sysconf(_SC_PAGESIZE);
}

void scan_bars(const char *resources, uint8_t msix_bars, struct hwb_bar bars[HWB_BARS])
{
	enum { PORTS = 1, WIDE = 4, PREFETCHABLE = 8 };
	char *at = (char *)(uintptr_t)resources;

	for (uint32_t i = 0; i < HWB_BARS; i++) {
		uint64_t first = strtoull(at, &at, 16);
		uint64_t last = strtoull(at, &at, 16);
		uint64_t flags = strtoull(at, &at, 16);
		bool ports = (flags & PORTS) != 0;
		bars[i] = (struct hwb_bar){ 0 };
		if (first == 0 || last < first)
			continue;
		bars[i].address = first;
		bars[i].size = last - first + 1;
		bars[i].flags = (ports ? HWB_BAR_IO : 0) |
		                (!ports && (flags & WIDE) != 0 ? HWB_BAR_64BIT : 0) |
		                (!ports && (flags & PREFETCHABLE) != 0 ? HWB_BAR_PREFETCHABLE : 0) |
		                ((msix_bars >> i & 1) ? HWB_BAR_MSIX_TABLE : 0) |
		                (is_partial_page(bars[i].size, ports) ? HWB_BAR_PARTIAL_PAGE : 0);
	}
}

static bool read_bars(struct device *device, int folder)
{
	char text[1024];

	if (sysfs_read_at(folder, "resource", text, sizeof(text)) <= 0)
		return false;
	scan_bars(text, device->msix_bars, device->facts.bars);
	return true;
}

/* The segment and bus fit the virtual number's 32 bits for the first 4096
 * segments; beyond, a device is reached by its handle only. */
static uint32_t virtual_irq(const struct hwb_pci_address *address)
{
	if (address->domain >= 0xfff)
		return 0;
	return (address->domain + 1) << 16 | pci_requester(address);
}

/* Whether it is a virtual function, and whose; that has no INTx, whatever is in its config space
 * (SR-IOV 1.1, 3.4.1.18). Either kind has a capability that is PCI Express's. */
static bool read_functions(struct device *device, int folder, struct hwb_pci_address *physical)
{
	struct hwb_device *public = &device->facts;
	struct sriov_count count;

	if ((public->flags & HWB_DEVICE_PCIE) == 0)
		return false;
	sriov_read_at(folder, &count);
	public->virtual_functions = count.now;
	device->functions_max = count.total;
	if (!sriov_physical(folder, physical))
		return false;
	public->flags |= HWB_DEVICE_VIRTUAL;
	public->physical_function = pci_requester(physical);
	public->intx_pin = 0;
	return true;
}

/* What its folder says of it. */
static void read_folder(struct device *device, int folder, const struct slots *slots)
{
	struct hwb_device *public = &device->facts;
	struct hwb_pci_address physical;
	bool is_virtual = read_functions(device, folder, &physical);

	public->iommu_group = bind_find_group(folder, &public->address);
	device->instance = bind_instance_at(folder);
	sysfs_link_name_at(folder, "driver", device->driver, sizeof(device->driver));
	whereabouts_read(&device->whereabouts, &public->address, device->instance, device->driver,
	                 is_virtual ? &physical : NULL, slots);
	device->resets = faccessat(folder, "reset", F_OK, 0) == 0;
}

static bool read_config(int folder, uint8_t config[256])
{
	_cleanup_fd_ int fd = openat(folder, "config", O_RDONLY | O_CLOEXEC);

	return fd >= 0 && pread(fd, config, 256, 0) >= 64;
}

static int read_device(struct device *device, struct pci_device *pci, const struct slots *slots)
{
	uint8_t config[256] = { 0 };
	struct config_facts facts;
	struct hwb_device *public = &device->facts;

	public->address = (struct hwb_pci_address){
		.domain = pci->domain,
		.bus = (uint8_t)pci->bus,
		.device = (uint8_t)pci->dev,
		.function = (uint8_t)pci->func,
	};
	snprintf(device->name, sizeof(device->name), "%04x:%02x:%02x.%x", pci->domain & 0xfffff,
	         pci->bus & 0xffu, pci->dev & 0x1fu, pci->func & 7u);
	_cleanup_fd_ int folder = sysfs_open_device(&public->address);
	if (folder < 0 || !read_config(folder, config)) {
		log_warning("%s: cannot read its config space; left out", device->name);
		return -1;
	}
	config_space_facts(config, &facts);
	public->vendor = pci->vendor_id;
	public->device = pci->device_id;
	public->subsystem_vendor = pci->subvendor_id;
	public->subsystem_device = pci->subdevice_id;
	public->class_code = pci->device_class;
	public->revision = pci->revision;
	public->header_type = config[0x0e];
	public->intx_pin = config[0x3d];
	public->msi_vectors = facts.msi_vectors;
	public->msix_vectors = facts.msix_vectors;
	public->irq_number = virtual_irq(&public->address);
	public->flags = facts.pcie ? HWB_DEVICE_PCIE : 0;
	if (facts.msix_vectors != 0)
		device->msix_bars =
		        (uint8_t)(1u << facts.msix_table_bar | 1u << facts.msix_pba_bar);
	read_folder(device, folder, slots);
	device->wanted_fd = -1;
	device->failed_fd = -1;
	if (read_bars(device, folder))
		return 0;
	log_warning("%s: cannot read its resources; left out", device->name);
	return -1;
}

static int by_address(const void *left, const void *right)
{
	uint64_t a = inventory_key(&(*(struct device *const *)left)->facts.address);
	uint64_t b = inventory_key(&(*(struct device *const *)right)->facts.address);
	return a < b ? -1 : a > b;
}

static int collect(struct scan *scan, const struct slots *slots, struct fault *fault)
{
	struct pci_device_iterator *iterator = pci_slot_match_iterator_create(NULL);
	struct pci_device *pci;
	uint32_t capacity = 0;

	while (iterator != NULL && (pci = pci_device_next(iterator)) != NULL) {
		if (pci->device_class >> 16 == CLASS_BRIDGE)
			continue;
		if (scan->count == capacity) {
			capacity = capacity == 0 ? 32 : capacity * 2;
			struct device **more = realloc(scan->devices, capacity * sizeof(*more));
			if (more == NULL)
				break;
			scan->devices = more;
		}
		_cleanup_free_ struct device *device = calloc(1, sizeof(*device));
		if (device == NULL)
			break;
		pthread_mutex_init(&device->exposed.lock, NULL);
		if (read_device(device, pci, slots) == 0)
			scan->devices[scan->count++] = steal_pointer(&device);
	}
	bool complete = iterator != NULL && pci == NULL;
	pci_iterator_destroy(iterator);
	return complete ? 0 : fault_set(fault, HWB_NO_MEMORY, "no memory for the device list");
}

int scan_read(struct scan *scan, struct fault *fault)
{
	struct slots slots;

	*scan = (struct scan){ 0 };
	slots_read(&slots);
	/* The library keeps its own copy until told otherwise: ours is smaller. */
	int error = pci_system_init();
	int result = error == 0 ? collect(scan, &slots, fault)
	                        : fault_errno(fault, error,
	                                      "cannot list PCI devices (has one just left? is /sys "
	                                      "mounted, and is there a PCI bus?)");
	/* Also if it failed, as when a device leaves meanwhile: by then it has /proc/mtrr open. */
	pci_system_cleanup();
	slots_free(&slots);
	if (result != 0)
		scan_free(scan);
	else if (scan->count != 0)
		qsort(scan->devices, scan->count, sizeof(*scan->devices), by_address);
	return result;
}

void scan_free(struct scan *scan)
{
	for (uint32_t i = 0; i < scan->count; i++)
		free(scan->devices[i]);
	free(scan->devices);
	*scan = (struct scan){ 0 };
}
