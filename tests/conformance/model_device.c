/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memfd_create */
#include "kit.h"
#include "model.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct device devices[DEVICES] = {
	{ .address = 3ull << 40,
	  .vendor = 0x1234,
	  .id = 0x11e8,
	  .class_code = 0xff0000,
	  .flags = DEVICE_RESETS | DEVICE_MAY_DMA | DEVICE_REVOCABLE,
	  .irq_number = 0x118,
	  .pin = 1,
	  .msi = 1,
	  .bars = { { .base = 0xfea00000, .size = 1 << 20 } } },
	{ .address = 7ull << 40,
	  .vendor = 0x1b36,
	  .id = 0x0005,
	  .class_code = 0xff0000,
	  .irq_number = 0x138,
	  .bars = { { .base = 0xfeb00000, .size = PAGE },
	            { .base = 0xc000, .size = 256, .flags = BAR_IO } } },
};

void open_devices(void)
{
	for (size_t i = 0; i < DEVICES; i++) {
		struct device *device = &devices[i];
		device->config[0] = (unsigned char)device->vendor;
		device->config[1] = (unsigned char)(device->vendor >> 8);
		device->config[2] = (unsigned char)device->id;
		device->config[3] = (unsigned char)(device->id >> 8);
		device->config[4] = 3; /* answers to memory and ports, does not reach memory */
		for (size_t bar = 0; bar < 6; bar++) {
			uint64_t size = device->bars[bar].size;
			if (size == 0)
				continue;
			int fd = memfd_create("bar", MFD_CLOEXEC);
			if (fd < 0 || ftruncate(fd, (off_t)size) != 0)
				abort();
			device->bars[bar].fd = fd;
			device->bars[bar].at =
			        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
			if (device->bars[bar].at == MAP_FAILED)
				abort();
		}
	}
}

void put_device(struct packet *packet, size_t offset, const struct device *device,
                const struct connection *connection)
{
	bool mine = device->owner == connection || (device->owner != NULL && !keeps("device-mine"));

	put(packet, offset, 8, device->address);
	put(packet, offset + DEVICE_VENDOR, 2, device->vendor);
	put(packet, offset + DEVICE_ID, 2, device->id);
	put32(packet, offset + 16, device->class_code);
	packet->bytes[offset + DEVICE_PIN] = device->pin;
	put32(packet, offset + DEVICE_GROUP, (uint32_t)(device - devices));
	put32(packet, offset + DEVICE_STATE,
	      device->owner != NULL && keeps("state-granted") ? STATE_GRANTED : STATE_FREE);
	put32(packet, offset + DEVICE_FLAGS, device->flags | (mine ? DEVICE_MINE : 0));
	put(packet, offset + DEVICE_MSI, 2, device->msi);
	put32(packet, offset + DEVICE_IRQ_NUMBER, keeps("irq-number") ? device->irq_number : 0x118);
	for (size_t bar = 0; bar < 6; bar++) {
		size_t at = offset + DEVICE_BARS + bar * BAR_SIZE_OF;
		put(packet, at, 8, device->bars[bar].base);
		put(packet, at + 8, 8, device->bars[bar].size);
		put32(packet, at + 16, device->bars[bar].flags);
	}
	if (!keeps("bar-upper-half") && device == &devices[1])
		put32(packet, offset + DEVICE_BARS + 16, BAR_64BIT);
}

static struct device *find(uint64_t address)
{
	for (size_t i = 0; i < DEVICES; i++)
		if (devices[i].address == address)
			return &devices[i];
	return NULL;
}

/* A page for each device, so that who lists turns pages. */
static enum status serve_list(struct connection *connection, const struct packet *request,
                              struct packet *reply)
{
	uint64_t cursor = body64(request, 0), next = cursor + 1;
	uint32_t size = DEVICE_SIZE;
	uint64_t pages = keeps("list-once") ? DEVICES : DEVICES + 1;

