/* SPDX-License-Identifier: MIT */
/* Stands for Genode's util/arg_string.h: a session's arguments, name=value, ... */
#ifndef GENODE_STUB_UTIL_ARG_STRING_H
#define GENODE_STUB_UTIL_ARG_STRING_H

#include <util/string.h>

namespace Genode
{

class Arg;

struct Arg_string {
	/* the argument of this name, or one that is not valid */
	static Arg find_arg(char const *args, char const *name);
};

} // namespace Genode

class Genode::Arg
{
	char const *_value; /* behind the equals sign */

      public:
	explicit Arg(char const *value) : _value(value)
	{
	}

	bool valid() const
	{
		return _value != nullptr;
	}

	unsigned long ulong_value(unsigned long otherwise) const;
	unsigned long long ulonglong_value(unsigned long long otherwise) const;
	long long_value(long otherwise) const;
	bool bool_value(bool otherwise) const;
	void string(char *to, size_t size, char const *otherwise) const;
};

#endif
