/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memfd_create */
#include "session.h"

#include "edu.h"
#include "example.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	TIMER = 0x40, /* 8254: channel 0, and its control word at 0x43 */
	TIMER_CONTROL = 0x43,
	READ_BACK = 0xe2, /* 8254: latch the status of channel 0 */
	INTERRUPT_LINE = 0x3c,
	MEMORY = 64 << 10,
	PAGE = 4096,
	PATIENCE_MS = 5000,

	DMA_BYTES = 64,
	DMA_DONE = 0x100, /* edu's cause of an interrupt after DMA */
	CAUSE = 1
};

static const struct hwb_pci_address edu = { .device = 3 };
static const struct hwb_pci_address edu2 = { .device = 4 };
static const struct hwb_pci_address disk = { .device = 6 };
static const struct hwb_pci_address board = { .device = 7 };

static void must(struct example *session, int result, const char *what)
{
	example_demand(session, result, what);
}

static void must_hold(const struct example *session, bool holds, const char *what)
{
	if (!holds)
		example_die(session, "%s", what);
}

/* ---- ports ---- */

static uint32_t legacy_ports(struct example *session)
{
	struct hwb_port_op status[] = {
		{ TIMER_CONTROL, HWB_PORT_OUT, 1, READ_BACK },
		{ TIMER, HWB_PORT_IN, 1, 0 },
	};
	uint32_t ports;

	must(session, hwb_io_port_open(session->client, TIMER, 4, &ports, &session->error),
	     "open ports");
	must(session, hwb_io_port_batch(session->client, ports, status, 2, &session->error),
	     "use ports");
	return ports;
}

static uint32_t board_with_ports(struct example *session)
{
	const struct hwb_acquire_request request = { .flags = 0 };
	const struct hwb_bar_request registers_wanted = { .bar = 0 };
	struct example_device device;
	struct hwb_region ports, registers;
	unsigned char byte;
	int fd;

	example_acquire(session, &board, &request, &device);
	must(session,
	     hwb_io_port_open_bar(session->client, device.handle, 1, &ports, &fd, &session->error),
	     "open an I/O BAR");
	must_hold(session, pread(fd, &byte, 1, (off_t)ports.fd_offset) == 1, "read an I/O BAR");
	close(fd);
	must(session,
	     hwb_io_mem_open_bar(session->client, device.handle, &registers_wanted, &registers, &fd,
	                         &session->error),
	     "open a BAR");
	close(fd);
	must(session, hwb_close(session->client, registers.session, &session->error),
	     "close a region");
	return device.handle;
}

/* ---- MSI and DMA ---- */

static void wait_irq(const struct example *session, int fd, volatile void *registers,
                     uint32_t cause, const char *what)
{
	must_hold(session, example_wait(fd, PATIENCE_MS) != 0, what);
	write32(registers, EDU_IRQ_ACK, cause);
}

/* edu's buffer is filled from memory, and written behind what it was filled with. */
static void transfer(const struct example *session, const struct example_device *device,
                     volatile void *registers, uint64_t iova, volatile uint32_t *memory)
{
	memory[0] = 0x600df00d;
	memory[PAGE / 4] = 0;
	write64(registers, EDU_DMA_SOURCE, iova);
	write64(registers, EDU_DMA_TARGET, EDU_BUFFER);
	write64(registers, EDU_DMA_COUNT, DMA_BYTES);
	write64(registers, EDU_DMA_COMMAND, EDU_DMA_RUN | EDU_DMA_IRQ);
	wait_irq(session, device->irq_fds[0], registers, DMA_DONE, "no MSI: DMA from memory");
	write64(registers, EDU_DMA_SOURCE, EDU_BUFFER);
	write64(registers, EDU_DMA_TARGET, iova + PAGE);
	write64(registers, EDU_DMA_COMMAND, EDU_DMA_RUN | EDU_DMA_TO_MEMORY | EDU_DMA_IRQ);
	wait_irq(session, device->irq_fds[0], registers, DMA_DONE, "no MSI: DMA to memory");
	must_hold(session, memory[PAGE / 4] == 0x600df00d, "DMA does not reach the memory");
}

