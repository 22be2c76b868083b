/* SPDX-License-Identifier: MIT */
#include "kernel/host.h"

#include "kernel/bind.h"
#include "kernel/choose.h"
#include "kernel/host_now.h"
#include "kernel/iomem.h"
#include "kernel/memory/pinned.h"
#include "kernel/ports.h"
#include "kernel/sysfs.h"
#include "kernel/witness.h"
#include "util/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>

static const char devices[] = "/sys/bus/pci/devices";

/* So many BARs that drivers have claimed say whether the kernel keeps them. */
enum { CLAIMS = 16 };

static void none(struct host *host, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void none(struct host *host, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(host->none, sizeof(host->none), format, arguments);
	va_end(arguments);
}

/* Groups that VFIO has made up are none. */
static bool any_group(void)
{
	_cleanup_dir_ DIR *directory = opendir("/sys/kernel/iommu_groups");
	const struct dirent *entry;

	while (directory != NULL && (entry = readdir(directory)) != NULL)
		if (entry->d_name[0] != '.' &&
		    !bind_is_noiommu((uint32_t)strtoul(entry->d_name, NULL, 10)))
			return true;
	return false;
}

/* Whether a line of the file holds the word. */
static bool file_has(const char *path, const char *word)
{
	char line[4096];
	_cleanup_file_ FILE *file = fopen(path, "re");

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (strstr(line, word) != NULL)
			return true;
	return false;
}

/* The kernel's own refusal to attach a group is the last word; this says the same before a
 * device is asked for, and whether or not there is a way to. x86 names remapped interrupt chips
 * "IR-..." in /proc/interrupts. On arm64 an ITS is what looks up a message's sender in a table of
 * that device's own, "ITS-..."; a GICv2m takes what anybody writes. Where no device sends
 * messages yet, neither is seen. */
static bool interrupts_remapped(const char *module)
{
#if defined(__x86_64__) || defined(__i386__)
	(void)module;
	return file_has("/proc/interrupts", " IR-");
#else
	char path[SYSFS_PATH], unsafe[4];

	if (file_has("/proc/interrupts", " ITS-"))
		return true;
	if (module == NULL)
		return false;
	snprintf(path, sizeof(path), "/sys/module/%s/parameters/allow_unsafe_interrupts", module);
	return sysfs_read(path, unsafe, sizeof(unsafe)) > 0 && unsafe[0] == 'N' &&
	       !file_has("/proc/interrupts", " GICv2m");
#endif
}

/* Without these DMA may do nothing; but for what can be switched off and on: host_now.c. */
static void probe_pins(struct host *host)
{
	struct fault fault;

	if (pinned_works(&fault) == 0 || host_now_refuses_pins(""))
		return;
	host->no_pins = true;
	problems_add(&host->problems, "no DMA, even with `dma = unsafe': %s", fault.reason);
}

static void probe_without_iommu(struct host *host)
{
	if (host->backend == &kernel_bare)
		problems_add(
		        &host->problems,
		        "no VFIO without an IOMMU (vfio.enable_unsafe_noiommu_mode=1, of a kernel "
		        "that has it): devices have INTx only, by way of the broker, and registers "
		        "stay with whoever does not let go of them");
	probe_pins(host);
}

static void probe_with_iommu(struct host *host, const struct choice *choice)
{
	host->interrupt_remapping = interrupts_remapped(choice->module);
	if (!host->interrupt_remapping)
		problems_add(&host->problems,
		             "interrupts are not remapped, so a device could forge others': "
		             "switch on interrupt remapping (x2APIC) in the firmware and drop "
		             "intremap=off from the kernel's command line");
}

static void probe_backend(struct host *host, const char *wanted)
{
	char why[CHOOSE_WHY];

	if (!host->iommu)
		problems_add(
		        &host->problems,
		        "no IOMMU: a device that does DMA reaches all of memory, so it may only "
		        "where its rule says `dma = unsafe'; switch on VT-d or AMD-Vi in the "
		        "firmware, and boot an Intel machine with intel_iommu=on");
	if (!host->iommu && host->lockdown) {
		none(host, "it has no IOMMU, and its kernel is locked down, as with Secure Boot");
		return;
	}
	host->interrupt_remapping = host->iommu && interrupts_remapped(NULL);
	if (host->iommu && !choose_load_driver("vfio-pci")) {
		host->no_driver = true;
		none(host,
		     "no vfio-pci driver in kernel %s: no device can be given away; install the "
		     "kernel's full module package, then `modprobe vfio-pci' and restart hwbrokerd",
		     host->kernel);
		return;
	}
	const struct choice *choice = choose(choose_list, choose_count, host->iommu, wanted, why);
	if (choice == NULL && why[0] == '\0')
		none(host,
		     "no way to devices: backend %s is for hosts %s an IOMMU; without `--backend' "
		     "the daemon chooses one itself",
		     wanted, host->iommu ? "without" : "with");
	else if (choice == NULL)
		none(host, "no way to devices: %s", why);
	if (choice == NULL)
		return;
	host->backend = choice->backend;
	host->vfio = host->backend != &kernel_bare;
	host->module = choice->module;
	host->node = choice->node;
	if (host->iommu)
		probe_with_iommu(host, choice);
	else
		probe_without_iommu(host);
}

static void probe_ports(struct host *host)
{
	/* Port 0x80 is the POST code display: the one port nobody minds. */
	struct fault fault;

	host->ports = ports_permit(0x80, 1, true, &fault) == 0;
	if (host->ports)
		ports_permit(0x80, 1, false, NULL);
	else if (fault.status != HWB_UNSUPPORTED)
		problems_add(&host->problems, "no legacy ports: %s", fault.reason);
}

/* Maps the BAR of a device that its driver has claimed, without touching it: a kernel that
 * refuses this takes mappings away at claiming as well. */
static bool refuses_claimed(const char *path)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (fd < 0)
		return false;
	void *mapping = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, 0);
	if (mapping == MAP_FAILED)
		return errno == EINVAL;
	munmap(mapping, page);
	return false;
}

