/* SPDX-License-Identifier: MIT */
/*
 * What the notes of a connection say (resume/note.h), each in one record. Another layout or
 * meaning is another version there. All of it is checked before it is used: it may be
 * somebody else's work, though nobody but root could have made it.
 */
#ifndef HWBROKERD_SESSION_KEPT_H
#define HWBROKERD_SESSION_KEPT_H

#include "policy/policy.h"
#include "resume/note.h"

/* Id of the record: peer; of those with a handle: peer and handle; of a mapping its own. */
static inline uint64_t kept_id(uint32_t peer, uint32_t handle)
{
	return (uint64_t)peer << 32 | handle;
}

struct kept_peer {
	uint32_t id;
	uint32_t handles; /* none above was given out */
	uint64_t requests;
	char name[HWB_NAME_SIZE]; /* of the client */
	uint32_t monitors;        /* it is told what happens */
	uint32_t padding;
};

struct kept_domain {
	uint32_t peer;
	uint32_t handle;
	uint32_t id; /* the kernel's side */
};

enum { KEPT_READS = 1, KEPT_WRITES = 2, KEPT_OURS = 4 };

struct kept_mapping {
	uint32_t peer;
	uint32_t domain; /* handle */
	uint32_t id;
	uint32_t flags;
	uint64_t offset;
	uint64_t iova;
	uint64_t size;
};

struct kept_device {
	uint32_t peer;
	uint32_t handle;
	uint32_t domain; /* handle; 0: none */
	uint32_t grace;
	struct hwb_pci_address address;
	uint64_t instance;
	uint32_t restore;
	uint32_t end;
	char reset[POLICY_RESET_SIZE];
	uint32_t asked;   /* enum revoke_asked */
	uint32_t way;     /* enum policy_way */
	double asked_end; /* of its grace, if it was asked for: whence_now() */
};

/* The handle is the region's own. */
enum { KEPT_NO_BAR = 0xff }; /* memory that is of no device */

struct kept_region {
	uint32_t peer;
	uint32_t bar;
	struct hwb_pci_address address;
	struct hwb_region region;
};

/* Legacy ports; those of a BAR; legacy ports of a VGA card, through that. */
enum kept_of { KEPT_OF_NONE, KEPT_OF_BAR, KEPT_OF_VGA };

struct kept_ports {
	uint32_t peer;
	uint32_t handle;
	uint32_t base;
	uint32_t count;
	struct hwb_pci_address address;
	uint32_t of_device; /* enum kept_of */
	uint32_t padding;
};

struct kept_irq {
	uint32_t peer;
	uint32_t handle;
	struct hwb_pci_address address;
	uint32_t id;
	uint32_t type;
	uint32_t count;
	uint32_t enabled;
};

struct kept_line {
	uint32_t peer;
	uint32_t handle;
	uint32_t number;
	uint32_t rate; /* 0: by the UIO device */
	uint32_t id;
	uint32_t padding;
	char uio[POLICY_UIO_SIZE];
};

struct kept_taken {
	uint32_t peer;
	uint32_t handle;
};

_Static_assert(sizeof(struct kept_device) <= NOTE_BODY && sizeof(struct kept_region) <= NOTE_BODY,
               "each fits a record");

#endif
