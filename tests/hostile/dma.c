/* SPDX-License-Identifier: MIT */
/* Memory that is not what it seems, and addresses that are not the client's. */
#define _GNU_SOURCE /* memfd_create, fallocate */
#include "hostile.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/udmabuf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RIGHTS = HWB_DMA_DEVICE_READS | HWB_DMA_DEVICE_WRITES };

static int sealed(uint64_t size, int seals)
{
	int fd = memfd_create("hostile", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	expect(fd >= 0 && ftruncate(fd, (off_t)size) == 0 && fcntl(fd, F_ADD_SEALS, seals) == 0,
	       "memfd: %s", strerror(errno));
	return fd;
}

/* Windows of a PC are below 0xfee00000 and above 0xfeefffff. */
static void addresses(void)
{
	static const struct {
		uint64_t size, alignment, iova, limit;
		uint32_t flags;
		int status;
	} wrong[] = {
		{ 0, 0, 0, 0, 0, HWB_INVALID },
		{ 1, 0, 0, 0, 0, HWB_INVALID },
		{ PAGE + 1, 0, 0, 0, 0, HWB_INVALID },
		{ UINT64_MAX, 0, 0, 0, 0, HWB_INVALID },
		{ UINT64_MAX - PAGE + 1, 0, 0, 0, 0, HWB_INVALID },
		{ PAGE, 3, 0, 0, 0, HWB_INVALID },
		{ PAGE, 0, PAGE, 0, 0, HWB_INVALID },
		{ PAGE, 0, 0x10800, 0, HWB_DMA_FIXED, HWB_INVALID },
		{ PAGE, 0, UINT64_MAX, 0, HWB_DMA_FIXED, HWB_INVALID },
		{ 2 * PAGE, 0, UINT64_MAX - PAGE + 1, 0, HWB_DMA_FIXED, HWB_INVALID },
		{ 2 * PAGE, 0, 0xfffff000, UINT32_MAX, HWB_DMA_FIXED, HWB_INVALID },
		{ PAGE, 0, 0xfee00000, 0, HWB_DMA_FIXED, HWB_CONFLICT },
		{ PAGE, 0, 0xfeeff000, 0, HWB_DMA_FIXED, HWB_CONFLICT },
		{ 2 * PAGE, 0, 0xfedff000, 0, HWB_DMA_FIXED, HWB_CONFLICT },
		{ PAGE, 0, 1ull << 63, 0, HWB_DMA_FIXED, HWB_CONFLICT },
		{ PAGE, 0, 0x100000, 0, HWB_DMA_FIXED, HWB_CONFLICT },
		{ 2 * PAGE, 0, 0xff000, 0, HWB_DMA_FIXED, HWB_CONFLICT },
	};
	const struct hwb_dma_map_request there = { .size = PAGE,
		                                   .iova = 0x100000,
		                                   .flags = RIGHTS | HWB_DMA_FIXED };
	int memory = sealed(8 * PAGE, F_SEAL_SHRINK), fd = client();
	struct taken edu;
	uint64_t iova;

	/* The IOMMU's windows are known once a device is in the domain. */
	uint32_t domain = open_domain(fd);
	take(fd, EDU, domain, &edu);
	expect(dma_map(fd, domain, &there, memory, &iova) == HWB_OK, "the first mapping");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const struct hwb_dma_map_request wanted = {
			.size = wrong[i].size,
			.alignment = wrong[i].alignment,
			.iova = wrong[i].iova,
			.limit = wrong[i].limit,
			.flags = RIGHTS | wrong[i].flags,
		};
		int status = dma_map(fd, domain, &wanted, memory, NULL);
		expect(status == wrong[i].status, "number %zu: status %d", i, status);
	}
	/* Past the end of the memory. */
	static const uint64_t offsets[] = { PAGE * 8, PAGE * 9, UINT64_MAX - PAGE + 1, 1 };
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		const struct hwb_dma_map_request wanted = { .offset = offsets[i],
			                                    .size = PAGE,
			                                    .flags = RIGHTS };
		expect(dma_map(fd, domain, &wanted, memory, NULL) == HWB_INVALID, "offset %llu",
		       (unsigned long long)offsets[i]);
	}
	expect(edu_alive(edu.registers), "the device is not there any more");
}

