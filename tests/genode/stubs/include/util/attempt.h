/* SPDX-License-Identifier: MIT */
/* Stands for Genode's util/attempt.h: a result or an error, which must not be dropped. */
#ifndef GENODE_STUB_UTIL_ATTEMPT_H
#define GENODE_STUB_UTIL_ATTEMPT_H

#include <util/noncopyable.h>

namespace Genode
{

template <typename, typename> class Attempt;
template <typename, typename> class Unique_attempt;

struct Ok {
};

} // namespace Genode

template <typename RESULT, typename ERROR> class [[nodiscard]] Genode::Attempt
{
	bool _ok;
	RESULT _result{};
	ERROR _error{};

      public:
	Attempt(RESULT result) : _ok(true), _result(result)
	{
	}
	Attempt(ERROR error) : _ok(false), _error(error)
	{
	}

	template <typename RET> RET convert(auto const &good, auto const &bad) const
	{
		return _ok ? RET{ good(_result) } : RET{ bad(_error) };
	}

	void with_result(auto const &good, auto const &bad) const
	{
		if (_ok)
			good(_result);
		else
			bad(_error);
	}

	[[nodiscard]] bool ok() const
	{
		return _ok;
	}
	[[nodiscard]] bool failed() const
	{
		return !_ok;
	}
};

/* Of an object elsewhere, which is the only use that the overlay has for it. */
template <typename RESULT, typename ERROR>
class [[nodiscard]] Genode::Unique_attempt<RESULT &, ERROR>
{
	Unique_attempt(Unique_attempt const &) = delete;
	Unique_attempt &operator=(Unique_attempt const &) = delete;

	RESULT *_result = nullptr;
	ERROR _error{};

      public:
	Unique_attempt(RESULT &result) : _result(&result)
	{
	}
	Unique_attempt(ERROR error) : _error(error)
	{
	}

	template <typename RET> RET convert(auto const &good, auto const &bad) const
	{
		return _result ? RET{ good(*_result) } : RET{ bad(_error) };
	}

	[[nodiscard]] bool ok() const
	{
		return _result != nullptr;
	}
	[[nodiscard]] bool failed() const
	{
		return _result == nullptr;
	}
};

#endif
