/* SPDX-License-Identifier: MIT */
/* Section "IO_MEM". */
#include "kit.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

static void by_address(struct packet *packet, uint64_t base, uint64_t size, uint32_t flags)
{
	start(packet, IO_MEM_OPEN, 0);
	put(packet, HEADER, 8, base);
	put(packet, HEADER + 8, 8, size);
	put32(packet, HEADER + 16, flags);
}

static void by_bar(struct packet *packet, uint32_t device, uint32_t bar, uint64_t offset,
                   uint64_t size)
{
	start(packet, IO_MEM_OPEN_BAR, device);
	put32(packet, HEADER, bar);
	put(packet, HEADER + 8, 8, offset);
	put(packet, HEADER + 16, 8, size);
}

static void want_region(const struct packet *packet, uint64_t base, uint64_t size)
{
	if (body32(packet, 0) != get32(packet, SESSION) || body64(packet, 8) != base ||
	    body64(packet, 16) != size)
		wrong("expected base 0x%llx, size 0x%llx, got 0x%llx, 0x%llx, handle %u in the header "
		      "and %u",
		      (unsigned long long)base, (unsigned long long)size,
		      (unsigned long long)body64(packet, 8), (unsigned long long)body64(packet, 16),
		      get32(packet, SESSION), body32(packet, 0));
}

static void region_mmap(void)
{
	struct packet packet;
	int fd = greeted();

	need_device();
	by_bar(&packet, own(fd), (uint32_t)facts.device.bar, 0, 0);
	want(fd, &packet, OK);
	(void)*map_region(&packet, 0, packet.fds[0]);
}

static void region_whole_bar(void)
{
	struct packet packet;
	struct stat state;
	int fd = greeted();

	need_device();
	by_bar(&packet, own(fd), (uint32_t)facts.device.bar, 0, 0);
	want(fd, &packet, OK);
	if (fstat(packet.fds[0], &state) != 0 || (uint64_t)state.st_size != facts.device.bar_size)
		wrong("expected a descriptor of 0x%llx bytes, got 0x%llx",
		      (unsigned long long)facts.device.bar_size, (unsigned long long)state.st_size);
	void *beyond = mmap(NULL, facts.page_size, PROT_READ, MAP_SHARED, packet.fds[0],
	                    (off_t)facts.device.bar_size);
	/* A file may be mapped beyond its end, and then not be read. */
	if (beyond != MAP_FAILED && !S_ISREG(state.st_mode))
		wrong("expected nothing beyond the BAR, got a mapping");
}

static void region_fd_offset(void)
{
	struct packet packet;
	int fd = greeted();

	need_device();
	if (facts.device.bar_size < 2 * facts.page_size)
		skip("needs a BAR of two pages");
	by_bar(&packet, own(fd), (uint32_t)facts.device.bar, facts.page_size, facts.page_size);
	want(fd, &packet, OK);
	if (body64(&packet, 24) % facts.page_size != 0 || body64(&packet, 24) != facts.page_size)
		wrong("expected fd_offset 0x%x, got 0x%llx", facts.page_size,
		      (unsigned long long)body64(&packet, 24));
	(void)*map_region(&packet, 0, packet.fds[0]);
}

static void io_mem_owned(void)
{
	struct packet packet;
	int fd = greeted();

	need_device();
	by_address(&packet, facts.device.bar_base, 16, 0);
	want(fd, &packet, NOT_FOUND);
	own(greeted());
	by_address(&packet, facts.device.bar_base, 16, 0);
	want(fd, &packet, NOT_FOUND);
}

static void io_mem_open(void)
{
	struct packet packet;
	int fd = greeted();

	need_device();
	own(fd);
	by_address(&packet, facts.device.bar_base, facts.device.bar_size, 0);
	want(fd, &packet, OK);
	want_region(&packet, facts.device.bar_base, facts.device.bar_size);
}

