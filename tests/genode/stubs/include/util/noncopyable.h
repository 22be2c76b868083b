/* SPDX-License-Identifier: MIT */
/* Stands for Genode's util/noncopyable.h: base of what has an identity. */
#ifndef GENODE_STUB_UTIL_NONCOPYABLE_H
#define GENODE_STUB_UTIL_NONCOPYABLE_H

namespace Genode
{
class Noncopyable;
}

class Genode::Noncopyable
{
	Noncopyable(Noncopyable const &) = delete;
	Noncopyable &operator=(Noncopyable const &) = delete;

      protected:
	Noncopyable()
	{
	}
	~Noncopyable()
	{
	}
};

#endif
