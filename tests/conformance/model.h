/* SPDX-License-Identifier: MIT */
/*
 * A broker in memory, with devices that are made up: a stand-in for QEMU's edu device
 * (0000:00:03.0, registers, INTx and MSI, DMA) and one with an I/O BAR (0000:00:07.0).
 *
 * Each refusal and each answer that a rule asks for says which rule that is, by fault()
 * and keeps(). So the broker can be told to break any of them, and only that one.
 */
#ifndef CONFORMANCE_MODEL_H
#define CONFORMANCE_MODEL_H

#include "wire.h"

enum {
	DEVICES = 2,
	HANDLES_MAX = 32, /* sessions_max */
	MAPPINGS_MAX = 64,
	DMA_BYTES_MAX = 16 << 20,
	LISTED_PORT = 0x40,
	LISTED_PORTS = 4
};

enum kind { K_FREE, K_DEVICE, K_IO_MEM, K_PORTS, K_IRQ, K_LINE, K_DOMAIN };

struct connection;

struct mapping {
	uint64_t iova, size;
	unsigned char *at;
	bool made; /* by DMA_ALLOC, and cleared at the end */
	uint32_t flags;
};

struct device {
	uint64_t address;
	uint16_t vendor, id;
	uint32_t class_code, flags, irq_number;
	uint8_t pin;
	uint16_t msi;
	struct {
		uint64_t base, size;
		uint32_t flags;
		int fd;
		volatile uint32_t *at;
	} bars[6];
	unsigned char config[256];
	struct connection *owner;
	struct handle *handle, *domain, *irq;
	uint32_t irq_status; /* edu's */
};

struct handle {
	enum kind kind;
	uint32_t id;
	bool dying; /* closed, but goes with the next packet but one */
	struct device *device;
	struct handle *parent;
	uint32_t base, count; /* ports */
	uint32_t type;        /* interrupt */
	bool enabled, masked;
	int trigger, unmask;
	struct mapping mappings[MAPPINGS_MAX]; /* domain; size 0: none */
};

struct queued {
	struct packet packet;
	struct queued *next;
};

struct connection {
	int fd;
	bool greeted, ends;
	int64_t since; /* it connected */
	int64_t full_since;
	uint32_t last_handle, last_serial, requests;
	struct handle *handles[HANDLES_MAX];
	struct queued *queue;
	const struct device *closed; /* by the request at hand, with this handle */
	uint32_t closed_handle;
	struct connection *next;
};

extern struct device devices[DEVICES];
extern struct connection *connections;

/* ---- broker.c ---- */

/* A broker of the future, whose records are longer. */
extern bool from_the_future;
/* False for the rule that is to be broken. */
bool keeps(const char *rule);
/* The status, or another one if the rule is the one to break. */
enum status fault(const char *rule, enum status status);
void post(struct connection *connection, struct packet *packet);
void post_event(struct connection *connection, const struct device *device, uint32_t session,
                uint32_t change);

/* ---- model.c: requests that are well-formed ---- */

/* Fills in the reply, whose header is there. Returns OK or a refusal, with the offset of the
 * field to blame. The request's descriptors stay its own. */
enum status serve_request(struct connection *connection, struct packet *request,
                          struct packet *reply, uint32_t *field);
void open_devices(void);

/* ---- model_handles.c ---- */

/* `rule' is the one that says so; NULL if there is no such handle, with the refusal. */
struct handle *need_handle(struct connection *connection, uint32_t id, enum kind kind,
                           enum status *status);
/* NULL: QUOTA. */
struct handle *new_handle(struct connection *connection, enum kind kind);
uint32_t free_handles(const struct connection *connection);
void close_one(struct connection *connection, struct handle *handle);
void close_all(struct connection *connection);
void bury(struct connection *connection);

/* ---- model_device.c ---- */

void put_device(struct packet *packet, size_t offset, const struct device *device,
                const struct connection *connection);
enum status serve_device(struct connection *connection, struct packet *request,
                         struct packet *reply, uint32_t *field);
enum status serve_descriptor(struct connection *connection, const struct packet *request);
enum status serve_config(struct connection *connection, struct packet *request,
                         struct packet *reply, uint32_t *field);
enum status serve_memory(struct connection *connection, struct packet *request,
                         struct packet *reply, uint32_t *field);
enum status serve_ports(struct connection *connection, struct packet *request, struct packet *reply,
                        uint32_t *field);
enum status serve_irq(struct connection *connection, struct packet *request, struct packet *reply,
                      uint32_t *field);
enum status serve_lines(struct connection *connection, const struct packet *request,
                        struct packet *reply);
enum status serve_dma(struct connection *connection, struct packet *request, struct packet *reply,
                      uint32_t *field);
/* Part of DEVICE_ACQUIRE, too. */
enum status open_interrupt(struct connection *connection, struct device *device, uint32_t type,
                           uint32_t count, bool enable, struct packet *reply, size_t offset);
enum status assign_device(struct handle *domain, struct device *device);
void put_region(struct packet *reply, size_t offset, const struct handle *handle, uint32_t bar,
                uint64_t first, uint64_t size, uint32_t flags);
/* What a device does by itself: interrupts and DMA of the edu device. */
void run_devices(void);
void run_irq(struct device *device);
void end_mapping(struct mapping *mapping);

#endif