/* Memory of the client's own. */
static void map_memory(struct example *session, uint32_t domain, struct example_memory *memory)
{
	const struct hwb_dma_map_request request = {
		.size = MEMORY,
		.limit = UINT32_MAX,
		.flags = HWB_DMA_DEVICE_READS | HWB_DMA_DEVICE_WRITES,
	};
	struct hwb_dma_reply reply;

	memory->fd = memfd_create("session", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	must_hold(session,
	          memory->fd >= 0 && ftruncate(memory->fd, MEMORY) == 0 &&
	                  fcntl(memory->fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0,
	          "cannot make a memfd");
	must(session,
	     hwb_dma_map(session->client, domain, &request, memory->fd, &reply, &session->error),
	     "map memory");
	memory->iova = reply.iova;
	memory->at = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, memory->fd, 0);
	must_hold(session, memory->at != MAP_FAILED, "cannot map the memfd");
}

static void let_go(struct example_device *device, volatile void *registers, size_t size)
{
	munmap((void *)registers, size);
	for (uint32_t bar = 0; bar < HWB_BARS; bar++)
		if (device->bar_fds[bar] >= 0)
			close(device->bar_fds[bar]);
}

static void device_with_dma(struct example *session, uint32_t domain)
{
	const struct hwb_acquire_request request = {
		.flags = HWB_ACQUIRE_IRQ_ENABLE,
		.domain = domain,
		.bars = 1,
		.irq_type = HWB_IRQ_MSI,
		.irq_count = 1,
	};
	struct example_device device;
	struct example_memory given, brought;
	uint32_t line;

	example_acquire(session, &edu, &request, &device);
	volatile void *registers = example_map(session, &device, 0);
	example_alloc(session, domain, MEMORY, UINT32_MAX, &given);
	map_memory(session, domain, &brought);
	transfer(session, &device, registers, given.iova, given.at);
	transfer(session, &device, registers, brought.iova, brought.at);
	must(session,
	     hwb_config_read(session->client, device.handle, INTERRUPT_LINE, 1, &line,
	                     &session->error),
	     "read configuration space");
	must(session,
	     hwb_config_write(session->client, device.handle, INTERRUPT_LINE, 1, line,
	                      &session->error),
	     "write configuration space");
	must(session, hwb_dma_unmap(session->client, domain, given.iova, &session->error),
	     "unmap memory");
	let_go(&device, registers, device.info.regions[0].size);
	must(session, hwb_close(session->client, device.handle, &session->error), "close edu");
}

/* ---- INTx, and a domain that comes later ---- */

static void device_with_line(struct example *session, uint32_t domain)
{
	const struct hwb_acquire_request request = { .flags = 0 };
	const struct hwb_irq_request line = { .type = HWB_IRQ_INTX, .count = 1 };
	struct example_device device;
	struct hwb_interrupt irq;
	int fds[HWB_FDS_MAX];
	uint32_t count;
	const uint64_t *base;

	example_acquire(session, &edu2, &request, &device);
	base = &device.info.device.bars[0].address;
	must(session,
	     hwb_io_mem_open(session->client, *base, device.info.device.bars[0].size, 0,
	                     &device.info.regions[0], &device.bar_fds[0], &session->error),
	     "open registers by their address");
	volatile void *registers = example_map(session, &device, 0);
	must(session,
	     hwb_irq_open(session->client, device.handle, &line, &irq, fds, &count,
	                  &session->error),
	     "open INTx");
	must(session, hwb_irq_enable(session->client, irq.session, &session->error), "enable INTx");
	for (int i = 0; i < 2; i++) {
		write32(registers, EDU_IRQ_RAISE, CAUSE);
		wait_irq(session, fds[0], registers, CAUSE, "no INTx");
		must(session, hwb_irq_ack(session->client, irq.session, &session->error),
		     "acknowledge INTx");
	}
	must(session, hwb_close(session->client, irq.session, &session->error), "close INTx");
	must(session, hwb_domain_assign(session->client, domain, device.handle, &session->error),
	     "assign");
	must(session, hwb_domain_deassign(session->client, domain, device.handle, &session->error),
	     "deassign");
	let_go(&device, registers, device.info.regions[0].size);
	must(session, hwb_close(session->client, device.handle, &session->error), "close edu2");
}

/* ---- MSI-X, and a device of the host's ---- */

static void disk_of_the_host(struct example *session, uint32_t domain)
{
	const struct hwb_acquire_request request = {
		.flags = HWB_ACQUIRE_IRQ_ENABLE,
		.domain = domain,
		.bars = 1,
		.irq_type = HWB_IRQ_MSIX,
		.irq_count = 4,
	};
	struct example_device device;
	int fds[4];

	example_acquire(session, &disk, &request, &device);
	volatile void *registers = example_map(session, &device, 0);
	must_hold(session, read32(registers, 8) != UINT32_MAX, "the disk's version is all ones");
	must(session,
	     hwb_irq_fds(session->client, device.info.interrupt.session, 0, 4, fds,
	                 &session->error),
	     "eventfds of MSI-X");
	let_go(&device, registers, device.info.regions[0].size);
	must(session, hwb_close(session->client, device.handle, &session->error), "close disk");
}

int session_run(void)
{
	struct example session;

	example_start(&session, "session");
	uint32_t ports = legacy_ports(&session);
	uint32_t board_handle = board_with_ports(&session);
	uint32_t domain = example_domain(&session);
	device_with_dma(&session, domain);
	device_with_line(&session, domain);
	disk_of_the_host(&session, domain);
	must(&session, hwb_ping(session.client, &session.error), "ping");
	must(&session, hwb_close(session.client, domain, &session.error), "close the domain");
	must(&session, hwb_close(session.client, board_handle, &session.error), "close the board");
	must(&session, hwb_close(session.client, ports, &session.error), "close ports");
	return example_end(&session);
}
