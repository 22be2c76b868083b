/* SPDX-License-Identifier: MIT */
/* Stands for Genode's base/cache.h: how memory is cached. */
#ifndef GENODE_STUB_BASE_CACHE_H
#define GENODE_STUB_BASE_CACHE_H

namespace Genode
{

enum Cache { UNCACHED, WRITE_COMBINED, CACHED };

}

#endif
