/* SPDX-License-Identifier: MIT */
/* Clients that stop in the middle of something, and hold what others wait for. */
#define _GNU_SOURCE /* seteuid */
#include "hostile.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/userfaultfd.h>
#include <linux/vfio.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- memory that somebody is writing to ---- */

/* By write(2), from memory that is never there: the kernel lets nobody else change the file. An
 * ordinary user has such memory from a file system of his own. */
static pid_t start_writing(int memory)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register missing = { .range.len = PAGE,
		                           .mode = UFFDIO_REGISTER_MODE_MISSING };
	pid_t child = fork();

	expect(child >= 0, "fork: %s", strerror(errno));
	if (child == 0) {
		int never = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
		void *from = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		                  -1, 0);
		missing.range.start = (uintptr_t)from;
		if (ioctl(never, UFFDIO_API, &api) == 0 &&
		    ioctl(never, UFFDIO_REGISTER, &missing) == 0)
			(void)!pwrite(memory, from, PAGE, 0);
		_exit(0);
	}
	pause_ms(300);
	expect(waitpid(child, NULL, WNOHANG) == 0, "it does not wait");
	return child;
}

/* Two buffers, of which one is unmapped and one goes with its owner. */
static void memory_under_a_writer(void)
{
	enum { BUFFERS = 2 };
	int memory[BUFFERS];
	struct hwb_dma_unmap_request unmap = { 0 };
	struct taken edu;
	struct packet packet;
	uint64_t iova = 0;
	pid_t writers[BUFFERS];

	int fd = client_of(driver_uid());
	uint32_t domain = open_domain(fd);
	for (unsigned i = 0; i < BUFFERS; i++) {
		memory[i] = dma_memory(fd, domain, PAGE, &iova);
		writers[i] = start_writing(memory[i]);
	}
	/* Now, so that no writer has its registers. */
	take(fd, EDU, domain, &edu);
	unmap.iova = iova;
	fill(&packet, HWB_DMA_UNMAP, domain, &unmap, sizeof(unmap));
	wire_send(fd, packet.bytes, packet.length, NULL, 0);
	pause_ms(300);
	let_go(&edu);
	shutdown(fd, SHUT_RDWR); /* the writers have it as well */
	close(fd);
	wait_state(EDU, HWB_DEVICE_FREE);
	/* It is the next one's, with memory. */
	fd = client_of(other_uid());
	domain = open_domain(fd);
	take(fd, EDU, domain, &edu);
	munmap(dma_alloc(fd, domain, PAGE, &iova), PAGE);
	unmap.iova = iova;
	expect(request(fd, HWB_DMA_UNMAP, domain, &unmap, sizeof(unmap)) == HWB_OK, "not unmapped");
	give_back(fd, &edu);
	close(fd);
	for (unsigned i = 0; i < BUFFERS; i++) {
		kill(writers[i], SIGKILL);
		waitpid(writers[i], NULL, 0);
	}
	close_fds(memory, BUFFERS);
}

/* ---- clients that do not run ---- */

#define ICE "/sys/fs/cgroup/hwbtest-ice"

/* Two devices of alpha: of the one it gets registers, of the other VFIO's descriptor. */
#define TAKEN_BOTH                                                                              \
	"[client alpha]\nuser = driver\n\n[client omega]\nuser = other\n\n"                     \
	"[device board]\nclient = alpha, omega\naddress = 00:07.0\nrevoke = 1\nholders = end\n" \
	"reset = none\n\n"                                                                      \
	"[device edu]\nclient = alpha, omega\naddress = 00:03.0\nrevoke = 1\nreset = none\n"    \
	"grant = device\n"
#define TAKEN_BACK                                                            \
	"[client alpha]\nuser = driver\n\n[client omega]\nuser = other\n\n"   \
	"[device board]\nclient = omega\naddress = 00:07.0\nreset = none\n\n" \
	"[device edu]\nclient = omega\naddress = 00:03.0\nreset = none\n"

/* Root of namespaces of its own, which makes it nobody else to the daemon. */
static _Noreturn void have_devices(int ready)
{
	struct taken board, edu;
	char map[48];

	become(driver_uid());
	snprintf(map, sizeof(map), "0 %u 1", geteuid());
	prctl(PR_SET_DUMPABLE, 1);
	expect(unshare(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWCGROUP) == 0,
	       "no namespaces: %s", strerror(errno));
	int file = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
	expect(write(file, map, strlen(map)) == (ssize_t)strlen(map), "no map: %s",
	       strerror(errno));
	close(file);
	pid_t child = fork();
	if (child != 0) {
		waitpid(child, NULL, 0);
		_exit(0);
	}
	expect(getpid() == 1 && geteuid() == 0, "process %d, user %d", getpid(), geteuid());
	int fd = client();
	expect(request(fd, HWB_ADMIN_STATUS, 0, NULL, 0) == HWB_DENIED, "it is root");
	take(fd, BOARD, 0, &board);
	take(fd, EDU, 0, &edu);
	/* Answers that nobody will read. */
	for (unsigned i = 0; i < 8; i++) {
		struct packet packet;
		fill(&packet, HWB_DEVICE_INFO, 0, NULL, sizeof(struct hwb_device_info_request));
		wire_send(fd, packet.bytes, packet.length, NULL, 0);
	}
	expect(write(ready, "y", 1) == 1, "nobody waits");
	for (;;)
		(void)*board.registers;
}