/* "/sys/bus/pci/devices/DEVICE/resourceN" of its BAR that begins there; false: it has none. */
static bool find_bar(const char *device, uint64_t first, char *path, size_t size)
{
	char line[128];
	unsigned bar = 0;

	snprintf(path, size, "%s/%.15s/resource", devices, device);
	_cleanup_file_ FILE *file = fopen(path, "re");
	while (file != NULL && bar < HWB_BARS && fgets(line, sizeof(line), file) != NULL) {
		if (strtoull(line, NULL, 16) == first) {
			snprintf(path, size, "%s/%.15s/resource%u", devices, device, bar);
			return true;
		}
		bar++;
	}
	return false;
}

/* Whether any BAR of a device that has a driver is refused, which may be a thousand looks: for who
 * may not know where the host's drivers are. */
static bool any_is_refused(void)
{
	_cleanup_dir_ DIR *directory = opendir(devices);
	const struct dirent *entry;
	bool refused = false;

	while (directory != NULL && !refused && (entry = readdir(directory)) != NULL) {
		char path[sizeof(devices) + NAME_MAX + 16];
		snprintf(path, sizeof(path), "%s/%s/driver", devices, entry->d_name);
		if (access(path, F_OK) != 0)
			continue;
		for (unsigned bar = 0; bar < HWB_BARS && !refused; bar++) {
			snprintf(path, sizeof(path), "%s/%s/resource%u", devices, entry->d_name,
			         bar);
			refused = refuses_claimed(path);
		}
	}
	return refused;
}

/* Not all drivers claim their BARs; without one that does nothing is promised. */
static void probe_strict_devmem(struct host *host)
{
	struct iomem_claim claims[CLAIMS];
	int count = iomem_claims(IOMEM_PATH, claims, CLAIMS);

	if (count < 0)
		host->strict_devmem = any_is_refused();
	for (int i = 0; i < count && !host->strict_devmem; i++) {
		char path[sizeof(devices) + NAME_MAX + 16];
		host->strict_devmem =
		        find_bar(claims[i].name, claims[i].first, path, sizeof(path)) &&
		        refuses_claimed(path);
	}
	/* A locked-down kernel refuses the mapping that would tell, and all others. */
	if (host->backend != NULL && !host->backend->lasting && !host->strict_devmem &&
	    !host->lockdown)
		problems_add(&host->problems,
		             "the kernel is not known to take registers from who keeps them: it "
		             "needs CONFIG_IO_STRICT_DEVMEM, and no iomem=relaxed on its command "
		             "line");
}

static void probe_leases(struct host *host)
{
	host->leases = witness_works();
	if (host->backend != NULL && !host->leases)
		problems_add(&host->problems,
		             "the kernel does not tell who still has registers of a device: one "
		             "that was given back goes to the next client at once");
}

void host_probe(struct host *host, const char *backend)
{
	struct utsname name;

	*host = (struct host){ 0 };
	uname(&name);
	snprintf(host->kernel, sizeof(host->kernel), "%.63s", name.release);
	host->iommu = any_group();
	host->lockdown = host_is_locked_down(host);
	probe_backend(host, backend);
	if (host->backend != NULL && host->backend->driver != NULL)
		bind_use(host->backend->driver);
	probe_strict_devmem(host);
	probe_leases(host);
	probe_ports(host);
}
