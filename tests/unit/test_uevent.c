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

int main(void)
{
	Suite *suite = suite_create("uevent");
	TCase *tests = tcase_create("uevent");

	tcase_add_test(tests, messages);
	tcase_add_test(tests, a_message_without_its_end);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
