/* SPDX-License-Identifier: MIT */
/*
 * What of the kernel is behind plain functions: the bus and its messages, drivers, BARs,
 * legacy ports, and who is at the other end of a socket.
 */
#define _GNU_SOURCE /* struct ucred */
#include "input.h"
#include "model.h"

#include "device/config_space.h"
#include "device/record.h"
#include "device/scan.h"
#include "kernel/acs.h"
#include "kernel/bind.h"
#include "kernel/host_now.h"
#include "kernel/member.h"
#include "kernel/ports.h"
#include "kernel/resource.h"
#include "kernel/sriov.h"
#include "kernel/uevent.h"
#include "kernel/use.h"
#include "kernel/witness.h"
#include "util/cleanup.h"
#include "util/pci_key.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

struct model model;

enum { NO_GROUP = -1, PORTS = 0x10000 };

static const struct model_device devices[MODEL_DEVICES] = {
	{ .address = { .device = 3 },
	  .group = 1,
	  .vendor = 0x8086,
	  .device = 0x10d3,
	  .class_code = 0x020000,
	  .host_driver = "e1000e",
	  .bars = { { 0xfeb80000, 0x20000, 0, 0 },
	            { 0xfeba0000, 0x4000, HWB_BAR_MSIX_TABLE, 0 },
	            { 0xc000, 32, HWB_BAR_IO, 0 } },
	  .msi = 1,
	  .msix = 5,
	  .msix_bar = 1,
	  .pcie = true,
	  .resets = true,
	  .present = true },
	{ .address = { .device = 4 },
	  .group = 2,
	  .vendor = 0x1b36,
	  .device = 0x0010,
	  .class_code = 0x010802,
	  .host_driver = "",
	  .bars = { { 0xfe000000, 0x4000, HWB_BAR_MSIX_TABLE | HWB_BAR_64BIT, 0 } },
	  .msix = 65,
	  .pcie = true,
	  .resets = true,
	  .present = true },
	{ .address = { .device = 5 },
	  .group = 3,
	  .vendor = 0x1234,
	  .device = 0x11e8,
	  .class_code = 0x00ff00,
	  .host_driver = "",
	  .bars = { { 0xfea00000, 0x100000, 0, 0 } },
	  .msi = 1,
	  .present = true },
	{ .address = { .device = 5, .function = 1 },
	  .group = 3,
	  .vendor = 0x1b36,
	  .device = 0x0005,
	  .class_code = 0x00ff00,
	  .host_driver = "snd",
	  .bars = { { 0xfeb40000, 0x100, HWB_BAR_PARTIAL_PAGE, 0 }, { 0xc040, 64, HWB_BAR_IO, 0 } },
	  .present = true },
	{ .address = { .bus = 1 },
	  .group = 4,
	  .vendor = 0x1234,
	  .device = 0x1111,
	  .class_code = 0x030000,
	  .host_driver = "bochs-drm",
	  .bars = { { 0xfd000000, 0x1000000, HWB_BAR_PREFETCHABLE, 0 },
	            {},
	            { 0xfebf0000, 0x1000, 0, 0 } },
	  .present = true },
	{ .address = { .bus = 2 },
	  .group = (uint32_t)NO_GROUP,
	  .vendor = 0x8086,
	  .device = 0x2668,
	  .class_code = 0x040300,
	  .host_driver = "",
	  .bars = { { 0xfebf4000, 0x4000, 0, 0 } },
	  .msi = 1,
	  .present = true },
	{ .address = { .bus = 3 },
	  .group = 5,
	  .vendor = 0x1af4,
	  .device = 0x1041,
	  .class_code = 0x020000,
	  .host_driver = "virtio-pci",
	  .bars = { { 0xfe800000, 0x1000, 0, 0 } },
	  .msi = 2,
	  .msix = 3,
	  .pcie = true,
	  .resets = true },
	{ .address = { .domain = 1, .bus = 3, .device = 31, .function = 7 },
	  .group = 6,
	  .vendor = 0x8086,
	  .device = 0x1533,
	  .class_code = 0x020000,
	  .host_driver = "igb",
	  .bars = { { 0xfe900000, 0x1000, 0, 0 } },
	  .msix = 5 },
};

