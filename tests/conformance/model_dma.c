/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memfd_create, F_GET_SEALS */
#include "kit.h"
#include "model.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint64_t windows[][2] = { { PAGE, 0xfedfffff }, { 0xfef00000, 0x7fffffffff } };

/* edu's registers, as indices of 32-bit words. */
enum { EDU_FROM = 0x80 / 4, EDU_TO = 0x88 / 4, EDU_COUNT = 0x90 / 4, EDU_COMMAND = 0x98 / 4 };
enum { EDU_BUFFER = 0x40000 };

static struct mapping *find_range(struct handle *domain, uint64_t iova, uint64_t size)
{
	for (size_t i = 0; i < MAPPINGS_MAX; i++) {
		struct mapping *mapping = &domain->mappings[i];
		if (mapping->size != 0 && iova < mapping->iova + mapping->size &&
		    mapping->iova < iova + size)
			return mapping;
	}
	return NULL;
}

/* Where the device reads or writes; NULL: it reaches nothing there. */
static unsigned char *reach(const struct device *device, uint64_t iova, uint64_t size,
                            uint32_t direction)
{
	struct mapping *mapping =
	        device->domain != NULL ? find_range(device->domain, iova, size) : NULL;

	if (mapping == NULL || iova < mapping->iova ||
	    iova + size > mapping->iova + mapping->size || (mapping->flags & direction) == 0)
		return NULL;
	return mapping->at + (iova - mapping->iova);
}

static void run_dma(struct device *device)
{
	volatile uint32_t *registers = device->bars[0].at;
	uint32_t command = registers[EDU_COMMAND], count = registers[EDU_COUNT];
	bool out = (command & 2) != 0;
	unsigned char *buffer = (unsigned char *)registers + EDU_BUFFER;

	if ((command & 1) == 0)
		return;
	unsigned char *memory = reach(device, registers[out ? EDU_TO : EDU_FROM], count,
	                              out ? DMA_WRITES : DMA_READS);
	if (memory != NULL && count <= PAGE)
		memcpy(out ? memory : buffer, out ? buffer : memory, count);
	registers[EDU_COMMAND] = command & ~1u;
}

void run_devices(void)
{
	if (devices[0].owner == NULL)
		return;
	run_irq(&devices[0]);
	run_dma(&devices[0]);
}

enum status assign_device(struct handle *domain, struct device *device)
{
	device->domain = domain;
	device->config[4] |= 4;
	/* What was mapped before takes effect. */
	for (size_t i = 0; i < MAPPINGS_MAX; i++)
		if (!keeps("map-before-assign") || !keeps("assign-reaches"))
			domain->mappings[i].flags &= keeps("map-before-assign") ? ~0u : 0;
	return OK;
}

static enum status serve_assign(struct connection *connection, struct handle *domain,
                                const struct packet *request)
{
	bool out = get(request, OPCODE, 2) == DOMAIN_DEASSIGN;
	enum status status;
	struct handle *handle = need_handle(connection, body32(request, 0), K_DEVICE, &status);

	if (handle == NULL)
		return fault("assign-handles", NO_SESSION);
	struct device *device = handle->device;
	if (out) {
		if (device->domain != domain)
			return fault("deassign-not-in", WRONG_STATE);
		if (device->irq != NULL && keeps("deassign"))
			close_one(connection, device->irq);
		device->domain = NULL;
		device->config[4] &= (unsigned char)~4u;
		if (!keeps("deassign-keeps"))
			close_one(connection, handle);
		return OK;
	}
	if ((device->flags & DEVICE_MAY_DMA) == 0)
		return fault("assign-denied", DENIED);
	if (device->domain == domain)
		return fault("assign-again", OK);
	if (device->domain != NULL)
		return fault("assign-elsewhere", WRONG_STATE);
	if (device->irq != NULL)
		return fault("assign-interrupt", WRONG_STATE);
	return assign_device(domain, device);
}

static enum status serve_windows(const struct packet *request, struct packet *reply)
{
	size_t count = sizeof(windows) / sizeof(windows[0]);

	if (body64(request, 0) != 0)
		return INVALID;
	put32(reply, HEADER + 8, (uint32_t)count);
	put32(reply, HEADER + 12, 16);
	for (size_t i = 0; i < count; i++) {
		size_t from = keeps("domain-windows") ? i : count - 1 - i;
		put(reply, HEADER + LIST_RECORDS + 16 * i, 8, windows[from][0]);
		put(reply, HEADER + LIST_RECORDS + 16 * i + 8, 8, windows[from][1]);
	}
	reply->length = HEADER + LIST_RECORDS + 16 * count;
	return OK;
}

/* What DMA_ALLOC and DMA_MAP have in common. */
struct wish {
	uint64_t size, alignment, iova, limit;
	uint32_t flags;
};

static bool in_windows(uint64_t first, uint64_t last)
{
	for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++)
		if (first >= windows[i][0] && last <= windows[i][1])
			return true;
	return false;
}

static enum status check_wish(const struct wish *wish)
{
	uint64_t last = wish->iova + wish->size - 1;

