/* SPDX-License-Identifier: MIT */
/*
 * Taking up what the daemon before this one had open. The descriptors are the same ones:
 * a device in its domain goes on as if nothing were, with its interrupts and its DMA.
 * Which descriptor is which is told by the name that it was kept under: the path of
 * one that was opened in the sandbox of another process says nothing here.
 */
#include "kernel/vfio/vfio.h"

#include "kernel/sysfs.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- names: without colons, which the manager parts names by ---- */

void vfio_name_domain(const struct kernel_domain *domain, char name[STORE_NAME])
{
	snprintf(name, STORE_NAME, "%c%" PRIu32, domain->way->letter, domain->id);
}

void vfio_name_group(uint32_t group, uint32_t domain, char name[STORE_NAME])
{
	snprintf(name, STORE_NAME, "g%" PRIu32 ".%" PRIu32, group, domain);
}

void vfio_name_device(const char *device, char name[STORE_NAME])
{
	snprintf(name, STORE_NAME, "d%.31s", device);
	for (char *at = name; *at != '\0'; at++)
		if (*at == ':')
			*at = '-';
}

void vfio_name_memory(uint32_t mapping, char name[STORE_NAME])
{
	snprintf(name, STORE_NAME, "m%" PRIu32, mapping);
}

/* ---- domains ---- */

int vfio_resume_domain(const struct vfio_way *way, uint32_t id, struct kernel_domain **domain,
                       struct fault *fault)
{
	char name[STORE_NAME];

	if (vfio_domain_new(way, domain, fault) != 0)
		return -1;
	(*domain)->id = id;
	/* The daemon before this one may have gone another way: then it is not found. */
	vfio_name_domain(*domain, name);
	(*domain)->fd = store_take(name);
	(*domain)->kept = (*domain)->fd >= 0;
	return 0;
}

int vfio_resume_mapping(struct kernel_domain *domain, const struct kernel_mapping *mapping,
                        struct fault *fault)
{
	struct kernel_mapping kept = *mapping;
	char name[STORE_NAME];

	vfio_name_memory(mapping->id, name);
	_cleanup_fd_ int fd = store_take_of(mapping->share, name);
	if (fd < 0 && domain->fd < 0)
		return fault_set(fault, HWB_GONE, "its memory was not kept");
	kept.fd = fd;
	kept.kept = fd >= 0;
	return vfio_domain_remember(domain, &kept, fault);
}

/* ---- devices ---- */

uint32_t vfio_resume_where(const struct hwb_pci_address *address, uint32_t group)
{
	char device[32], wanted[STORE_NAME], prefix[STORE_NAME], name[STORE_NAME];
	uint32_t at = 0, domain;
	int end = 0;

	sysfs_address(address, device);
	vfio_name_device(device, wanted);
	if (!store_find(wanted, &at, name) || strcmp(name, wanted) != 0)
		return 0;
	/* One that is taken already was for another device of the group. */
	snprintf(prefix, sizeof(prefix), "g%" PRIu32 ".", group);
	for (at = 0; store_find_any(prefix, &at, name);)
		if (sscanf(name + strlen(prefix), "%" SCNu32 "%n", &domain, &end) == 1 &&
		    name[strlen(prefix) + (size_t)end] == '\0')
			return domain;
	return 0;
}

static bool is_kept(char letter, uint32_t id)
{
	char wanted[STORE_NAME], name[STORE_NAME];

	snprintf(wanted, sizeof(wanted), "%c%" PRIu32, letter, id);
	for (uint32_t at = 0; store_find(wanted, &at, name);)
		if (strcmp(name, wanted) == 0)
			return true;
	return false;
}

static int refuse_domain(const struct kernel_domain *domain, struct fault *fault)
{
	static const struct {
		char letter;
		const char *backend;
	} ways[] = { { 'c', "vfio-group" }, { 'a', "iommufd" } };

	for (unsigned i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (ways[i].letter != domain->way->letter && is_kept(ways[i].letter, domain->id))
			return fault_set(fault, HWB_GONE,
			                 "the daemon before this one had its device by another "
			                 "backend, %s, and only by that it can be gone on with",
			                 ways[i].backend);
	return fault_set(fault, HWB_GONE, "the domain of its device was not kept");
}

static int resume_group(uint32_t id, struct kernel_domain *domain, struct vfio_group **group,
                        struct fault *fault)
{
	char name[STORE_NAME];

	vfio_name_group(id, domain->id, name);
	_cleanup_fd_ int fd = store_take(name);
	if (domain->fd < 0) {
		/* The manager's would keep the group from being opened. */
		store_drop(name, true);
		return refuse_domain(domain, fault);
	}
	if (fd >= 0 && (fd = domain->way->resume_group(domain, steal_fd(&fd))) < 0)
		return fault_set(fault, HWB_HOST_ERROR, "group %u is in no domain", id);
	if (vfio_group_resume(id, domain, fd, group, fault) != 0)
		return -1;
	steal_fd(&fd);
	return 0;
}

int vfio_resume(const struct hwb_pci_address *address, uint32_t group, struct kernel_domain *domain,
                int wanted_fd, int failed_fd, struct kernel_device **device, struct fault *fault)
{
	struct kernel_device *made = calloc(1, sizeof(*made));
	char name[STORE_NAME];

	if (made == NULL)
		return fault_set(fault, HWB_NO_MEMORY, "no memory for a device");
	sysfs_address(address, made->name);
	vfio_name_device(made->name, name);
	made->fd = store_take(name);
	made->kept = made->fd >= 0;
	if (made->fd < 0)
		fault_set(fault, HWB_GONE, "%s was not kept", made->name);
	if (made->fd < 0 || vfio_device_read_facts(made, fault) != 0 ||
	    resume_group(group, domain, &made->group, fault) != 0 ||
	    vfio_device_listen(made, wanted_fd, failed_fd, fault) != 0) {
		if (made->config != 0)
			vfio_set_bus_master(made, false, NULL);
		vfio_device_close(made);
		return -1;
	}
	domain->way->resumed(made);
	*device = made;
	return 0;
}

/* ---- what nobody took up ---- */

static void end_device(const char *name, int fd)
{
	struct kernel_device device = { .fd = fd };
	struct fault fault = { .status = HWB_OK };

	snprintf(device.name, sizeof(device.name), "%.31s", name + 1);
	for (char *at = device.name; *at != '\0'; at++)
		if (*at == '-')
			*at = ':';
	if (vfio_device_read_facts(&device, &fault) == 0)
		vfio_set_bus_master(&device, false, &fault);
	if (fault.status == HWB_OK)
		vfio_device_reset(&device, &fault);
	log_notice("%s: was open, and is reset, bus mastering off%s%s", device.name,
	           fault.status == HWB_OK ? "" : ": ", fault.status == HWB_OK ? "" : fault.reason);
}

void kernel_resume_end(void)
{
	static const char *const prefixes[] = { "d", "g", "c", "a", "m" };
	_cleanup_free_ int *fds = NULL;
	char name[STORE_NAME];
	uint32_t count = 0;

	for (unsigned i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		for (uint32_t at = 0; store_find(prefixes[i], &at, name);) {
			int *more = realloc(fds, (count + 1) * sizeof(*fds));
			int fd = store_take(name);
			if (i == 0)
				end_device(name, fd);
			store_drop(name, true);
			if (more == NULL) {
				close_fd(fd);
				continue;
			}
			fds = more;
			fds[count++] = fd;
		}
	if (count == 0)
		return;
	/* Ours are to be the last, and a group's after its devices'. */
	store_settle();
	for (uint32_t i = 0; i < count; i++)
		close_fd(fds[i]);
}
