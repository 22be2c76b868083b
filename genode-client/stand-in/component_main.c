/* SPDX-License-Identifier: MIT */
/* The component's side: takes orders until core lets go of it. */
#include "drive.h"

#include "print.h"
#include "system.h"
#include "transport.h"

#include <fcntl.h>
#include <sys/epoll.h>

enum { DESCRIPTORS_MAX = 1024 };

static int inherited = -1;

/* Core has all of its descriptors close-on-exec, or this is one of its own. */
static void find_inherited(void)
{
	for (int fd = COMPONENT_SOCKET + 1; fd < DESCRIPTORS_MAX && inherited < 0; fd++)
		if (system3(SYS_fcntl, fd, F_GETFD, 0) >= 0)
			inherited = fd;
}

static const char *tell_inherited(const struct order *order, const int *fds)
{
	static char why[64];

	(void)order;
	(void)fds;
	if (inherited < 0)
		return NULL;
	format(why, sizeof(why), "descriptor %d was inherited", inherited);
	return why;
}

static const char *do_forbidden(const struct order *order, const int *fds)
{
	(void)fds;
	system6((long)order->value, 0, 0, 0, 0, 0, 0);
	return "the filter allows it";
}

static const driver drivers[] = {
	[ORDER_DESCRIPTORS] = tell_inherited, [ORDER_REGISTERS] = edu_registers,
	[ORDER_MEMORY] = memory_holds,        [ORDER_DMA] = edu_dma,
	[ORDER_DMA_FOREVER] = edu_dma,        [ORDER_DMA_NOWHERE] = edu_dma_nowhere,
	[ORDER_INTERRUPTS] = edu_interrupts,  [ORDER_NO_INTERRUPT] = edu_no_interrupt,
	[ORDER_LINK] = e1000e_link,           [ORDER_FORBIDDEN] = do_forbidden,
};

void drive_pause(long milliseconds)
{
	const struct {
		long seconds, nanoseconds;
	} pause = { milliseconds / 1000, milliseconds % 1000 * 1000000 };

	system3(SYS_nanosleep, at(&pause), 0, 0);
}

uint64_t drive_wait(int fd, int milliseconds)
{
	struct epoll_event event = { .events = EPOLLIN };
	uint64_t count = 0;
	int epoll = (int)system3(SYS_epoll_create1, EPOLL_CLOEXEC, 0, 0);

	system4(SYS_epoll_ctl, epoll, EPOLL_CTL_ADD, fd, at(&event));
	system6(SYS_epoll_pwait, epoll, at(&event), 1, milliseconds, 0, sizeof(long));
	if (system3(SYS_read, fd, at(&count), sizeof(count)) != sizeof(count))
		count = 0;
	system_close(epoll);
	return count;
}

static bool tell(const char *why)
{
	struct answer answer = { .good = why == NULL };

	if (why != NULL)
		format(answer.why, sizeof(answer.why), "%s", why);
	return packet_send(COMPONENT_SOCKET, &answer, sizeof(answer), NULL, 0) == 0;
}

static bool carry_out(const struct order *order, const int *fds)
{
	if (order->kind >= sizeof(drivers) / sizeof(drivers[0]))
		return tell("there is no such order");
	const char *why = drivers[order->kind](order, fds);
	bool told = tell(why);
	while (order->kind == ORDER_DMA_FOREVER && why == NULL)
		why = drivers[order->kind](order, fds);
	return told;
}

int component_main(void)
{
	struct order order;
	int fds[HWB_FDS_MAX];
	uint32_t fd_count = 0;
	bool going_on = true;

	find_inherited();
	if (!filter_install())
		return 1;
	while (going_on && packet_receive(COMPONENT_SOCKET, &order, sizeof(order), fds, &fd_count,
	                                  0) == sizeof(order)) {
		for (uint32_t i = fd_count; i < HWB_FDS_MAX; i++)
			fds[i] = -1;
		going_on = carry_out(&order, fds);
		while (fd_count > 0)
			system_close(fds[--fd_count]);
	}
	return 0;
}
