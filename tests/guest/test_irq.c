/* SPDX-License-Identifier: MIT */
/* IRQ: INTx and MSI to eventfds, and what the broker refuses; MSI-X is in irq_msix.c. */
#include "irq_parts.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 200, CAUSE = 0x10, NOT_COMING_MS = 150 };

static int open_irq(uint32_t device, uint32_t type, uint32_t count, uint32_t flags,
                    struct hwb_interrupt *irq, int *fds)
{
	const struct hwb_irq_request request = { .type = type, .count = count, .flags = flags };
	uint32_t fd_count;

	return hwb_irq_open(guest, device, &request, irq, fds, &fd_count, &why);
}

static int open_shaped(uint32_t device, struct hwb_irq_request request)
{
	struct hwb_interrupt irq;
	int fds[HWB_FDS_MAX];
	uint32_t fd_count;

	int result = hwb_irq_open(guest, device, &request, &irq, fds, &fd_count, &why);
	if (result == 0)
		guest_release(irq.session);
	return result;
}

static void raise_irq(volatile void *edu)
{
	write32(edu, EDU_IRQ_RAISE, CAUSE);
}

static void quiet(volatile void *edu)
{
	write32(edu, EDU_IRQ_ACK, read32(edu, EDU_IRQ_STATUS));
}

/* edu has no reset: what an earlier test raised would still stand. */
static void calm(void)
{
	struct example_device edu;

	quiet(guest_take_bar(EDU, 0, &edu));
	guest_give_back(&edu);
	guest_wait_state(EDU, HWB_DEVICE_FREE);
}

static void write_one(int fd)
{
	const uint64_t one = 1;

	ck_assert_int_eq(write(fd, &one, sizeof(one)), sizeof(one));
}

/* edu with INTx enabled, in one round trip. */
static volatile void *take_intx(struct example_device *edu)
{
	const struct hwb_acquire_request request = {
		.flags = HWB_ACQUIRE_IRQ_ENABLE,
		.bars = 1,
		.irq_type = HWB_IRQ_INTX,
		.irq_count = 1,
	};

	guest_take(EDU, &request, edu);
	ck_assert_uint_eq(edu->info.interrupt.type, HWB_IRQ_INTX);
	ck_assert_uint_eq(edu->info.interrupt.vectors, 1);
	ck_assert_uint_eq(edu->irq_count, 1);
	ck_assert_int_ge(edu->unmask_fd, 0);
	return guest_map(&edu->info.regions[0], edu->bar_fds[0]);
}

/* ---- INTx ---- */

START_TEST(intx_by_eventfd)
{
	struct example_device edu;
	volatile void *registers = take_intx(&edu);

	for (int i = 0; i < ROUNDS; i++) {
		raise_irq(registers);
		ck_assert_msg(example_wait(edu.irq_fds[0], PATIENCE_MS) == 1,
		              "interrupt %d did not come once", i);
		quiet(registers);
		write_one(edu.unmask_fd);
	}
	ck_assert_uint_eq(example_wait(edu.irq_fds[0], 0), 0);
}
END_TEST

START_TEST(intx_by_request)
{
	struct example_device edu;
	volatile void *registers = take_intx(&edu);

	for (int i = 0; i < ROUNDS; i++) {
		raise_irq(registers);
		ck_assert_msg(example_wait(edu.irq_fds[0], PATIENCE_MS) == 1,
		              "interrupt %d did not come once", i);
		quiet(registers);
		want(HWB_OK, hwb_irq_ack(guest, edu.info.interrupt.session, &why));
	}
	ck_assert_uint_eq(example_wait(edu.irq_fds[0], 0), 0);
}
END_TEST