	if (cursor >= pages)
		return keeps("list-cursor") ? INVALID : NOT_FOUND;
	if (from_the_future)
		size += 8;
	if (!keeps("list-record-multiple"))
		size += 4;
	if (!keeps("list-record-size"))
		size -= 8;
	if (!keeps("packet-max"))
		size = MESSAGE_MAX + 8;
	put(reply, HEADER, 8, next < pages ? next : keeps("list-pages") ? 0 : 1);
	put32(reply, HEADER + 8, 1);
	put32(reply, HEADER + 12, size);
	put_device(reply, HEADER + LIST_RECORDS, &devices[cursor % DEVICES], connection);
	reply->length = HEADER + LIST_RECORDS + size;
	return OK;
}

static enum status find_named(uint64_t address, struct device **device, uint32_t opcode)
{
	if ((address >> 40 & 0xff) > 31)
		return fault("address-device", INVALID);
	if ((address >> 48 & 0xff) > 7)
		return fault("address-function", INVALID);
	*device = find(address);
	if (*device == NULL)
		return opcode == DEVICE_INFO ? fault("list-not-there", NOT_FOUND) : NOT_FOUND;
	return OK;
}

static enum status serve_info(struct connection *connection, const struct packet *request,
                              struct packet *reply)
{
	struct device *device = NULL;
	enum status status;

	if (get32(request, SESSION) != 0) {
		struct handle *handle =
		        need_handle(connection, get32(request, SESSION), K_DEVICE, &status);
		if (handle == NULL)
			return status;
		if (body64(request, 0) != 0)
			return fault("info-handle", INVALID);
		device = handle->device;
	} else {
		status = find_named(body64(request, 0), &device, DEVICE_INFO);
		if (status != OK)
			return status;
		if (device == &devices[1] && !keeps("list-own"))
			return NOT_FOUND;
	}
	put_device(reply, HEADER, device, connection);
	if (!keeps("info-address") && get32(request, SESSION) == 0)
		put(reply, HEADER, 8, device->address + 1);
	reply->length = HEADER + DEVICE_SIZE;
	return OK;
}

void put_region(struct packet *reply, size_t offset, const struct handle *handle, uint32_t bar,
                uint64_t first, uint64_t size, uint32_t flags)
{
	const struct device *device = handle->device;

	put32(reply, offset, handle->id);
	put32(reply, offset + 4, flags);
	put(reply, offset + 8, 8, device->bars[bar].base + first);
	put(reply, offset + 16, 8, size);
	put(reply, offset + 24, 8, keeps("region-fd-offset") || first < PAGE ? first : 0);
	reply->fds[reply->fd_count++] = dup(device->bars[bar].fd);
}

/* What is wrong with the values of a DEVICE_ACQUIRE. */
static enum status check_acquire(const struct device *device, const struct packet *request,
                                 uint32_t *field)
{
	uint32_t bars = body32(request, 16), type = body32(request, 24);
	uint32_t count = body32(request, 28), domain = body32(request, 12);
	bool enable = (body32(request, 8) & ACQUIRE_IRQ_ENABLE) != 0;

	*field = HEADER + 16;
	if (bars > 0x3f)
		return fault("acquire-bars", INVALID);
	if (body32(request, 20) > 0x3f)
		return fault("acquire-wc", INVALID);
	*field = HEADER + 24;
	if (type > IRQ_MSIX)
		return fault("acquire-invalid", INVALID);
	if (enable && type == IRQ_NONE)
		return fault("acquire-irq-enable", INVALID);
	*field = HEADER + 28;
	if ((type == IRQ_NONE && count != 0) || (type == IRQ_INTX && count != 1))
		return fault("acquire-irq-count", INVALID);
	*field = HEADER + 16;
	for (uint32_t bar = 0; bar < 6; bar++)
		if ((bars >> bar & 1) != 0 && device->bars[bar].size == 0)
			return fault("acquire-bar-missing", NOT_FOUND);
	if ((type == IRQ_MSI || type == IRQ_MSIX) && domain == 0)
		return fault("acquire-msi-domain", WRONG_STATE);
	return OK;
}