/* ---- the bus ---- */

/* A header, and a chain of capabilities: power, MSI, MSI-X, PCI Express. */
static void fill_config(struct model_device *device)
{
	uint8_t *config = device->config;
	static const uint8_t ids[] = { 0x01, 0x05, 0x11, 0x10 };

	memset(config, 0, sizeof(device->config));
	memcpy(config, &device->vendor, 2);
	memcpy(config + 2, &device->device, 2);
	config[0x06] = 0x10;
	config[0x34] = 0x40;
	config[0x3d] = 1;
	for (size_t i = 0; i < sizeof(ids); i++) {
		config[0x40 + 0x20 * i] = ids[i];
		config[0x41 + 0x20 * i] = (uint8_t)(i + 1 < sizeof(ids) ? 0x60 + 0x20 * i : 0);
	}
}

static void appear(struct model_device *device)
{
	device->present = true;
	device->registers = close_fd(device->registers);
	device->instance = ++model.last_instance;
	snprintf(device->driver, sizeof(device->driver), "%s", device->host_driver);
	fill_config(device);
}

void model_start(void)
{
	memset(&model, 0, sizeof(model));
	memcpy(model.devices, devices, sizeof(devices));
	model.messages = -1;
	for (uint32_t i = 0; i < MODEL_DEVICES; i++) {
		model.devices[i].registers = -1;
		if (model.devices[i].present)
			appear(&model.devices[i]);
	}
}

void model_end(void)
{
	for (uint32_t i = 0; i < MODEL_DEVICES; i++)
		close_fd(model.devices[i].registers);
}

void model_plug(struct model_device *device, bool in)
{
	if (device->present == in || (in && device->opened != NULL))
		return;
	if (in)
		appear(device);
	device->present = in;
	if (model.messages >= 0)
		eventfd_write(model.messages, 1);
}

struct model_device *model_find(const struct hwb_pci_address *address)
{
	for (uint32_t i = 0; i < MODEL_DEVICES; i++)
		if (memcmp(&model.devices[i].address, address, sizeof(*address)) == 0)
			return &model.devices[i];
	return NULL;
}

int uevent_open(struct fault *fault)
{
	if (model_fails(fault))
		return -1;
	model.messages = model_eventfd();
	return model.messages;
}

/* Of all that are there, each time: who has one now is known as the kernel knows it. */
unsigned uevent_drain(int fd, void (*tell)(void *context, const struct uevent_driver *change),
                      void *context)
{
	eventfd_t count;

	for (uint32_t i = 0; i < MODEL_DEVICES; i++) {
		struct uevent_driver change = { .address = model.devices[i].address };
		memcpy(change.driver, model.devices[i].driver, sizeof(change.driver));
		if (model.devices[i].present)
			tell(context, &change);
	}
	return eventfd_read(fd, &count) == 0 ? UEVENT_MOVED : 0;
}

static struct device *describe(const struct model_device *from)
{
	struct device *device = model_alloc(sizeof(*device));

	device->facts = (struct hwb_device){
		.address = from->address,
		.vendor = from->vendor,
		.device = from->device,
		.class_code = from->class_code,
		.intx_pin = 1,
		.iommu_group = from->group,
		.flags = from->pcie ? HWB_DEVICE_PCIE : 0,
		.msi_vectors = from->msi,
		.msix_vectors = from->msix,
		.irq_number = (from->address.domain + 1) << 16 | (uint32_t)from->address.bus << 8 |
		              (uint32_t)from->address.device << 3 | from->address.function,
	};
	memcpy(device->facts.bars, from->bars, sizeof(from->bars));
	snprintf(device->name, sizeof(device->name), "%04x:%02x:%02x.%x",
	         from->address.domain & 0xffff, from->address.bus, from->address.device & 31u,
	         from->address.function & 7u);
	device->msix_bars = from->msix != 0 ? (uint8_t)(1u << from->msix_bar) : 0;
	device->instance = from->instance;
	device->resets = from->resets;
	device->wanted_fd = -1;
	device->failed_fd = -1;
	return device;
}

