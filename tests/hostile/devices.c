/* SPDX-License-Identifier: MIT */
/* Devices that two want, that leave, that are others', or that cannot be reset. */
#include "hostile.h"
#include "pci.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define UIO "uio_pci_generic"

static const struct hwb_acquire_request nothing_more = { .bars = 0 };
static const struct hwb_acquire_request at_once = { .flags = HWB_ACQUIRE_NO_WAIT };

/* All that a client can have of a device, and its transfer under way. */
static void use(int fd)
{
	struct hwb_acquire_request wanted = {
		.bars = 1, .flags = HWB_ACQUIRE_IRQ_ENABLE, .irq_type = HWB_IRQ_MSI, .irq_count = 1
	};
	struct taken edu;
	uint64_t iova;
	char why[256];

	wanted.domain = open_domain(fd);
	expect(try_take(fd, EDU, &wanted, &edu, why, sizeof(why)) == HWB_OK, "%s", why);
	dma_alloc(fd, wanted.domain, 1 << 20, &iova);
	dma_alloc(fd, wanted.domain, 2 << 20, &iova);
	edu_start(edu.registers, iova, true);
}

/* Killed at some moments of a transfer. When the device is free it cannot reach memory. */
static void dies(void)
{
	for (int pause = 0; pause < 150; pause += 50) {
		int ready[2], status;
		char byte;
		expect(pipe(ready) == 0, "pipe");
		pid_t child = fork();
		if (child == 0) {
			become(driver_uid());
			use(client());
			(void)!write(ready[1], "x", 1);
			for (;;)
				sleep(1);
		}
		expect(read(ready[0], &byte, 1) == 1, "no client");
		expect(bus_master(EDU), "it does no DMA");
		pause_ms(pause);
		kill(child, SIGKILL);
		expect(waitpid(child, &status, 0) == child, "waitpid");
		int64_t end = now_ms() + PROMPT_MS;
		uint32_t state;
		while ((state = device_state(EDU)) != HWB_DEVICE_FREE)
			expect(now_ms() < end, "it is in state %u", state);
		expect(!bus_master(EDU), "it is free and reaches memory");
		close_fds(ready, 2);
	}
}

/* Both requests are there before either is answered. `session`: that they name. */
static void one_of_two(int a, int b, uint32_t opcode, uint32_t session_a, uint32_t session_b,
                       const void *body, size_t size)
{
	const int fds[] = { a, b };
	const uint32_t sessions[] = { session_a, session_b };
	unsigned winners = 0;
	uint32_t won[2] = { 0, 0 };
	struct packet packet;

	for (unsigned i = 0; i < 2; i++) {
		fill(&packet, opcode, sessions[i], body, size);
		wire_send(fds[i], packet.bytes, packet.length, NULL, 0);
	}
	for (unsigned i = 0; i < 2; i++) {
		expect(wire_reply(fds[i], &packet), "the connection ended");
		close_fds(packet.fds, packet.fd_count);
		if (header_of(&packet)->status == HWB_OK) {
			winners++;
			won[i] = header_of(&packet)->session;
			continue;
		}
		expect(header_of(&packet)->status == HWB_BUSY, "status %u: %s",
		       header_of(&packet)->status, reason_of(&packet));
		/* Whose it is, is nobody's business. */
		expect(strstr(reason_of(&packet), fds[i] == a ? "omega" : "alpha") == NULL,
		       "it says: %s", reason_of(&packet));
	}
	expect(winners == 1, "opcode 0x%x: %u winners", opcode, winners);
	for (unsigned i = 0; i < 2; i++)
		if (won[i] != 0)
			expect(request(fds[i], HWB_CLOSE, won[i], NULL, 0) == HWB_OK, "CLOSE");
}

static void two_at_once(void)
{
	const struct hwb_io_port_request ports[] = { { .base = 0x40, .count = 4 },
		                                     { .base = 0x43, .count = 1 } };
	const struct hwb_irq_request interrupt = { .type = HWB_IRQ_INTX, .count = 1 };
	int alpha = client_of(driver_uid()), omega = client_of(other_uid());
	struct hwb_acquire_request device = { .address = address_of(EDU), .bars = 1 };
	struct taken edu;

	for (unsigned round = 0; round < 20; round++) {
		bool turn = round % 2 == 0;
		device.flags = round % 4 < 2 ? HWB_ACQUIRE_NO_WAIT : 0;
		wait_state(EDU, round == 0 ? device_state(EDU) : HWB_DEVICE_FREE);
		one_of_two(turn ? alpha : omega, turn ? omega : alpha, HWB_DEVICE_ACQUIRE, 0, 0,
		           &device, sizeof(device));
		one_of_two(turn ? alpha : omega, turn ? omega : alpha, HWB_IO_PORT_OPEN, 0, 0,
		           &ports[turn], sizeof(ports[0]));
	}
	/* Of one owner, too. */
	take(alpha, EDU, 0, &edu);
	one_of_two(alpha, alpha, HWB_IRQ_OPEN, edu.handle, edu.handle, &interrupt,
	           sizeof(interrupt));
	let_go(&edu);
}