/* A client that never acknowledges causes no storm; the line stays masked. */
START_TEST(intx_stays_masked)
{
	struct example_device edu;
	volatile void *registers = take_intx(&edu);

	raise_irq(registers);
	ck_assert_uint_eq(example_wait(edu.irq_fds[0], PATIENCE_MS), 1);
	quiet(registers);
	raise_irq(registers);
	ck_assert_uint_eq(example_wait(edu.irq_fds[0], NOT_COMING_MS), 0);
	/* It is level-triggered: still raised, it comes with the unmask. */
	write_one(edu.unmask_fd);
	ck_assert_uint_eq(example_wait(edu.irq_fds[0], PATIENCE_MS), 1);
	/* Unmasked without being quieted: again, and each time once. */
	write_one(edu.unmask_fd);
	ck_assert_uint_eq(example_wait(edu.irq_fds[0], PATIENCE_MS), 1);
	ck_assert_uint_eq(example_wait(edu.irq_fds[0], NOT_COMING_MS), 0);
	quiet(registers);
}
END_TEST

START_TEST(open_then_enable)
{
	struct example_device edu;
	struct hwb_interrupt irq;
	int fds[HWB_FDS_MAX];
	volatile void *registers = guest_take_bar(EDU, 0, &edu);

	want(HWB_OK, open_irq(edu.handle, HWB_IRQ_INTX, 1, 0, &irq, fds));
	ck_assert_uint_eq(irq.fds, 1);
	want(HWB_OK, hwb_irq_ack(guest, irq.session, &why)); /* nothing to do yet */
	ck_assert_uint_eq(example_wait(fds[0], 0), 0);
	want(HWB_OK, hwb_irq_enable(guest, irq.session, &why));
	raise_irq(registers);
	ck_assert_uint_eq(example_wait(fds[0], PATIENCE_MS), 1);
	want(HWB_OK, hwb_irq_enable(guest, irq.session, &why)); /* it is */
	quiet(registers);
	want(HWB_OK, hwb_irq_ack(guest, irq.session, &why));
	raise_irq(registers);
	ck_assert_uint_eq(example_wait(fds[0], PATIENCE_MS), 1);
	quiet(registers);
}
END_TEST

/* The second has nothing to do, though the first is not answered yet; nor is an
 * acknowledgement lost that comes this early. */
START_TEST(enabled_twice_at_once)
{
	struct example_device edu;
	struct hwb_interrupt irq;
	struct hwb_call calls[3] = { { .error = &why }, { .error = &why }, { .error = &why } };
	int fds[HWB_FDS_MAX];
	volatile void *registers = guest_take_bar(EDU, 0, &edu);

	want(HWB_OK, open_irq(edu.handle, HWB_IRQ_INTX, 1, 0, &irq, fds));
	for (int i = 0; i < 3; i++)
		want(HWB_OK, hwb_begin(guest, &calls[i], i < 2 ? HWB_IRQ_ENABLE : HWB_IRQ_ACK,
		                       irq.session, NULL, 0, -1));
	for (int i = 0; i < 3; i++)
		want(HWB_OK, hwb_finish(guest, &calls[i]));
	for (int i = 0; i < 3; i++) {
		raise_irq(registers);
		ck_assert_uint_eq(example_wait(fds[0], PATIENCE_MS), 1);
		quiet(registers);
		want(HWB_OK, hwb_irq_ack(guest, irq.session, &why));
	}
}
END_TEST

/* Nobody listens yet, so nobody is told. That a level which stands comes with
 * the enabling is not held here: QEMU's interrupt controller loses it. */
START_TEST(raised_before_enable)
{
	struct example_device edu;
	struct hwb_interrupt irq;
	int fds[HWB_FDS_MAX];
	volatile void *registers = guest_take_bar(EDU, 0, &edu);

	want(HWB_OK, open_irq(edu.handle, HWB_IRQ_INTX, 1, 0, &irq, fds));
	raise_irq(registers);
	ck_assert_uint_eq(example_wait(fds[0], NOT_COMING_MS), 0);
	quiet(registers);
	want(HWB_OK, hwb_irq_enable(guest, irq.session, &why));
	raise_irq(registers);
	ck_assert_uint_eq(example_wait(fds[0], PATIENCE_MS), 1);
	quiet(registers);
}
END_TEST

