/* SPDX-License-Identifier: MIT */
/* Domains that confine nothing, and the table of the backend without VFIO and IOMMU. */
#include "kernel/bare/bare.h"

#include "kernel/memory/pinned_domain.h"
#include "util/our_driver.h"

#include <stdlib.h>

static int domain_new(struct kernel_domain **domain, struct fault *fault)
{
	struct kernel_domain *made = calloc(1, sizeof(*made));

	if (made == NULL)
		return fault_set(fault, HWB_NO_MEMORY, "no memory for a DMA domain");
	pinned_init(&made->memory);
	pthread_mutex_init(&made->lock, NULL);
	*domain = made;
	return 0;
}

static void destroy(struct kernel_domain *domain)
{
	pinned_end(&domain->memory);
	pthread_mutex_destroy(&domain->lock);
	free(domain);
}

static void domain_free(struct kernel_domain *domain)
{
	pinned_release_all(&domain->memory);
	pthread_mutex_lock(&domain->lock);
	domain->abandoned = true;
	bool unused = domain->devices == 0;
	pthread_mutex_unlock(&domain->lock);
	if (unused)
		destroy(domain);
}

void bare_domain_enter(struct kernel_domain *domain)
{
	pthread_mutex_lock(&domain->lock);
	domain->devices++;
	pthread_mutex_unlock(&domain->lock);
}

void bare_domain_leave(struct kernel_domain *domain)
{
	pthread_mutex_lock(&domain->lock);
	bool unused = --domain->devices == 0 && domain->abandoned;
	pthread_mutex_unlock(&domain->lock);
	if (unused)
		destroy(domain);
}

const struct kernel_backend kernel_bare = {
	.name = "sysfs-uio",
	.driver = OUR_DRIVER_BARE,
	PINNED_DOMAINS,
	.intx_only = true,
	.lasting = true,
	.unasked = true,
	.domain_new = domain_new,
	.domain_free = domain_free,
	.open = bare_open,
	.resets = bare_resets,
	.rest = bare_rest,
	.take_registers = bare_take_registers,
	.close = bare_close,
	.set_bus_master = bare_set_bus_master,
	.irq_enable = bare_irq_enable,
	.irq_disable = bare_irq_disable,
	.irq_unmask = bare_irq_unmask,
	.config_read = bare_config_read,
	.config_write = bare_config_write,
};