/* Smaller than a page; with others' registers or the MSI-X table in it. */
static void odd_bars(void)
{
	const struct hwb_acquire_request first = { .bars = 1 };
	const struct hwb_acquire_request all = { .flags = HWB_ACQUIRE_ALL_BARS };
	int fd = client();
	struct taken device;
	char why[256];

	int status = try_take(fd, CARD_READER, &first, &device, why, sizeof(why));
	expect(status == HWB_UNSAFE && strstr(why, "partial_page") != NULL, "status %d: %s", status,
	       why);
	expect(try_take(fd, CARD_READER, &all, &device, why, sizeof(why)) == HWB_OK, "%s", why);
	expect(device.fd_count == 0, "%u descriptors", device.fd_count);
	give_back(fd, &device);
	/* The rule of this one says so. */
	expect(try_take(fd, SHARED_MEMORY, &first, &device, why, sizeof(why)) == HWB_OK, "%s", why);
	expect((device.reply.device.bars[0].flags & HWB_BAR_PARTIAL_PAGE) != 0, "a whole page");
	give_back(fd, &device);
	/* Interrupts are remapped here. */
	expect(try_take(fd, DISK, &first, &device, why, sizeof(why)) == HWB_OK, "%s", why);
	expect((device.reply.device.bars[0].flags & HWB_BAR_MSIX_TABLE) != 0, "no table in it");
	give_back(fd, &device);
}

/* The kernel keeps a host driver out of a group that is a client's: so it can be viable at
 * the grant only, and stays so. */
static void neighbours(void)
{
	int alpha = client_of(driver_uid()), omega = client_of(other_uid());
	struct taken edu, mate;
	char why[256], name[32];

	int status = try_take(alpha, "00:1f.2", &nothing_more, &mate, why, sizeof(why));
	expect(status != HWB_OK && strstr(why, "host driver") != NULL, "status %d: %s", status,
	       why);

	take(alpha, PAIR, open_domain(alpha), &edu);
	status = try_take(omega, PAIR_MATE, &nothing_more, &mate, why, sizeof(why));
	expect(status == HWB_BUSY, "status %d: %s", status, why);
	expect(strstr(why, "alpha") == NULL, "it says: %s", why);
	expect(shell("modprobe " UIO) == 0, "no " UIO);
	shell("cd /sys/bus/pci/devices/0000:" PAIR_MATE " && echo " UIO
	      " > driver_override; echo 0000:" PAIR_MATE " > /sys/bus/pci/drivers_probe");
	pci_driver(PAIR_MATE, name);
	shell("echo > /sys/bus/pci/devices/0000:" PAIR_MATE "/driver_override");
	expect(strcmp(name, UIO) != 0, "the host drives a device of a client's group");
	expect(edu_alive(edu.registers), "the device is not there any more");
	give_back(alpha, &edu);
}

/* No way to reset it, and its rule does not do without: for nobody, but by root's word. */
static void no_reset(void)
{
	int alpha = client_of(driver_uid()), omega = client_of(other_uid());
	const int fds[] = { alpha, omega };
	struct taken edu;
	char why[256];

	for (unsigned round = 0; round < 2; round++) {
		take(fds[round], EDU2, 0, &edu);
		give_back(fds[round], &edu);
		wait_state(EDU2, HWB_DEVICE_QUARANTINED);
		for (unsigned i = 0; i < 2; i++) {
			int status = try_take(fds[i], EDU2, &nothing_more, &edu, why, sizeof(why));
			expect(status == HWB_UNSAFE, "status %d: %s", status, why);
		}
		expect(!bus_master(EDU2), "it reaches memory");
		expect(shell("runuser -u driver -- hwbroker-ctl quarantine clear " EDU2
		             " 2> /dev/null") == 4,
		       "a client lets it out");
		expect(shell("hwbroker-ctl quarantine clear " EDU2) == 0, "root cannot let it out");
	}
}

