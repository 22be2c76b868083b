/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* MFD_CLOEXEC */
/* The model's physical memory: some of it can be mapped, and reads as it likes. */
#include "input.h"
#include "model.h"

#include "kernel/iomem.h"
#include "kernel/physical.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

enum { HELD = 1 << 16 };

int iomem_check(const char *path, uint64_t first, uint64_t last, bool write, bool force,
                struct fault *fault)
{
	(void)path;
	(void)write;
	must(first <= last, "a range is not empty");
	if (model_fails(fault))
		return -1;
	if (!force && last >= 0xfee00000)
		return fault_set(fault, HWB_UNSAFE, "it is the local APIC's");
	return 0;
}

int physical_map(uint64_t base, uint64_t size, bool write, struct physical *physical,
                 struct fault *fault)
{
	*physical = (struct physical){ .at = NULL };
	if (model_fails(fault))
		return -1;
	if (size > HELD)
		return fault_set(fault, HWB_UNSUPPORTED, "a driver has claimed it");
	*physical = (struct physical){ .base = base, .size = size, .write = write };
	model.mapped++;
	physical->mapping = physical;
	return 0;
}

void physical_unmap(struct physical *physical)
{
	if (physical->mapping != NULL)
		model.mapped--;
	*physical = (struct physical){ .at = NULL };
}

static void check(const struct physical *physical, uint64_t offset, uint32_t width)
{
	must(physical->mapping != NULL, "it is mapped");
	must(offset < physical->size && width <= physical->size - offset, "it is within");
	must((physical->base + offset) % width == 0, "it is aligned");
}

uint64_t physical_read(const struct physical *physical, uint64_t offset, uint32_t width)
{
	check(physical, offset, width);
	return width == 8 ? UINT64_MAX : ((uint64_t)1 << 8 * width) - 1;
}

void physical_write(const struct physical *physical, uint64_t offset, uint32_t width,
                    uint64_t value)
{
	(void)value;
	check(physical, offset, width);
	must(physical->write, "the policy lets it be written to");
}

int physical_copy(uint64_t base, uint64_t size, int *fd, struct fault *fault)
{
	must(base >= 0xc0000 && base + size <= 0x100000, "only ROMs are copied");
	if (model_fails(fault))
		return -1;
	*fd = model_memfd(MFD_CLOEXEC);
	return *fd >= 0 ? 0 : fault_errno(fault, errno, "no descriptor");
}

int physical_open(uint64_t base, uint64_t size, bool write, int *fd, struct fault *fault)
{
	(void)base;
	(void)size;
	(void)write;
	if (model_fails(fault))
		return -1;
	*fd = model_memfd(MFD_CLOEXEC);
	return *fd >= 0 ? 0 : fault_errno(fault, errno, "no descriptor");
}
