/* SPDX-License-Identifier: MIT */
/* Which of the kernel's messages are about PCI functions that come and go. */
#include "kernel/uevent.h"

#include <check.h>
#include <stdlib.h>

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

int main(void)
{
	Suite *suite = suite_create("uevent");
	TCase *tests = tcase_create("uevent");

	tcase_add_test(tests, messages);
	tcase_add_test(tests, a_message_without_its_end);
	tcase_add_test(tests, drivers);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