/* Interrupts of a line that the host serves, by the name of its handler. */
static unsigned long count_line(const char *handler)
{
	char line[4096];
	unsigned long total = 0;
	FILE *file = fopen("/proc/interrupts", "re");

	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		char *end = strchr(line, ':');
		if (strstr(line, handler) == NULL || end == NULL)
			continue;
		/* A column for each processor, up to a word. */
		for (char *at = end + 1, *next;; at = next) {
			unsigned long value = strtoul(at, &next, 10);
			if (next == at)
				break;
			total += value;
		}
	}
	fclose(file);
	return total;
}

/* The card's pin is on the same line as the SD host's, which the host drives.
 * Raised by a client that has no interrupt, it would call the host for ever:
 * until the host gives the line up, and its own device with it. */
START_TEST(line_of_the_host_is_left_alone)
{
	enum { IMC = 0xd8, FEW = 100 };
	struct example_device network;
	volatile void *registers = guest_take_bar(E1000E, 0, &network);
	unsigned long before = count_line("mmc0");

	write32(registers, IMS, LSC);
	write32(registers, ICS, LSC);
	guest_pause(500);
	write32(registers, IMC, UINT32_MAX);
	unsigned long after = count_line("mmc0");
	ck_assert_msg(after - before < FEW, "the host was interrupted %lu times", after - before);
}
END_TEST

START_TEST(closed_interrupt_is_silent)
{
	struct example_device edu;
	struct hwb_interrupt irq;
	int fds[HWB_FDS_MAX];
	volatile void *registers = take_intx(&edu);
	uint32_t old = edu.info.interrupt.session;

	guest_release(old);
	want(HWB_OK,
	     hwb_irq_open(guest, edu.handle,
	                  &(struct hwb_irq_request){
	                          .type = HWB_IRQ_INTX, .count = 1, .flags = HWB_IRQ_OPEN_ENABLE },
	                  &irq, fds, &(uint32_t){ 0 }, &why));
	raise_irq(registers);
	ck_assert_uint_eq(example_wait(fds[0], PATIENCE_MS), 1);
	ck_assert_uint_eq(example_wait(edu.irq_fds[0], 0), 0);
	quiet(registers);
	want(HWB_NO_SESSION, hwb_irq_enable(guest, old, &why));
	want(HWB_NO_SESSION, hwb_irq_ack(guest, old, &why));
	want(HWB_NO_SESSION, hwb_irq_fds(guest, old, 0, 1, fds, &why));
	want(HWB_NO_SESSION, hwb_close(guest, old, &why));
	guest_release(edu.handle);
	want(HWB_NO_SESSION, hwb_irq_ack(guest, irq.session, &why));
}
END_TEST

START_TEST(by_number)
{
	struct example_device edu, edu2;
	const struct hwb_acquire_request request = { .bars = 1 };
	struct hwb_irq_request wanted = { .type = HWB_IRQ_INTX,
		                          .count = 1,
		                          .flags = HWB_IRQ_OPEN_ENABLE };
	struct hwb_interrupt irq;
	int fds[HWB_FDS_MAX];
	uint32_t fd_count;
	volatile void *registers = guest_take_bar(EDU, 0, &edu);

	guest_take(EDU2, &request, &edu2);
	ck_assert_uint_ne(edu.info.device.irq_number, 0);
	ck_assert_uint_ne(edu.info.device.irq_number, edu2.info.device.irq_number);
	wanted.number = edu.info.device.irq_number;
	want(HWB_OK, hwb_irq_open(guest, 0, &wanted, &irq, fds, &fd_count, &why));
	ck_assert_uint_eq(fd_count, 2);
	raise_irq(registers);
	ck_assert_uint_eq(example_wait(fds[0], PATIENCE_MS), 1);
	quiet(registers);
	want(HWB_INVALID, hwb_irq_open(guest, edu2.handle, &wanted, &irq, fds, &fd_count, &why));
	wanted.number = edu2.info.device.irq_number;
	guest_release(edu2.handle);
	want(HWB_NOT_FOUND, hwb_irq_open(guest, 0, &wanted, &irq, fds, &fd_count, &why));
	wanted.number = 0;
	want(HWB_NOT_FOUND, hwb_irq_open(guest, 0, &wanted, &irq, fds, &fd_count, &why));
	wanted.number = UINT32_MAX;
	want(HWB_NOT_FOUND, hwb_irq_open(guest, 0, &wanted, &irq, fds, &fd_count, &why));
}
END_TEST