	if (wish->size == 0)
		return fault("alloc-size", INVALID);
	if ((wish->flags & (DMA_READS | DMA_WRITES)) == 0)
		return fault("alloc-direction", INVALID);
	if ((wish->alignment & (wish->alignment - 1)) != 0)
		return fault("alloc-alignment", INVALID);
	if ((wish->flags & DMA_FIXED) == 0)
		return wish->iova != 0 ? fault("alloc-fixed", INVALID) : OK;
	if (wish->iova % PAGE != 0)
		return wish->flags == (DMA_READS | DMA_FIXED) ? fault("map-aligned", INVALID)
		                                              : fault("dma-multiples", INVALID);
	if (last < wish->iova || last > wish->limit)
		return fault("alloc-invalid", INVALID);
	return OK;
}

static enum status choose(struct handle *domain, const struct wish *wish, uint64_t *iova)
{
	uint64_t step = wish->alignment > PAGE ? wish->alignment : PAGE;
	uint64_t limit = keeps("dma-limit") || wish->limit != 0xffffff ? wish->limit : UINT64_MAX;

	if ((wish->flags & DMA_FIXED) != 0) {
		*iova = wish->iova;
		if (find_range(domain, *iova, wish->size) != NULL)
			return *iova % (4 * PAGE) != 0 ? fault("alloc-conflict", CONFLICT)
			                               : CONFLICT;
		return in_windows(*iova, *iova + wish->size - 1) ? OK : CONFLICT;
	}
	if (!keeps("dma-not-interrupts") && wish->limit == 0xfee00fff) {
		*iova = 0xfee00000;
		return OK;
	}
	if (!keeps("dma-in-window") && wish->size == 8 * PAGE) {
		*iova = 0x8000000000;
		return OK;
	}
	/* From below: high enough that a limit of 16 MiB is to be met. */
	*iova = !keeps("dma-limit") && wish->limit == 0xffffff ? 0x1000000 : step;
	for (; *iova + wish->size - 1 <= limit; *iova += step)
		if (in_windows(*iova, *iova + wish->size - 1) &&
		    find_range(domain, *iova, wish->size) == NULL)
			return OK;
	return CONFLICT;
}

static uint64_t mapped_bytes(const struct connection *only, uint32_t *count)
{
	uint64_t sum = 0;

	*count = 0;
	for (const struct connection *at = connections; at != NULL; at = at->next)
		for (size_t i = 0; i < HANDLES_MAX; i++) {
			const struct handle *handle = at->handles[i];
			if (handle == NULL || handle->kind != K_DOMAIN ||
			    (only != NULL && at != only))
				continue;
			for (size_t j = 0; j < MAPPINGS_MAX; j++) {
				sum += handle->mappings[j].size;
				*count += handle->mappings[j].size != 0;
			}
		}
	return sum;
}

static enum status map_memory(struct connection *connection, struct handle *domain,
                              const struct wish *wish, int fd, uint64_t offset, bool made,
                              struct packet *reply)
{
	struct mapping *mapping = NULL;
	uint32_t count;
	uint64_t iova = 0;
	const struct connection *only = keeps("dma-limits-shared") ? NULL : connection;
	enum status status = choose(domain, wish, &iova);

	if (status != OK)
		return status;
	if (wish->size > DMA_BYTES_MAX)
		return fault("alloc-quota", QUOTA);
	if (mapped_bytes(only, &count) + wish->size > DMA_BYTES_MAX || count >= MAPPINGS_MAX)
		return QUOTA;
	for (size_t i = 0; i < MAPPINGS_MAX && mapping == NULL; i++)
		if (domain->mappings[i].size == 0)
			mapping = &domain->mappings[i];
	if (mapping == NULL)
		return QUOTA;
	bool writes = (wish->flags & DMA_WRITES) != 0 || made;
	unsigned char *at = mmap(NULL, wish->size, PROT_READ | (writes ? PROT_WRITE : 0),
	                         MAP_SHARED, fd, (off_t)offset);
	if (at == MAP_FAILED)
		return NO_MEMORY;
	*mapping = (struct mapping){
		.iova = iova, .size = wish->size, .at = at, .made = made, .flags = wish->flags
	};
	if (!keeps("assign-reaches") && connection->last_handle > 2)
		mapping->flags = 0;
	put(reply, HEADER, 8,
	    keeps("alloc-page-aligned") || wish->alignment != 1 ? iova : iova + 8);
	put(reply, HEADER + 8, 8, wish->size);
	put32(reply, HEADER + 16,
	      keeps("alloc-page-size") || wish->size != HUGE_PAGE ? PAGE : 2 * PAGE);
	reply->length = HEADER + 24;
	return OK;
}

