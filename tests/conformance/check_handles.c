/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* F_SEAL_SHRINK */
/* Sections "Handles", "Errors" and CLOSE, with domains and whatever else is there. */
#include "kit.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

/* Something that opens a handle: a domain if there is DMA, ports, or the device. */
static uint32_t any_handle(int fd)
{
	struct packet packet;

	if ((facts.features & FEATURE_DMA) != 0)
		return domain(fd);
	if (facts.device.there)
		return own(fd);
	need_ports();
	start(&packet, IO_PORT_OPEN, 0);
	put32(&packet, HEADER, facts.port);
	put32(&packet, HEADER + 4, facts.ports);
	if (ask(fd, &packet) != OK)
		skip("needs something that this user may open");
	return get32(&packet, SESSION);
}

static void need_domains(void)
{
	if ((facts.features & FEATURE_DMA) == 0)
		skip("needs an IOMMU (feature DMA)");
}

static void not_zero(void)
{
	int fd = greeted();

	if (any_handle(fd) == 0)
		wrong("expected a handle that is not 0, got 0");
}

static void reply_handle(void)
{
	int fd = greeted();

	close_handle(fd, any_handle(fd));
}

static void own_connection(void)
{
	struct packet packet;
	int one = greeted(), other = greeted();
	uint32_t handle = any_handle(one);

	start(&packet, CLOSE, handle);
	want(other, &packet, NO_SESSION);
	close_handle(one, handle);
}

static void no_reuse(void)
{
	uint32_t handles[200];
	int fd = greeted();

	need_domains();
	for (unsigned i = 0; i < 200; i++) {
		handles[i] = domain(fd);
		for (unsigned before = 0; before < i; before++)
			if (handles[before] == handles[i])
				wrong("expected a handle that was not used before, got %u again",
				      handles[i]);
		close_handle(fd, handles[i]);
	}
}

/* An operation that needs a handle, with this one. */
static void want_no_session(int fd, const struct operation *operation, uint32_t handle)
{
	struct packet packet;

	start(&packet, operation->opcode, handle);
	if (operation->opcode == IRQ_OPEN)
		put32(&packet, HEADER, IRQ_INTX);
	if (operation->opcode == IRQ_OPEN || operation->opcode == IRQ_FDS)
		put32(&packet, HEADER + 4, 1);
	if (operation->opcode == CONFIG_READ || operation->opcode == CONFIG_WRITE)
		put(&packet, HEADER + 2, 2, 1);
	if (operation->opcode == DMA_ALLOC)
		alloc_request(&packet, handle, PAGE, DMA_READS);
	if (operation->fds != 0) {
		int passed = memfd(PAGE, F_SEAL_SHRINK);
		map_request(&packet, handle, PAGE, DMA_READS);
		want_with(fd, &packet, passed, NO_SESSION);
		close(passed);
		return;
	}
	want(fd, &packet, NO_SESSION);
}

static bool needs_handle(const struct operation *operation)
{
	return operation->takes != TAKES_NONE;
}

static void closed_handle(void)
{
	int fd = greeted();
	uint32_t handle = any_handle(fd);

	close_handle(fd, handle);
	for (size_t i = 0; i < operation_count; i++) {
		if (!needs_handle(&operations[i]))
			continue;
		want_no_session(fd, &operations[i], handle);
		want_no_session(fd, &operations[i], 0xfffffff0);
	}
	want_alive(fd);
}

/* The handle with each operation that needs one of another kind. */
static void want_other_kinds(int fd, uint32_t handle, enum takes kind)
{
	for (size_t i = 0; i < operation_count; i++) {
		enum takes takes = operations[i].takes;
		if (takes == TAKES_DEVICE_OR_NONE)
			takes = TAKES_DEVICE;
		if (takes != TAKES_NONE && takes != TAKES_ANY && takes != kind)
			want_no_session(fd, &operations[i], handle);
	}
}

static void other_kind(void)
{
	bool domains = (facts.features & FEATURE_DMA) != 0;
	int fd = greeted();

	if (!domains && !facts.device.there)
		skip("needs a device or an IOMMU");
	if (domains)
		want_other_kinds(fd, domain(fd), TAKES_DOMAIN);
	if (facts.device.there)
		want_other_kinds(fd, own(fd), TAKES_DEVICE);
}

static void zero_handle(void)
{
	int fd = greeted();

	for (size_t i = 0; i < operation_count; i++)
		if (needs_handle(&operations[i]) && operations[i].takes != TAKES_DEVICE_OR_NONE)
			want_no_session(fd, &operations[i], 0);
	want_alive(fd);
}

static void session_unused(void)
{
	struct packet packet;
	int fd = greeted();

	for (size_t i = 0; i < operation_count; i++) {
		if (operations[i].takes != TAKES_NONE || operations[i].opcode == HELLO)
			continue;
		start(&packet, operations[i].opcode, 1);
		want(fd, &packet, RESERVED_NOT_ZERO);
	}
	want_alive(fd);
}

