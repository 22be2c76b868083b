/* SPDX-License-Identifier: MIT */
/* Stands for Genode's base/env.h: what a program is given. */
#ifndef GENODE_STUB_BASE_ENV_H
#define GENODE_STUB_BASE_ENV_H

#include <base/entrypoint.h>
#include <base/error.h>
#include <base/local.h>
#include <base/ram_allocator.h>
#include <cpu_session/cpu_session.h>
#include <parent/parent.h>
#include <pd_session/pd_session.h>
#include <session/session.h>
#include <util/attempt.h>

namespace Genode
{
struct Env;
}

struct Genode::Env : Interface {
	using Local_rm = Local::Constrained_region_map;

	virtual Parent &parent() = 0;
	virtual Local_rm &rm() = 0;
	virtual Ram_allocator &ram() = 0;
	virtual Entrypoint &ep() = 0;
	virtual Pd_session_capability pd_session_cap() = 0;
	virtual Pd_session &pd() = 0;
	virtual Runtime &runtime() = 0;

	using Session_result = Attempt<Capability<Session>, Session_error>;

	/* for programs that are only compiled */
	Id_space<Parent::Client> &id_space();
	Session_result try_session(char const *service, Parent::Client::Id, char const *args,
	                           Affinity const &);
	void close(Parent::Client::Id);
};

#endif