static enum status serve_acquire(struct connection *connection, const struct packet *request,
                                 struct packet *reply, uint32_t *field)
{
	struct device *device = NULL;
	struct handle *domain = NULL;
	uint32_t bars = body32(request, 16), flags = body32(request, 8);
	uint32_t type = body32(request, 24), wanted = 1 + (type != IRQ_NONE);
	enum status status = find_named(body64(request, 0), &device, DEVICE_ACQUIRE);

	*field = HEADER;
	if (status != OK)
		return status;
	if (device->owner != NULL)
		return device->owner == connection ? fault("acquire-busy", BUSY) : BUSY;
	if ((flags & ACQUIRE_NO_WAIT) != 0 && !keeps("acquire-no-wait"))
		return WRONG_STATE;
	status = check_acquire(device, request, field);
	if (status != OK && !keeps("all-or-nothing") && status == NOT_FOUND)
		device->owner = connection;
	if (status != OK)
		return status;
	/* Not of the one who looks for a device, and listed them before. */
	if ((flags & ACQUIRE_ALL_BARS) != 0 &&
	    (keeps("acquire-all-bars") || connection->requests > 2))
		bars = 0x3f;
	for (size_t bar = 0; bar < 6; bar++)
		wanted += (bars >> bar & 1) != 0 && device->bars[bar].size != 0;
	if (wanted > free_handles(connection))
		return fault("acquire-quota", QUOTA);
	if (body32(request, 12) != 0) {
		domain = need_handle(connection, body32(request, 12), K_DOMAIN, &status);
		if (domain == NULL)
			return body32(request, 12) >= 0xfffffff0u
			               ? fault("acquire-no-domain", NO_SESSION)
			               : status;
	}
	struct handle *handle = new_handle(connection, K_DEVICE);
	handle->device = device;
	device->owner = connection;
	device->handle = handle;
	if (domain != NULL)
		assign_device(domain, device);
	if (domain != NULL && !keeps("acquire-domain"))
		device->config[4] = 3;
	put_device(reply, HEADER, device, connection);
	if (!keeps("acquire"))
		put(reply, HEADER, 8, device->address + 1);
	for (uint32_t bar = 0; bar < 6; bar++) {
		if ((bars >> bar & 1) == 0 || device->bars[bar].size == 0)
			continue;
		struct handle *region = new_handle(connection, K_IO_MEM);
		region->device = device;
		region->parent = handle;
		put_region(reply, HEADER + ACQUIRE_REGIONS + bar * REGION_SIZE_OF, region, bar, 0,
		           device->bars[bar].size,
		           (device->bars[bar].flags & BAR_IO) != 0 ? REGION_IO : 0);
	}
	if (type != IRQ_NONE) {
		status = open_interrupt(connection, device, type, body32(request, 28),
		                        (flags & ACQUIRE_IRQ_ENABLE) != 0, reply,
		                        HEADER + ACQUIRE_INTERRUPT);
		if (status != OK)
			return status;
		if (!keeps("acquire-fds") && reply->fd_count == 3) {
			int first = reply->fds[0];
			reply->fds[0] = reply->fds[1];
			reply->fds[1] = first;
		}
	}
	put32(reply, SESSION, keeps("acquire-handle") ? handle->id : handle->id + 100);
	reply->length = HEADER + 400;
	return OK;
}

/* Of the rule `edu', which gives the device of that name. */
static enum status serve_any(struct connection *connection, const struct packet *request,
                             struct packet *reply, uint32_t *field)
{
	static const char edu[32] = "edu";
	const unsigned char *name = request->bytes + HEADER;
	struct packet certain = *request;
	size_t length = strnlen((const char *)name, 32);

	*field = HEADER;
	for (size_t i = length; i < 32; i++)
		length = name[i] != 0 ? 32 : length;
	if (length == 0 || length == 32)
		return fault("any-name", INVALID);
	if (memcmp(name, edu, 32) != 0)
		return fault("any-not-found", NOT_FOUND);
	if (devices[0].owner != NULL)
		return devices[0].owner == connection ? fault("any-busy", BUSY) : BUSY;
	put(&certain, HEADER, 8, devices[0].address);
	memcpy(certain.bytes + HEADER + 8, request->bytes + HEADER + 32, 24);
	enum status status = serve_acquire(connection, &certain, reply, field);
	if (*field > HEADER)
		*field += 24;
	if (status == OK)
		put(reply, HEADER, 8, devices[0].address + (keeps("any") ? 0 : 1));
	return status;
}