static void close_below(void)
{
	struct packet packet;
	int fd = greeted();

	need_device();
	uint32_t device = acquire(
	        fd, &packet,
	        &(struct wanted){ .device = &facts.device, .bars = 1u << facts.device.bar });
	uint32_t region =
	        body32(&packet, ACQUIRE_REGIONS + (size_t)facts.device.bar * REGION_SIZE_OF);
	packet_drop(&packet);
	close_handle(fd, device);
	start(&packet, CLOSE, region);
	want(fd, &packet, NO_SESSION);
}

static void close_device(void)
{
	struct packet packet;
	uint32_t first;
	int fd = greeted();

	need_dma();
	if (facts.device.pin == 0)
		skip("needs a device with an interrupt pin");
	uint32_t device = own_with_domain(fd, &first);
	uint32_t irq = open_irq(fd, device, IRQ_INTX, 0, &packet);
	close_handle(fd, device);
	start(&packet, IRQ_ENABLE, irq);
	want(fd, &packet, NO_SESSION);
	/* It is in no domain now, so another one may have it. */
	acquire(fd, &packet, &(struct wanted){ .device = &facts.device, .domain = domain(fd) });
}

static void held_former(void)
{
	const struct wanted wanted = { .device = &facts.device, .bars = 1u << facts.device.bar };
	struct packet packet;
	int fd = greeted();

	need_device();
	for (unsigned i = 0; i < 3; i++) {
		uint32_t device = acquire(fd, &packet, &wanted);
		/* Descriptor and mapping stay, until the check ends. */
		map_region(&packet, ACQUIRE_REGIONS + (size_t)facts.device.bar * REGION_SIZE_OF,
		           packet.fds[0]);
		close_handle(fd, device);
	}
}

static void close_domain_deassigns(void)
{
	struct packet packet;
	uint32_t first;
	int fd = greeted();

	need_dma();
	uint32_t device = own_with_domain(fd, &first);
	close_handle(fd, first);
	uint32_t second = domain(fd);
	start(&packet, DOMAIN_ASSIGN, second);
	put32(&packet, HEADER, device);
	want(fd, &packet, OK);
}

static void close_domain(void)
{
	struct packet packet;
	int fd = greeted();

	need_domains();
	uint32_t handle = domain(fd);
	alloc_request(&packet, handle, PAGE, DMA_READS);
	want(fd, &packet, OK);
	int memory = packet_take(&packet, 0);
	unsigned char *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	if (at == MAP_FAILED)
		wrong("expected memory that can be mapped, got none");
	at[100] = 0x5a;
	close_handle(fd, handle);
	start(&packet, DMA_UNMAP, handle);
	want(fd, &packet, NO_SESSION);
	if (at[100] != 0)
		wrong("expected zeros in memory that went back, got 0x%02x", at[100]);
}

static void close_at_once(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t handle = any_handle(fd);

	for (unsigned i = 0; i < 2; i++) {
		start(&packet, CLOSE, handle);
		say(fd, &packet, NULL, 0);
	}
	uint32_t last = get32(&packet, SERIAL);
	for (unsigned i = 0; i < 2; i++) {
		if (hear_reply(fd, &packet, 4 * PROMPT_MS) != A_PACKET)
			wrong("expected two replies, got %u", i);
		enum status wanted = get32(&packet, SERIAL) == last ? NO_SESSION : OK;
		if (get32(&packet, STATUS) != wanted)
			wrong("two CLOSE of one handle in a row: expected %s, got %s",
			      status_name(wanted), status_name(get32(&packet, STATUS)));
	}
}

static void close_region(void)
{
	struct packet packet;
	int fd = greeted();

	need_device();
	acquire(fd, &packet,
	        &(struct wanted){ .device = &facts.device, .bars = 1u << facts.device.bar });
	size_t at = ACQUIRE_REGIONS + (size_t)facts.device.bar * REGION_SIZE_OF;
	volatile unsigned char *registers = map_region(&packet, at, packet.fds[0]);
	uint32_t region = body32(&packet, at);
	close_handle(fd, region);
	(void)*registers; /* or SIGBUS */
	start(&packet, CLOSE, region);
	want(fd, &packet, NO_SESSION);
}