static void frozen(void)
{
	const struct hwb_acquire_request wanted = { .bars = 1 };
	struct taken taken;
	int ready[2], status;
	char byte;

	policy_install(TAKEN_BOTH);
	expect(shell("mkdir -p " ICE) == 0 && pipe(ready) == 0, "no cgroup");
	pid_t child = fork();
	if (child == 0) {
		close(ready[0]);
		expect(shell("echo %d > " ICE "/cgroup.procs", getpid()) == 0, "not moved");
		have_devices(ready[1]);
	}
	close(ready[1]);
	expect(read(ready[0], &byte, 1) == 1, "it has no devices");
	close(ready[0]);
	expect(shell("echo 1 > " ICE "/cgroup.freeze") == 0, "not frozen");
	policy_install(TAKEN_BACK);
	int other = client_of(other_uid());
	for (const char *const *address = (const char *const[]){ BOARD, EDU, NULL };
	     *address != NULL; address++) {
		int64_t end = now_ms() + 2 * PROMPT_MS;
		char why[256];
		while ((status = try_take(other, *address, &wanted, &taken, why, sizeof(why))) !=
		       HWB_OK) {
			expect(now_ms() < end, "%s: %d, %s", *address, status, why);
			pause_ms(100);
		}
		give_back(other, &taken);
	}
	close(other);
	shell("echo 0 > " ICE "/cgroup.freeze");
	expect(waitpid(child, NULL, 0) == child, "waitpid");
	policy_restore();
	expect(shell("for i in 1 2 3 4 5; do rmdir " ICE " && break; sleep 0.2; done") == 0,
	       "somebody is left");
}

/* VFIO says to nobody that the host wants its device back, which waits with the device locked, so
 * that it cannot be reset. */
static void deaf(void)
{
	static const char policy[] =
	        "[client alpha]\nuser = driver\n\n[client omega]\nuser = other\n\n"
	        "[device network]\nclient = alpha, omega\naddress = 00:05.0\nrevoke = 1\n"
	        "take = yes\nrestore = yes\ngrant = device\n";
	struct vfio_irq_set none = {
		.argsz = sizeof(none),
		.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = VFIO_PCI_REQ_IRQ_INDEX,
	};
	struct taken network;
	int ready[2], status;
	char byte;

	policy_install(policy);
	expect(pipe(ready) == 0, "pipe");
	pid_t child = fork();
	if (child == 0) {
		close(ready[0]);
		become(driver_uid());
		int fd = client();
		take(fd, NETWORK, 0, &network);
		expect(ioctl(network.fds[0], VFIO_DEVICE_SET_IRQS, &none) == 0, "REQ: %s",
		       strerror(errno));
		expect(write(ready[1], "y", 1) == 1, "nobody waits");
		for (;;)
			pause();
	}
	close(ready[1]);
	expect(read(ready[0], &byte, 1) == 1, "it has no device");
	close(ready[0]);
	int64_t start = now_ms();
	pid_t unbinder =
	        shell_started("echo 0000:" NETWORK " > /sys/bus/pci/drivers/vfio-pci/unbind");
	while (waitpid(unbinder, NULL, WNOHANG) == 0) {
		if (now_ms() - start > 2 * PROMPT_MS) {
			kill(child, SIGKILL);
			policy_restore();
			expect(false, "the host waits for ever");
		}
		pause_ms(50);
	}
	expect(waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
	               WTERMSIG(status) == SIGKILL,
	       "it was not ended: %#x", status);
	wait_driver(NETWORK, "e1000e");
	int fd = client_of(other_uid());
	take(fd, NETWORK, 0, &network);
	give_back(fd, &network);
	close(fd);
	wait_driver(NETWORK, "e1000e");
	policy_restore();
}

/* ---- who has registers, and shows no descriptor and no mapping of them ---- */

static void in_a_ring(void)
{
	const struct hwb_acquire_request wanted = { .bars = 1, .flags = HWB_ACQUIRE_NO_WAIT };
	struct io_uring_params parameters = { 0 };
	struct taken edu, others;
	char why[256];
	int ring = (int)syscall(SYS_io_uring_setup, 1, &parameters);
	int fd = client_of(driver_uid()), other = client_of(other_uid());

	expect(ring >= 0, "no ring: %s", strerror(errno));
	take(fd, EDU, 0, &edu);
	/* What is no memory cannot be pinned. */
	const struct iovec registers = { (void *)edu.registers, PAGE };
	expect(syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, &registers, 1) < 0,
	       "registers are pinned");
	expect(syscall(SYS_io_uring_register, ring, IORING_REGISTER_FILES, edu.fds, 1) == 0,
	       "not registered: %s", strerror(errno));
	let_go(&edu);
	close(fd);
	pause_ms(1000);
	expect(try_take(other, EDU, &wanted, &others, why, sizeof(why)) == HWB_BUSY, "%s", why);
	close(ring);
	wait_state(EDU, HWB_DEVICE_FREE);
	expect(try_take(other, EDU, &wanted, &others, why, sizeof(why)) == HWB_OK, "%s", why);
	give_back(other, &others);
	close(other);
}

const struct hostile_case stall_cases[] = {
	{ 72, "a client dies while somebody is writing to its DMA memory, for ever",
	  memory_under_a_writer, AS_ROOT, 0 },
	{ 75, "a client in namespaces of its own that is frozen with its devices", frozen, AS_ROOT,
	  0 },
	{ 76, "a client with VFIO's descriptor, which keeps silent about what the host wants", deaf,
	  AS_ROOT, 0 },
	{ 77, "registers that only a ring of io_uring has", in_a_ring, AS_ROOT, 0 },
	{ 0 },
};
