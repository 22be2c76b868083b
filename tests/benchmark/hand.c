/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memfd_create, fallocate */
#include "hand.h"

#include <fcntl.h>
#include <linux/memfd.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { COMMAND = 0x04, COMMAND_MASTER = 0x04, INTX_DISABLE = 0x400, HUGE_PAGE = 2 << 20 };

static int must(int result, const char *what)
{
	if (result < 0) {
		perror(what);
		exit(EXIT_FAILURE);
	}
	return result;
}

static uint64_t region_offset(int device, uint32_t index)
{
	struct vfio_region_info info = { .argsz = sizeof(info), .index = index };

	must(ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info), "region");
	return info.offset;
}

static void set_command(int device, unsigned off, unsigned on)
{
	off_t at = (off_t)(region_offset(device, VFIO_PCI_CONFIG_REGION_INDEX) + COMMAND);
	uint16_t command = 0;

	must((int)pread(device, &command, 2, at), "command");
	command = (uint16_t)((command & ~off) | on);
	must((int)pwrite(device, &command, 2, at), "command");
}

void hand_open(struct hand *hand, const char *path, const char *address)
{
	*hand = (struct hand){ .unmask = -1 };
	for (unsigned i = 0; i < HAND_BARS; i++)
		hand->bars[i] = -1;
	hand->container = must(open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC), "container");
	hand->group = must(open(path, O_RDWR | O_CLOEXEC), path);
	must(ioctl(hand->group, VFIO_GROUP_SET_CONTAINER, &hand->container), "set container");
	must(ioctl(hand->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU), "set iommu");
	hand->device = must(ioctl(hand->group, VFIO_GROUP_GET_DEVICE_FD, address), "device");
	set_command(hand->device, 0, COMMAND_MASTER);
}

void hand_open_bars(struct hand *hand, const char *address)
{
	char path[64];

	for (unsigned i = 0; i < HAND_BARS; i++) {
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource%u", address, i);
		hand->bars[i] = open(path, O_RDWR | O_CLOEXEC);
	}
}

static void set_irqs(int device, uint32_t index, uint32_t action, const int *fds, unsigned count)
{
	union {
		struct vfio_irq_set set;
		unsigned char room[sizeof(struct vfio_irq_set) + HAND_VECTORS * sizeof(int)];
	} request = {
		.set = {
			.argsz = (uint32_t)(sizeof(request.set) + count * sizeof(int)),
			.flags = action | (count != 0 ? VFIO_IRQ_SET_DATA_EVENTFD
		                                      : VFIO_IRQ_SET_DATA_NONE),
			.index = index,
			.count = count,
		},
	};

	if (count != 0)
		memcpy(request.set.data, fds, count * sizeof(int));
	must(ioctl(device, VFIO_DEVICE_SET_IRQS, &request), "interrupts");
}

void hand_arm(struct hand *hand, uint32_t index, unsigned count)
{
	hand->vector_count = count;
	for (unsigned i = 0; i < count; i++)
		hand->vectors[i] = must(eventfd(0, EFD_CLOEXEC), "eventfd");
	set_irqs(hand->device, index, VFIO_IRQ_SET_ACTION_TRIGGER, hand->vectors, count);
	if (index != VFIO_PCI_INTX_IRQ_INDEX)
		return;
	hand->unmask = must(eventfd(0, EFD_CLOEXEC), "eventfd");
	set_irqs(hand->device, index, VFIO_IRQ_SET_ACTION_UNMASK, &hand->unmask, 1);
	set_command(hand->device, INTX_DISABLE, 0);
}

volatile uint32_t *hand_map(const struct hand *hand)
{
	void *registers = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, hand->device,
	                       (off_t)region_offset(hand->device, VFIO_PCI_BAR0_REGION_INDEX));

	must(registers == MAP_FAILED ? -1 : 0, "mmap");
	return registers;
}

int hand_allocate(const struct hand *hand, uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_map request = {
		.argsz = sizeof(request),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.iova = iova,
		.size = size,
	};
	unsigned huge = size % HUGE_PAGE == 0 ? MFD_HUGETLB | MFD_HUGE_2MB : 0u;
	int memory = must(memfd_create("bench", MFD_CLOEXEC | MFD_ALLOW_SEALING | huge), "memfd");

	must(ftruncate(memory, (off_t)size), "size");
	must(fallocate(memory, 0, 0, (off_t)size), "allocate");
	must(fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), "seal");
	void *mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	must(mapped == MAP_FAILED ? -1 : 0, "mmap");
	request.vaddr = (uintptr_t)mapped;
	must(ioctl(hand->container, VFIO_IOMMU_MAP_DMA, &request), "map");
	munmap(mapped, size);
	return memory;
}

void hand_free(const struct hand *hand, int memory, uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_unmap request = {
		.argsz = sizeof(request),
		.iova = iova,
		.size = size,
	};

	must(ioctl(hand->container, VFIO_IOMMU_UNMAP_DMA, &request), "unmap");
	close(memory);
}

void hand_close(struct hand *hand)
{
	set_command(hand->device, COMMAND_MASTER, 0);
	for (unsigned i = 0; i < HAND_BARS; i++)
		if (hand->bars[i] >= 0)
			close(hand->bars[i]);
	close(hand->device);
	for (unsigned i = 0; i < hand->vector_count; i++)
		close(hand->vectors[i]);
	if (hand->unmask >= 0)
		close(hand->unmask);
	close(hand->group);
	close(hand->container);
}