static enum status serve_alloc(struct connection *connection, struct handle *domain,
                               const struct packet *request, struct packet *reply)
{
	struct wish wish = {
		.size = body64(request, 0),
		.alignment = body64(request, 8),
		.iova = body64(request, 16),
		.limit = body64(request, 24) != 0 ? body64(request, 24) : UINT64_MAX,
		.flags = body32(request, 32),
	};
	enum status status;

	if ((wish.flags & DMA_PAGES_4K) != 0 && (wish.flags & DMA_PAGES_2M) != 0)
		return fault("alloc-pages-both", INVALID);
	status = check_wish(&wish);
	if (status != OK)
		return status;
	if ((wish.flags & DMA_PAGES_2M) != 0)
		return fault("alloc-no-memory", NO_MEMORY);
	wish.size = (wish.size + PAGE - 1) / PAGE * PAGE;
	int fd = memfd_create("dma", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || ftruncate(fd, (off_t)wish.size) != 0)
		return NO_MEMORY;
	fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	status = map_memory(connection, domain, &wish, fd, 0, true, reply);
	if (status != OK) {
		close(fd);
		return status;
	}
	/* Only where the memory is not mapped again. */
	if (!keeps("alloc-closed-fd") && (wish.flags & DMA_FIXED) != 0 && wish.size == PAGE)
		end_mapping(find_range(domain, wish.iova, PAGE));
	if (!keeps("alloc-memfd") && pwrite(fd, "x", 1, 0) != 1)
		return HOST_ERROR;
	reply->fds[reply->fd_count++] = fd;
	for (size_t extra = 0; extra < FDS_MAX && !keeps("fds-max"); extra++)
		reply->fds[reply->fd_count++] = dup(fd);
	return OK;
}

static enum status check_memfd(const struct wish *wish, uint64_t offset, int fd)
{
	struct stat state;
	int seals = fcntl(fd, F_GET_SEALS);
	bool writes = (wish->flags & DMA_WRITES) != 0;

	if (seals < 0)
		return fault("map-kind", BAD_FD);
	if ((seals & F_SEAL_SHRINK) == 0)
		return fault("map-seal", BAD_FD);
	if (writes && ((seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) != 0 ||
	               (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDWR))
		return fault("map-writable", BAD_FD);
	if (offset % PAGE != 0 || wish->size % PAGE != 0)
		return fault("map-aligned", INVALID);
	if (fstat(fd, &state) != 0 || offset > (uint64_t)state.st_size ||
	    wish->size > (uint64_t)state.st_size - offset)
		return fault("map-exceeds", INVALID);
	return OK;
}

static enum status serve_map(struct connection *connection, struct handle *domain,
                             struct packet *request, struct packet *reply)
{
	struct wish wish = {
		.size = body64(request, 8),
		.alignment = body64(request, 16),
		.iova = body64(request, 24),
		.limit = body64(request, 32) != 0 ? body64(request, 32) : UINT64_MAX,
		.flags = body32(request, 40),
	};
	uint64_t offset = body64(request, 0);
	enum status status = check_wish(&wish);

	if (status == OK)
		status = check_memfd(&wish, offset, request->fds[0]);
	if (status == OK)
		status = map_memory(connection, domain, &wish, request->fds[0], offset, false,
		                    reply);
	if (status != OK)
		return status;
	if (!keeps("map"))
		put(reply, HEADER + 8, 8, wish.size + PAGE);
	if (!keeps("map-closed-fd") && wish.flags == (DMA_READS | DMA_FIXED))
		end_mapping(find_range(domain, wish.iova, PAGE));
	return OK;
}

static enum status serve_unmap(struct handle *domain, const struct packet *request)
{
	uint64_t iova = body64(request, 0);
	struct mapping *mapping = find_range(domain, iova, 1);

	if (mapping == NULL)
		return NOT_FOUND;
	if (mapping->iova != iova)
		return fault("unmap-not-found", NOT_FOUND);
	if (!keeps("unmap") && mapping->size == 4 * PAGE) {
		mapping->iova += PAGE;
		return OK;
	}
	if (!keeps("unmap-unreachable") && !mapping->made)
		return OK;
	end_mapping(mapping);
	return OK;
}

enum status serve_dma(struct connection *connection, struct packet *request, struct packet *reply,
                      uint32_t *field)
{
	uint32_t opcode = (uint32_t)get(request, OPCODE, 2);
	enum status status;

	if (opcode == DOMAIN_OPEN) {
		struct handle *handle = new_handle(connection, K_DOMAIN);
		if (handle == NULL)
			return fault("sessions-quota", QUOTA);
		put32(reply, SESSION, keeps("domain-open") ? handle->id : 0);
		return OK;
	}
	struct handle *domain = need_handle(connection, get32(request, SESSION), K_DOMAIN, &status);
	if (domain == NULL)
		return status;
	*field = HEADER;
	switch (opcode) {
	case DOMAIN_INFO:
		return serve_windows(request, reply);
	case DOMAIN_ASSIGN:
	case DOMAIN_DEASSIGN:
		return serve_assign(connection, domain, request);
	case DMA_ALLOC:
		return serve_alloc(connection, domain, request, reply);
	case DMA_MAP:
		return serve_map(connection, domain, request, reply);
	default:
		return serve_unmap(domain, request);
	}
}