int scan_read(struct scan *scan, struct fault *fault)
{
	*scan = (struct scan){ 0 };
	if (model_fails(fault))
		return -1;
	scan->devices = model_alloc(MODEL_DEVICES * sizeof(*scan->devices));
	for (uint32_t i = 0; i < MODEL_DEVICES; i++)
		if (model.devices[i].present)
			scan->devices[scan->count++] = describe(&model.devices[i]);
	return 0;
}

void scan_free(struct scan *scan)
{
	for (uint32_t i = 0; i < scan->count; i++)
		free(scan->devices[i]);
	free(scan->devices);
	*scan = (struct scan){ 0 };
}

/* ---- drivers ---- */

bool bind_is_ours(const char *driver)
{
	return strcmp(driver, "vfio-pci") == 0;
}

void bind_driver(const struct hwb_pci_address *address, char driver[HWB_NAME_SIZE])
{
	const struct model_device *device = model_find(address);

	memset(driver, 0, HWB_NAME_SIZE);
	if (device != NULL && device->present)
		memcpy(driver, device->driver, HWB_NAME_SIZE);
}

uint64_t bind_instance(const struct hwb_pci_address *address)
{
	const struct model_device *device = model_find(address);

	return device != NULL && device->present ? device->instance : 0;
}

int bind_in_use(const struct hwb_pci_address *address, char *what, size_t size)
{
	(void)address;
	if (!model.needed)
		return 0;
	snprintf(what, size, "the model needs it");
	return 1;
}

void bind_origin(const struct hwb_pci_address *address, struct bind_origin *origin)
{
	memset(origin, 0, sizeof(*origin));
	bind_driver(address, origin->driver);
}

int bind_claim(const struct hwb_pci_address *address, const struct bind_origin *origin,
               struct fault *fault)
{
	struct model_device *device = model_find(address);
	(void)origin;

	if (model_fails(fault))
		return -1;
	if (!device->present)
		return fault_set(fault, HWB_GONE, "it has left the bus");
	snprintf(device->driver, sizeof(device->driver), "vfio-pci");
	return 0;
}

int bind_reset_method(const struct hwb_pci_address *address, const struct bind_origin *origin,
                      const char *methods, struct fault *fault)
{
	(void)address;
	(void)origin;
	(void)methods;
	return model_fails(fault) ? -1 : 0;
}

int bind_restore(const struct hwb_pci_address *address, const struct bind_origin *origin,
                 struct fault *fault)
{
	struct model_device *device = model_find(address);

	must(device->opened == NULL || !device->present, "what goes back is closed");
	if (model_fails(fault))
		return -1;
	if (!device->present)
		return fault_set(fault, HWB_GONE, "it has left the bus");
	memcpy(device->driver, origin->driver, sizeof(device->driver));
	return 0;
}

bool sriov_virtual(const struct hwb_pci_address *physical, unsigned index,
                   struct hwb_pci_address *address)
{
	(void)physical;
	(void)index;
	(void)address;
	return false;
}

/* None of its devices has virtual functions. */
int sriov_read(const struct hwb_pci_address *address, struct sriov_count *count)
{
	(void)address;
	*count = (struct sriov_count){ 0 };
	return 0;
}

int sriov_make(const struct hwb_pci_address *address, uint16_t count, struct fault *fault)
{
	(void)address;
	(void)count;
	return fault_set(fault, HWB_UNSUPPORTED, "it has none");
}

int sriov_probe(const struct hwb_pci_address *address, bool probe, struct fault *fault)
{
	(void)address;
	(void)probe;
	(void)fault;
	return 0;
}

int bind_reset_unbound(const struct hwb_pci_address *address, uint64_t instance,
                       struct fault *fault)
{
	const struct model_device *device = model_find(address);

	if (!device->present || device->instance != instance)
		return fault_set(fault, HWB_GONE, "it has left the bus");
	return model_fails(fault) ? -1 : 0;
}

