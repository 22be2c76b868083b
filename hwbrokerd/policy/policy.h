/* SPDX-License-Identifier: MIT */
/*
 * The policy in force: who is a client, and what each may have.
 *
 * A policy is loaded from an INI file as a whole or not at all, is immutable
 * after that, and is replaced as a whole. policy_decide() is the single place
 * that says yes or no; every other module asks it, and its reasons are what
 * clients and operators read. Nothing here touches devices or blocks, but for
 * policy_load(), which reads files and the user database.
 */
#ifndef HWBROKERD_POLICY_POLICY_H
#define HWBROKERD_POLICY_POLICY_H

#include "policy/traits.h"
#include "policy/unit.h"
#include "util/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct policy;

/* Ceilings of one client, over all of its connections unless said otherwise. */
struct policy_limits {
	uint32_t connections;
	uint32_t sessions; /* open handles, per connection */
	uint32_t requests; /* in flight, per connection */
	uint32_t dma_mappings;
	uint64_t dma_bytes;
	uint32_t irq_vectors; /* of one device */
};

/* A [client NAME] section. */
struct policy_client {
	char name[HWB_NAME_SIZE];
	struct policy_limits limits;
	uint32_t place; /* of its section: place.h */
	uint32_t index; /* among the policy's clients */
};

/* Who is at the other end, as the kernel said when it connected. */
struct policy_subject {
	uid_t uid;
	gid_t gid;
	const gid_t *groups; /* supplementary */
	size_t group_count;
	/* Its unit and slices, verified. NULL: not known, and no section that asks for them is
	 * about it. */
	const struct unit_place *place;
};

/* Room for all of the kernel's ways to reset a device. */
#define POLICY_RESET_SIZE 64

/* How a client reaches a device. */
enum policy_way {
	WAY_SPLIT,    /* a descriptor for each BAR, and nothing else of the device */
	WAY_MEDIATED, /* registers by request: the client has no descriptor of the device */
	WAY_DEVICE    /* VFIO's descriptor of it: only the end of who has it takes it back */
};

/* "split", "mediated", "device", as in the policy. */
const char *policy_way_name(enum policy_way way);

/* What [device NAME] says beyond the match. All false by default. */
struct policy_grant {
	bool take;       /* may be taken from its host driver */
	bool restore;    /* is handed back to that driver on release */
	uint32_t revoke; /* seconds to give it back, when it is asked for */
	bool force;      /* even if the host uses it */
	bool end;        /* the client's process, if it keeps registers */
	enum policy_way way;
	uint32_t count;    /* of its devices, that a client may have at once; 0: all */
	uint32_t total;    /* and all clients together */
	bool dma;          /* to memory of its client */
	bool unsafe;       /* and to all memory, where no IOMMU confines it */
	bool partial_page; /* BARs smaller than a page or sharing one */
	bool msix_table;   /* a BAR with the MSI-X table without remapping */
	/* How it is brought to rest: "" by what the kernel has for it, "none" if it need not
	 * be, or the kernel's names in the order in which they are tried: "flr bus". */
	char reset[POLICY_RESET_SIZE];
};

/* How the interrupts of a line reach who has it. */
enum policy_source {
	POLICY_SOURCE_AUTO, /* through a UIO device if there is one, else polled */
	POLICY_SOURCE_UIO,
	POLICY_SOURCE_POLL
};

/* Room for what a UIO device calls itself. */
#define POLICY_UIO_SIZE 64

/* What [interrupt NAME] says of its lines. */
struct policy_line {
	enum policy_source source;
	uint32_t rate;             /* Hz, if polled */
	char uio[POLICY_UIO_SIZE]; /* "": whichever has the line */
};

/* A device as rules see it. */
struct policy_device {
	struct hwb_pci_address address;
	uint16_t vendor;
	uint16_t device;
	uint16_t subsystem_vendor;
	uint16_t subsystem_device;
	uint32_t class_code; /* base << 16 | sub << 8 | interface */
	struct policy_traits traits;
};

