/* SPDX-License-Identifier: MIT */
/* Stands for Genode's core_service.h: a service of core's. */
#ifndef GENODE_STUB_CORE_SERVICE_H
#define GENODE_STUB_CORE_SERVICE_H

#include <base/service.h>
#include <types.h>

namespace Core
{

template <typename SESSION> struct Core_service : Local_service<SESSION> {
	Registry<Service>::Element _element;

	Core_service(Registry<Service> &registry, typename Local_service<SESSION>::Factory &factory)
	    : Local_service<SESSION>(factory), _element(registry, *this)
	{
	}
};

} // namespace Core

#endif
