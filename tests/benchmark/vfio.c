/* SPDX-License-Identifier: MIT */
/* The reference of registers and interrupts: VFIO by hand, as root. */
#include "measure.h"

#include <fcntl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { COMMAND = 0x04, COMMAND_MASTER = 0x04 };

static int must(int result, const char *what)
{
	if (result < 0) {
		perror(what);
		exit(EXIT_FAILURE);
	}
	return result;
}

static int open_device(const char *group_path, const char *address)
{
	int container = must(open("/dev/vfio/vfio", O_RDWR), "container");
	int group = must(open(group_path, O_RDWR), group_path);

	must(ioctl(group, VFIO_GROUP_SET_CONTAINER, &container), "set container");
	must(ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU), "set iommu");
	return must(ioctl(group, VFIO_GROUP_GET_DEVICE_FD, address), "device");
}

static uint64_t region_offset(int device, uint32_t index)
{
	struct vfio_region_info info = { .argsz = sizeof(info), .index = index };

	must(ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info), "region");
	return info.offset;
}

static int enable_msi(int device)
{
	union {
		struct vfio_irq_set set;
		unsigned char room[sizeof(struct vfio_irq_set) + sizeof(int)];
	} request = {
		.set = {
			.argsz = sizeof(request.room),
			.flags = VFIO_IRQ_SET_ACTION_TRIGGER | VFIO_IRQ_SET_DATA_EVENTFD,
			.index = VFIO_PCI_MSI_IRQ_INDEX,
			.count = 1,
		},
	};
	int fd = must(eventfd(0, 0), "eventfd");
	uint64_t config = region_offset(device, VFIO_PCI_CONFIG_REGION_INDEX);
	uint16_t command = 0;

	memcpy(request.set.data, &fd, sizeof(fd));
	must((int)pread(device, &command, 2, (off_t)(config + COMMAND)), "command");
	command |= COMMAND_MASTER;
	must((int)pwrite(device, &command, 2, (off_t)(config + COMMAND)), "command");
	must(ioctl(device, VFIO_DEVICE_SET_IRQS, &request), "interrupts");
	return fd;
}

int main(int argc, char **argv)
{
	if (argc != 5) {
		fputs("Usage: bench-vfio registers|interrupts COUNT /dev/vfio/GROUP ADDRESS\n",
		      stderr);
		return EXIT_FAILURE;
	}
	unsigned count = (unsigned)atoi(argv[2]);
	int device = open_device(argv[3], argv[4]);
	volatile uint32_t *registers =
	        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, device,
	             (off_t)region_offset(device, VFIO_PCI_BAR0_REGION_INDEX));
	if (registers == MAP_FAILED) {
		perror("mmap");
		return EXIT_FAILURE;
	}
	if (strcmp(argv[1], "registers") == 0)
		measure_registers(registers, count);
	else
		measure_interrupts(registers, enable_msi(device), count);
	return EXIT_SUCCESS;
}