enum policy_kind {
	POLICY_DEVICE,       /* see and acquire it */
	POLICY_DMA,          /* assign it to a domain */
	POLICY_DMA_UNSAFE,   /* the same, without an IOMMU */
	POLICY_PARTIAL_PAGE, /* map such a BAR */
	POLICY_MSIX_TABLE,   /* map such a BAR without interrupt remapping */
	POLICY_TAKE,         /* take it from its host driver */
	POLICY_FORCE,        /* although the host uses it */
	POLICY_CONFIG_WRITE, /* change these bits of config space */
	POLICY_PORTS,        /* use legacy ports */
	POLICY_MEMORY,       /* use physical memory that is of no device */
	POLICY_INTERRUPT     /* be told of an interrupt line */
};

struct policy_resource {
	enum policy_kind kind;
	const struct policy_device *device; /* for all but PORTS, MEMORY and INTERRUPT */
	/* CONFIG_WRITE: byte offset; PORTS: first port; INTERRUPT: number of the line */
	uint32_t offset;
	uint32_t count;   /* CONFIG_WRITE: width in bytes; PORTS: number of ports */
	uint32_t changed; /* CONFIG_WRITE: bits that would change */
	uint64_t base;    /* MEMORY: first address */
	uint64_t size;    /* MEMORY: bytes */
};

/* What [virtual NAME] says of a device. */
struct policy_virtual {
	uint16_t functions; /* that the broker makes of it */
	bool restore;       /* they end with the broker */
	char section[HWB_NAME_SIZE + 8];
	char file[128];
	uint32_t line;
};

/* How a [memory NAME] section gives it. */
struct policy_access {
	bool fd;    /* by a descriptor of /dev/mem, instead of by requests */
	bool write; /* else only for reading */
	bool force; /* although the host needs it for itself */
};

struct policy_verdict {
	bool granted;
	struct policy_grant grant;       /* POLICY_DEVICE: of the rule that matched */
	struct policy_access memory;     /* POLICY_MEMORY: likewise */
	struct policy_line interrupt;    /* POLICY_INTERRUPT: likewise */
	char section[HWB_NAME_SIZE + 8]; /* rule that decided, "" if none: "device net" */
	char file[128];
	uint32_t line;
	/* If not granted: status and sentence, with the rule's file:line and the
	 * key to change where there is one. HWB_NOT_FOUND: as if it were not there. */
	struct fault why;
};

/* Why a policy is not loaded: for what is written there, or because the host was short of
 * descriptors, memory or the like, and nothing is known of what is written there. */
enum { POLICY_MISTAKEN = -1, POLICY_UNREAD = -2 };

/* Loads `path`: 0. On failure returns one of these, leaves *policy alone, and `report`
 * (freed by the caller) receives one line per mistake, each ended by a newline:
 * "FILE:LINE: what is wrong; did you mean `x'?"; NULL if memory is out, and
 * on success. users.h has the same with another source of user names. */
int policy_load(const char *path, struct policy **policy, char **report);
void policy_free(struct policy *policy);

/* As given to policy_load(). */
const char *policy_path(const struct policy *policy);
/* [device], [ports], [memory], [interrupt] and [virtual] sections. */
uint32_t policy_rule_count(const struct policy *policy);
/* "5 rules". Returns `text`. */
enum { POLICY_RULES_TEXT = 24 };
const char *policy_rules_text(const struct policy *policy, char text[POLICY_RULES_TEXT]);

/* The client section that this peer falls under: first match in file order.
 * NULL: none, the peer is not admitted. */
const struct policy_client *policy_client_of(const struct policy *policy,
                                             const struct policy_subject *subject);

/* Whether a client section asks for units or slices. */
/* Whether its section names users alone, so that a uid tells who is it. */
bool policy_client_is_of_users(const struct policy *policy, const struct policy_client *client);

bool policy_asks_for_units(const struct policy *policy);

/* By name, for reload: the section of the same name, or NULL. */
const struct policy_client *policy_client_named(const struct policy *policy, const char *name);

/* The sections by number, from 0. */
uint32_t policy_client_count(const struct policy *policy);
const struct policy_client *policy_client_at(const struct policy *policy, uint32_t index);

