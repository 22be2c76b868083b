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
	enum { MAX = 16 };

	T *_objects[MAX]{};

	Registry(Registry const &);
	Registry &operator=(Registry const &);

      public:
	Registry()
	{
	}

	class Element : Noncopyable
	{
		T **_place;

		Element(Element const &);
		Element &operator=(Element const &);

	      public:
		Element(Registry &registry, T &object) : _place(registry._objects)
		{
			while (*_place)
				_place++;
			*_place = &object;
		}

		~Element()
		{
			*_place = nullptr;
		}
	};

	void for_each(auto const &fn) const
	{
		for (T *object : _objects)
			if (object)
				fn(*object);
	}
};

#endif
