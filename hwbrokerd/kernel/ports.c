/* SPDX-License-Identifier: MIT */
#include "kernel/ports.h"

#if defined(__x86_64__) || defined(__i386__)

#include <errno.h>
#include <sys/io.h>

int ports_permit(uint32_t base, uint32_t count, bool on, struct fault *fault)
{
	if (ioperm(base, count, on) == 0)
		return 0;
	return fault_errno(fault, errno,
	                   errno == EPERM ? "the kernel refuses ports 0x%x-0x%x (locked down by "
	                                    "Secure Boot, or no CAP_SYS_RAWIO)"
	                                  : "cannot open ports 0x%x-0x%x",
	                   base, base + count - 1);
}

uint32_t ports_in(uint16_t port, uint32_t width)
{
	switch (width) {
	case 1:
		return inb(port);
	case 2:
		return inw(port);
	default:
		return inl(port);
	}
}

void ports_out(uint16_t port, uint32_t width, uint32_t value)
{
	switch (width) {
	case 1:
		outb((uint8_t)value, port);
		break;
	case 2:
		outw((uint16_t)value, port);
		break;
	default:
		outl(value, port);
		break;
	}
}

#else

int ports_permit(uint32_t base, uint32_t count, bool on, struct fault *fault)
{
	(void)on;
	return fault_set(fault, HWB_UNSUPPORTED, "ports 0x%x-0x%x: this machine has no I/O ports",
	                 base, base + count - 1);
}

uint32_t ports_in(uint16_t port, uint32_t width)
{
	(void)port;
	(void)width;
	return UINT32_MAX;
}

void ports_out(uint16_t port, uint32_t width, uint32_t value)
{
	(void)port;
	(void)width;
	(void)value;
}

#endif
