/* SPDX-License-Identifier: MIT */
/* Stands for Genode's util/list.h: a list of what is derived from its element. */
#ifndef GENODE_STUB_UTIL_LIST_H
#define GENODE_STUB_UTIL_LIST_H

namespace Genode
{
template <typename> class List;
}

template <typename T> class Genode::List
{
      public:
	class Element
	{
		T *_next = nullptr;

		Element(Element const &);
		Element &operator=(Element const &);

	      public:
		Element()
		{
		}

		T *next() const
		{
			return _next;
		}
	};
};

#endif