/* Cut while a device uses it: not possible. Emptied: the device keeps what it has. */
static void cut_memory(void)
{
	const struct hwb_dma_map_request all = { .size = 4 * PAGE,
		                                 .limit = UINT32_MAX,
		                                 .flags = RIGHTS };
	static const int too_few[] = { 0, F_SEAL_GROW, F_SEAL_WRITE, F_SEAL_SEAL };
	int fd = client();
	struct taken edu;
	uint64_t iova;

	uint32_t domain = open_domain(fd);
	take(fd, EDU, domain, &edu);
	for (size_t i = 0; i < sizeof(too_few) / sizeof(too_few[0]); i++)
		expect(dma_map(fd, domain, &all, sealed(4 * PAGE, too_few[i]), NULL) == HWB_BAD_FD,
		       "seals 0x%x are enough", (unsigned)too_few[i]);
	int memory = sealed(4 * PAGE, F_SEAL_SHRINK);
	expect(dma_map(fd, domain, &all, memory, &iova) == HWB_OK, "sealed memory");
	edu_start(edu.registers, iova, true);
	expect(ftruncate(memory, PAGE) != 0 && errno == EPERM, "sealed memory is cut");
	expect(fallocate(memory, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4 * PAGE) == 0,
	       "punch: %s", strerror(errno));
	edu_wait(edu.registers);
	close(memory);
	expect(edu_alive(edu.registers), "the device is not there any more");
	const struct hwb_dma_unmap_request unmap = { .iova = iova };
	expect(request(fd, HWB_DMA_UNMAP, domain, &unmap, sizeof(unmap)) == HWB_OK, "unmap");
	/* Holes are filled, not run into. */
	memory = sealed(4 * PAGE, F_SEAL_SHRINK);
	expect(fallocate(memory, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4 * PAGE) == 0,
	       "punch: %s", strerror(errno));
	expect(dma_map(fd, domain, &all, memory, &iova) == HWB_OK, "memory with holes");
}

static int dmabuf(void)
{
	int device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	struct udmabuf_create wanted = { .memfd = (uint32_t)sealed(PAGE, F_SEAL_SHRINK),
		                         .size = PAGE };

	return device < 0 ? -1 : ioctl(device, UDMABUF_CREATE, &wanted);
}

/* Opened by root, so that there is nothing that a client could not be given. */
static void no_memory_at_all(void)
{
	const struct hwb_dma_map_request one = { .size = PAGE, .flags = HWB_DMA_DEVICE_READS };
	int fd = client_of(driver_uid()), ends[2], sockets[2];
	struct taken edu;
	uint32_t domain = open_domain(fd);

	take(fd, EDU, domain, &edu);
	expect(pipe2(ends, O_CLOEXEC) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0,
	       "no descriptors");
	mkfifo("/tmp/hostile-fifo", 0600);
	const struct {
		const char *name;
		int fd;
	} wrong[] = {
		{ "a FIFO", open("/tmp/hostile-fifo", O_RDWR | O_CLOEXEC) },
		{ "a pipe", ends[0] },
		{ "a socket", sockets[0] },
		{ "its own connection", fd },
		{ "/dev/null", open("/dev/null", O_RDWR | O_CLOEXEC) },
		{ "/dev/zero", open("/dev/zero", O_RDWR | O_CLOEXEC) },
		{ "/dev/mem", open("/dev/mem", O_RDWR | O_CLOEXEC) },
		{ "/dev/port", open("/dev/port", O_RDWR | O_CLOEXEC) },
		{ "a disk", open("/dev/disk/by-id/virtio-spare", O_RDONLY | O_CLOEXEC) },
		{ "a file of /", open("/etc/passwd", O_RDONLY | O_CLOEXEC) },
		{ "a file of /run", open("/run/hwbroker/devices", O_RDONLY | O_CLOEXEC) },
		{ "a file of sysfs", open("/sys/kernel/uevent_seqnum", O_RDONLY | O_CLOEXEC) },
		{ "a file of /proc", open("/proc/self/mem", O_RDWR | O_CLOEXEC) },
		{ "a path", open("/etc/passwd", O_PATH | O_CLOEXEC) },
		{ "a folder", open("/etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC) },
		{ "an eventfd", eventfd(0, EFD_CLOEXEC) },
		{ "an epoll", epoll_create1(EPOLL_CLOEXEC) },
		{ "registers", edu.fds[0] },
		{ "a dmabuf", dmabuf() },
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		expect(wrong[i].fd >= 0, "%s cannot be opened", wrong[i].name);
		int status = dma_map(fd, domain, &one, wrong[i].fd, NULL);
		expect(status == HWB_BAD_FD, "%s: status %d", wrong[i].name, status);
		close(wrong[i].fd == fd ? -1 : wrong[i].fd);
	}
	unlink("/tmp/hostile-fifo");
	edu.fd_count = 0;
	expect(ping(fd) == HWB_OK, "the connection is not served on");
}

/* The ledger is the kernel's: what it says is free can be mapped, and nothing else. */
static void quota(void)
{
	enum { MAPPINGS = 64 }; /* by the policy; and 16 MiB */
	const struct hwb_dma_map_request one = { .size = PAGE,
		                                 .limit = UINT32_MAX,
		                                 .flags = RIGHTS };
	const struct hwb_dma_alloc_request large = { .size = 32 << 20, .flags = RIGHTS };
	uint64_t iovas[MAPPINGS];
	int fd = client(), memory = sealed(PAGE, F_SEAL_SHRINK);
	struct taken edu;

	uint32_t domain = open_domain(fd);
	take(fd, EDU, domain, &edu);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < MAPPINGS; i++)
			expect(dma_map(fd, domain, &one, memory, &iovas[i]) == HWB_OK, "mapping %u",
			       i);
		expect(dma_map(fd, domain, &one, memory, NULL) == HWB_QUOTA, "one too many");
		uint32_t second = open_domain(fd);
		expect(dma_map(fd, second, &one, memory, NULL) == HWB_QUOTA, "in another domain");
		expect(request(fd, HWB_CLOSE, second, NULL, 0) == HWB_OK, "close");
		for (unsigned i = 0; i < MAPPINGS; i++) {
			const struct hwb_dma_unmap_request unmap = { .iova = iovas[i] };
			expect(request(fd, HWB_DMA_UNMAP, domain, &unmap, sizeof(unmap)) == HWB_OK,
			       "unmap");
			expect(request(fd, HWB_DMA_UNMAP, domain, &unmap, sizeof(unmap)) ==
			               HWB_NOT_FOUND,
			       "unmap twice");
		}
		expect(request(fd, HWB_DMA_ALLOC, domain, &large, sizeof(large)) == HWB_QUOTA,
		       "too much");
	}
	expect(edu_alive(edu.registers), "the device is not there any more");
}

