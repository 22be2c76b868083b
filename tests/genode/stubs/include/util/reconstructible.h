/* SPDX-License-Identifier: MIT */
/* Stands for Genode's util/reconstructible.h: a member that comes and goes. */
#ifndef GENODE_STUB_UTIL_RECONSTRUCTIBLE_H
#define GENODE_STUB_UTIL_RECONSTRUCTIBLE_H

#include <base/stdint.h>
#include <util/noncopyable.h>

namespace Genode
{

struct Stub_place {
	void *at;
};

template <typename> class Constructible;

} // namespace Genode

inline void *operator new(__SIZE_TYPE__, Genode::Stub_place place)
{
	return place.at;
}
inline void operator delete(void *, Genode::Stub_place)
{
}

template <typename T> class Genode::Constructible : Noncopyable
{
	alignas(alignof(T)) char _memory[sizeof(T)]{};
	bool _there = false;

	T *_object()
	{
		return reinterpret_cast<T *>(_memory);
	}

      public:
	Constructible()
	{
	}
	~Constructible()
	{
		destruct();
	}

	void construct(auto &&...args)
	{
		destruct();
		new (Stub_place{ _memory }) T(args...);
		_there = true;
	}

	void destruct()
	{
		if (_there)
			_object()->~T();
		_there = false;
	}

	bool constructed() const
	{
		return _there;
	}

	T *operator->()
	{
		return _object();
	}
	T &operator*()
	{
		return *_object();
	}
};

#endif