/* ---- messages ---- */

static volatile void *take_msi(const char *address, struct example_device *edu)
{
	const struct hwb_acquire_request request = {
		.flags = HWB_ACQUIRE_IRQ_ENABLE,
		.domain = guest_domain(),
		.bars = 1,
		.irq_type = HWB_IRQ_MSI,
		.irq_count = 1,
	};

	guest_take(address, &request, edu);
	ck_assert_int_eq(edu->unmask_fd, -1);
	return guest_map(&edu->info.regions[0], edu->bar_fds[0]);
}

START_TEST(msi)
{
	struct example_device edu;
	volatile void *registers = take_msi(EDU, &edu);

	for (int i = 0; i < ROUNDS; i++) {
		raise_irq(registers);
		ck_assert_msg(example_wait(edu.irq_fds[0], PATIENCE_MS) == 1,
		              "interrupt %d did not come once", i);
		quiet(registers);
	}
	want(HWB_OK, hwb_irq_ack(guest, edu.info.interrupt.session, &why)); /* no line to open */
}
END_TEST

START_TEST(msi_after_assign)
{
	struct example_device edu;
	struct hwb_interrupt irq;
	int fds[HWB_FDS_MAX];
	volatile void *registers = guest_take_bar(EDU, 0, &edu);
	uint32_t domain = guest_domain();

	want(HWB_WRONG_STATE, open_irq(edu.handle, HWB_IRQ_MSI, 1, HWB_IRQ_OPEN_ENABLE, &irq, fds));
	want(HWB_OK, hwb_domain_assign(guest, domain, edu.handle, &why));
	want(HWB_OK, open_irq(edu.handle, HWB_IRQ_MSI, 1, HWB_IRQ_OPEN_ENABLE, &irq, fds));
	raise_irq(registers);
	ck_assert_uint_eq(example_wait(fds[0], PATIENCE_MS), 1);
	quiet(registers);
	/* Leaving the domain ends it: a message is a write to memory. */
	want(HWB_OK, hwb_domain_deassign(guest, domain, edu.handle, &why));
	want(HWB_NO_SESSION, hwb_irq_ack(guest, irq.session, &why));
	want(HWB_WRONG_STATE, open_irq(edu.handle, HWB_IRQ_MSI, 1, 0, &irq, fds));
	/* INTx is none, and keeps the device where it is. */
	want(HWB_OK, open_irq(edu.handle, HWB_IRQ_INTX, 1, HWB_IRQ_OPEN_ENABLE, &irq, fds));
	want(HWB_WRONG_STATE, hwb_domain_assign(guest, domain, edu.handle, &why));
	raise_irq(registers);
	ck_assert_uint_eq(example_wait(fds[0], PATIENCE_MS), 1);
	quiet(registers);
	guest_release(irq.session);
	want(HWB_OK, hwb_domain_assign(guest, domain, edu.handle, &why));
}
END_TEST

START_TEST(two_devices_two_interrupts)
{
	struct example_device edu, edu2;
	volatile void *first = take_msi(EDU, &edu);
	volatile void *second = take_msi(EDU2, &edu2);

	raise_irq(first);
	ck_assert_uint_eq(example_wait(edu.irq_fds[0], PATIENCE_MS), 1);
	ck_assert_uint_eq(example_wait(edu2.irq_fds[0], 0), 0);
	raise_irq(second);
	ck_assert_uint_eq(example_wait(edu2.irq_fds[0], PATIENCE_MS), 1);
	ck_assert_uint_eq(example_wait(edu.irq_fds[0], 0), 0);
}
END_TEST

