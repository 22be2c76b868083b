// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * A UIO driver for an interrupt line of the ISA bus, for tests: what uio_pdrv_genirq is for a
 * line that firmware or board code names. Masks the line at each interrupt, and unmasks it when
 * its reader writes 1. Loaded as `insmod isa_line.ko line=1`; needs the module uio.
 */
#include <linux/interrupt.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/uio_driver.h>

static int line = 1;
module_param(line, int, 0444);

static struct platform_device *parent;
static unsigned long masked;

static irqreturn_t handle(int irq, struct uio_info *info)
{
	if (!test_and_set_bit(0, &masked))
		disable_irq_nosync(irq);
	return IRQ_HANDLED;
}

static int control(struct uio_info *info, s32 on)
{
	if (on) {
		if (test_and_clear_bit(0, &masked))
			enable_irq(info->irq);
	} else if (!test_and_set_bit(0, &masked)) {
		disable_irq(info->irq);
	}
	return 0;
}

static struct uio_info info = {
	.name = "isa-line",
	.version = "1",
	.handler = handle,
	.irqcontrol = control,
};

static int appear(void)
{
	masked = 0;
	info.irq = line;
	return uio_register_device(&parent->dev, &info);
}

/* Written as 0: the device leaves, even if somebody has it open. */
static bool present;

static int set_present(const char *value, const struct kernel_param *param)
{
	bool was = present;
	int result = param_set_bool(value, param);

	if (result == 0 && was && !present)
		uio_unregister_device(&info);
	if (result == 0 && !was && present)
		result = appear();
	return result;
}

static const struct kernel_param_ops present_ops = { .set = set_present, .get = param_get_bool };
module_param_cb(present, &present_ops, &present, 0644);

static int __init start(void)
{
	int result;

	parent = platform_device_register_simple("isa-line", PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(parent))
		return PTR_ERR(parent);
	result = appear();
	if (result != 0)
		platform_device_unregister(parent);
	present = result == 0;
	return result;
}

static void __exit stop(void)
{
	if (present)
		uio_unregister_device(&info);
	platform_device_unregister(parent);
}

module_init(start);
module_exit(stop);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("Interrupt line of the ISA bus as a UIO device");
