/* SPDX-License-Identifier: MIT */
/* Stands for Genode's base/affinity.h: on which processor. */
#ifndef GENODE_STUB_BASE_AFFINITY_H
#define GENODE_STUB_BASE_AFFINITY_H

namespace Genode
{

struct Affinity {
	class Location
	{
		int _x = 0, _y = 0;

	      public:
		Location()
		{
		}
		Location(int x, int y) : _x(x), _y(y)
		{
		}

		int xpos() const
		{
			return _x;
		}
		int ypos() const
		{
			return _y;
		}
	};
};

} // namespace Genode

#endif