static void all_or_nothing(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t missing = 0;

	need_device();
	acquire(fd, &packet, &(struct wanted){ .device = &facts.device });
	for (uint32_t bar = 0; bar < 6; bar++)
		if (body64(&packet, DEVICE_BARS + bar * BAR_SIZE_OF + 8) == 0)
			missing = 1u << bar;
	if (missing == 0)
		skip("needs a device without one of the six BARs");
	close_handle(fd, get32(&packet, SESSION));
	for (unsigned tries = 0; tries < 200; tries++) {
		acquire_request(&packet,
		                &(struct wanted){ .device = &facts.device, .bars = missing });
		if (ask(fd, &packet) != BUSY)
			break;
		sleep_ms(20);
	}
	if (get32(&packet, STATUS) == OK)
		wrong("DEVICE_ACQUIRE of a BAR that is not there: expected a refusal, got OK");
	device_info(fd, &packet);
	if ((body32(&packet, DEVICE_FLAGS) & DEVICE_MINE) != 0)
		wrong("expected the device not to be ours after a refusal, got the flag MINE");
	own(fd);
}

static void final_refusal(void)
{
	struct packet packet;
	int fd = greeted();

	start(&packet, PING, 0);
	put32(&packet, LENGTH, 100);
	want_final(fd, &packet, NULL, 0, MALFORMED);
}

static void final_silence(void)
{
	struct packet packet;
	unsigned replies = 0;
	int fd = greeted();

	start(&packet, PING, 0);
	put(&packet, KIND, 2, REPLY);
	say(fd, &packet, NULL, 0);
	for (unsigned i = 0; i < 5; i++) {
		start(&packet, PING, 0);
		if (!say(fd, &packet, NULL, 0))
			break;
	}
	while (hear_reply(fd, &packet, PROMPT_MS) == A_PACKET)
		replies++;
	if (replies > 1)
		wrong("expected one refusal and the end, got %u more replies", replies - 1);
}

static void sessions_quota(void)
{
	struct packet packet;
	int fd = greeted();

	need_domains();
	for (uint32_t i = 0; i <= facts.sessions_max; i++) {
		start(&packet, DOMAIN_OPEN, 0);
		enum status wanted = i < facts.sessions_max ? OK : QUOTA;
		uint32_t status = ask(fd, &packet);
		/* The host may run out before. */
		if (i < facts.sessions_max && i > 0 &&
		    (status == HOST_ERROR || status == NO_MEMORY))
			skip("the host has no more than %u domains", i);
		if (status != wanted)
			wrong("handle %u of %u: expected %s, got %s", i + 1, facts.sessions_max,
			      status_name(wanted), status_name(status));
	}
	want_alive(fd);
}

static void end_closes(void)
{
	struct packet packet;
	int fd = greeted();

	need_device();
	own(fd);
	hang_up(fd);
	fd = greeted();
	acquire(fd, &packet, &(struct wanted){ .device = &facts.device });
}

static void end_undoes(void)
{
	struct packet packet;
	int fd;

	need_device();
	for (unsigned i = 0; i < 5; i++) {
		fd = greeted();
		acquire_request(&packet, &(struct wanted){ .device = &facts.device,
		                                           .flags = ACQUIRE_ALL_BARS });
		say(fd, &packet, NULL, 0);
		hang_up(fd);
	}
	fd = greeted();
	own(fd);
}

const struct check handle_checks[] = {
	{ "handle-not-zero", "a handle is not 0", not_zero, false },
	{ "reply-handle", "what opens something returns its handle", reply_handle, false },
	{ "handle-own", "a handle counts on its own connection only", own_connection, false },
	{ "handle-reuse", "200 handles, all different", no_reuse, false },
	{ "handle-closed", "a handle that is not open is NO_SESSION, for each opcode",
	  closed_handle, false },
	{ "handle-kind", "a handle of another kind is NO_SESSION, for each opcode", other_kind,
	  false },
	{ "handle-needed", "0 in place of a handle is NO_SESSION, for each opcode", zero_handle,
	  false },
	{ "session-unused", "a handle that is not needed is RESERVED_NOT_ZERO, for each opcode",
	  session_unused, false },
	{ "close-below", "closing a device closes its regions", close_below, false },
	{ "close-device", "closing a device closes its interrupt, and it leaves its domain",
	  close_device, false },
	{ "held-former", "who had a device gets it again, though it has registers still",
	  held_former, false },
	{ "close-domain-deassigns", "closing a domain lets its device go", close_domain_deassigns,
	  false },
	{ "close-domain", "closing a domain undoes its mappings", close_domain, false },
	{ "close-at-once", "a handle is dead when CLOSE was read", close_at_once, false },
	{ "close-region", "what was mapped stays when its handle is closed", close_region, false },
	{ "all-or-nothing", "a refused request changes nothing", all_or_nothing, false },
	{ "final-refusal", "the refusal that ends the connection comes first", final_refusal,
	  false },
	{ "final-silence", "requests after it are not answered", final_silence, false },
	{ "sessions-quota", "more than sessions_max handles are QUOTA", sessions_quota, false },
	{ "end-closes", "with the connection its device is closed", end_closes, false },
	{ "end-undoes", "what is on its way when the connection ends leaves nothing", end_undoes,
	  false },
	{ .rule = NULL },
};