START_TEST(one_session_a_device)
{
	struct example_device edu;
	struct hwb_interrupt irq;
	int fds[HWB_FDS_MAX];
	volatile void *registers = take_msi(EDU, &edu);

	want(HWB_BUSY, open_irq(edu.handle, HWB_IRQ_MSI, 1, 0, &irq, fds));
	want(HWB_BUSY, open_irq(edu.handle, HWB_IRQ_INTX, 1, 0, &irq, fds));
	guest_release(edu.info.interrupt.session);
	/* Another kind at once. */
	want(HWB_OK, open_irq(edu.handle, HWB_IRQ_INTX, 1, HWB_IRQ_OPEN_ENABLE, &irq, fds));
	raise_irq(registers);
	ck_assert_uint_eq(example_wait(fds[0], PATIENCE_MS), 1);
	quiet(registers);
	guest_release(irq.session);
	want(HWB_OK, open_irq(edu.handle, HWB_IRQ_MSI, 1, HWB_IRQ_OPEN_ENABLE, &irq, fds));
	raise_irq(registers);
	ck_assert_uint_eq(example_wait(fds[0], PATIENCE_MS), 1);
	quiet(registers);
}
END_TEST

/* ---- refusals ---- */

START_TEST(wrong_types_and_counts)
{
	struct example_device edu, testdev, disk;
	struct hwb_interrupt irq;
	int fds[HWB_FDS_MAX];
	const struct hwb_acquire_request request = { .domain = guest_domain() };

	guest_take(EDU, &request, &edu);
	guest_take(TESTDEV, &request, &testdev);
	guest_take(NVME, &request, &disk);
	ck_assert_uint_eq(edu.info.device.msi_vectors, 1);
	ck_assert_uint_eq(edu.info.device.msix_vectors, 0);
	ck_assert_uint_eq(disk.info.device.msix_vectors, 65);
	want(HWB_INVALID, open_irq(edu.handle, HWB_IRQ_NONE, 0, 0, &irq, fds));
	want(HWB_INVALID, open_irq(edu.handle, HWB_IRQ_NONE, 1, 0, &irq, fds));
	want(HWB_INVALID, open_irq(edu.handle, HWB_IRQ_MSIX + 1, 1, 0, &irq, fds));
	want(HWB_INVALID, open_irq(edu.handle, UINT32_MAX, 1, 0, &irq, fds));
	want(HWB_UNSUPPORTED, open_irq(edu.handle, HWB_IRQ_MSIX, 1, 0, &irq, fds));
	want(HWB_UNSUPPORTED, open_irq(disk.handle, HWB_IRQ_MSI, 1, 0, &irq, fds));
	want(HWB_UNSUPPORTED, open_irq(testdev.handle, HWB_IRQ_INTX, 1, 0, &irq, fds));
	want(HWB_INVALID, open_irq(edu.handle, HWB_IRQ_INTX, 0, 0, &irq, fds));
	want(HWB_INVALID, open_irq(edu.handle, HWB_IRQ_INTX, 2, 0, &irq, fds));
	want(HWB_INVALID, open_irq(edu.handle, HWB_IRQ_MSI, 0, 0, &irq, fds));
	want(HWB_INVALID, open_irq(edu.handle, HWB_IRQ_MSI, 2, 0, &irq, fds));
	want(HWB_INVALID, open_irq(edu.handle, HWB_IRQ_MSI, UINT32_MAX, 0, &irq, fds));
	want(HWB_INVALID, open_irq(disk.handle, HWB_IRQ_MSIX, 66, 0, &irq, fds));
	want(HWB_QUOTA, open_irq(disk.handle, HWB_IRQ_MSIX, 65, 0, &irq, fds));
	want(HWB_UNKNOWN_FLAG, open_irq(edu.handle, HWB_IRQ_INTX, 1, 2, &irq, fds));
	want(HWB_NO_SESSION, open_irq(edu.handle + 1000, HWB_IRQ_INTX, 1, 0, &irq, fds));
	want(HWB_NO_SESSION, open_irq(request.domain, HWB_IRQ_INTX, 1, 0, &irq, fds));
	want(HWB_NO_SESSION, hwb_irq_ack(guest, edu.handle, &why));
	want(HWB_NO_SESSION, hwb_irq_enable(guest, 0, &why));
	/* None of it is in the way. */
	want(HWB_OK, open_irq(edu.handle, HWB_IRQ_MSI, 1, 0, &irq, fds));
}
END_TEST