bool bind_shares_group(const char *driver)
{
	return driver[0] == '\0' || bind_is_ours(driver);
}

bool bind_is_bridge(const struct hwb_pci_address *address)
{
	(void)address;
	return false;
}

int bind_group_viable(uint32_t group, struct fault *fault)
{
	for (uint32_t i = 0; i < MODEL_DEVICES; i++) {
		const struct model_device *device = &model.devices[i];
		if (device->group == group && device->present && device->driver[0] != '\0' &&
		    strcmp(device->driver, "vfio-pci") != 0)
			return fault_set(fault, HWB_UNSAFE, "another has a driver");
	}
	return model_fails(fault) ? -1 : 0;
}

uint32_t bind_group_members(uint32_t group, struct hwb_pci_address *members, uint32_t max)
{
	uint32_t count = 0;

	for (size_t i = 0; i < MODEL_DEVICES && count < max; i++)
		if (model.devices[i].group == group && model.devices[i].present)
			members[count++] = model.devices[i].address;
	return count;
}

bool use_of(const char *root, const struct hwb_pci_address *address, enum use_kind kind, char *what,
            size_t size)
{
	(void)root;
	return kind == USE_DISK && bind_in_use(address, what, size) != 0;
}

bool acs_is_missing(const char *root, const struct hwb_pci_address *address, char *text,
                    size_t size)
{
	(void)root;
	snprintf(text, size, "it");
	return address->function != 0;
}

bool acs_is_overridden(const char *root)
{
	(void)root;
	return false;
}

int bind_group_viable_but(uint32_t group, const struct hwb_pci_address *taken, uint32_t count,
                          struct fault *fault)
{
	(void)taken;
	return count == 0 ? bind_group_viable(group, fault) : 0;
}

/* ---- what clients reach ---- */

size_t member_list(uint64_t from, struct hwb_pci_address *addresses, size_t max)
{
	size_t found = 0;

	for (size_t i = 0; i < MODEL_DEVICES; i++) {
		const struct hwb_pci_address *address = &model.devices[i].address;
		if (pci_key(address) < from)
			continue;
		if (found < max)
			addresses[found] = *address;
		found++;
	}
	return found;
}

void member_read(const struct hwb_pci_address *address, struct hwb_admin_member *member)
{
	memset(member, 0, sizeof(*member));
	member->address = *address;
	bind_driver(address, member->driver);
}