static void io_mem_overlap(void)
{
	struct packet packet;
	int fd = greeted();

	need_device();
	own(fd);
	for (unsigned i = 0; i < 3; i++) {
		by_address(&packet, facts.device.bar_base, i == 2 ? 8 : facts.device.bar_size, 0);
		want(fd, &packet, OK);
		packet_drop(&packet);
	}
}

static void io_mem_size(void)
{
	struct packet packet;
	int fd = greeted();

	by_address(&packet, 0x1000, 0, 0);
	want(fd, &packet, INVALID);
	by_address(&packet, UINT64_MAX, 2, 0);
	want(fd, &packet, INVALID);
	by_address(&packet, 2, UINT64_MAX, 0);
	want(fd, &packet, INVALID);
}

static void io_mem_wc(void)
{
	struct packet packet;
	int fd = greeted();

	need_device();
	own(fd);
	by_address(&packet, facts.device.bar_base, 8, 1);
	want(fd, &packet, OK);
	if ((body32(&packet, 4) & ~(uint32_t)(REGION_WC | 4)) != 0)
		wrong("expected no other flags than WC and REVOCABLE, got 0x%x",
		      body32(&packet, 4));
	packet_drop(&packet);
	by_address(&packet, facts.device.bar_base, 8, 0);
	want(fd, &packet, OK);
	if ((body32(&packet, 4) & REGION_WC) != 0)
		wrong("expected WC only where it is asked for, got it unasked");
}

static void io_mem_not_found(void)
{
	struct packet packet;
	int fd = greeted();

	by_address(&packet, 0, 1, 0);
	want(fd, &packet, NOT_FOUND);
	by_address(&packet, UINT64_MAX, 1, 0);
	want(fd, &packet, NOT_FOUND);
	need_device();
	own(fd);
	by_address(&packet, facts.device.bar_base, facts.device.bar_size + 1, 0);
	want(fd, &packet, NOT_FOUND);
	by_address(&packet, facts.device.bar_base - 1, 2, 0);
	want(fd, &packet, NOT_FOUND);
}

static void bar_open(void)
{
	struct packet packet;
	int fd = greeted();

	need_device();
	by_bar(&packet, own(fd), (uint32_t)facts.device.bar, 8, 8);
	want(fd, &packet, OK);
	want_region(&packet, facts.device.bar_base + 8, 8);
}

static void bar_size_zero(void)
{
	struct packet packet;
	int fd = greeted();

	need_device();
	by_bar(&packet, own(fd), (uint32_t)facts.device.bar, 16, 0);
	want(fd, &packet, OK);
	want_region(&packet, facts.device.bar_base + 16, facts.device.bar_size - 16);
}

static void bar_number(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t device;

	need_device();
	device = own(fd);
	for (uint32_t bar = 7; bar != 0; bar <<= 1) {
		by_bar(&packet, device, bar, 0, 0);
		want(fd, &packet, NOT_FOUND);
	}
}

static void bar_missing(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t device;

	need_device();
	device = own(fd);
	device_info(fd, &packet);
	for (uint32_t bar = 0; bar < 6; bar++) {
		if (body64(&packet, DEVICE_BARS + bar * BAR_SIZE_OF + 8) != 0)
			continue;
		by_bar(&packet, device, bar, 0, 0);
		want(fd, &packet, NOT_FOUND);
		return;
	}
	skip("needs a device without one of the six BARs");
}

static void bar_range(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t device;

	need_device();
	device = own(fd);
	by_bar(&packet, device, (uint32_t)facts.device.bar, 0, facts.device.bar_size + 1);
	want(fd, &packet, INVALID);
	by_bar(&packet, device, (uint32_t)facts.device.bar, facts.device.bar_size, 1);
	want(fd, &packet, INVALID);
	by_bar(&packet, device, (uint32_t)facts.device.bar, UINT64_MAX, 2);
	want(fd, &packet, INVALID);
	if (!facts.io.there)
		return;
	device = acquire(fd, &packet, &(struct wanted){ .device = &facts.io });
	by_bar(&packet, device, (uint32_t)facts.io.bar, 0, 0);
	want(fd, &packet, INVALID);
}

