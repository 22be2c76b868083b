/* SPDX-License-Identifier: MIT */
/* A session that may be refused, which Genode's Connection cannot: tests ask for such. */
#ifndef _INCLUDE__HWB__SESSION_ATTEMPT_H_
#define _INCLUDE__HWB__SESSION_ATTEMPT_H_

#include <base/env.h>
#include <util/string.h>

namespace Hwb {

	enum class Result { DENIED, QUOTA, EMPTY, GIVEN };

	struct Session_attempt;
}


struct Hwb::Session_attempt : Genode::Noncopyable
{
	using Client = Genode::Parent::Client;
	using Args   = Genode::String<200>;

	Genode::Env                        &_env;
	Client                              _client { };
	Genode::Id_space<Client>::Element const _id { _client, _env.id_space() };
	Genode::Session_capability          _cap    { };
	Result                              _result { Result::DENIED };

	Session_attempt(Genode::Env &env, char const *service, Args const &args,
	                char const *quota = "ram_quota=32K, cap_quota=12")
	: _env(env)
	{
		Args const all(quota, ", ", args);
		env.try_session(service, _id.id(), all.string(), Genode::Affinity()).with_result(
			[&] (Genode::Session_capability cap) { _cap = cap; _result = Result::GIVEN; },
			[&] (Genode::Session_error e) {
				_result = e == Genode::Session_error::DENIED ? Result::DENIED : Result::QUOTA; });
	}

	~Session_attempt() { if (_cap.valid()) _env.close(_id.id()); }
};

#endif /* _INCLUDE__HWB__SESSION_ATTEMPT_H_ */
