/* SPDX-License-Identifier: MIT */
/*
 * What the guest's tests share: the connection of a test, expectations that
 * name the refusal which came instead, devices by their address in the virtual
 * PC, and QEMU's edu device.
 *
 * Check runs each test in a process of its own. guest_open() and guest_close()
 * are its checked fixture; what a test leaves open ends with the connection.
 */
#ifndef HWBROKER_TESTS_GUEST_H
#define HWBROKER_TESTS_GUEST_H

#include "edu.h"
#include "example.h"

#include <check.h>
#include <hwbroker/posix.h>

/* tests/machine/devices.py, in the same order. */
#define DISPLAY "00:02.0"
#define EDU "00:03.0"
#define EDU2 "00:04.0"
#define E1000E "00:05.0"
#define NVME "00:06.0"
#define TESTDEV "00:07.0"
#define IVSHMEM "00:08.0"
#define SDHCI "00:09.0"
#define PAIR0 "01:01.0"
#define PAIR1 "01:02.0"
#define SPARE_DISK "00:0d.0"
#define ROOT_DISK "00:10.0"

enum { PAGE = 4096, HUGE_PAGE = 2 << 20, PATIENCE_MS = 5000 };

/* The test's connection, and what its last refusal said. */
extern struct hwb_client *const guest;
extern struct hwb_error why;

void guest_open(void);
void guest_close(void);
/* A connection of that user, in a suite that runs as root. */
void guest_connect_as(uid_t user, struct hwb_posix *posix, hwb_event_handler on_event);
/* A second connection of the same client; hwb_posix_close() ends it. */
struct hwb_client *guest_connect(struct hwb_posix *posix);

/* Status of a call's result: HWB_OK, a refusal, or -1 for a dead connection.
 * Fails the test if a refusal has no sentence. */
int guest_status(int result);
const char *guest_status_name(int status);

/* The call must end in this way. */
#define want(wanted, call)                                                                      \
	do {                                                                                    \
		int want_status = guest_status(call);                                           \
		ck_assert_msg(want_status == (int)(wanted), "%s: %s instead of %s: %s", #call,  \
		              guest_status_name(want_status), guest_status_name((int)(wanted)), \
		              want_status == 0 ? "" : why.reason);                              \
	} while (0)

struct hwb_pci_address guest_address(const char *text);
/* With `request` less its address; the result of hwb_device_acquire(). */
int guest_try(struct hwb_client *client, const char *address,
              const struct hwb_acquire_request *request, struct example_device *device);
/* The same on the test's connection, and it must work. */
void guest_take(const char *address, const struct hwb_acquire_request *request,
                struct example_device *device);
/* With BAR `bar` mapped. */
volatile void *guest_take_bar(const char *address, uint32_t bar, struct example_device *device);
volatile void *guest_map(const struct hwb_region *region, int fd);
/* Unmaps its registers and closes their descriptors, without which no device becomes free;
 * and closes the device as well. */
void guest_let_go(struct example_device *device);
void guest_give_back(struct example_device *device);
void guest_release(uint32_t handle);

/* A domain on the test's connection; memory in it that the device may read and write. */
uint32_t guest_domain(void);
void guest_alloc(uint32_t domain, uint64_t size, struct example_memory *memory);
/* Memory of the test's own, sealed so that the broker takes it. */
int guest_memfd(uint64_t size, unsigned flags, int seals);

/* Waits until the broker says that this device is in that state; or says so to this client,
 * to whom the policy gives it, within that time. */
void guest_wait_state(const char *address, uint32_t state);
void guest_wait_state_of(struct hwb_client *client, const char *address, uint32_t state,
                         int patience_ms);
uint32_t guest_state(struct hwb_client *client, const char *address);
/* Whether the device may reach memory, by its command register in sysfs. */
bool guest_bus_master(const char *address);
void guest_wait_driver(const char *address, const char *wanted);
bool guest_remaps_interrupts(void);
bool guest_has_iommu(void);
/* Without it (backend sysfs-uio) there is INTx alone, and what VFIO has beside BARs is not there.
 */
bool guest_has_vfio(void);
/* What has a device that is with the broker. */
const char *guest_broker_driver(void);
/* Whether two devices behind one bridge are a group from the start; not shown on arm64, and
 * without an IOMMU there are no groups. */
bool guest_has_pair(void);
/* Has the suite's runner do what needs root, such as "policy NAME": `serve_tests' in run. */
void guest_ask_runner(const char *action);
void guest_pause(int milliseconds);
int guest_open_fds(void);

/* ---- edu ---- */

bool edu_alive(volatile void *edu);
/* Copies EDU_TRANSFER bytes between its buffer and memory, without interrupts. */
void edu_fetch(volatile void *edu, uint64_t iova);
void edu_store(volatile void *edu, uint64_t iova);
/* Whether the device reads and writes the EDU_TRANSFER bytes at `iova`, which
 * are mapped at `memory`. */
bool edu_reads(volatile void *edu, uint64_t iova, void *memory, struct example_memory *scratch);
bool edu_writes(volatile void *edu, uint64_t iova, void *memory);

/* Runs the suite with every test reported; the program's exit status. */
int guest_run(Suite *suite);
/* A case with the fixture and a time-out for an emulated machine. */
TCase *guest_case(Suite *suite, const char *name);

#endif