enum status serve_device(struct connection *connection, struct packet *request,
                         struct packet *reply, uint32_t *field)
{
	switch (get(request, OPCODE, 2)) {
	case DEVICE_LIST:
		return serve_list(connection, request, reply);
	case DEVICE_INFO:
		return serve_info(connection, request, reply);
	case DEVICE_ACQUIRE_ANY:
		return serve_any(connection, request, reply, field);
	default:
		return serve_acquire(connection, request, reply, field);
	}
}

/* Only the interrupt line, at 0x3c, may be written. */
static enum status check_write(const struct device *device, uint32_t offset, uint32_t width,
                               uint32_t value)
{
	if (width < 4 && value >> (8 * width) != 0)
		return fault("config-write-fit", INVALID);
	if (offset == 0x3c && width > 1)
		return fault("config-write-list", DENIED);
	if (offset != 0x3c)
		return offset == 0x30 ? fault("config-never", DENIED) : DENIED;
	(void)device;
	return OK;
}

/* No rule of this broker gives it. */
enum status serve_descriptor(struct connection *connection, const struct packet *request)
{
	enum status status;

	return need_handle(connection, get32(request, SESSION), K_DEVICE, &status) == NULL
	               ? status
	               : fault("device-fd-denied", DENIED);
}

enum status serve_config(struct connection *connection, struct packet *request,
                         struct packet *reply, uint32_t *field)
{
	enum status status;
	struct handle *handle = need_handle(connection, get32(request, SESSION), K_DEVICE, &status);
	uint32_t offset = (uint32_t)get(request, HEADER, 2);
	uint32_t width = (uint32_t)get(request, HEADER + 2, 2);
	bool write = get(request, OPCODE, 2) == CONFIG_WRITE;
	uint32_t value = body32(request, 4);

	if (handle == NULL)
		return status;
	*field = HEADER;
	if (width != 1 && width != 2 && width != 4)
		return fault("config-width", INVALID);
	if (offset % width != 0 || offset + width > 256)
		return fault("config-range", INVALID);
	unsigned char *config = handle->device->config;
	if (write) {
		status = check_write(handle->device, offset, width, value);
		if (status == OK || (!keeps("config-write-nothing") && offset == 0x10))
			for (uint32_t i = 0; i < width; i++)
				config[offset + i] = (unsigned char)(value >> (8 * i));
		if (status != OK)
			return status;
	}
	reply->length = HEADER + 8;
	memcpy(reply->bytes + HEADER, request->bytes + HEADER, write ? 8 : 4);
	if (write && !keeps("config-write-reply"))
		put(reply, HEADER, 2, 0);
	if (write)
		return OK;
	memcpy(reply->bytes + HEADER + 4, config + offset, width);
	if (!keeps("config-read") && offset == 0 && width == 4)
		put32(reply, HEADER + 4, 0xffffffff);
	if (!keeps("config-read-value") && width < 4 && offset == 0)
		reply->bytes[HEADER + 7] = 1;
	return OK;
}

/* A region of a BAR, whose values were checked. */
static enum status open_region(struct connection *connection, struct device *device, uint32_t bar,
                               uint64_t first, uint64_t size, uint32_t flags, struct packet *reply)
{
	struct handle *handle = new_handle(connection, K_IO_MEM);

	if (handle == NULL)
		return QUOTA;
	handle->device = device;
	handle->parent = device->handle;
	put_region(reply, HEADER, handle, bar, first, size, flags);
	put32(reply, SESSION, handle->id);
	reply->length = HEADER + REGION_SIZE_OF;
	return OK;
}

static enum status open_address(struct connection *connection, const struct packet *request,
                                struct packet *reply)
{
	uint64_t base = body64(request, 0), size = body64(request, 8);