/* Takes it and gives it back, whatever becomes of it. */
static _Noreturn void take_without_end(void)
{
	const struct hwb_acquire_request wanted = { .bars = 1 };
	struct taken edu;

	become(driver_uid());
	int fd = client();
	for (;;) {
		int status = try_take(fd, EDU, &wanted, &edu, NULL, 0);
		if (status == ENDED)
			_exit(1);
		if (status != HWB_OK)
			continue;
		let_go(&edu);
		if (request(fd, HWB_CLOSE, edu.handle, NULL, 0) == ENDED)
			_exit(1);
	}
}

static void leaves(void)
{
	enum { TIMES = 7 };
	int status;
	pid_t child = fork();

	if (child == 0)
		take_without_end();
	for (int i = 0; i < TIMES; i++) {
		pause_ms(37 * i);
		pid_t writer = shell_started("echo 1 > /sys/bus/pci/devices/0000:" EDU "/remove");
		pause_ms(11 * i);
		expect(waitpid(writer, &status, 0) == writer, "waitpid");
		shell("echo 1 > /sys/bus/pci/rescan");
		expect(waitpid(child, NULL, WNOHANG) == 0, "the client has lost its connection");
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	int64_t end = now_ms() + 2 * PROMPT_MS;
	struct taken edu;
	int fd = client_of(driver_uid());
	const struct hwb_acquire_request wanted = { .bars = 1 };
	while (try_take(fd, EDU, &wanted, &edu, NULL, 0) != HWB_OK) {
		expect(now_ms() < end, "it does not come back");
		pause_ms(50);
	}
	expect(edu_alive(edu.registers), "it is not what it was");
	give_back(fd, &edu);
}

static void plug(const char *driver)
{
	expect(shell(". /usr/lib/hwbroker-control.sh; device_add "
	             "'{\"driver\":\"%s\",\"id\":\"new\",\"bus\":\"port0\"}'",
	             driver) == 0,
	       "cannot plug in %s", driver);
}

static bool port_is_empty(void)
{
	return access("/sys/bus/pci/devices/0000:" PORT, F_OK) != 0;
}

static bool port_is_full(void)
{
	return !port_is_empty();
}

/* The rule names the address and the kind of device that is there first. */
static void another_in_its_place(void)
{
	const struct hwb_config_access access = { .offset = 0, .width = 4 };
	int fd = client_of(driver_uid());
	struct taken edu, other;
	char why[256];

	plug("edu");
	wait_state(PORT, HWB_DEVICE_HOST);
	take(fd, PORT, 0, &edu);
	expect(edu_alive(edu.registers), "no edu");
	let_go(&edu);
	expect(shell(". /usr/lib/hwbroker-control.sh; device_del new") == 0, "cannot unplug");
	expect(within(port_is_empty), "it stays");
	plug("pci-testdev");
	expect(within(port_is_full), "nothing comes");
	for (unsigned i = 0; i < 30; i++) {
		int status = try_take(fd, PORT, &at_once, &other, why, sizeof(why));
		expect(status != HWB_OK, "another device is granted in its place");
		status = request(fd, HWB_CONFIG_READ, edu.handle, &access, sizeof(access));
		expect(status == HWB_GONE, "its handle says %d", status);
		pause_ms(50);
	}
	int status = try_take(fd, PORT, &at_once, &other, why, sizeof(why));
	expect(status == HWB_NOT_FOUND, "status %d: %s", status, why);
	expect(shell(". /usr/lib/hwbroker-control.sh; device_del new") == 0, "cannot unplug");
	expect(within(port_is_empty), "it stays");
}

const struct hostile_case device_cases[] = {
	{ 14, "a client dies in the middle of all that it may have", dies, AS_ROOT, 0 },
	{ 17, "of two that want the same one gets it, and the other hears not whose it is",
	  two_at_once, AS_ROOT, 0 },
	{ 27, "registers that share a page, or hold the MSI-X table", odd_bars, 0, 0 },
	{ 28, "a group with others in it is not granted, and no host driver comes in later",
	  neighbours, AS_ROOT, 0 },
	{ 29, "a device that cannot be reset is for nobody until root says so", no_reset, AS_ROOT,
	  0 },
	{ 30, "a device leaves the bus at any step", leaves, AS_ROOT, 0 },
	{ 31, "another device in a device's place is not taken for it", another_in_its_place,
	  AS_ROOT, 0 },
	{ 0 },
};