START_TEST(trigger_and_polarity)
{
	const struct hwb_acquire_request request = { .domain = guest_domain() };
	struct example_device edu;
	struct hwb_irq_request intx = { .type = HWB_IRQ_INTX, .count = 1 };
	struct hwb_irq_request message = { .type = HWB_IRQ_MSI, .count = 1 };

	guest_take(EDU, &request, &edu);
	for (uint16_t trigger = 0; trigger < 5; trigger++)
		for (uint16_t polarity = 0; polarity < 5; polarity++) {
			intx.trigger = message.trigger = trigger;
			intx.polarity = message.polarity = polarity;
			bool exists = trigger <= HWB_TRIGGER_LEVEL && polarity <= HWB_POLARITY_LOW;
			want(exists && trigger != HWB_TRIGGER_EDGE && polarity != HWB_POLARITY_HIGH
			             ? HWB_OK
			             : HWB_INVALID,
			     open_shaped(edu.handle, intx));
			want(exists && trigger != HWB_TRIGGER_LEVEL ? HWB_OK : HWB_INVALID,
			     open_shaped(edu.handle, message));
		}
	intx = (struct hwb_irq_request){ .type = HWB_IRQ_INTX, .count = 1, .reserved = 1 };
	want(HWB_RESERVED_NOT_ZERO, open_shaped(edu.handle, intx));
}
END_TEST

static int try_acquire(uint32_t type, uint32_t count, uint32_t flags, uint32_t domain)
{
	struct example_device device;
	const struct hwb_acquire_request request = {
		.flags = flags,
		.domain = domain,
		.irq_type = type,
		.irq_count = count,
	};

	int result = guest_try(guest, EDU, &request, &device);
	if (result >= 0)
		guest_release(device.handle);
	return result;
}

START_TEST(wrong_interrupts_of_an_acquire)
{
	uint32_t domain = guest_domain();

	want(HWB_INVALID, try_acquire(HWB_IRQ_NONE, 1, 0, 0));
	want(HWB_INVALID, try_acquire(HWB_IRQ_NONE, 0, HWB_ACQUIRE_IRQ_ENABLE, 0));
	want(HWB_INVALID, try_acquire(HWB_IRQ_MSIX + 1, 1, 0, 0));
	want(HWB_INVALID, try_acquire(HWB_IRQ_INTX, 2, 0, 0));
	want(HWB_INVALID, try_acquire(HWB_IRQ_INTX, 0, 0, 0));
	want(HWB_UNSUPPORTED, try_acquire(HWB_IRQ_MSIX, 1, 0, domain));
	want(HWB_WRONG_STATE, try_acquire(HWB_IRQ_MSI, 1, HWB_ACQUIRE_IRQ_ENABLE, 0));
	want(HWB_OK, try_acquire(HWB_IRQ_INTX, 1, 0, 0));
	want(HWB_OK, try_acquire(HWB_IRQ_MSI, 1, 0, domain));
}
END_TEST

/* The eventfds are the client's too: it fills their counters, and the broker,
 * which never reads or writes them, does not notice. */