static uint64_t available(void)
{
	char text[32];

	shell_text(text, sizeof(text),
	           "sed -n 's/^MemAvailable: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo");
	return strtoull(text, NULL, 10) * 1024;
}

/* As many blocks as are to be mapped, and all of them behind the end: the host is still not given
 * more than it can spare. */
static void blocks_behind_the_end(void)
{
	enum { SPARED = 256 << 20, MARGIN = 64 << 20 };

	atexit(policy_restore);
	policy_install(
	        "[client alpha]\nuser = driver\ndma_bytes = 64G\n"
	        "[device edu]\nclient = alpha\naddress = 00:03.0\ndma = yes\nreset = none\n");
	int fd = client_of(driver_uid());
	uint32_t domain = open_domain(fd);
	struct taken edu;
	take(fd, EDU, domain, &edu);
	uint64_t size = ((available() - SPARED) / 2 + MARGIN) & ~(uint64_t)(PAGE - 1);
	const struct hwb_dma_map_request all = { .size = size, .flags = RIGHTS };
	int memory = sealed(size, F_SEAL_SHRINK);
	expect(fallocate(memory, FALLOC_FL_KEEP_SIZE, (off_t)size, (off_t)size) == 0,
	       "fallocate: %s", strerror(errno));
	expect(dma_map(fd, domain, &all, memory, NULL) == HWB_NO_MEMORY, "not refused");
	expect(available() > SPARED / 2, "the host has only %llu MiB left",
	       (unsigned long long)available() >> 20);
	close(memory);
	const struct hwb_dma_map_request some = { .size = 16 * PAGE, .flags = RIGHTS };
	memory = sealed(16 * PAGE, F_SEAL_SHRINK);
	expect(dma_map(fd, domain, &some, memory, NULL) == HWB_OK, "refused");
	give_back(fd, &edu);
}

/* A transfer lasts 100 ms, and the memory is unmapped at each moment of it: what the device
 * writes then goes nowhere, least of all to the memory's next user. */
static void written_while_unmapped(void)
{
	int fd = client();
	struct taken edu;
	uint64_t iova;

	uint32_t domain = open_domain(fd);
	take(fd, EDU, domain, &edu);
	for (int pause = 0; pause < 120; pause += 20) {
		void *memory = dma_alloc(fd, domain, PAGE, &iova);
		const struct hwb_dma_unmap_request unmap = { .iova = iova };
		memset(memory, 0xa5, PAGE);
		edu_start(edu.registers, iova, true);
		pause_ms(pause);
		expect(request(fd, HWB_DMA_UNMAP, domain, &unmap, sizeof(unmap)) == HWB_OK,
		       "unmap");
		munmap(memory, PAGE);
		uint64_t elsewhere;
		unsigned char *next = dma_alloc(fd, domain, PAGE, &elsewhere);
		const struct hwb_dma_unmap_request unmap_next = { .iova = elsewhere };
		memset(next, 0x5a, PAGE);
		/* The same device address would be the client's own affair. */
		if (elsewhere != iova) {
			edu_wait(edu.registers);
			for (unsigned i = 0; i < PAGE; i++)
				expect(next[i] == 0x5a, "written after %d ms", pause);
		}
		edu_wait(edu.registers);
		expect(request(fd, HWB_DMA_UNMAP, domain, &unmap_next, sizeof(unmap_next)) ==
		               HWB_OK,
		       "unmap");
		munmap(next, PAGE);
	}
	expect(edu_alive(edu.registers), "the device is not there any more");
}

const struct hostile_case dma_cases[] = {
	{ 19, "device addresses that wrap, overlap, or are interrupts are refused", addresses, 0,
	  0 },
	{ 20, "memory that could be cut is refused, and cannot be cut afterwards", cut_memory, 0,
	  0 },
	{ 21, "descriptors that are no memory are not mapped, read or waited for", no_memory_at_all,
	  AS_ROOT, 0 },
	{ 22, "quotas hold, and unmapping gives back what mapping took", quota, 0, 0 },
	{ 73, "memory whose blocks are behind its end, and more than the host can spare",
	  blocks_behind_the_end, AS_ROOT, 0 },
	{ 45, "memory that is unmapped while a device writes it", written_while_unmapped, 0, 0 },
	{ 0 },
};
