/* SPDX-License-Identifier: MIT */
/*
 * INTx through /dev/uioX. When it comes the kernel disables it in the device (INTX_DISABLE) and
 * counts; somebody has to read the count, signal the client's eventfd, and write to config space
 * when the client has served the device. So here, and only here, the broker is on the path of an
 * interrupt: a thread for each, as a write to the config space of a device that is just being
 * reset waits for that, and others must not wait with it.
 *
 * The client has the eventfds as well. It may make them block, fill the one and read the other
 * first: then the thread waits in a read or a write, for as long as it pleases the client. So
 * nobody else touches them, and whoever ends the thread interrupts it there by a signal. (To
 * cancel it would take a library that cannot be loaded when no descriptor is left.)
 */
#define _GNU_SOURCE /* F_DUPFD_CLOEXEC, pthread_timedjoin_np */
#include "kernel/bare/bare.h"

#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum {
	STACK = 64 * 1024,
	LOST_MS = 2,
	AGAIN_NS = 10 * 1000 * 1000,
	SECOND_NS = 1000 * 1000 * 1000
};

static void on_interruption(int number)
{
	(void)number;
}

static void prepare_interruption(sigset_t *set)
{
	const struct sigaction action = { .sa_handler = on_interruption };

	sigaction(SIGUSR2, &action, NULL);
	sigemptyset(set);
	sigaddset(set, SIGUSR2);
}

static void signal_client(const struct bare_line *line)
{
	pthread_sigmask(SIG_UNBLOCK, &line->interruption, NULL);
	/* A client that lets its counter run full has been signalled often enough. */
	if (!atomic_load(&line->stops))
		eventfd_write(line->trigger_fd, 1);
	pthread_sigmask(SIG_BLOCK, &line->interruption, NULL);
}

static bool was_unmasked(const struct bare_line *line)
{
	eventfd_t count;

	pthread_sigmask(SIG_UNBLOCK, &line->interruption, NULL);
	bool read = !atomic_load(&line->stops) && eventfd_read(line->unmask_fd, &count) == 0;
	pthread_sigmask(SIG_BLOCK, &line->interruption, NULL);
	return read;
}

static bool is_pending(struct kernel_device *device)
{
	uint32_t status;

	return bare_config_read(device, PCI_STATUS, 2, &status, NULL) == 0 && status != 0xffff &&
	       (status & PCI_STATUS_INTERRUPT) != 0;
}

/*
 * The client has served the device. If it is asking again the client is signalled without ado,
 * as VFIO does; else interrupts are let through. One that comes between the two is a level that
 * stands when it is let through, which an interrupt controller of QEMU's was seen to lose: then
 * nothing comes of it in time, and it is as before.
 */
static void unmask(struct kernel_device *device)
{
	struct bare_line *line = &device->line;
	struct pollfd wait = { .fd = device->uio, .events = POLLIN };

	if (!atomic_exchange(&line->masked, false))
		return;
	if (!is_pending(device)) {
		if (bare_set_intx(device, true, NULL) != 0 || !is_pending(device) ||
		    poll(&wait, 1, LOST_MS) != 0)
			return;
		if (bare_set_intx(device, false, NULL) != 0)
			return;
	}
	atomic_store(&line->masked, true);
	signal_client(line);
}

/* It came: false if it never will any more, since the host has taken the driver away. */
static bool pass_on(struct kernel_device *device)
{
	int32_t count;

	if (read(device->uio, &count, sizeof(count)) != sizeof(count))
		return errno == EAGAIN || errno == EINTR;
	atomic_store(&device->line.masked, true);
	signal_client(&device->line);
	return true;
}

