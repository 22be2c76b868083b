/* SPDX-License-Identifier: MIT */
/* A component inherits nothing, and may do little. */
#include "checks.h"

#include "check.h"
#include "component.h"
#include "system.h"

#include <signal.h>

static void forbidden(const char *name, long number)
{
	const struct order order = { .kind = ORDER_FORBIDDEN, .value = (uint64_t)number };
	struct component component;
	struct answer answer;

	if (!component_start(&component))
		return;
	bool answered = component_do(&component, &order, NULL, 0, &answer);
	int status = component_end(&component);
	check(!answered && (status & 0x7f) == SIGSYS, name, "it may; wait status 0x%x",
	      (unsigned)status);
}

void check_components(void)
{
	const struct order order = { .kind = ORDER_DESCRIPTORS };
	struct component component;

	if (component_start(&component)) {
		component_check(&component, "a component inherits no descriptor", &order, NULL, 0);
		int status = component_end(&component);
		check(status == 0, "it ends by itself", "wait status 0x%x", (unsigned)status);
	}
	forbidden("it may not ioctl", SYS_ioctl);
	forbidden("it may not make sockets", SYS_socket);
	forbidden("it may not connect", SYS_connect);
	forbidden("it may not pread", SYS_pread64);
	forbidden("it may not pwrite", SYS_pwrite64);
	forbidden("it may not open files", SYS_openat);
}