static void mem_batch(struct packet *packet, uint32_t region, uint32_t count)
{
	start(packet, IO_MEM_BATCH, region);
	put32(packet, HEADER, count);
	for (uint32_t i = 0; i < count && i < 254; i++) {
		packet->bytes[HEADER + 8 + 16 * i + 5] = 4;
		packet->length += 16;
	}
	put32(packet, LENGTH, (uint32_t)packet->length);
}

static void mem_batch_descriptor(void)
{
	struct packet packet;
	int fd = greeted();

	need_device();
	by_bar(&packet, own(fd), (uint32_t)facts.device.bar, 0, 0);
	want(fd, &packet, OK);
	if ((body32(&packet, 4) & REGION_MEDIATED) != 0)
		skip("needs a device whose registers come as a descriptor");
	mem_batch(&packet, get32(&packet, SESSION), 1);
	want(fd, &packet, INVALID);
}

static void mem_batch_count(void)
{
	struct packet packet;
	int fd = greeted();

	mem_batch(&packet, 1, 254);
	want(fd, &packet, NO_SESSION);
	mem_batch(&packet, 1, 3);
	put32(&packet, HEADER, 4);
	want_final(fd, &packet, NULL, 0, MALFORMED);
	fd = greeted();
	mem_batch(&packet, 1, 254);
	put32(&packet, HEADER, 255);
	want_final(fd, &packet, NULL, 0, MALFORMED);
}

static void memory_range(const struct packet *packet, size_t record, void *context)
{
	uint64_t *next = context;
	uint64_t base = get(packet, record, 8), size = get(packet, record + 8, 8);

	if (size == 0 || base > UINT64_MAX - (size - 1))
		wrong("expected a range that is not empty and does not wrap around, got 0x%llx "
		      "bytes from 0x%llx",
		      (unsigned long long)size, (unsigned long long)base);
	if (base < *next)
		wrong("expected ranges that ascend and do not overlap, got 0x%llx below 0x%llx",
		      (unsigned long long)base, (unsigned long long)*next);
	if (get32(packet, record + 20) != 0)
		wrong("expected `reserved' to be 0, got %u", get32(packet, record + 20));
	*next = base + size;
}

static void mem_list(void)
{
	uint64_t next = 0;

	list(greeted(), IO_MEM_LIST, 0, memory_range, &next);
}

const struct check memory_checks[] = {
	{ "region-mmap", "a region can be mapped and read", region_mmap, false },
	{ "region-whole-bar", "the descriptor is as large as the BAR", region_whole_bar, false },
	{ "region-fd-offset", "fd_offset is the region's place in the descriptor", region_fd_offset,
	  false },
	{ "io-mem-owned", "only the owner opens a device's memory", io_mem_owned, false },
	{ "io-mem-open", "IO_MEM_OPEN gives a region by address", io_mem_open, false },
	{ "io-mem-overlap", "regions may overlap", io_mem_overlap, false },
	{ "io-mem-size", "an empty or wrapping range is INVALID", io_mem_size, false },
	{ "io-mem-wc", "write combining is a wish, and told", io_mem_wc, false },
	{ "io-mem-not-found", "what is not within one BAR is NOT_FOUND", io_mem_not_found, false },
	{ "bar-open", "IO_MEM_OPEN_BAR gives a region by BAR", bar_open, false },
	{ "bar-size-zero", "size 0 is up to the BAR's end", bar_size_zero, false },
	{ "bar-number", "a BAR above 6 is NOT_FOUND", bar_number, false },
	{ "bar-missing", "a BAR that is not there is NOT_FOUND", bar_missing, false },
	{ "mem-batch-descriptor", "what has a descriptor takes no batch", mem_batch_descriptor,
	  false },
	{ "mem-batch-count", "0 to 254 records, else MALFORMED", mem_batch_count, false },
	{ "bar-range", "what exceeds the BAR, or an I/O BAR, is INVALID", bar_range, false },
	{ "mem-list", "IO_MEM_LIST tells the memory beside BARs", mem_list, false },
	{ .rule = NULL },
};
