/* SPDX-License-Identifier: MIT */
/*
 * A PCI function and its IOMMU group. Loop-owned, but for `unit`, which only
 * jobs on the group's strand touch (operate.h).
 */
#ifndef HWBROKERD_DEVICE_DEVICE_H
#define HWBROKERD_DEVICE_DEVICE_H

#include "device/lifecycle.h"
#include "device/whereabouts.h"
#include "kernel/bind.h"
#include "kernel/witness.h"
#include "policy/policy.h"
#include "work/strand.h"

#include <pthread.h>

struct kernel_device;
struct kernel_domain;

/* The unit of ownership: all functions of a group go to one owner. */
struct group {
	struct group *next;
	uint32_t id; /* UINT32_MAX: devices without a group, each has one such */
	struct strand strand;
	/* Touched by jobs of the strand only, like struct unit below. */
	struct kernel_domain *domain;     /* that its open devices are in; NULL: none is open */
	struct kernel_domain *own_domain; /* private and empty: for use without DMA */
	uint32_t open_count;
};

/* Kernel handles of a device. */
struct unit {
	struct kernel_device *opened; /* NULL: not open */
	struct kernel_domain *domain; /* where it is open */
	bool claimed;                 /* bound to vfio-pci, for us */
	bool unfit;                   /* could not be brought to rest */
	struct fault failed;          /* it will be unfit, once nobody has its registers */
	bool gone;                    /* since it had left the bus */
	bool owed;                    /* closed, but the reset that it needs is still to be done */
	bool resting;                 /* at rest, and open only to keep others from it */
	bool haunted;                 /* a device that was in its place may still be mapped */
	bool loose;                   /* free, with registers that nobody watches */
	bool need_not_reset;          /* the rule of who has it says so */
	bool lent;                    /* somebody was given VFIO's descriptor of it */
	struct witness witness;       /* from claiming to retiring: who has its registers */
	struct bind_origin origin;    /* where it was before */
	uint32_t mapped;              /* resource.h, since our driver has it */
};

struct device_session;
struct waiter;

/* The open device, for threads that are not on the strand: operate_bar_read(). NULL: it is
 * closed, or about to be. */
struct exposed {
	pthread_mutex_t lock;
	struct kernel_device *opened;
};

/* Virtual functions of a device that can make some (session/bus/virtual.h). */
struct functions {
	bool ours;      /* they were made by us, and are written down */
	bool restore;   /* and end with us */
	bool busy;      /* a job makes or removes them */
	bool settled;   /* nothing is to be done before the policy changes, or its driver */
	char note[128]; /* what keeps them from being as many as the policy says */
};

struct device {
	struct hwb_device facts; /* as on the wire; state and flags filled in on sending */
	char name[16];           /* "0000:00:03.0" */
	uint64_t instance;       /* of the device itself, whatever its address: bind.h */
	struct whereabouts whereabouts;
	char driver[HWB_NAME_SIZE]; /* that it has now: hotplug_knows_drivers() */
	uint64_t told;              /* number of the message that said so; 0: it was read */
	struct group *group;
	struct unit unit;
	struct exposed exposed;
	enum lifecycle_state state;
	bool resets;                    /* sysfs offers a reset */
	bool restore;                   /* rule of the owner: back to the host driver after use */
	uint8_t msix_bars;              /* bit n: BAR n holds MSI-X table or pending bits */
	const void *owner;              /* the connection, from claiming to revoking */
	struct device_session *session; /* the owner's */
	struct waiter *waiters;         /* acquires that wait for the end of a reset */
	uint32_t grace;                 /* rule of the owner: seconds to give it back */
	char reset[POLICY_RESET_SIZE];  /* rule of the owner: how it is brought to rest */
	bool end;                       /* rule of the owner: its process, if it keeps registers */
	enum policy_way way;            /* rule of the owner */
	bool left;                      /* the bus; `gone` once the job in hand has ended */
	bool found;                     /* taken by the daemon before, and not yet looked at */
	struct device_session *held;    /* revoking: the former owner's, whose registers live */
	struct device_session *starved; /* revoking: whose release waits for a descriptor */
	bool overdue;                   /* for so long that nobody waits for it any more */
	bool reclaimed;                 /* free for who had it and kept registers, to be taken */
	bool tried;                     /* free, and giving it back to the host was tried */
	char former[HWB_NAME_SIZE];     /* client that last kept registers, or may: quarantine, */
	uint32_t former_uid;            /* and its user */
	uint16_t functions_max;         /* virtual functions that it can make; 0: none */
	struct functions functions;     /* that it has made */
	bool ending;    /* a virtual one, which its physical function is about to remove */
	int wanted_fd;  /* eventfd by which the kernel asks for it back; -1: no owner */
	int failed_fd;  /* eventfd by which it says that the device has failed; likewise */
	char note[128]; /* why it is quarantined, or held */
};

/* What the policy looks at. */
static inline struct policy_device device_for_policy(const struct device *device)
{
	return (struct policy_device){
		.address = device->facts.address,
		.vendor = device->facts.vendor,
		.device = device->facts.device,
		.subsystem_vendor = device->facts.subsystem_vendor,
		.subsystem_device = device->facts.subsystem_device,
		.class_code = device->facts.class_code,
		.traits = whereabouts_traits(&device->whereabouts),
	};
}

#endif
