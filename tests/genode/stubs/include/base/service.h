/* SPDX-License-Identifier: MIT */
/* Stands for Genode's base/service.h: services of a program. */
#ifndef GENODE_STUB_BASE_SERVICE_H
#define GENODE_STUB_BASE_SERVICE_H

#include <base/affinity.h>
#include <base/error.h>
#include <base/log.h>
#include <base/registry.h>
#include <util/attempt.h>
#include <util/interface.h>
#include <util/string.h>

namespace Genode
{

class Service;
template <typename> class Local_service;

} // namespace Genode

class Genode::Service : public Interface
{
};

template <typename SESSION> class Genode::Local_service : public Service
{
      public:
	struct Factory : Interface {
		using Args = String<256>;
		using Result = Unique_attempt<SESSION &, Session_error>;

		virtual Result create(Args const &, Affinity) = 0;
		virtual void destroy(SESSION &) = 0;
	};

	Local_service(Factory &factory) : stub_factory(factory)
	{
	}

	Factory &stub_factory;
};

#endif
