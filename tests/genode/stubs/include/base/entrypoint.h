/* SPDX-License-Identifier: MIT */
/* Stands for Genode's base/entrypoint.h: the thread that serves a program's signals. */
#ifndef GENODE_STUB_BASE_ENTRYPOINT_H
#define GENODE_STUB_BASE_ENTRYPOINT_H

#include <base/rpc_server.h>
#include <base/signal.h>

namespace Genode
{

class Entrypoint
{
	Signal_context_capability _manage(Signal_context &, void (*)(Signal_context &));

      public:
	template <typename T> Signal_context_capability stub_manage(Signal_handler<T> &handler)
	{
		return _manage(handler, [](Signal_context &context) {
			static_cast<Signal_handler<T> &>(context).stub_dispatch();
		});
	}

	void stub_dissolve(Signal_context &);

	Rpc_entrypoint &rpc_ep();

	template <typename INTERFACE> Capability<INTERFACE> manage(Rpc_object<INTERFACE> &object)
	{
		return rpc_ep().manage(&object);
	}
};

} // namespace Genode

#endif
