/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memfd_create */
#include "life.h"

#include <fcntl.h>
#include <hwbroker/posix.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HELD_MAX = 48, DEEDS_MAX = 16, PAUSE_MS = 400, MEMORY_PAGES = 32, PAGE = 4096 };

/* What the life has, in the order in which it came. */
struct held {
	uint32_t handle;
	enum hwb_session_kind kind;
	uint64_t iova; /* in the domain `handle`; 0: it is the session itself */
	int fds[HWB_FDS_MAX];
	uint32_t fd_count;
	void *at;
	size_t size;
};

struct life {
	struct hwb_posix posix;
	struct hwb_client *client;
	struct hwb_error error;
	uint64_t *random;
	struct life_counts *counts;
	struct held held[HELD_MAX];
	uint32_t held_count;
	bool over;
};

/* Marsaglia, xorshift64. */
static uint32_t any(struct life *life, uint32_t below)
{
	uint64_t x = *life->random;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	*life->random = x;
	return (uint32_t)(x >> 32) % below;
}

static void pause_ms(uint32_t ms)
{
	const struct timespec pause = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&pause, NULL);
}

/* Whether it was granted. Others may have it, there are limits, and a device's neighbour may
 * be in another domain of one's own; all else is wrong. */
static bool granted(struct life *life, int result, const char *what)
{
	uint32_t status = hwb_refusal_of(result);

	life->counts->requests++;
	if (result >= 0)
		return true;
	if (status == HWB_BUSY || status == HWB_QUOTA || status == HWB_WRONG_STATE) {
		life->counts->refusals++;
		return false;
	}
	life->counts->failures++;
	life->over |= status == HWB_OK;
	hwb_posix_print_error(what, result, &life->error);
	return false;
}

static void put_away(struct held *held)
{
	if (held->at != NULL)
		munmap(held->at, held->size);
	for (uint32_t i = 0; i < held->fd_count; i++)
		close(held->fds[i]);
	held->at = NULL;
	held->fd_count = 0;
}

static struct held *hold(struct life *life, enum hwb_session_kind kind, uint32_t handle)
{
	struct held *held = &life->held[life->held_count++];

	*held = (struct held){ .kind = kind, .handle = handle };
	return held;
}

/* NULL: it has none. */
static struct held *one_of(struct life *life, enum hwb_session_kind kind)
{
	uint32_t start = life->held_count == 0 ? 0 : any(life, life->held_count);

	for (uint32_t i = 0; i < life->held_count; i++) {
		struct held *held = &life->held[(start + i) % life->held_count];
		if (held->kind == kind && held->iova == 0)
			return held;
	}
	return NULL;
}

/* ---- deeds ---- */

static void open_domain(struct life *life)
{
	uint32_t domain;

	if (granted(life, hwb_domain_open(life->client, &domain, &life->error), "open a domain"))
		hold(life, HWB_SESSION_DOMAIN, domain);
}

static void touch(struct held *memory, int fd, size_t size)
{
	memory->fds[memory->fd_count++] = fd;
	memory->at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	memory->size = size;
	if (memory->at == MAP_FAILED)
		memory->at = NULL;
	else
		memset(memory->at, 1, PAGE);
}

static void allocate(struct life *life)
{
	struct held *domain = one_of(life, HWB_SESSION_DOMAIN);
	const struct hwb_dma_alloc_request request = {
		.size = (1 + any(life, MEMORY_PAGES)) * PAGE,
		.flags = HWB_DMA_DEVICE_READS | HWB_DMA_DEVICE_WRITES,
	};
	struct hwb_dma_reply reply;
	int fd;

	if (domain == NULL || !granted(life,
	                               hwb_dma_alloc(life->client, domain->handle, &request, &reply,
	                                             &fd, &life->error),
	                               "allocate"))
		return;
	struct held *memory = hold(life, HWB_SESSION_DOMAIN, domain->handle);
	memory->iova = reply.iova;
	touch(memory, fd, reply.size);
}

static void map(struct life *life)
{
	struct held *domain = one_of(life, HWB_SESSION_DOMAIN);
	const struct hwb_dma_map_request request = {
		.size = (1 + any(life, MEMORY_PAGES)) * PAGE,
		.flags = HWB_DMA_DEVICE_READS | HWB_DMA_DEVICE_WRITES,
	};
	struct hwb_dma_reply reply;

	if (domain == NULL)
		return;
	int fd = memfd_create("life", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd >= 0 && ftruncate(fd, (off_t)request.size) == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0 &&
	    granted(life,
	            hwb_dma_map(life->client, domain->handle, &request, fd, &reply, &life->error),
	            "map")) {
		struct held *memory = hold(life, HWB_SESSION_DOMAIN, domain->handle);
		memory->iova = reply.iova;
		touch(memory, fd, request.size);
	} else if (fd >= 0) {
		close(fd);
	}
}

static void open_ports(struct life *life)
{
	struct hwb_port_op status[] = {
		{ 0x43, HWB_PORT_OUT, 1, 0xe2 },
		{ 0x40, HWB_PORT_IN, 1, 0 },
	};
	uint32_t ports;

	if (!granted(life, hwb_io_port_open(life->client, 0x40, 4, &ports, &life->error),
	             "open ports"))
		return;
	hold(life, HWB_SESSION_IO_PORT, ports);
	granted(life, hwb_io_port_batch(life->client, ports, status, 2, &life->error), "use ports");
}

