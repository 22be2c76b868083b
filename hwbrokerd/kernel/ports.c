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

static void run_one(struct hwb_port_op *op)
{
	bool in = op->action == HWB_PORT_IN;

	switch (op->width) {
	case 1:
		if (in)
			op->value = inb(op->port);
		else
			outb((uint8_t)op->value, op->port);
		break;
	case 2:
		if (in)
			op->value = inw(op->port);
		else
			outw((uint16_t)op->value, op->port);
		break;
	default:
		if (in)
			op->value = inl(op->port);
		else
			outl(op->value, op->port);
		break;
	}
}

void ports_run(struct hwb_port_op *ops, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		run_one(&ops[i]);
}

#else

int ports_permit(uint32_t base, uint32_t count, bool on, struct fault *fault)
{
	(void)on;
	return fault_set(fault, HWB_UNSUPPORTED,
	                 "ports 0x%x-0x%x: only x86 machines have legacy ports", base,
	                 base + count - 1);
}

void ports_run(struct hwb_port_op *ops, uint32_t count)
{
	(void)ops;
	(void)count;
}

#endif
