/* SPDX-License-Identifier: MIT */
/* Stands for Genode's base/heap.h: memory for objects, out of dataspaces. */
#ifndef GENODE_STUB_BASE_HEAP_H
#define GENODE_STUB_BASE_HEAP_H

#include <base/allocator.h>
#include <base/local.h>
#include <util/reconstructible.h>

namespace Genode
{

struct Heap : Allocator {
	Heap(Ram_allocator &, Local::Constrained_region_map &);

	void *stub_alloc(size_t) override;
	void free(void *, size_t) override;
};

struct Sliced_heap : Allocator {
	Sliced_heap(Ram_allocator &, Local::Constrained_region_map &);

	void *stub_alloc(size_t) override;
	void free(void *, size_t) override;
};

} // namespace Genode

#endif
