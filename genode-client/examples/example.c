/* SPDX-License-Identifier: MIT */
#include "example.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

void example_say(const char *format, ...)
{
	va_list arguments;

	fputs("  ", stdout);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	fflush(stdout);
}

void example_check(struct example *example, bool held, const char *format, ...)
{
	va_list arguments;

	printf("  %s: ", held ? "ok" : "FAILED");
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	fflush(stdout);
	if (!held)
		example->failed = true;
}

void example_die(const struct example *example, const char *format, ...)
{
	va_list arguments;

	fflush(stdout);
	fprintf(stderr, "%s: ", example->name);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(EXIT_FAILURE);
}

void example_demand(struct example *example, int result, const char *what)
{
	if (result >= 0)
		return;
	fflush(stdout);
	fprintf(stderr, "%s: ", example->name);
	hwb_posix_print_error(what, result, &example->error);
	exit(EXIT_FAILURE);
}

void example_start(struct example *example, const char *name)
{
	memset(example, 0, sizeof(*example));
	example->name = name;
	example->client = &example->posix.client;
	int result = hwb_posix_open(&example->posix, NULL, NULL, NULL, &example->error);
	example_demand(example, result, "connect");
	printf("%s: client `%s', uid %u\n", name, example->client->hello.client,
	       (unsigned)getuid());
}

void example_let_go(struct example_device *device, struct hwb_registers *registers)
{
	uintptr_t within = (uintptr_t)registers->map % (uintptr_t)sysconf(_SC_PAGESIZE);

	if (registers->map != NULL)
		munmap((void *)((uintptr_t)registers->map - within), within + registers->size);
	registers->map = NULL;
	for (uint32_t bar = 0; bar < HWB_BARS; bar++) {
		if (device->bar_fds[bar] >= 0)
			close(device->bar_fds[bar]);
		device->bar_fds[bar] = -1;
	}
}

void example_check_bar(struct example *example, const struct hwb_registers *bar)
{
	if (bar->result != 0)
		example_check(example, false, "an access to registers failed: %d", bar->result);
}

