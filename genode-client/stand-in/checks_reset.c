/* SPDX-License-Identifier: MIT */
/* A device that is being reset stalls nobody but who wants it; an event tells its end. */
#include "checks.h"

#include "broker.h"
#include "check.h"
#include "lock.h"
#include "print.h"
#include "session.h"

struct meanwhile {
	struct device *device;
	unsigned answered; /* while the device was on its way */
	int result;
};

static void acquire_and_ping(void *context)
{
	struct meanwhile *meanwhile = context;

	device_acquire(meanwhile->device, 0);
	do {
		meanwhile->result = hwb_ping(broker(), NULL);
		if (device_state(meanwhile->device) == DEVICE_ACQUIRING)
			meanwhile->answered++;
	} while (meanwhile->result == 0 && device_state(meanwhile->device) == DEVICE_ACQUIRING);
}

static void close_it(void *device)
{
	device_close(device);
}

static void acquire(struct device *disk, const char *name, const char *pinged)
{
	struct meanwhile meanwhile = { .device = disk };

	on(&main_ep, acquire_and_ping, &meanwhile);
	device_wait_open(disk);
	check_result(disk->result, &disk->error, name);
	check(meanwhile.result == 0 && meanwhile.answered > 0, pinged, "%u answers, last: %d",
	      meanwhile.answered, meanwhile.result);
	print("# %u requests were answered on main meanwhile", meanwhile.answered);
}

void check_reset(void)
{
	struct device *disk = demand(VENDOR_REDHAT, NVME, 0, "an NVMe disk is there");

	if (disk == NULL)
		return;
	acquire(disk, "the disk is acquired without a wait",
	        "main is answered while the disk is acquired");
	on(&main_ep, close_it, disk);
	check(device_state(disk) == DEVICE_CLOSING, "to close it is no wait either",
	      "main waited for its reset");
	check(device_wait_closed(disk), "an event tells when it is free", "quarantined");
	acquire(disk, "it is acquired once more", "main is answered meanwhile");
	give_back(disk, "it is free again");
}

void check_policy(void)
{
	uint32_t before = __atomic_load_n(broker_policies(), __ATOMIC_ACQUIRE);

	print("waiting for another policy");
	futex_wait(broker_policies(), before);
	check(__atomic_load_n(broker_policies(), __ATOMIC_ACQUIRE) != before,
	      "an event tells of another policy", "woken without one");
}
