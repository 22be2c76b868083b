/* SPDX-License-Identifier: MIT */
/* Stands for Genode's util/id_space.h: numbers for objects. */
#ifndef GENODE_STUB_UTIL_ID_SPACE_H
#define GENODE_STUB_UTIL_ID_SPACE_H

#include <util/noncopyable.h>

namespace Genode
{
template <typename T> struct Id_space;
}

template <typename T> struct Genode::Id_space : Noncopyable {
	struct Id {
		unsigned long value;
	};

	struct Element : Noncopyable {
		Element(T &, Id_space &)
		{
		}

		Id id() const
		{
			return {};
		}
	};
};

#endif