static void *run(void *argument)
{
	struct kernel_device *device = argument;
	struct bare_line *line = &device->line;
	struct pollfd waits[] = {
		{ .fd = line->wake_fd, .events = POLLIN },
		{ .fd = device->uio, .events = POLLIN },
		{ .fd = line->unmask_fd, .events = POLLIN },
	};
	eventfd_t count;

	while (!atomic_load(&line->stops)) {
		if (poll(waits, sizeof(waits) / sizeof(waits[0]), -1) < 0)
			continue;
		if (waits[1].revents != 0 && !pass_on(device))
			waits[1].fd = -1;
		if (waits[0].revents != 0)
			eventfd_read(line->wake_fd, &count);
		bool acknowledged = atomic_exchange(&line->acknowledged, false);
		if ((waits[2].revents != 0 && was_unmasked(line)) || acknowledged)
			unmask(device);
	}
	return NULL;
}

static void close_line(struct bare_line *line)
{
	line->trigger_fd = close_fd(line->trigger_fd);
	line->unmask_fd = close_fd(line->unmask_fd);
	line->wake_fd = close_fd(line->wake_fd);
}

/* Signals are for the loop. */
static int start_thread(struct kernel_device *device)
{
	pthread_attr_t attributes;
	sigset_t all, before;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&device->line.thread, &attributes, run, device);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return error;
}

static int open_line(struct bare_line *line, int trigger_fd, int unmask_fd, struct fault *fault)
{
	line->trigger_fd = fcntl(trigger_fd, F_DUPFD_CLOEXEC, 3);
	line->unmask_fd = fcntl(unmask_fd, F_DUPFD_CLOEXEC, 3);
	line->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (line->trigger_fd >= 0 && line->unmask_fd >= 0 && line->wake_fd >= 0)
		return 0;
	return fault_errno(fault, errno, "no descriptor for an interrupt");
}

int bare_irq_enable(struct kernel_device *device, enum hwb_irq_type type, const int *trigger_fds,
                    uint32_t count, int unmask_fd, struct fault *fault)
{
	struct bare_line *line = &device->line;
	int32_t old;

	if (type != HWB_IRQ_INTX || count != 1)
		return fault_set(fault, HWB_UNSUPPORTED,
		                 "without VFIO %s has INTx only: MSI and MSI-X cannot be had",
		                 device->name);
	/* What came before nobody has waited for. */
	if (read(device->uio, &old, sizeof(old)) < 0 && errno == EIO)
		return fault_set(fault, HWB_UNSUPPORTED, "the kernel has no interrupt line for %s",
		                 device->name);
	atomic_store(&line->masked, false);
	prepare_interruption(&line->interruption);
	atomic_store(&line->stops, false);
	atomic_store(&line->acknowledged, false);
	int result = open_line(line, trigger_fds[0], unmask_fd, fault);
	int error = result == 0 ? start_thread(device) : 0;
	if (error != 0)
		result = fault_errno(fault, error, "no thread for the interrupt of %s",
		                     device->name);
	if (result != 0) {
		close_line(line);
		return -1;
	}
	line->running = true;
	/* Last: an interrupt that is pending comes with this. */
	if (bare_set_intx(device, true, fault) == 0)
		return 0;
	bare_irq_disable(device, type, NULL);
	return -1;
}

/* Again and again, since a signal may come just before the call that it is for. */
static void end_thread(struct bare_line *line)
{
	struct timespec until;

	atomic_store(&line->stops, true);
	eventfd_write(line->wake_fd, 1);
	do {
		pthread_kill(line->thread, SIGUSR2);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += AGAIN_NS;
		until.tv_sec += until.tv_nsec / SECOND_NS;
		until.tv_nsec %= SECOND_NS;
	} while (pthread_timedjoin_np(line->thread, NULL, &until) == ETIMEDOUT);
}

int bare_irq_disable(struct kernel_device *device, enum hwb_irq_type type, struct fault *fault)
{
	struct bare_line *line = &device->line;
	(void)type;

	if (!line->running)
		return 0;
	end_thread(line);
	line->running = false;
	close_line(line);
	return bare_set_intx(device, false, fault);
}

int bare_irq_unmask(struct kernel_device *device, struct fault *fault)
{
	struct bare_line *line = &device->line;
	(void)fault;

	/* By the thread, as it may wait for the client. */
	atomic_store(&line->acknowledged, true);
	if (line->running)
		eventfd_write(line->wake_fd, 1);
	return 0;
}