/* Any file will do, as the kernel gives leases on it as on those of sysfs. */
static int open_registers(struct model_device *device, int flags)
{
	char path[40];

	if (device->registers < 0) {
		_cleanup_fd_ int made = model_memfd(MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", made);
		device->registers = open(path, O_RDONLY | O_CLOEXEC);
		must(device->registers >= 0, "there are files");
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", device->registers);
	return open(path, flags | O_CLOEXEC);
}

void model_leave(struct model_device *device, const char *client, uint32_t uid, bool restore,
                 int *kept)
{
	struct fault fault;
	struct record record = {
		.address = device->address,
		.instance = device->instance,
		.restore = restore,
		.uid = uid,
	};

	memcpy(record.origin.driver, device->driver, sizeof(device->driver));
	snprintf(record.client, sizeof(record.client), "%s", client);
	must(record_put(&record, &fault) == 0 || model.failures != 0, "it can be written down");
	snprintf(device->driver, sizeof(device->driver), "vfio-pci");
	if (kept != NULL)
		*kept = open_registers(device, O_RDWR);
}

struct model_device *model_behind(int fd)
{
	struct stat one, other;

	must(fstat(fd, &one) == 0, "a descriptor is open");
	for (uint32_t i = 0; i < MODEL_DEVICES; i++) {
		struct model_device *device = &model.devices[i];
		if (device->present && device->registers >= 0 &&
		    fstat(device->registers, &other) == 0 && one.st_ino == other.st_ino &&
		    one.st_dev == other.st_dev)
			return device;
	}
	return NULL;
}

int witness_open(const struct hwb_pci_address *address, uint64_t instance, uint32_t prefetchable,
                 struct witness *witness, struct fault *fault)
{
	(void)prefetchable;
	struct model_device *device = model_find(address);

	*witness = (struct witness){ 0 };
	if (model_fails(fault))
		return -1;
	if (bind_instance(address) != instance)
		return fault_set(fault, HWB_GONE, "it has left the bus");
	/* As the index of the device, which tells what is opened. */
	witness->directory = (int)(device - model.devices);
	witness->fds[witness->count++] = open_registers(device, O_RDONLY);
	return 0;
}

void witness_close(struct witness *witness)
{
	for (uint32_t i = 0; i < witness->count; i++)
		close_fd(witness->fds[i]);
	*witness = (struct witness){ 0 };
}

void witness_collect(void)
{
}

bool witness_held(const struct witness *witness)
{
	for (uint32_t i = 0; i < witness->count; i++) {
		if (fcntl(witness->fds[i], F_SETLEASE, F_RDLCK) != 0) {
			must(errno == EAGAIN, "the kernel gives leases");
			return true;
		}
		fcntl(witness->fds[i], F_SETLEASE, F_UNLCK);
	}
	return false;
}

int resource_open(int directory, const char *device, uint32_t bar, bool *wc, uint32_t *mapped,
                  int *fd, struct fault *fault)
{
	struct model_device *found = &model.devices[directory];
	(void)device;
	(void)mapped;

	must(bar < HWB_BARS && found->bars[bar].size != 0, "there is such a BAR");
	must(!found->present || found->opened != NULL, "a BAR is opened of an open device");
	if (model_fails(fault))
		return -1;
	if (!found->present)
		return fault_set(fault, HWB_GONE, "it has left the bus");
	*wc = *wc && (found->bars[bar].flags & HWB_BAR_PREFETCHABLE) != 0;
	*fd = open_registers(found, O_RDWR);
	return *fd >= 0 ? 0 : fault_errno(fault, errno, "no descriptor");
}

/* Of the loop's thread, and of a worker, which gives them back when its job ends. */
static bool permitted_to[2][PORTS];

int ports_permit(uint32_t base, uint32_t count, bool on, struct fault *fault)
{
	must(count != 0 && base < PORTS && count <= PORTS - base, "ports are of 0 to 0xffff");
	bool *permitted = permitted_to[model.worker];

	if (on && model_fails(fault))
		return -1;
	for (uint32_t port = base; port < base + count; port++) {
		model.ports += (on ? 1u : 0u) - (permitted[port] ? 1u : 0u);
		permitted[port] = on;
	}
	return 0;
}

static void need_permitted(uint32_t port, uint32_t width)
{
	for (uint32_t byte = 0; byte < width; byte++)
		must(permitted_to[model.worker][port + byte], "each port is permitted");
}

uint32_t ports_in(uint16_t port, uint32_t width)
{
	need_permitted(port, width);
	return 0xff;
}

void ports_out(uint16_t port, uint32_t width, uint32_t value)
{
	(void)value;
	need_permitted(port, width);
}

/* ---- who connects ---- */

int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *size);

int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *size)
{
	(void)fd;
	must(level == SOL_SOCKET, "only the socket itself is asked");
	if (model_fails(NULL)) {
		errno = EIO;
		return -1;
	}
	if (name == SO_PEERCRED) {
		*(struct ucred *)value =
		        (struct ucred){ .pid = 1, .uid = model.uid, .gid = model.gid };
		return 0;
	}
	if (*size < sizeof(gid_t)) {
		*size = sizeof(gid_t);
		errno = ERANGE;
		return -1;
	}
	*size = sizeof(gid_t);
	memcpy(value, &model.gid, sizeof(gid_t));
	return 0;
}

/* ---- the host, which does not change ---- */

void host_now(const struct host *host, const char *root, struct host_now *now)
{
	(void)root;
	*now = (struct host_now){ .vfio = host->vfio, .lockdown = host->lockdown };
}

bool host_is_locked_down(const struct host *host)
{
	return host->lockdown;
}
