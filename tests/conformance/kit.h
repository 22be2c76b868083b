/* SPDX-License-Identifier: MIT */
/*
 * What a check is made of. Each runs in a process of its own, so whatever it leaves
 * open ends with it; it returns if the rule holds, else it calls wrong() or skip().
 *
 * All that a check sends and receives is audited as well, for the rules that hold of
 * each packet (audit.c): those without a function of their own are judged by that alone.
 */
#ifndef CONFORMANCE_KIT_H
#define CONFORMANCE_KIT_H

#include "wire.h"

enum { PROMPT_MS = 5000, SILENCE_MS = 150 };

struct check {
	const char *rule; /* its name in PROTOCOL.md, less the "R-" */
	const char *what;
	void (*run)(void); /* NULL: only audited */
	bool slow;         /* takes seconds, not done with --quick */
};

/* Each ends with an entry without a rule. */
extern const struct check packet_checks[], hello_checks[], handle_checks[], flow_checks[],
        device_checks[], config_checks[], memory_checks[], port_checks[], irq_checks[],
        line_checks[], domain_checks[], dma_checks[], dma_map_checks[], admin_checks[];

/* What the checks know of the broker, from options and from asking it. */
struct device_facts {
	bool there;
	uint64_t address; /* hwb_pci_address as a number */
	int bar;          /* a memory BAR (of `io': an I/O BAR) that is granted */
	uint64_t bar_base, bar_size;
	uint32_t flags, irq_number, vendor, id, pin, msi, msix;
};

extern struct facts {
	const char *path;
	uint64_t features, dma_bytes_max;
	uint32_t requests_max, sessions_max, dma_mappings_max, page_size;
	char client[33];
	struct device_facts device, io;
	uint64_t wanted_device; /* --device; with `any_device' not given */
	bool any_device;
	uint32_t port, ports; /* --ports; ports 0: none */
	int config_write;     /* --config-write; -1: none */
	const char *rule;     /* --rule; NULL: none */
} facts;

/* Asks the broker. False: it cannot be asked, and says why. */
bool find_facts(void);
/* QEMU's edu device can be made to interrupt, and to read and write memory. */
bool is_edu(const struct device_facts *device);

/* The verdicts that end a check. */
_Noreturn void wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void skip(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Of another rule than the one that is checked; the check goes on. */
void violated(const char *rule, const char *format, ...) __attribute__((format(printf, 2, 3)));

void need_device(void);
void need_dma(void);
void need_ports(void);
void need_edu(void);

/* ---- talking (talk.c) ---- */

int connected(void);
/* Connected and HELLO said. */
int greeted(void);
void hello(struct packet *packet, unsigned lowest, unsigned highest);
void hang_up(int fd);

/* A request with a new serial and a body of zeros, as long as the opcode wants it. */
void start(struct packet *packet, uint32_t opcode, uint32_t session);
/* False: the other side hung up. */
bool say(int fd, const struct packet *packet, const int *fds, size_t count);
enum arrival hear(int fd, struct packet *packet, int ms);
/* The next reply; events are passed over. */
enum arrival hear_reply(int fd, struct packet *packet, int ms);
/* Waits for an event about this device; false: none came. */
bool hear_event(int fd, struct packet *packet, uint64_t address, int ms);

/* Sends it and has the reply in its place. Returns the status. */
uint32_t ask(int fd, struct packet *packet);
uint32_t ask_with(int fd, struct packet *packet, int passed);
/* It must end in this way. */
void want(int fd, struct packet *packet, enum status status);
void want_with(int fd, struct packet *packet, int passed, enum status status);
/* It must be refused with this status, and then the connection must end. */
void want_final(int fd, const struct packet *packet, const int *fds, size_t count,
                enum status status);
void want_end(int fd);
void want_alive(int fd);

/* ---- having something (own.c) ---- */

struct wanted {
	const struct device_facts *device;
	uint32_t flags, domain, bars, wc, irq_type, irq_count;
};

/* Fills in a DEVICE_ACQUIRE. */
void acquire_request(struct packet *packet, const struct wanted *wanted);
/* Acquires it, waiting while its last owner is not gone; the reply is in `packet`. Returns
 * the handle. */
uint32_t acquire(int fd, struct packet *packet, const struct wanted *wanted);
/* Just the device. */
uint32_t own(int fd);
uint32_t domain(int fd);
/* The device in a new domain, whose handle goes to `domain'. */
uint32_t own_with_domain(int fd, uint32_t *domain_handle);
void close_handle(int fd, uint32_t handle);
uint32_t open_irq(int fd, uint32_t device, uint32_t type, uint32_t flags, struct packet *reply);
/* Fills in a DMA_ALLOC and a DMA_MAP. */
void alloc_request(struct packet *packet, uint32_t domain_handle, uint64_t size, uint32_t flags);
void map_request(struct packet *packet, uint32_t domain_handle, uint64_t size, uint32_t flags);
/* A memfd of this size with these seals. */
int memfd(uint64_t size, int seals);
/* Of a region in a reply whose descriptor is `fd'. */
volatile unsigned char *map_region(const struct packet *packet, size_t region, int fd);
/* The next `count' records of a list, or all pages: calls `each' with each record. */
size_t list(int fd, uint32_t opcode, uint32_t session,
            void (*each)(const struct packet *packet, size_t record, void *context), void *context);

/* The device as DEVICE_INFO has it; the reply is in `packet'. */
void device_info(int fd, struct packet *packet);

/* ---- every packet (audit.c) ---- */

void audit_sent(int fd, const struct packet *packet);
void audit_received(int fd, const struct packet *packet);
void audit_closed(int fd);

/* ---- the other direction (broker.c) ---- */

/* Serves at `path' until killed; `broken' is a rule that it breaks, or NULL. With `future',
 * as a later broker may: with events, feature bits and longer records that no one knows. */
int serve(const char *path, const char *broken, bool future);

#endif
