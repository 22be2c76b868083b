/* SPDX-License-Identifier: MIT */
/* Stands for Genode's base/registry.h: all objects of a kind. */
#ifndef GENODE_STUB_BASE_REGISTRY_H
#define GENODE_STUB_BASE_REGISTRY_H

#include <util/noncopyable.h>

namespace Genode
{
template <typename> class Registry;
}

template <typename T> class Genode::Registry : Noncopyable
{
	unsigned _count = 0;

      public:
	Registry()
	{
	}

	class Element : Noncopyable
	{
		Registry &_registry;

	      public:
		Element(Registry &registry, T &) : _registry(registry)
		{
			_registry._count++;
		}
		~Element()
		{
			_registry._count--;
		}
	};

	unsigned stub_count() const
	{
		return _count;
	}
};

#endif
