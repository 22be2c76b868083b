/* SPDX-License-Identifier: MIT */
/* Stands for Genode's session/session.h: base of the services' interfaces. */
#ifndef GENODE_STUB_SESSION_SESSION_H
#define GENODE_STUB_SESSION_SESSION_H

#include <base/quota_guard.h>
#include <base/rpc.h>
#include <base/session_label.h>
#include <util/arg_string.h>

namespace Genode
{

struct Session {
	using Label = Session_label;

	virtual ~Session()
	{
	}
};

using Session_capability = Capability<Session>;

} // namespace Genode

#endif
