/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memfd_create */
#include "kit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void acquire_request(struct packet *packet, const struct wanted *wanted)
{
	start(packet, DEVICE_ACQUIRE, 0);
	put(packet, HEADER, 8, wanted->device->address);
	put32(packet, HEADER + 8, wanted->flags);
	put32(packet, HEADER + 12, wanted->domain);
	put32(packet, HEADER + 16, wanted->bars);
	put32(packet, HEADER + 20, wanted->wc);
	put32(packet, HEADER + 24, wanted->irq_type);
	put32(packet, HEADER + 28, wanted->irq_count);
}

uint32_t acquire(int fd, struct packet *packet, const struct wanted *wanted)
{
	int64_t end = now_ms() + 4 * PROMPT_MS;

	for (;;) {
		acquire_request(packet, wanted);
		uint32_t status = ask(fd, packet);
		if (status == OK)
			return get32(packet, SESSION);
		/* The connection of the check before may not be put away yet. */
		if (status != BUSY || now_ms() > end)
			wrong("DEVICE_ACQUIRE: expected OK, got %s", status_name(status));
		sleep_ms(20);
	}
}

uint32_t own(int fd)
{
	struct packet packet;
	uint32_t handle = acquire(fd, &packet, &(struct wanted){ .device = &facts.device });

	packet_drop(&packet);
	return handle;
}

uint32_t domain(int fd)
{
	struct packet packet;

	start(&packet, DOMAIN_OPEN, 0);
	want(fd, &packet, OK);
	return get32(&packet, SESSION);
}

uint32_t own_with_domain(int fd, uint32_t *domain_handle)
{
	struct packet packet;

	*domain_handle = domain(fd);
	return acquire(fd, &packet,
	               &(struct wanted){ .device = &facts.device, .domain = *domain_handle });
}

void close_handle(int fd, uint32_t handle)
{
	struct packet packet;

	start(&packet, CLOSE, handle);
	want(fd, &packet, OK);
}

uint32_t open_irq(int fd, uint32_t device, uint32_t type, uint32_t flags, struct packet *reply)
{
	start(reply, IRQ_OPEN, device);
	put32(reply, HEADER, type);
	put32(reply, HEADER + 4, 1);
	put32(reply, HEADER + 16, flags);
	want(fd, reply, OK);
	return get32(reply, SESSION);
}

void alloc_request(struct packet *packet, uint32_t domain_handle, uint64_t size, uint32_t flags)
{
	start(packet, DMA_ALLOC, domain_handle);
	put(packet, HEADER, 8, size);
	put(packet, HEADER + 24, 8, 0xffffffff);
	put32(packet, HEADER + 32, flags);
}

void map_request(struct packet *packet, uint32_t domain_handle, uint64_t size, uint32_t flags)
{
	start(packet, DMA_MAP, domain_handle);
	put(packet, HEADER + 8, 8, size);
	put(packet, HEADER + 32, 8, 0xffffffff);
	put32(packet, HEADER + 40, flags);
}

int memfd(uint64_t size, int seals)
{
	int fd = memfd_create("conformance", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, (off_t)size) != 0 || fcntl(fd, F_ADD_SEALS, seals) != 0)
		skip("cannot make a memfd here: %s", strerror(errno));
	return fd;
}

volatile unsigned char *map_region(const struct packet *packet, size_t region, int fd)
{
	uint64_t size = body64(packet, region + 16);
	uint64_t offset = body64(packet, region + 24);
	uint64_t within = offset % facts.page_size;
	unsigned char *at = mmap(NULL, size + within, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
	                         (off_t)(offset - within));

	if (at == MAP_FAILED)
		wrong("expected a region that can be mapped, got: %s", strerror(errno));
	return at + within;
}

size_t list(int fd, uint32_t opcode, uint32_t session,
            void (*each)(const struct packet *packet, size_t record, void *context), void *context)
{
	struct packet packet;
	uint64_t cursor = 0;
	size_t total = 0;

	for (unsigned pages = 0; pages < 100000; pages++) {
		start(&packet, opcode, session);
		put(&packet, HEADER, 8, cursor);
		want(fd, &packet, OK);
		if (packet.length < HEADER + LIST_RECORDS)
			wrong("%s: expected a list, got %zu bytes", opcode_name(opcode),
			      packet.length);
		uint32_t count = body32(&packet, 8), size = body32(&packet, 12);
		if (packet.length < HEADER + LIST_RECORDS + (uint64_t)count * size)
			wrong("%s: expected %u records of %u bytes, got %zu bytes",
			      opcode_name(opcode), count, size, packet.length);
		for (uint32_t i = 0; i < count && each != NULL; i++)
			each(&packet, HEADER + LIST_RECORDS + (size_t)i * size, context);
		total += count;
		cursor = body64(&packet, 0);
		if (cursor == 0)
			return total;
	}
	wrong("%s: expected an end of the list, got page after page", opcode_name(opcode));
}

void device_info(int fd, struct packet *packet)
{
	start(packet, DEVICE_INFO, 0);
	put(packet, HEADER, 8, facts.device.address);
	want(fd, packet, OK);
}