/* May query (the ADMIN requests): root, the group that [broker] names, and who may change. */
bool policy_may_query(const struct policy *policy, const struct policy_subject *subject);

/* May change what others have (ADMIN_REVOKE, ADMIN_RELOAD...): root, and another group that
 * [broker] names. */
bool policy_may_change(const struct policy *policy, const struct policy_subject *subject);

/* `client` may be NULL: a peer that is not admitted, to whom nothing is given.
 * Never allocates, never fails: what makes no sense is refused. */
void policy_decide(const struct policy *policy, const struct policy_client *client,
                   const struct policy_resource *resource, struct policy_verdict *verdict);

/* The same as yes or no: 0, or -1 and `fault`, which may be NULL, receives the sentence. */
int policy_may(const struct policy *policy, const struct policy_client *client,
               const struct policy_resource *resource, struct fault *fault);

/* The client's first legacy ports from `port` on, however many rules give them: those that
 * touch are one range. Whether there are any. */
bool policy_ports_from(const struct policy *policy, const struct policy_client *client,
                       uint32_t port, uint32_t *first, uint32_t *last);

/* What the rule that gives the device to the client allows, as words in the order of the
 * alphabet: "dma reset=flr,bus revoke=5 take". One that does not fit is left out, and "..."
 * ends the text. "": there is no such rule. */
void policy_grant_text(const struct policy *policy, const struct policy_client *client,
                       const struct policy_device *device, char *text, size_t size);

/* Ports of a client. */
struct policy_ports {
	const struct policy_client *client;
	uint32_t first;
	uint32_t last;
	char section[HWB_NAME_SIZE + 8];
	char file[128];
	uint32_t line;
};

/* By number, from 0, by client and then by port. False: there are no more. */
bool policy_ports_at(const struct policy *policy, uint32_t index, struct policy_ports *ports);

/* Memory of a client: one range of one section. */
struct policy_memory {
	const struct policy_client *client;
	uint64_t first;
	uint64_t last;
	struct policy_access access;
	char section[HWB_NAME_SIZE + 8];
	char file[128];
	uint32_t line;
};

/* By number, from 0, by client and then by address. False: there is no more. */
bool policy_memory_at(const struct policy *policy, uint32_t index, struct policy_memory *memory);

/* The client's first range that ends at `address` or behind it. Whether there is one. */
bool policy_memory_from(const struct policy *policy, const struct policy_client *client,
                        uint64_t address, struct policy_memory *memory);

/* Its terms as words in the order of the alphabet: "access=fd force write". */
void policy_memory_text(const struct policy_access *access, char *text, size_t size);

/* An interrupt line of a client. */
struct policy_interrupt {
	const struct policy_client *client;
	uint32_t number;
	char section[HWB_NAME_SIZE + 8];
	char file[128];
	uint32_t line;
	char words[POLICY_UIO_SIZE + 48]; /* as of policy_grant_text(): "rate=100 source=auto" */
};

/* By number, from 0, by client and then by line. False: there are no more. */
bool policy_interrupt_at(const struct policy *policy, uint32_t index,
                         struct policy_interrupt *interrupt);

/* Who is the client, and its limits, as words: "user=genode connections=8 dma_bytes=67108864".
 * One that does not fit is left out, and "..." ends the text. */
void policy_client_text(const struct policy *policy, const struct policy_client *client, char *text,
                        size_t size);
/* Where its section begins. */
void policy_client_place(const struct policy *policy, const struct policy_client *client,
                         char section[HWB_NAME_SIZE + 8], char file[128], uint32_t *line);

/* Whether virtual functions are to be made of this device; then how many. */
bool policy_virtual_for(const struct policy *policy, const struct policy_device *device,
                        struct policy_virtual *wanted);

/* Name of the first [device] section, of any client, that matches; "" if none. */
const char *policy_rule_for(const struct policy *policy, const struct policy_device *device);
/* Whether it says `dma = unsafe'. */
bool policy_unsafe_for(const struct policy *policy, const struct policy_device *device);
/* What it says of `grant'; if there is none, as by default. */
enum policy_way policy_way_for(const struct policy *policy, const struct policy_device *device);

#endif