/* One of those that the policy gives. */
static bool choose_device(struct life *life, struct hwb_device *device)
{
	struct hwb_list list = { 0 };
	struct hwb_device devices[16];

	int count = hwb_device_list(life->client, &list, devices, 16, &life->error);
	if (!granted(life, count, "list devices") || count == 0)
		return false;
	*device = devices[any(life, (uint32_t)count)];
	return true;
}

static void choose_irq(struct life *life, const struct hwb_device *device,
                       struct hwb_acquire_request *request)
{
	uint32_t wish = any(life, 4);
	uint32_t type =
	        wish == 1 && device->intx_pin != 0                               ? HWB_IRQ_INTX
	        : wish == 2 && device->msi_vectors != 0 && request->domain != 0  ? HWB_IRQ_MSI
	        : wish == 3 && device->msix_vectors != 0 && request->domain != 0 ? HWB_IRQ_MSIX
	                                                                         : HWB_IRQ_NONE;

	request->irq_type = type;
	request->irq_count =
	        type == HWB_IRQ_NONE ? 0
	        : type == HWB_IRQ_MSIX
	                ? 1 + any(life, device->msix_vectors < 16 ? device->msix_vectors : 16)
	                : 1;
}

static void acquire(struct life *life)
{
	struct held *domain = one_of(life, HWB_SESSION_DOMAIN);
	struct hwb_acquire_request request = { .flags = HWB_ACQUIRE_ALL_BARS };
	struct hwb_acquire_reply reply;
	struct hwb_device device;
	uint32_t handle, count;
	int fds[HWB_FDS_MAX];

	if (!choose_device(life, &device))
		return;
	request.address = device.address;
	if (domain != NULL && (device.flags & HWB_DEVICE_MAY_DMA) != 0)
		request.domain = domain->handle;
	choose_irq(life, &device, &request);
	if (!granted(life,
	             hwb_device_acquire(life->client, &request, &handle, &reply, fds, &count,
	                                &life->error),
	             "acquire"))
		return;
	life->counts->devices++;
	struct held *held = hold(life, HWB_SESSION_DEVICE, handle);
	memcpy(held->fds, fds, count * sizeof(fds[0]));
	held->fd_count = count;
	if (reply.regions[0].session == 0 || reply.regions[0].size < PAGE ||
	    (reply.regions[0].flags & HWB_REGION_IO) != 0)
		return;
	held->size = reply.regions[0].size;
	held->at = mmap(NULL, held->size, PROT_READ, MAP_SHARED, fds[0], 0);
	if (held->at == MAP_FAILED)
		held->at = NULL;
	else
		(void)*(const volatile uint32_t *)held->at;
}

static void close_one(struct life *life, uint32_t index)
{
	struct held *held = &life->held[index];

	put_away(held);
	granted(life,
	        held->iova != 0
	                ? hwb_dma_unmap(life->client, held->handle, held->iova, &life->error)
	                : hwb_close(life->client, held->handle, &life->error),
	        held->iova != 0 ? "unmap" : "close");
	memmove(held, held + 1, (--life->held_count - index) * sizeof(*held));
}

/* The newest first, so that memory goes before its domain. */
static void close_newest(struct life *life)
{
	if (life->held_count != 0)
		close_one(life, life->held_count - 1);
}

static void ping(struct life *life)
{
	granted(life, hwb_ping(life->client, &life->error), "ping");
}

static void rest(struct life *life)
{
	pause_ms(any(life, PAUSE_MS));
}

/* ---- a life ---- */

static void end(struct life *life)
{
	switch (any(life, 4)) {
	case 0:
		kill(getpid(), SIGKILL);
		break;
	case 1:
		while (life->held_count != 0 && !life->over)
			close_newest(life);
		break;
	case 2:
		/* It hangs up, and keeps what it has for a while. */
		shutdown(life->posix.socket, SHUT_RDWR);
		pause_ms(any(life, PAUSE_MS));
		break;
	default:
		break;
	}
	while (life->held_count != 0)
		put_away(&life->held[--life->held_count]);
	hwb_posix_close(&life->posix);
}

void life_live(uint64_t *random, struct life_counts *counts)
{
	static void (*const deeds[])(struct life *) = {
		open_domain, allocate, allocate,     map,  map,  open_ports,
		acquire,     acquire,  close_newest, ping, rest, rest,
	};
	struct life life = { .random = random, .counts = counts };

	life.client = &life.posix.client;
	if (!granted(&life, hwb_posix_open(&life.posix, NULL, NULL, NULL, &life.error), "connect"))
		return;
	counts->lives++;
	for (uint32_t left = 1 + any(&life, DEEDS_MAX); left > 0 && !life.over; left--) {
		if (life.held_count < HELD_MAX)
			deeds[any(&life, sizeof(deeds) / sizeof(deeds[0]))](&life);
		rest(&life);
	}
	end(&life);
}
