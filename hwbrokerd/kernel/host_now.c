/* SPDX-License-Identifier: MIT */
#include "kernel/host_now.h"

#include "kernel/privilege.h"
#include "kernel/sysfs.h"
#include "util/cleanup.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static bool is_there(const char *root, const char *folder, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s/%s", root, folder, name);
	return access(path, F_OK) == 0;
}

/* What the file holds, without its line's end; false: it cannot be read. */
static bool read_text(const char *root, const char *name, char *text, size_t size)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s", root, name);
	return sysfs_read(path, text, size) > 0;
}

/* ---- lockdown ---- */

static const char lockdown_path[] = "/sys/kernel/security/lockdown";
static const char unlocked[] = "[none]";

/* `text' receives what the kernel says of it. */
static bool is_locked(const char *root, char *text, size_t size)
{
	return read_text(root, lockdown_path, text, size) && strstr(text, unlocked) == NULL;
}

/* It stays open, as each descriptor of registers that is given has it read once more. -1: there
 * is no such file. */
static int lockdown_file(void)
{
	static atomic_int kept = -1;
	int none = -1, fd = atomic_load(&kept);

	if (fd >= 0)
		return fd;
	fd = open(lockdown_path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || atomic_compare_exchange_strong(&kept, &none, fd))
		return fd;
	close_fd(fd);
	return none;
}

bool host_is_locked_down(const struct host *host)
{
	char text[64];

	if (host->lockdown)
		return true;
	int file = lockdown_file();
	ssize_t length = file < 0 ? -1 : pread(file, text, sizeof(text) - 1, 0);
	text[length > 0 ? length : 0] = '\0';
	return length > 0 && strstr(text, unlocked) == NULL;
}

static void look_at_lockdown(const struct host *host, const char *root, struct host_now *now)
{
	char text[64] = "";

	now->lockdown = is_locked(root, text, sizeof(text)) || host->lockdown;
	if (now->lockdown)
		problems_add(
		        &now->problems,
		        "the kernel is locked down (%s), as with Secure Boot: no register "
		        "descriptors, no legacy ports; give devices with `grant = mediated' or "
		        "`grant = device', or switch Secure Boot off",
		        text);
}

/* ---- the way to devices ---- */

/* Whether VFIO still takes devices without an IOMMU: an administrator may change his mind. */
static bool allows_unsafe(const char *root)
{
	char mode[4];

	return read_text(root, "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode", mode,
	                 sizeof(mode)) &&
	       mode[0] == 'Y';
}

/* The daemon cannot load a module: it starts no program any more. */
static void look_at_way(const struct host *host, const char *root, struct host_now *now)
{
	const char *driver = host_driver(host);
	const char *module = host->module;

	now->vfio = false;
	if (!is_there(root, "/sys/bus/pci/drivers", driver))
		problems_add(
		        &now->problems,
		        "the driver %s was unloaded after hwbrokerd started: no device can be given "
		        "away; `modprobe %s'",
		        driver, driver);
	else if (module != NULL && !is_there(root, "/sys/module", module))
		problems_add(
		        &now->problems,
		        "the kernel module %s was unloaded after hwbrokerd started: no device can be "
		        "given away; `modprobe %s'",
		        module, module);
	else if (host->node != NULL && !is_there(root, "/dev", host->node))
		problems_add(
		        &now->problems,
		        "/dev/%s was removed after hwbrokerd started, which opens it for each domain: "
		        "no device can be given away; make it again with mknod(1), by the numbers "
		        "that `grep -E \"vfio|iommu\" /proc/misc' tells",
		        host->node);
	else if (host_needs_raw_io(host) && !allows_unsafe(root))
		problems_add(&now->problems,
		             "VFIO takes no more devices without an IOMMU: set "
		             "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode to Y again");
	else
		now->vfio = host->vfio;
}

static void look_for_way(const struct host *host, const char *root, struct host_now *now)
{
	if (host->no_driver && is_there(root, "/sys/bus/pci/drivers", host_driver(host)))
		problems_add(
		        &now->problems,
		        "no device can be given away: hwbrokerd started without the driver %s, which "
		        "is there now: `systemctl restart hwbrokerd'",
		        host_driver(host));
	/* That there is no IOMMU, and a lockdown, is among the others already. */
	else if (host->none[0] != '\0' && (host->iommu || !host->lockdown))
		problems_add(&now->problems, "%s", host->none);
}

/* ---- memory ---- */

bool host_now_refuses_pins(const char *root)
{
	char text[8];

	return read_text(root, "/proc/sys/kernel/io_uring_disabled", text, sizeof(text)) &&
	       strcmp(text, "2") == 0;
}

static uint64_t pages(const char *root, const char *name)
{
	char path[96], text[24];

	snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/hugepages-2048kB/%s", name);
	return read_text(root, path, text, sizeof(text)) ? strtoull(text, NULL, 10) : 0;
}

/* Where nothing stands between a device and memory, DMA takes memory in one piece. */
static void look_at_unsafe_dma(const struct host *host, const char *root, struct host_now *now)
{
	if (host->no_pins)
		return;
	if (host_now_refuses_pins(root))
		problems_add(&now->problems,
		             "no DMA, even with `dma = unsafe': io_uring, by which memory is kept "
		             "where it is, is switched off; `sysctl kernel.io_uring_disabled=1'");
	else if (pages(root, "nr_hugepages") == 0)
		problems_add(
		        &now->problems,
		        "no huge pages are set aside: DMA buffers have 4096 bytes at most; `sysctl "
		        "vm.nr_hugepages=64', better hugepages=64 on the kernel's command line");
	else if (pages(root, "free_hugepages") <= pages(root, "resv_hugepages"))
		problems_add(
		        &now->problems,
		        "all %" PRIu64
		        " huge pages are in use: until some are free a new DMA buffer "
		        "has 4096 bytes at most; set more aside (`sysctl vm.nr_hugepages=%" PRIu64
		        "')",
		        pages(root, "nr_hugepages"), 2 * pages(root, "nr_hugepages"));
}

/* What devices reach is pinned in the broker's name. */
static void look_at_locked_memory(struct host_now *now)
{
	struct rlimit limit;

	if (privilege_locks_memory() || getrlimit(RLIMIT_MEMLOCK, &limit) != 0 ||
	    limit.rlim_cur == RLIM_INFINITY)
		return;
	problems_add(&now->problems,
	             "no more than %" PRIu64
	             " KiB can be pinned, for DMA of all clients together: have "
	             "LimitMEMLOCK=infinity in the daemon's unit, or CAP_IPC_LOCK among its "
	             "capabilities",
	             (uint64_t)limit.rlim_cur >> 10);
}

void host_now(const struct host *host, const char *root, struct host_now *now)
{
	*now = (struct host_now){ .problems.count = 0 };
	look_at_lockdown(host, root, now);
	if (host->backend != NULL)
		look_at_way(host, root, now);
	else
		look_for_way(host, root, now);
	for (uint32_t i = 0; i < host->problems.count; i++)
		problems_add(&now->problems, "%s", host->problems.lines[i]);
	if (host->backend == NULL)
		return;
	if (host_is_unsafe(host))
		look_at_unsafe_dma(host, root, now);
	look_at_locked_memory(now);
}
