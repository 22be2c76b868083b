/* SPDX-License-Identifier: MIT */
/* Which of the kernel's messages are about PCI functions that come and go. */
#include "kernel/uevent.h"

#include "suite.h"

#include <check.h>
#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define MESSAGE(text) text, sizeof(text)

START_TEST(messages)
{
	ck_assert(uevent_concerns_pci(MESSAGE("add@/devices/pci0000:00/0000:00:03.0\0ACTION=add\0"
	                                      "SUBSYSTEM=pci\0PCI_SLOT_NAME=0000:00:03.0")));
	ck_assert(uevent_concerns_pci(MESSAGE("remove@/x\0SUBSYSTEM=pci\0ACTION=remove")));
	ck_assert(!uevent_concerns_pci(MESSAGE("bind@/x\0ACTION=bind\0SUBSYSTEM=pci")));
	ck_assert(!uevent_concerns_pci(MESSAGE("add@/x\0ACTION=add\0SUBSYSTEM=pci_bus")));
	ck_assert(!uevent_concerns_pci(MESSAGE("add@/x\0ACTION=add\0SUBSYSTEM=net")));
	ck_assert(!uevent_concerns_pci(MESSAGE("add@/x\0XACTION=add\0SUBSYSTEM=pci")));
	ck_assert(!uevent_concerns_pci("", 0));
	ck_assert(!uevent_concerns_pci(MESSAGE("")));
}
END_TEST

/* One that was cut off cannot be judged by what is left of it. */
START_TEST(a_message_without_its_end)
{
	static const char whole[] = "add@/x\0ACTION=add\0SUBSYSTEM=pci";

	ck_assert(uevent_concerns_pci(whole, sizeof(whole)));
	for (size_t length = 0; length < sizeof(whole); length++)
		ck_assert(!uevent_concerns_pci(whole, length));
}
END_TEST

START_TEST(drivers)
{
	struct uevent_driver change;

	ck_assert(uevent_of_driver(MESSAGE("bind@/x\0ACTION=bind\0SUBSYSTEM=pci\0DRIVER=e1000e\0"
	                                   "PCI_SLOT_NAME=0001:03:1f.7"),
	                           &change));
	ck_assert_str_eq(change.driver, "e1000e");
	ck_assert_uint_eq(change.address.domain, 1);
	ck_assert_uint_eq(change.address.bus, 3);
	ck_assert_uint_eq(change.address.device, 31);
	ck_assert_uint_eq(change.address.function, 7);
	ck_assert(uevent_of_driver(MESSAGE("unbind@/x\0ACTION=unbind\0SUBSYSTEM=pci\0DRIVER=x\0"
	                                   "PCI_SLOT_NAME=0000:03:00.0"),
	                           &change));
	ck_assert_str_eq(change.driver, "");
	ck_assert(!uevent_of_driver(MESSAGE("bind@/x\0ACTION=bind\0SUBSYSTEM=pci\0"
	                                    "PCI_SLOT_NAME=0000:03:00.0"),
	                            &change));
	ck_assert(!uevent_of_driver(MESSAGE("bind@/x\0ACTION=bind\0SUBSYSTEM=pci\0DRIVER=x"),
	                            &change));
	ck_assert(!uevent_of_driver(MESSAGE("bind@/x\0ACTION=bind\0SUBSYSTEM=usb\0DRIVER=x\0"
	                                    "PCI_SLOT_NAME=0000:03:00.0"),
	                            &change));
	ck_assert(!uevent_of_driver(MESSAGE("bind@/x\0ACTION=bind\0SUBSYSTEM=pci\0DRIVER=x\0"
	                                    "PCI_SLOT_NAME=0000:03:20.0"),
	                            &change));
	ck_assert(!uevent_of_driver(MESSAGE("add@/x\0ACTION=add\0SUBSYSTEM=pci\0DRIVER=x\0"
	                                    "PCI_SLOT_NAME=0000:03:00.0"),
	                            &change));
}
END_TEST

/* ---- taking them off ---- */

static const struct said {
	int error; /* instead of a message */
	unsigned sender;
	const char *text;
	size_t length;
} * queue;

static unsigned changes;

ssize_t __wrap_recvfrom(int fd, void *buffer, size_t size, int flags, struct sockaddr *from,
                        socklen_t *from_size);

ssize_t __wrap_recvfrom(int fd, void *buffer, size_t size, int flags, struct sockaddr *from,
                        socklen_t *from_size)
{
	const struct said *next = queue++;

	ck_assert_int_eq(fd, 7);
	ck_assert_int_ne(flags & MSG_DONTWAIT, 0);
	ck_assert_uint_ge(*from_size, sizeof(struct sockaddr_nl));
	ck_assert_uint_ge(size, next->length);
	errno = next->error;
	if (next->error != 0)
		return -1;
	memcpy(buffer, next->text, next->length);
	memcpy(from, &(struct sockaddr_nl){ .nl_pid = next->sender }, sizeof(struct sockaddr_nl));
	return (ssize_t)next->length;
}

static void count_change(void *context, const struct uevent_driver *change)
{
	ck_assert_ptr_eq(context, &changes);
	ck_assert_str_eq(change->driver, "igb");
	changes++;
}

#define BIND MESSAGE("bind@/x\0ACTION=bind\0SUBSYSTEM=pci\0DRIVER=igb\0PCI_SLOT_NAME=0000:03:00.0")
#define ADD MESSAGE("add@/x\0ACTION=add\0SUBSYSTEM=pci")

static unsigned drain(const struct said *all)
{
	queue = all;
	changes = 0;
	return uevent_drain(7, count_change, &changes);
}

START_TEST(what_was_said)
{
	ck_assert_uint_eq(drain((struct said[]){ { EAGAIN, 0, NULL, 0 } }), 0);
	ck_assert_uint_eq(drain((struct said[]){ { 0, 0, BIND }, { EAGAIN, 0, NULL, 0 } }), 0);
	ck_assert_uint_eq(changes, 1);
	ck_assert_uint_eq(drain((struct said[]){
	                          { 0, 0, ADD }, { EINTR, 0, NULL, 0 }, { EAGAIN, 0, NULL, 0 } }),
	                  UEVENT_MOVED);
	/* By a program, and not the kernel. */
	ck_assert_uint_eq(
	        drain((struct said[]){ { 0, 9, BIND }, { 0, 9, ADD }, { EAGAIN, 0, NULL, 0 } }), 0);
	ck_assert_uint_eq(changes, 0);
}
END_TEST

/* What is there is told all the same. */
START_TEST(what_was_lost)
{
	ck_assert_uint_eq(drain((struct said[]){ { ENOBUFS, 0, NULL, 0 }, { EAGAIN, 0, NULL, 0 } }),
	                  UEVENT_LOST);
	ck_assert_uint_eq(drain((struct said[]){ { ENOBUFS, 0, NULL, 0 },
	                                         { 0, 0, BIND },
	                                         { 0, 0, ADD },
	                                         { EAGAIN, 0, NULL, 0 } }),
	                  UEVENT_LOST | UEVENT_MOVED);
	ck_assert_uint_eq(changes, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("uevent");
	TCase *tests = tcase_create("uevent");

	tcase_add_test(tests, messages);
	tcase_add_test(tests, a_message_without_its_end);
	tcase_add_test(tests, drivers);
	tcase_add_test(tests, what_was_said);
	tcase_add_test(tests, what_was_lost);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
