/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* seals */
#include "session.h"

#include "broker.h"
#include "check.h"
#include "print.h"
#include "system.h"

#include <fcntl.h>

/* linux/memfd.h */
enum { MEMFD_CLOEXEC = 1, MEMFD_ALLOW_SEALING = 2 };

struct device *demand(uint32_t vendor, uint32_t id, uint32_t place, const char *name)
{
	struct device *device = device_find(vendor, id, place);

	if (device == NULL)
		check(false, name,
		      "the policy gives no device %04x:%04x, or too few (see "
		      "tests/guest/policy/genode.conf)",
		      vendor, id);
	return device;
}

struct acquisition {
	struct device *device;
	uint32_t domain;
};

static void acquire(void *context)
{
	struct acquisition *acquisition = context;

	device_acquire(acquisition->device, acquisition->domain);
}

bool take(struct device *device, uint32_t domain, const char *name)
{
	struct acquisition acquisition = { device, domain };

	on(&main_ep, acquire, &acquisition);
	device_wait_open(device);
	return check_result(device->result, &device->error, name);
}

static void close_device(void *context)
{
	device_close(context);
}

bool give_back(struct device *device, const char *name)
{
	on(&main_ep, close_device, device);
	return check(device_wait_closed(device), name, "quarantined, or not to be closed: %d",
	             device->result);
}

/* ---- requests that are answered at once ---- */

struct opened {
	const struct hwb_bar *bar;
	uint32_t session;
	int fd;
	int result;
	struct hwb_region region;
	struct hwb_error error;
};

static void open_domain(void *context)
{
	struct opened *opened = context;

	opened->result = hwb_domain_open(broker(), &opened->session, &opened->error);
}

uint32_t domain_new(void)
{
	struct opened opened = { .session = 0 };

	on(&main_ep, open_domain, &opened);
	check_result(opened.result, &opened.error, "a domain opens");
	return opened.result == 0 ? opened.session : 0;
}

static void close_handle(void *context)
{
	struct opened *opened = context;

	opened->result = hwb_close(broker(), opened->session, &opened->error);
}

bool close_session(uint32_t session, const char *name)
{
	struct opened opened = { .session = session };

	on(&main_ep, close_handle, &opened);
	return check_result(opened.result, &opened.error, name);
}

static void open_registers(void *context)
{
	struct opened *opened = context;

	opened->result = hwb_io_mem_open(broker(), opened->bar->address, opened->bar->size, 0,
	                                 &opened->region, &opened->fd, &opened->error);
}

int registers_of(const struct device *device, uint32_t bar)
{
	struct opened opened = { .bar = &device->facts.bars[bar], .fd = -1 };

	on(&main_ep, open_registers, &opened);
	if (opened.result != 0)
		check_result(opened.result, &opened.error, "registers open");
	return opened.result == 0 ? opened.fd : -1;
}

int memory_new(uint64_t size)
{
	int fd = (int)system3(SYS_memfd_create, at("ram"), MEMFD_CLOEXEC | MEMFD_ALLOW_SEALING, 0);

	if (fd < 0)
		return fd;
	long result = system3(SYS_ftruncate, fd, (long)size, 0);
	/* SEAL: a component that has it must not add F_SEAL_WRITE */
	if (result == 0)
		result = system3(SYS_fcntl, fd, F_ADD_SEALS,
		                 F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	if (result == 0)
		return fd;
	system_close(fd);
	return (int)result;
}