	if (size == 0 || base + (size - 1) < base)
		return fault("io-mem-size", INVALID);
	for (size_t i = 0; i < DEVICES; i++) {
		uint64_t start = devices[i].bars[0].base, whole = devices[i].bars[0].size;
		if (base < start || base - start >= whole || size > whole - (base - start))
			continue;
		if (devices[i].owner != connection)
			return fault("io-mem-owned", NOT_FOUND);
		if (!keeps("io-mem-overlap") && free_handles(connection) < HANDLES_MAX - 2)
			return CONFLICT;
		bool wc = body32(request, 16) != 0 || !keeps("io-mem-wc");
		enum status status = open_region(connection, &devices[i], 0, base - start, size,
		                                 wc ? REGION_WC : 0, reply);
		if (!keeps("io-mem-open") && size == whole)
			put(reply, HEADER + 8, 8, 0);
		return status;
	}
	return base == 0 ? fault("io-mem-not-found", NOT_FOUND) : NOT_FOUND;
}

static enum status open_bar(struct connection *connection, const struct packet *request,
                            struct packet *reply)
{
	enum status status;
	struct handle *handle = need_handle(connection, get32(request, SESSION), K_DEVICE, &status);
	uint32_t bar = body32(request, 0);
	uint64_t first = body64(request, 8), size = body64(request, 16);

	if (handle == NULL)
		return status;
	struct device *device = handle->device;
	if (bar > 5)
		return fault("bar-number", NOT_FOUND);
	uint64_t whole = device->bars[bar].size;
	if (whole == 0)
		return fault("bar-missing", NOT_FOUND);
	if ((device->bars[bar].flags & BAR_IO) != 0)
		return fault("bar-range", INVALID);
	if (first >= whole || size > whole - first)
		return fault("bar-range", INVALID);
	if (size == 0)
		size = keeps("bar-size-zero") || first == 0 ? whole - first : PAGE;
	status = open_region(connection, device, bar, first, size, 0, reply);
	if (!keeps("bar-open") && size == 8)
		put(reply, HEADER + 8, 8, 0);
	/* One byte larger than the BAR, or not to be mapped. */
	if (status == OK && (!keeps("region-whole-bar") || !keeps("region-mmap")) && first == 0) {
		int other = memfd_create("other", MFD_CLOEXEC);
		close(reply->fds[0]);
		reply->fds[0] = other;
		if (keeps("region-whole-bar") || ftruncate(other, (off_t)whole * 2) != 0) {
			close(other);
			int ends[2];
			if (pipe(ends) != 0)
				abort();
			close(ends[1]);
			reply->fds[0] = ends[0];
		}
	}
	return status;
}

/* Of two ranges the second begins within the first, where the rule is broken. */
static enum status list_memory(const struct packet *request, struct packet *reply)
{
	static const uint64_t bases[] = { 0xa0000, 0xfed00000 };
	enum { RECORD = 24 };

	if (body64(request, 0) != 0)
		return INVALID;
	put32(reply, HEADER + 8, 2);
	put32(reply, HEADER + 12, RECORD);
	for (size_t i = 0; i < 2; i++) {
		size_t record = HEADER + LIST_RECORDS + i * RECORD;
		put(reply, record, 8, keeps("mem-list") ? bases[i] : bases[0]);
		put(reply, record + 8, 8, 0x400);
	}
	reply->length = HEADER + LIST_RECORDS + 2 * (size_t)RECORD;
	return OK;
}

enum status serve_memory(struct connection *connection, struct packet *request,
                         struct packet *reply, uint32_t *field)
{
	enum status status;

	*field = HEADER;
	/* No region of this broker is without a descriptor. */
	if (get(request, OPCODE, 2) == IO_MEM_BATCH)
		return need_handle(connection, get32(request, SESSION), K_IO_MEM, &status) == NULL
		               ? status
		               : fault("mem-batch-descriptor", INVALID);
	if (get(request, OPCODE, 2) == IO_MEM_LIST)
		return list_memory(request, reply);
	return get(request, OPCODE, 2) == IO_MEM_OPEN ? open_address(connection, request, reply)
	                                              : open_bar(connection, request, reply);
}