START_TEST(saturated_eventfds)
{
	const uint64_t most = UINT64_MAX - 1;
	struct example_device edu;
	volatile void *registers = take_intx(&edu);

	/* The kernel takes what is written to the second, so it may never be full. */
	for (int i = 0; i < 16; i++) {
		int fd = i % 2 == 0 ? edu.irq_fds[0] : edu.unmask_fd;
		fcntl(fd, F_SETFL, O_NONBLOCK);
		ssize_t written = write(fd, &most, sizeof(most));
		ck_assert(written == sizeof(most) || written == -1);
	}
	raise_irq(registers);
	want(HWB_OK, hwb_irq_ack(guest, edu.info.interrupt.session, &why));
	raise_irq(registers);
	want(HWB_OK, hwb_ping(guest, &why));
	quiet(registers);
	guest_release(edu.info.interrupt.session);
	guest_release(edu.handle);
	want(HWB_OK, hwb_ping(guest, &why));
}
END_TEST

/* A process that takes from the eventfd what is meant for the broker, which may wait for it then,
 * as the client has made both to wait. */
static pid_t thief_of(int fd)
{
	uint64_t count;
	pid_t thief = fork();

	ck_assert_int_ge(thief, 0);
	while (thief == 0)
		if (read(fd, &count, sizeof(count)) < 0)
			_exit(EXIT_FAILURE);
	return thief;
}

/* Whatever the client does with its eventfds, the device can be taken back from it. */
START_TEST(eventfds_that_block)
{
	const uint64_t most = UINT64_MAX - 1;
	struct example_device edu;
	volatile void *registers = take_intx(&edu);

	fcntl(edu.irq_fds[0], F_SETFL, 0);
	fcntl(edu.unmask_fd, F_SETFL, 0);
	pid_t thief = thief_of(edu.unmask_fd);
	for (int i = 0; i < 100; i++)
		write_one(edu.unmask_fd);
	ck_assert_int_eq(write(edu.irq_fds[0], &most, sizeof(most)), sizeof(most));
	for (int i = 0; i < 3; i++) {
		raise_irq(registers);
		want(HWB_OK, hwb_irq_ack(guest, edu.info.interrupt.session, &why));
	}
	quiet(registers);
	want(HWB_OK, hwb_ping(guest, &why));
	guest_release(edu.info.interrupt.session);
	ck_assert_int_eq(kill(thief, SIGKILL), 0);
	ck_assert_int_eq(waitpid(thief, NULL, 0), thief);
	/* Others hear of theirs as ever. */
	guest_give_back(&edu);
	registers = take_intx(&edu);
	raise_irq(registers);
	ck_assert(example_wait(edu.irq_fds[0], PATIENCE_MS) != 0);
	quiet(registers);
	guest_give_back(&edu);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("irq");
	TCase *tests = guest_case(suite, "INTx");

	tcase_add_checked_fixture(tests, calm, NULL);
	tcase_add_test(tests, intx_by_eventfd);
	tcase_add_test(tests, intx_by_request);
	tcase_add_test(tests, intx_stays_masked);
	tcase_add_test(tests, open_then_enable);
	tcase_add_test(tests, enabled_twice_at_once);
	tcase_add_test(tests, raised_before_enable);
	tcase_add_test(tests, closed_interrupt_is_silent);
	tcase_add_test(tests, by_number);
	tcase_add_test(tests, line_of_the_host_is_left_alone);
	tests = guest_case(suite, "eventfds");
	tcase_add_test(tests, saturated_eventfds);
	tcase_add_test(tests, eventfds_that_block);
	/* Suite `unsafe' has that these are refused. */
	if (!guest_has_vfio())
		return guest_run(suite);
	tests = guest_case(suite, "messages");
	tcase_add_test(tests, msi);
	tcase_add_test(tests, msi_after_assign);
	tcase_add_test(tests, two_devices_two_interrupts);
	tcase_add_test(tests, one_session_a_device);
	add_msix(tests);
	tests = guest_case(suite, "refusals");
	tcase_add_test(tests, wrong_types_and_counts);
	tcase_add_test(tests, trigger_and_polarity);
	tcase_add_test(tests, wrong_interrupts_of_an_acquire);
	return guest_run(suite);
}
