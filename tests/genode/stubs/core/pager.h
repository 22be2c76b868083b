/* SPDX-License-Identifier: MIT */
/* Stands for Genode's pager.h: page faults. */
#ifndef GENODE_STUB_PAGER_H
#define GENODE_STUB_PAGER_H

#include <base/rpc_server.h>
#include <base/signal.h>
#include <types.h>

namespace Core
{

struct Pager_object {
	virtual ~Pager_object()
	{
	}
};

} // namespace Core

#endif