int example_end(struct example *example)
{
	hwb_posix_close(&example->posix);
	printf("%s: %s\n", example->name, example->failed ? "failed" : "ok");
	return example->failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static struct hwb_pci_address parse_address(const struct example *example, const char *text)
{
	unsigned domain = 0, bus, device, function;
	int end = 0;

	bool whole = sscanf(text, "%x:%2x:%2x.%1x%n", &domain, &bus, &device, &function, &end) == 4;
	if (!whole) {
		domain = 0; /* that was the bus */
		whole = sscanf(text, "%2x:%2x.%1x%n", &bus, &device, &function, &end) == 3;
	}
	if (!whole || text[end] != '\0')
		example_die(example, "`%s' is no PCI address such as 0000:00:03.0", text);
	return (struct hwb_pci_address){ domain, (uint8_t)bus, (uint8_t)device, (uint8_t)function,
		                         0 };
}

struct hwb_pci_address example_find(struct example *example, const char *text, uint16_t vendor,
                                    uint16_t device)
{
	struct hwb_list list = { 0 };
	struct hwb_device found;
	int count;

	if (text != NULL)
		return parse_address(example, text);
	while ((count = hwb_device_list(example->client, &list, &found, 1, &example->error)) > 0)
		if (found.vendor == vendor && found.device == device)
			return found.address;
	example_demand(example, count, "list devices");
	example_die(example, "the policy gives client `%s' no device %04x:%04x",
	            example->client->hello.client, vendor, device);
}

void example_acquire(struct example *example, const struct hwb_pci_address *address,
                     const struct hwb_acquire_request *request, struct example_device *device)
{
	struct hwb_acquire_request whole = *request;
	int fds[HWB_FDS_MAX];
	uint32_t count, next = 0;

	whole.address = *address;
	example_demand(example,
	               hwb_device_acquire(example->client, &whole, &device->handle, &device->info,
	                                  fds, &count, &example->error),
	               "acquire");
	for (uint32_t bar = 0; bar < HWB_BARS; bar++) {
		const struct hwb_region *region = &device->info.regions[bar];
		bool comes = region->session != 0 && (region->flags & HWB_REGION_MEDIATED) == 0;
		device->bar_fds[bar] = comes && next < count ? fds[next++] : -1;
	}
	device->irq_count = device->info.interrupt.fds;
	device->unmask_fd = -1;
	for (uint32_t i = 0; i < device->irq_count && next < count; i++)
		device->irq_fds[i] = fds[next++];
	if (next < count)
		device->unmask_fd = fds[next];
	char group[32] = "no IOMMU group";

	if (device->info.device.iommu_group != UINT32_MAX)
		snprintf(group, sizeof(group), "IOMMU group %u", device->info.device.iommu_group);
	example_say("%04x:%02x:%02x.%x acquired: %04x:%04x, %s", address->domain, address->bus,
	            address->device, address->function, device->info.device.vendor,
	            device->info.device.device, group);
}

volatile void *example_map(struct example *example, const struct example_device *device,
                           uint32_t bar)
{
	const struct hwb_region *region = &device->info.regions[bar];
	/* A mapping is made of whole pages; a small BAR may begin within one. */
	uint64_t within = region->fd_offset % (uint64_t)sysconf(_SC_PAGESIZE);
	char *at = mmap(NULL, within + region->size, PROT_READ | PROT_WRITE, MAP_SHARED,
	                device->bar_fds[bar], (off_t)(region->fd_offset - within));

	if ((void *)at == MAP_FAILED) {
		perror(example->name);
		example_die(example, "cannot map BAR %u", bar);
	}
	example_say("BAR %u mapped: 0x%llx bytes at 0x%llx%s", bar,
	            (unsigned long long)region->size, (unsigned long long)region->base,
	            (region->flags & HWB_REGION_WC) != 0 ? ", write-combined" : "");
	return at + within;
}

void example_bar(struct example *example, const struct example_device *device, uint32_t number,
                 struct hwb_registers *bar)
{
	const struct hwb_region *region = &device->info.regions[number];

	if ((region->flags & HWB_REGION_MEDIATED) == 0) {
		hwb_registers_mapped(bar, example_map(example, device, number), region->size);
		return;
	}
	hwb_registers_mediated(bar, example->client, region);
	example_say("BAR %u by request: 0x%llx bytes at 0x%llx", number,
	            (unsigned long long)region->size, (unsigned long long)region->base);
}

uint32_t example_domain(struct example *example)
{
	uint32_t domain;

	example_demand(example, hwb_domain_open(example->client, &domain, &example->error),
	               "open a DMA domain");
	return domain;
}

void example_alloc(struct example *example, uint32_t domain, uint64_t size, uint64_t limit,
                   struct example_memory *memory)
{
	const struct hwb_dma_alloc_request request = {
		.size = size,
		.limit = limit,
		.flags = HWB_DMA_DEVICE_READS | HWB_DMA_DEVICE_WRITES,
	};
	struct hwb_dma_reply reply;

	example_demand(example,
	               hwb_dma_alloc(example->client, domain, &request, &reply, &memory->fd,
	                             &example->error),
	               "allocate DMA memory");
	memory->iova = reply.iova;
	memory->size = reply.size;
	memory->at = mmap(NULL, reply.size, PROT_READ | PROT_WRITE, MAP_SHARED, memory->fd, 0);
	if (memory->at == MAP_FAILED)
		example_die(example, "cannot map DMA memory");
}

uint64_t example_wait(int fd, int milliseconds)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	uint64_t count = 0;

	if (poll(&wait, 1, milliseconds) != 1 || read(fd, &count, sizeof(count)) != sizeof(count))
		return 0;
	return count;
}

double example_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}
